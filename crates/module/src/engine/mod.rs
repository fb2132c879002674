//! What the module does with a command. No input or output: a command and a reply are values here.
//!
//! Nothing outlives the answer but opened keys in the cache: plaintext and derived keys are wiped once the reply is written.

mod agreement;
mod backing_keys;
mod credentials;
mod encryption;
mod import;
mod macs;
mod messages;
mod pairs;
mod rebind;
mod signing;

use crate::algorithms::symmetric::DERIVED;
use crate::algorithms::{OpenedKey, envelope};
use crate::cache::Cache;
use crate::domain::Domain;
use crate::memory::Secret;
use frames::wipe;
use keys::KeyUsage;
use module_api::{Bytes, Command, Key, MAX_MESSAGE, MAX_SEALED_MESSAGE, Recipient, Refusal, Reply};
use std::fmt;
use std::sync::Arc;

/// Carries out one command after another.
pub struct Engine {
    domain: Arc<Domain>,
    opened: Cache,
    derived: Secret,
    plaintext: Vec<u8>,
    ciphertext: Vec<u8>,
    public_key: Vec<u8>,
}

impl Engine {
    /// How many long places of the arena an engine takes at most: of private keys that are being parsed, wrapped or unwrapped.
    pub const LONG_PLACES: usize = 3;

    /// How many places of the arena an engine takes at most, when it keeps so many keys open.
    #[must_use]
    pub const fn places(cached_keys: usize) -> usize {
        cached_keys.saturating_add(PLACES_AT_WORK)
    }

    /// An engine over that domain that keeps at most so many keys open.
    pub fn new(domain: Arc<Domain>, cached_keys: usize) -> Result<Self, Refusal> {
        let derived = domain.arena().secret(DERIVED).map_err(|_| Refusal::Failed)?;
        Ok(Self {
            domain,
            opened: Cache::new(cached_keys),
            derived,
            // INVARIANT: nothing put in these is longer, so they never grow and leave bytes behind.
            plaintext: Vec::with_capacity(MAX_MESSAGE),
            ciphertext: Vec::with_capacity(MAX_SEALED_MESSAGE),
            public_key: Vec::new(),
        })
    }

    /// Carries the command out, hands the reply to `give`, and forgets it.
    pub fn answer<T>(&mut self, command: &Command<'_>, give: impl FnOnce(&Reply<'_>) -> T) -> T {
        let given = match self.carry_out(command) {
            Ok(reply) => give(&reply),
            Err(refusal) => give(&Reply::Refused(refusal)),
        };
        self.forget();
        given
    }

    fn carry_out(&mut self, command: &Command<'_>) -> Result<Reply<'_>, Refusal> {
        match command {
            Command::BeginImport { key, algorithm, spec, valid_to } => {
                self.begin_import(key, *algorithm, *spec, *valid_to)
            }
            Command::CreateAccessKeySecret { binding } => self.create_access_key_secret(binding),
            Command::Decapsulate { key, ciphertext } => self.decapsulate(key, ciphertext.0),
            Command::Decrypt { key, algorithm, context, blob, recipient } => {
                self.decrypt(key, *algorithm, *context, blob.0)?;
                self.give_to(*recipient)?;
                Ok(Reply::Plaintext(Bytes(&self.plaintext)))
            }
            Command::DeriveSharedSecret { key, public_key, recipient } => {
                self.derive_shared_secret(key, public_key.0, *recipient)
            }
            Command::DeriveSigningKey { token, binding, date, region, service } => {
                self.derive_signing_key(token.0, binding, date, region, service)
            }
            Command::Encapsulate { key } => self.encapsulate(key),
            Command::Encrypt { key, algorithm, context, plaintext } => {
                self.encrypt(key, *algorithm, *context, Some(plaintext.0))?;
                Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
            }
            Command::GenerateDataKey { key, context, number_of_bytes, recipient } => {
                self.generate_data_key(key, *context, *number_of_bytes)?;
                self.give_to(*recipient)?;
                Ok(Reply::DataKey { plaintext: Bytes(&self.plaintext), ciphertext: Bytes(&self.ciphertext) })
            }
            Command::GenerateDataKeyPair { key, context, spec, recipient } => {
                self.generate_data_key_pair(key, *context, *spec, *recipient)
            }
            Command::GenerateDataKeyPairWithoutPlaintext { key, context, spec } => {
                self.generate_data_key_pair_without_plaintext(key, *context, *spec)
            }
            Command::GenerateDataKeyWithoutPlaintext { key, context, number_of_bytes } => {
                self.generate_data_key(key, *context, *number_of_bytes)?;
                Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
            }
            Command::GenerateKey { key } => self.generate_key(key),
            Command::GenerateMac { key, algorithm, message } => self.generate_mac(key, *algorithm, message.0),
            Command::GenerateRandom { number_of_bytes, recipient } => {
                self.randomise(*number_of_bytes)?;
                self.give_to(*recipient)?;
                Ok(Reply::Random(Bytes(&self.plaintext)))
            }
            Command::Import { key, token, material } => self.import(key, token.0, material.0),
            Command::OpenMessage { purpose, bytes } => self.open_message(*purpose, bytes.0),
            Command::PublicKey { key } => self.public_key(key),
            Command::ReEncrypt {
                source,
                source_algorithm,
                source_context,
                blob,
                destination,
                destination_algorithm,
                destination_context,
            } => {
                self.decrypt(source, *source_algorithm, *source_context, blob.0)?;
                self.encrypt(destination, *destination_algorithm, *destination_context, None)?;
                Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
            }
            Command::Rebind { key, region } => self.rebind(key, region),
            Command::SealMessage { purpose, bytes } => self.seal_message(*purpose, bytes.0),
            Command::Sign { key, algorithm, message_type, message } => {
                self.sign(key, *algorithm, *message_type, message.0)
            }
            Command::Status => Ok(Reply::Status { domain_key_id: *self.domain.id() }),
            Command::Verify { key, algorithm, message_type, message, signature } => {
                self.verify(key, *algorithm, *message_type, message.0, signature.0)
            }
            Command::VerifyMac { key, algorithm, message, mac } => {
                self.verify_mac(key, *algorithm, message.0, mac.0)
            }
        }
    }

    /// Puts the plaintext at hand into an envelope for the recipient, if there is one.
    fn give_to(&mut self, recipient: Option<Recipient<'_>>) -> Result<(), Refusal> {
        recipient.map_or(Ok(()), |Recipient(public_key)| envelope::seal(public_key.0, &mut self.plaintext))
    }

    fn forget(&mut self) {
        wipe(&mut self.plaintext);
        self.plaintext.clear();
        wipe(&mut self.ciphertext);
        self.ciphertext.clear();
        self.public_key.clear();
        wipe(self.derived.bytes_mut());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.forget();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// The backing key in a token, from the cache or opened now, if its usage is that.
fn open<'a>(
    domain: &Domain,
    opened: &'a mut Cache,
    key: &Key<'_>,
    usage: KeyUsage,
) -> Result<&'a OpenedKey, Refusal> {
    let binding = &*key.binding;
    if binding.usage != usage || !binding.spec.usages().contains(&usage) {
        return Err(Refusal::Unsupported);
    }
    let place = match opened.find(key.token.0) {
        Some(place) => place,
        None => {
            opened.make_room(1);
            let material = domain.open_key(key.token.0, binding)?;
            opened.insert(
                key.token.0,
                binding.clone(),
                OpenedKey::new(binding.spec, binding.usage, material)?,
            )
        }
    };
    opened.key(place, binding).ok_or(Refusal::TokenRefused)
}

/// Places of the arena for what an engine works on: derived keys, a key being made or opened, the steps of a signing key.
const PLACES_AT_WORK: usize = 8;
