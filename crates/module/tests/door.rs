//! The contract of the door, kept by the engine in this process and by the module's own process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose module does not start or answer fails")]

mod contract;
#[path = "support/mod.rs"]
mod support;

use module::{Arena, Domain, Engine};
use module_api::{
    Bytes, CanonicalContext, Command, CredentialToken, EncryptionContext, Key, KeyToken, Reply,
};
use module_client::{CallError, ModuleClient};
use std::sync::Arc;

#[test]
fn the_engine_keeps_the_contract() {
    contract::holds(&mut Called(engine(16)));
}

#[test]
fn the_engine_keeps_the_contract_with_a_cache_that_forgets_at_once() {
    contract::holds(&mut Called(engine(1)));
}

#[tokio::test]
async fn the_process_keeps_the_contract() {
    let support::Process { client, supervisor, directory } = support::start();
    let suite = tokio::task::spawn_blocking(move || contract::holds(&mut Connected(client)));
    suite.await.unwrap();
    supervisor.stop();
    directory.close().unwrap();
}

#[test]
fn a_token_and_a_blob_of_one_domain_mean_nothing_in_another() {
    let (mut one, mut other) = (engine(4), engine(4));
    let new = module_api::NewKey {
        account: "123456789012".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        key_id: keys::KeyId::single_region([1; 16]),
        spec: keys::KeySpec::SymmetricDefault,
        usage: keys::KeyUsage::EncryptDecrypt,
        origin: keys::KeyOrigin::AwsKms,
    };
    let command = Command::GenerateKey { key: std::borrow::Cow::Borrowed(&new) };
    let (token, binding) = one.answer(&command, |reply| match reply {
        Reply::Key { token, material_id } => (KeyToken::from_bytes(token.0), new.with_material(*material_id)),
        other => panic!("{other:?}"),
    });
    let context = EncryptionContext::default();
    let encrypt = Command::Encrypt {
        key: Key::new(&token, &binding),
        context: context.canonical(),
        plaintext: Bytes(b"text"),
    };
    assert!(one.answer(&encrypt, |reply| matches!(reply, Reply::Ciphertext(_))));
    let refused = |reply: &Reply<'_>| matches!(reply, Reply::Refused(module_api::Refusal::TokenRefused));
    assert!(other.answer(&encrypt, refused));
}

fn engine(cached_keys: usize) -> Engine {
    let arena = Arena::new(Engine::places(cached_keys) + 8).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (seal, domain) = (directory.path().join("seal"), directory.path().join("domain"));
    let domain = Domain::load(&seal, &domain, true, &arena).unwrap();
    Engine::new(Arc::new(domain), cached_keys).unwrap()
}

struct Called(Engine);

impl contract::Door for Called {
    fn answer<T>(&mut self, command: &Command<'_>, give: impl FnOnce(&Reply<'_>) -> T) -> T {
        self.0.answer(command, give)
    }
}

struct Connected(ModuleClient);

impl contract::Door for Connected {
    fn answer<T>(&mut self, command: &Command<'_>, give: impl FnOnce(&Reply<'_>) -> T) -> T {
        tokio::runtime::Handle::current().block_on(async {
            match call(&self.0, command, give).await {
                Ok(given) => given,
                Err((CallError::Refused(refusal), give)) => give(&Reply::Refused(refusal)),
                Err((error, _)) => panic!("{error}"),
            }
        })
    }
}

/// Through the client's typed methods, one a command.
#[expect(clippy::cognitive_complexity, reason = "one plain line a command")]
async fn call<T, F: FnOnce(&Reply<'_>) -> T>(
    client: &ModuleClient,
    command: &Command<'_>,
    give: F,
) -> Result<T, (CallError, F)> {
    macro_rules! given {
        ($call:expr, $result:ident => $reply:expr) => {
            match $call.await {
                Ok($result) => Ok(give(&$reply)),
                Err(error) => Err((error, give)),
            }
        };
    }
    match command {
        Command::CreateAccessKeySecret { binding } => {
            given!(client.create_access_key_secret(binding), made =>
            Reply::AccessKeySecret { secret: Bytes(made.secret.as_bytes()), token: Bytes(made.token.as_bytes()) })
        }
        Command::Decrypt { key, context, blob } => {
            given!(client.decrypt(key.clone(), &owned(*context), blob.0), plain =>
            Reply::Plaintext(Bytes(&plain)))
        }
        Command::DeriveSigningKey { token, binding, date, region, service } => {
            let token = CredentialToken::from_bytes(token.0);
            given!(client.derive_signing_key(&token, binding, date, region, service), key =>
                Reply::SigningKey(Bytes(&*key)))
        }
        Command::Encrypt { key, context, plaintext } => {
            given!(client.encrypt(key.clone(), &owned(*context), plaintext.0), blob => Reply::Ciphertext(Bytes(&blob)))
        }
        Command::GenerateDataKey { key, context, number_of_bytes } => {
            given!(client.generate_data_key(key.clone(), &owned(*context), *number_of_bytes), made =>
                Reply::DataKey { plaintext: Bytes(&made.plaintext), ciphertext: Bytes(&made.ciphertext) })
        }
        Command::GenerateDataKeyWithoutPlaintext { key, context, number_of_bytes } => {
            let context = owned(*context);
            given!(client.generate_data_key_without_plaintext(key.clone(), &context, *number_of_bytes), blob =>
                Reply::Ciphertext(Bytes(&blob)))
        }
        Command::GenerateKey { key } => given!(client.generate_key(key), made =>
            Reply::Key { token: Bytes(made.token.as_bytes()), material_id: made.material_id }),
        Command::GenerateRandom { number_of_bytes } => {
            given!(client.generate_random(*number_of_bytes), random => Reply::Random(Bytes(&random)))
        }
        Command::OpenMessage { purpose, bytes } => {
            given!(client.open_message(*purpose, bytes.0), message => Reply::Plaintext(Bytes(&message)))
        }
        Command::ReEncrypt { source, source_context, blob, destination, destination_context } => {
            let (from, to) = (owned(*source_context), owned(*destination_context));
            given!(client.re_encrypt(source.clone(), &from, blob.0, destination.clone(), &to), blob =>
                Reply::Ciphertext(Bytes(&blob)))
        }
        Command::SealMessage { purpose, bytes } => {
            given!(client.seal_message(*purpose, bytes.0), sealed => Reply::Ciphertext(Bytes(&sealed)))
        }
        Command::Status => given!(client.status(), status =>
            Reply::Status { domain_key_id: status.domain_key_id }),
    }
}

/// The context again from its canonical form.
fn owned(context: CanonicalContext<'_>) -> EncryptionContext {
    let mut texts = Vec::new();
    let mut rest = context.as_bytes();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (text, behind) = behind.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
        texts.push(String::from_utf8(text.to_vec()).unwrap());
        rest = behind;
    }
    texts.chunks(2).map(|pair| (pair.first().unwrap(), pair.last().unwrap())).collect()
}
