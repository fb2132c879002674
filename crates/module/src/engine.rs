//! What the module does with a command. No input or output: a command and a reply are values here.
//!
//! Nothing outlives the answer but opened keys in the cache: plaintext and derived keys are wiped once the reply is written.

use crate::algorithms::symmetric::{self, BACKING_KEY, DERIVED};
use crate::algorithms::{random, signing_key};
use crate::cache::Cache;
use crate::domain::Domain;
use crate::memory::Secret;
use keys::{KeyOrigin, KeySpec, KeyUsage};
use module_api::blob::{Blob, Header};
use module_api::{
    Binding, Bytes, CanonicalContext, Command, CredentialBinding, Key, MAX_MESSAGE, MAX_RANDOM,
    MAX_SEALED_MESSAGE, NewKey, Refusal, Reply, wipe,
};
use std::fmt;
use std::sync::Arc;

/// Carries out one command after another.
pub struct Engine {
    domain: Arc<Domain>,
    opened: Cache,
    derived: Secret,
    plaintext: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Engine {
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
            Command::CreateAccessKeySecret { binding } => self.create_access_key_secret(binding),
            Command::Decrypt { key, context, blob } => {
                self.decrypt(key, *context, blob).map(|this| this.plain())
            }
            Command::DeriveSigningKey { token, binding, date, region, service } => {
                let secret = self.domain.open_credential(token.0, binding)?;
                let key = signing_key::derive(&secret, date, region, service, self.domain.arena())?;
                self.plaintext.extend_from_slice(key.bytes());
                Ok(Reply::SigningKey(Bytes(&self.plaintext)))
            }
            Command::Encrypt { key, context, plaintext } => {
                self.encrypt(key, *context, Some(plaintext.0))?;
                Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
            }
            Command::GenerateDataKey { key, context, number_of_bytes } => {
                self.generate_data_key(key, *context, *number_of_bytes)?;
                Ok(Reply::DataKey { plaintext: Bytes(&self.plaintext), ciphertext: Bytes(&self.ciphertext) })
            }
            Command::GenerateDataKeyWithoutPlaintext { key, context, number_of_bytes } => {
                self.generate_data_key(key, *context, *number_of_bytes)?;
                Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
            }
            Command::GenerateKey { key } => self.generate_key(key),
            Command::GenerateRandom { number_of_bytes } => {
                self.randomise(*number_of_bytes)?;
                Ok(Reply::Random(Bytes(&self.plaintext)))
            }
            Command::OpenMessage { purpose, bytes } => {
                self.domain.open_message(*purpose, bytes.0, &mut self.plaintext)?;
                Ok(self.plain())
            }
            Command::ReEncrypt { source, source_context, blob, destination, destination_context } => {
                self.decrypt(source, *source_context, blob)?.encrypt(
                    destination,
                    *destination_context,
                    None,
                )?;
                Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
            }
            Command::SealMessage { purpose, bytes } => {
                self.ciphertext.extend(self.domain.seal_message(*purpose, bytes.0)?);
                Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
            }
            Command::Status => Ok(Reply::Status { domain_key_id: *self.domain.id() }),
        }
    }

    fn create_access_key_secret(&mut self, binding: &CredentialBinding) -> Result<Reply<'_>, Refusal> {
        let secret = signing_key::generate(self.domain.arena())?;
        self.ciphertext.extend(self.domain.seal_credential(&secret, binding)?);
        self.plaintext.extend_from_slice(secret.bytes());
        Ok(Reply::AccessKeySecret { secret: Bytes(&self.plaintext), token: Bytes(&self.ciphertext) })
    }

    fn generate_key(&mut self, key: &NewKey) -> Result<Reply<'_>, Refusal> {
        check_supported(key.spec, key.usage)?;
        if key.origin != KeyOrigin::AwsKms {
            return Err(Refusal::Unsupported);
        }
        let mut backing_key = self.domain.arena().secret(BACKING_KEY).map_err(|_| Refusal::Failed)?;
        random::fill(backing_key.bytes_mut())?;
        let material_id = symmetric::material_id(&backing_key, &key.key_id)?;
        let token = self.domain.seal_key(&backing_key, &key.with_material(material_id))?;
        self.ciphertext.extend(token);
        Ok(Reply::Key { token: Bytes(&self.ciphertext), material_id })
    }

    fn generate_data_key(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        length: u16,
    ) -> Result<(), Refusal> {
        self.randomise(length)?;
        self.encrypt(key, context, None)
    }

    fn randomise(&mut self, length: u16) -> Result<(), Refusal> {
        match usize::from(length) {
            0 => Err(Refusal::Malformed),
            length @ 1..=MAX_RANDOM => {
                self.plaintext.resize(length, 0);
                random::fill(&mut self.plaintext)
            }
            _ => Err(Refusal::TooLarge),
        }
    }

    /// Encrypts the plaintext given, or else the one at hand.
    fn encrypt(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        plaintext: Option<&[u8]>,
    ) -> Result<(), Refusal> {
        let Binding { account, key_id, material_id, .. } = *key.binding;
        let header = Header { account, key_id, material_id };
        let Self { domain, opened, derived, plaintext: at_hand, ciphertext } = self;
        let backing_key = open(domain, opened, key)?;
        let plaintext = plaintext.unwrap_or(at_hand);
        symmetric::encrypt(backing_key, &header, context, &random::array()?, plaintext, derived, ciphertext)
    }

    fn decrypt(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        blob: &Bytes<'_>,
    ) -> Result<&mut Self, Refusal> {
        let blob = Blob::parse(blob.0).map_err(|_| Refusal::InvalidCiphertext)?;
        let backing_key = open(&self.domain, &mut self.opened, key)?;
        let Binding { account, key_id, material_id, .. } = *key.binding;
        if blob.header != (Header { account, key_id, material_id }) {
            return Err(Refusal::InvalidCiphertext);
        }
        symmetric::decrypt(backing_key, &blob, context, &mut self.derived, &mut self.plaintext)?;
        Ok(self)
    }

    fn plain(&self) -> Reply<'_> {
        Reply::Plaintext(Bytes(&self.plaintext))
    }

    fn forget(&mut self) {
        wipe(&mut self.plaintext);
        self.plaintext.clear();
        wipe(&mut self.ciphertext);
        self.ciphertext.clear();
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

/// The backing key in a token, from the cache or opened now.
fn open<'a>(domain: &Domain, opened: &'a mut Cache, key: &Key<'_>) -> Result<&'a Secret, Refusal> {
    let binding = &*key.binding;
    check_supported(binding.spec, binding.usage)?;
    let place = match opened.find(key.token.0) {
        Some(place) => place,
        None => {
            opened.make_room();
            let backing_key = domain.open_key(key.token.0, binding)?;
            opened.insert(key.token.0, binding.clone(), backing_key)
        }
    };
    opened.key(place, binding).ok_or(Refusal::TokenRefused)
}

fn check_supported(spec: KeySpec, usage: KeyUsage) -> Result<(), Refusal> {
    match (spec, usage) {
        (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt) => Ok(()),
        _ => Err(Refusal::Unsupported),
    }
}

/// Places of the arena for what an engine works on: derived keys, a key being made or opened, the steps of a signing key.
const PLACES_AT_WORK: usize = 8;
