//! The contract of the door, kept by the engine in this process and by the module's own process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose module does not start or answer fails")]

mod contract;
#[path = "support/mod.rs"]
mod support;

use keys::Moment;
use module::{Arena, Domain, Engine};
use module_api::{
    Bytes, CanonicalContext, Command, CredentialToken, EncryptionContext, Key, KeyToken, Recipient, Reply,
};
use module_client::{CallError, Closing, DataKeyPair, GeneratedKey, ModuleClient, Opening};
use std::sync::Arc;

#[test]
fn the_engine_keeps_the_contract() {
    contract::holds(&mut Called(engine(16)));
}

#[test]
fn the_engine_keeps_the_contract_with_a_cache_that_forgets_at_once() {
    contract::holds(&mut Called(engine(1)));
}

#[test]
fn the_engine_keeps_the_contract_of_all_algorithms() {
    contract::algorithms::hold(&mut Called(engine(256)));
}

#[test]
fn the_engine_keeps_the_contract_of_all_algorithms_with_a_cache_that_forgets_at_once() {
    contract::algorithms::hold(&mut Called(engine(1)));
}

#[tokio::test]
async fn the_process_keeps_the_contract_of_all_algorithms() {
    let support::Process { client, supervisor, directory } = support::start();
    let suite = tokio::task::spawn_blocking(move || contract::algorithms::hold(&mut Connected(client)));
    suite.await.unwrap();
    supervisor.stop();
    directory.close().unwrap();
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
        Reply::Key { token, material_id, .. } => {
            (KeyToken::from_bytes(token.0), new.with_material(*material_id))
        }
        other => panic!("{other:?}"),
    });
    let context = EncryptionContext::default();
    let encrypt = Command::Encrypt {
        key: Key::new(&token, &binding),
        algorithm: keys::EncryptionAlgorithm::SymmetricDefault,
        context: context.canonical(),
        plaintext: Bytes(b"text"),
    };
    assert!(one.answer(&encrypt, |reply| matches!(reply, Reply::Ciphertext(_))));
    let refused = |reply: &Reply<'_>| matches!(reply, Reply::Refused(module_api::Refusal::TokenRefused));
    assert!(other.answer(&encrypt, refused));
}

fn engine(cached_keys: usize) -> Engine {
    let arena = Arena::with_long(Engine::places(cached_keys) + 8, Engine::LONG_PLACES).unwrap();
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

/// Calls the client and gives what it returns as the reply that it was.
macro_rules! given {
    ($give:ident, $call:expr, $result:pat => $reply:expr) => {
        match $call.await {
            Ok($result) => Ok($give(&$reply)),
            Err(error) => Err((error, $give)),
        }
    };
}

/// Through the client's typed methods, one a command.
async fn call<T, F: FnOnce(&Reply<'_>) -> T>(
    client: &ModuleClient,
    command: &Command<'_>,
    give: F,
) -> Result<T, (CallError, F)> {
    match command {
        Command::CreateAccessKeySecret { binding } => {
            given!(give, client.create_access_key_secret(binding), made =>
            Reply::AccessKeySecret { secret: Bytes(made.secret.as_bytes()), token: Bytes(made.token.as_bytes()) })
        }
        Command::DeriveSigningKey { token, binding, date, region, service } => {
            let token = CredentialToken::from_bytes(token.0);
            given!(give, client.derive_signing_key(&token, binding, date, region, service), key =>
                Reply::SigningKey(Bytes(&*key)))
        }
        Command::GenerateKey { key } => given!(give, client.generate_key(key), made => key_reply(&made)),
        Command::Rebind { key, region } => {
            given!(give, client.rebind(key.clone(), *region), made => key_reply(&made))
        }
        Command::Import { key, token, material } => {
            given!(give, client.import(key, token.0, material.0), made => key_reply(&made))
        }
        Command::BeginImport { key, algorithm, spec, valid_to } => {
            let valid_to = Moment::from_millis(*valid_to);
            given!(give, client.begin_import(key, *algorithm, *spec, valid_to), made =>
                Reply::ImportParameters { token: Bytes(&made.token), public_key: Bytes(&made.public_key) })
        }
        Command::PublicKey { key } => {
            given!(give, client.public_key(key.clone()), der => Reply::PublicKey(Bytes(&der)))
        }
        Command::OpenMessage { purpose, bytes } => {
            given!(give, client.open_message(*purpose, bytes.0), message => Reply::Plaintext(Bytes(&message)))
        }
        Command::SealMessage { purpose, bytes } => {
            given!(give, client.seal_message(*purpose, bytes.0), sealed => Reply::Ciphertext(Bytes(&sealed)))
        }
        Command::Status => given!(give, client.status(), status =>
            Reply::Status { domain_key_id: status.domain_key_id }),
        of_a_key => call_of_a_key(client, of_a_key, give).await,
    }
}

fn key_reply(made: &GeneratedKey) -> Reply<'_> {
    let public_key = Bytes(made.public_key.as_deref().unwrap_or_default());
    Reply::Key { token: Bytes(made.token.as_bytes()), material_id: made.material_id, public_key }
}

async fn call_of_a_key<T, F: FnOnce(&Reply<'_>) -> T>(
    client: &ModuleClient,
    command: &Command<'_>,
    give: F,
) -> Result<T, (CallError, F)> {
    match command {
        Command::Decapsulate { key, ciphertext } => {
            given!(give, client.decapsulate(key.clone(), ciphertext.0), secret =>
                Reply::SharedSecret(Bytes(&secret)))
        }
        Command::DeriveSharedSecret { key, public_key, recipient } => {
            given!(give, client.derive_shared_secret(key.clone(), public_key.0, for_whom(recipient)), secret =>
                Reply::SharedSecret(Bytes(&secret)))
        }
        Command::Encapsulate { key } => given!(give, client.encapsulate(key.clone()), made =>
            Reply::Encapsulated { shared_secret: Bytes(&made.shared_secret), ciphertext: Bytes(&made.ciphertext) }),
        Command::GenerateMac { key, algorithm, message } => {
            given!(give, client.generate_mac(key.clone(), *algorithm, message.0), mac => Reply::Mac(Bytes(&mac)))
        }
        Command::VerifyMac { key, algorithm, message, mac } => {
            given!(give, client.verify_mac(key.clone(), *algorithm, message.0, mac.0), () => Reply::Verified)
        }
        Command::Sign { key, algorithm, message_type, message } => {
            given!(give, client.sign(key.clone(), *algorithm, *message_type, message.0), signature =>
                Reply::Signature(Bytes(&signature)))
        }
        Command::Verify { key, algorithm, message_type, message, signature } => {
            let signature = signature.0;
            given!(give, client.verify(key.clone(), *algorithm, *message_type, message.0, signature), () =>
                Reply::Verified)
        }
        encrypting => call_that_encrypts(client, encrypting, give).await,
    }
}

async fn call_that_encrypts<T, F: FnOnce(&Reply<'_>) -> T>(
    client: &ModuleClient,
    command: &Command<'_>,
    give: F,
) -> Result<T, (CallError, F)> {
    match command {
        Command::Decrypt { key, algorithm, context, blob, recipient } => {
            let (context, recipient) = (owned(*context), for_whom(recipient));
            given!(give, client.decrypt(key.clone(), *algorithm, &context, blob.0, recipient), plain =>
                Reply::Plaintext(Bytes(&plain)))
        }
        Command::Encrypt { key, algorithm, context, plaintext } => {
            let context = owned(*context);
            given!(give, client.encrypt(key.clone(), *algorithm, &context, plaintext.0), blob =>
                Reply::Ciphertext(Bytes(&blob)))
        }
        Command::GenerateDataKey { key, context, number_of_bytes, recipient } => {
            let (context, recipient) = (owned(*context), for_whom(recipient));
            given!(give, client.generate_data_key(key.clone(), &context, *number_of_bytes, recipient), made =>
                Reply::DataKey { plaintext: Bytes(&made.plaintext), ciphertext: Bytes(&made.ciphertext) })
        }
        Command::GenerateDataKeyPair { key, context, spec, recipient } => {
            let (context, recipient) = (owned(*context), for_whom(recipient));
            given!(give, client.generate_data_key_pair(key.clone(), &context, *spec, recipient), made =>
                pair_reply(&made))
        }
        Command::GenerateDataKeyPairWithoutPlaintext { key, context, spec } => {
            let context = owned(*context);
            given!(give, client.generate_data_key_pair_without_plaintext(key.clone(), &context, *spec), made =>
                pair_reply(&made))
        }
        Command::GenerateDataKeyWithoutPlaintext { key, context, number_of_bytes } => {
            let context = owned(*context);
            given!(give, client.generate_data_key_without_plaintext(key.clone(), &context, *number_of_bytes), blob =>
                Reply::Ciphertext(Bytes(&blob)))
        }
        Command::GenerateRandom { number_of_bytes, recipient } => {
            given!(give, client.generate_random(*number_of_bytes, for_whom(recipient)), random =>
                Reply::Random(Bytes(&random)))
        }
        Command::ReEncrypt {
            source,
            source_algorithm,
            source_context,
            blob,
            destination,
            destination_algorithm,
            destination_context,
        } => {
            let (from, to) = (owned(*source_context), owned(*destination_context));
            let opening =
                Opening { key: source.clone(), algorithm: *source_algorithm, context: &from, blob: blob.0 };
            let closing =
                Closing { key: destination.clone(), algorithm: *destination_algorithm, context: &to };
            given!(give, client.re_encrypt(opening, closing), blob => Reply::Ciphertext(Bytes(&blob)))
        }
        other => panic!("{other:?}"),
    }
}

fn pair_reply(made: &DataKeyPair) -> Reply<'_> {
    Reply::DataKeyPair {
        private_key: Bytes(&made.private_key),
        ciphertext: Bytes(&made.ciphertext),
        public_key: Bytes(&made.public_key),
    }
}

fn for_whom<'a>(recipient: &Option<Recipient<'a>>) -> Option<&'a [u8]> {
    recipient.map(|Recipient(public_key)| public_key.0)
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
