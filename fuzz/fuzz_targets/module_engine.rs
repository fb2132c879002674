//! No command may make the engine panic, and no blob, token or sealed message that the engine did not make may be taken for
//! genuine.
#![no_main]

use keys::{KeyId, KeyOrigin, KeySpec, KeyUsage};
use libfuzzer_sys::fuzz_target;
use module::{Arena, Domain, Engine};
use module_api::frame::decode;
use module_api::{Binding, Bytes, Command, EncryptionContext, Key, KeyToken, MessagePurpose, NewKey, Reply};
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static MADE: RefCell<Made> = RefCell::new(Made::new());
}

fuzz_target!(|bytes: &[u8]| {
    MADE.with_borrow_mut(|made| {
        if let Ok(command) = decode::<Command<'_>>(bytes) {
            made.engine.answer(&command, |reply| drop(format!("{reply:?}")));
        }
        made.refuses_as_blob(bytes);
        made.refuses_as_token(bytes);
        made.refuses_as_message(bytes);
        made.seals_as_message(bytes);
    });
});

struct Made {
    engine: Engine,
    token: KeyToken,
    binding: Binding,
    context: EncryptionContext,
}

impl Made {
    fn new() -> Self {
        let arena = Arena::new(Engine::places(2) + 8).expect("locked memory");
        let mut key = arena.secret(32).expect("a place");
        key.bytes_mut().fill(7);
        let mut engine = Engine::new(Arc::new(Domain::with_key(key).expect("a domain")), 2).expect("an engine");
        let new = NewKey {
            account: "123456789012".parse().expect("an account"),
            region: "eu-central-1".parse().expect("a region"),
            key_id: KeyId::single_region([1; 16]),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: KeyOrigin::AwsKms,
        };
        let command = Command::GenerateKey { key: Cow::Borrowed(&new) };
        let (token, binding) = engine.answer(&command, |reply| match reply {
            Reply::Key { token, material_id } => (KeyToken::from_bytes(token.0), new.with_material(*material_id)),
            other => panic!("{other:?}"),
        });
        Self { engine, token, binding, context: EncryptionContext::default() }
    }

    /// With the right header in front, so that the fuzzer need not guess it.
    fn refuses_as_blob(&mut self, bytes: &[u8]) {
        let Binding { account, key_id, material_id, .. } = self.binding;
        let header = module_api::blob::Header { account, key_id, material_id }.encode();
        for blob in [bytes, &[&header, bytes].concat()] {
            let key = Key::new(&self.token, &self.binding);
            let command = Command::Decrypt { key, context: self.context.canonical(), blob: Bytes(blob) };
            self.engine.answer(&command, |reply| assert!(matches!(reply, Reply::Refused(_)), "a blob was forged"));
        }
    }

    /// With the header of each purpose in front, too.
    fn refuses_as_message(&mut self, bytes: &[u8]) {
        for purpose in MessagePurpose::ALL {
            let sealed = self.seal(purpose, &[]).expect("a message without bytes");
            let header = sealed.get(..18).expect("a header");
            for forged in [bytes, &[header, bytes].concat()] {
                if forged != sealed {
                    assert!(self.open(purpose, forged).is_none(), "a message was forged");
                }
            }
        }
    }

    /// It comes back for its purpose and for no other.
    fn seals_as_message(&mut self, bytes: &[u8]) {
        for purpose in MessagePurpose::ALL {
            let Some(sealed) = self.seal(purpose, bytes) else { continue };
            for other in MessagePurpose::ALL {
                let opened = self.open(other, &sealed);
                assert_eq!(opened.as_deref(), (other == purpose).then_some(bytes));
            }
        }
    }

    fn seal(&mut self, purpose: MessagePurpose, message: &[u8]) -> Option<Vec<u8>> {
        self.engine.answer(&Command::SealMessage { purpose, bytes: Bytes(message) }, |reply| match reply {
            Reply::Ciphertext(sealed) => Some(sealed.0.to_vec()),
            _ => None,
        })
    }

    fn open(&mut self, purpose: MessagePurpose, sealed: &[u8]) -> Option<Vec<u8>> {
        self.engine.answer(&Command::OpenMessage { purpose, bytes: Bytes(sealed) }, |reply| match reply {
            Reply::Plaintext(message) => Some(message.0.to_vec()),
            _ => None,
        })
    }

    fn refuses_as_token(&mut self, bytes: &[u8]) {
        let token = KeyToken::from_bytes(bytes);
        let command = Command::Encrypt {
            key: Key::new(&token, &self.binding),
            context: self.context.canonical(),
            plaintext: Bytes(b"text"),
        };
        self.engine.answer(&command, |reply| assert!(matches!(reply, Reply::Refused(_)), "a token was forged"));
    }
}
