//! No command may make the engine panic, and no blob, token or sealed message that the engine did not make may be taken for
//! genuine. No bytes may make a reader of key material or of public keys panic, or be taken for wrapped material.
#![no_main]

use frames::decode;
use keys::{
    EncryptionAlgorithm, KeyId, KeyOrigin, KeySpec, KeyUsage, Moment, WrappingAlgorithm, WrappingKeySpec,
};
use libfuzzer_sys::fuzz_target;
use module::algorithms::{KeyMaterial, envelope};
use module::{Arena, Domain, Engine};
use module_api::{
    Binding, Bytes, Command, EncryptionContext, ImportToken, Key, KeyToken, MessagePurpose, NewKey, Refusal,
    Reply,
};
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
        made.refuses_as_import_token(bytes);
        made.refuses_as_wrapped_material(bytes);
        made.reads_as_material(bytes);
        made.reads_as_recipient(bytes);
    });
});

struct Made {
    arena: Arc<Arena>,
    engine: Engine,
    external: NewKey,
    import_tokens: Vec<Vec<u8>>,
    token: KeyToken,
    binding: Binding,
    context: EncryptionContext,
}

impl Made {
    fn new() -> Self {
        let arena = Arena::new(Engine::places(2) + 8).expect("locked memory");
        let mut key = arena.secret(32).expect("a place");
        key.bytes_mut().fill(7);
        let mut engine =
            Engine::new(Arc::new(Domain::with_key(key).expect("a domain")), 2).expect("an engine");
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
            Reply::Key { token, material_id, .. } => {
                (KeyToken::from_bytes(token.0), new.with_material(*material_id))
            }
            other => panic!("{other:?}"),
        });
        let external = NewKey {
            spec: KeySpec::EccNistP256,
            usage: KeyUsage::SignVerify,
            origin: KeyOrigin::External,
            ..new
        };
        let import_tokens = external.spec.wrapping_algorithms().iter().map(|&algorithm| {
            let command = Command::BeginImport {
                key: Cow::Borrowed(&external),
                algorithm,
                spec: WrappingKeySpec::Rsa2048,
                valid_to: 0,
            };
            engine.answer(&command, |reply| match reply {
                Reply::ImportParameters { token, .. } => token.0.to_vec(),
                other => panic!("{other:?}"),
            })
        });
        let import_tokens = import_tokens.collect();
        Self { arena, engine, external, import_tokens, token, binding, context: EncryptionContext::default() }
    }

    /// With the right header in front, so that the fuzzer need not guess it.
    fn refuses_as_blob(&mut self, bytes: &[u8]) {
        let Binding { account, key_id, material_id, .. } = self.binding;
        let header = module_api::blob::Header { account, key_id, material_id }.encode();
        for blob in [bytes, &[&header, bytes].concat()] {
            let key = Key::new(&self.token, &self.binding);
            let (algorithm, context) = (EncryptionAlgorithm::SymmetricDefault, self.context.canonical());
            let command = Command::Decrypt { key, algorithm, context, blob: Bytes(blob), recipient: None };
            self.engine
                .answer(&command, |reply| assert!(matches!(reply, Reply::Refused(_)), "a blob was forged"));
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

    /// With the outside and the header of a real one in front, too.
    fn refuses_as_import_token(&mut self, bytes: &[u8]) {
        let outside = ImportToken {
            id: [7; 16],
            algorithm: WrappingAlgorithm::RsaesOaepSha256,
            spec: WrappingKeySpec::Rsa2048,
            valid_to: Moment::from_millis(0),
        };
        let header =
            self.import_tokens.first().and_then(|token| token.get(27..45)).expect("a header").to_vec();
        for forged in [bytes, &[&outside.encode(), header.as_slice(), bytes].concat()] {
            if !self.import_tokens.iter().any(|token| token == forged) {
                assert_eq!(
                    self.import(forged, &[7; 256]),
                    Some(Refusal::InvalidImportToken),
                    "a token was forged"
                );
            }
        }
    }

    /// Under one algorithm or another, which are slow. 256 bytes are what RSA of 2048 bits decrypts.
    fn refuses_as_wrapped_material(&mut self, bytes: &[u8]) {
        let token = self.import_tokens.iter().cycle().nth(bytes.len()).expect("a token").clone();
        let padded = [&[1; 256], bytes].concat();
        for wrapped in [bytes, &padded] {
            assert_eq!(self.import(&token, wrapped), Some(Refusal::InvalidCiphertext), "material was forged");
        }
    }

    fn import(&mut self, token: &[u8], material: &[u8]) -> Option<Refusal> {
        let key = Cow::Borrowed(&self.external);
        self.engine.answer(
            &Command::Import { key, token: Bytes(token), material: Bytes(material) },
            |reply| match reply {
                Reply::Refused(refusal) => Some(*refusal),
                _ => None,
            },
        )
    }

    /// What is taken as material of a spec has an id and a public key, and comes in again as it is told.
    fn reads_as_material(&mut self, bytes: &[u8]) {
        for &spec in KeySpec::ALL {
            let Ok(material) = KeyMaterial::import(spec, bytes, &self.arena) else { continue };
            let id = material.id(&self.binding.key_id).expect("an id");
            assert_eq!(material.public_key().expect("a public key").is_empty(), !spec.is_asymmetric());
            if spec.is_asymmetric() {
                let mut told = Vec::with_capacity(module::algorithms::LONGEST_PRIVATE_KEY);
                material.append_private_key(&mut told).expect("a private key");
                let again = KeyMaterial::import(spec, &told, &self.arena).expect("what was told");
                assert_eq!(again.id(&self.binding.key_id).expect("an id"), id);
            }
        }
    }

    /// What is taken as a public key gets an envelope.
    fn reads_as_recipient(&mut self, bytes: &[u8]) {
        let mut content = Vec::with_capacity(4096);
        content.extend_from_slice(b"content");
        match envelope::seal(bytes, &mut content) {
            Ok(()) => assert!(content.starts_with(b"\x30\x80")),
            Err(refusal) => assert_eq!(refusal, Refusal::InvalidPublicKey),
        }
    }

    fn refuses_as_token(&mut self, bytes: &[u8]) {
        let token = KeyToken::from_bytes(bytes);
        let command = Command::Encrypt {
            key: Key::new(&token, &self.binding),
            algorithm: EncryptionAlgorithm::SymmetricDefault,
            context: self.context.canonical(),
            plaintext: Bytes(b"text"),
        };
        self.engine
            .answer(&command, |reply| assert!(matches!(reply, Reply::Refused(_)), "a token was forged"));
    }
}
