//! Cryptography with keys: encryption, signatures, MACs, shared secrets, data keys and pairs of them, random bytes.

mod decapsulate;
mod decrypt;
mod derive_shared_secret;
mod encapsulate;
mod encrypt;
mod fit;
mod generate_data_key;
mod generate_data_key_pair;
mod generate_data_key_pair_without_plaintext;
mod generate_data_key_without_plaintext;
mod generate_mac;
mod generate_random;
mod get_public_key;
mod re_encrypt;
mod sign;
mod verify;
mod verify_mac;

pub use decapsulate::Decapsulate;
pub use decrypt::Decrypt;
pub use derive_shared_secret::DeriveSharedSecret;
pub use encapsulate::Encapsulate;
pub use encrypt::Encrypt;
pub use generate_data_key::GenerateDataKey;
pub use generate_data_key_pair::GenerateDataKeyPair;
pub use generate_data_key_pair_without_plaintext::GenerateDataKeyPairWithoutPlaintext;
pub use generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext;
pub use generate_mac::GenerateMac;
pub use generate_random::GenerateRandom;
pub use get_public_key::GetPublicKey;
pub use re_encrypt::ReEncrypt;
pub use sign::Sign;
pub use verify::Verify;
pub use verify_mac::VerifyMac;

use crate::Fact;
use crate::kms::{Backing, context_facts};
use crate::operation::{Failure, Named, NamedKey, Outcome};
use crate::pipeline::{Located, Naming, Scene};
use access::ConditionKey;
use keys::{DataKeyPairSpec, DataKeySpec, EncryptionAlgorithm, KeyMaterialId, MessageType, SigningAlgorithm};
use module_api::blob::Header;
use wire::arn::{KeyArn, KeyReference};
use wire::member::{CiphertextBlob, DryRunModifiers, EncryptionContext, KeyIdText, NumberOfBytes};
use wire::{Fault, FaultKind, Path, Violations};

impl Scene<'_> {
    /// Where the key is that a request names beside a ciphertext. A bare id may be that of another account's key: of the one
    /// that the ciphertext says made it.
    async fn locate_beside(
        &self,
        text: &KeyIdText,
        blob: Option<&CiphertextBlob>,
    ) -> Result<Located, Failure> {
        let header = blob.and_then(|blob| header(blob).ok());
        match (text.as_str().parse(), header) {
            (Ok(KeyReference::Id(id)), Some(header)) if id == header.key_id => {
                let arn = KeyArn { account: header.account, ..self.own_key_arn(id) };
                Ok(Located { arn, named: Named::default() })
            }
            _ => self.locate(text, Naming::Any).await,
        }
    }

    /// Where the key is that a ciphertext names.
    fn locate_ciphertext(&self, header: &Header) -> Located {
        let arn = KeyArn { account: header.account, ..self.own_key_arn(header.key_id) };
        Located { arn, named: Named { by_ciphertext: true, ..Named::default() } }
    }
}

/// The backing key that a ciphertext was made with. One that the key never had means that the ciphertext is forged.
fn backing_that_made<'n>(
    blob: &CiphertextBlob,
    algorithm: EncryptionAlgorithm,
    named: &'n NamedKey,
) -> Result<Backing<'n>, Failure> {
    if algorithm != EncryptionAlgorithm::SymmetricDefault {
        return Backing::current(&named.key);
    }
    let material = named.key.material(&header(blob)?.material_id).ok_or_else(invalid_ciphertext)?;
    Ok(Backing::of(&named.key, material))
}

fn header(blob: &CiphertextBlob) -> Result<Header, Fault> {
    keystores::blob::header(blob.as_bytes()).map_err(|_| invalid_ciphertext())
}

const fn invalid_ciphertext() -> Fault {
    Fault::bare(FaultKind::InvalidCiphertext)
}

/// Refuses a ciphertext that another key made than the one that the caller named. An asymmetric one does not say which made it.
fn check_is_of(
    blob: Option<&CiphertextBlob>,
    algorithm: EncryptionAlgorithm,
    named: &NamedKey,
) -> Result<(), Fault> {
    let symmetric = blob.filter(|_| algorithm == EncryptionAlgorithm::SymmetricDefault);
    let Some(header) = symmetric.map(header).transpose()? else { return Ok(()) };
    if header.key_id == named.key.id && header.account == named.key.account {
        return Ok(());
    }
    Err(Fault::new(FaultKind::IncorrectKey, INCORRECT_KEY))
}

/// The id of the backing key that was used, which is told of symmetric encryption keys only.
fn told_material(backing: &Backing<'_>, algorithm: EncryptionAlgorithm) -> Option<KeyMaterialId> {
    backing.told().filter(|_| algorithm == EncryptionAlgorithm::SymmetricDefault)
}

/// An answer, and for the record the backing key that was used, if it is one of a symmetric encryption key.
fn outcome<T>(answer: T, backing: &Backing<'_>, algorithm: EncryptionAlgorithm) -> Outcome<T> {
    if algorithm == EncryptionAlgorithm::SymmetricDefault {
        return Outcome::of(answer).with_additional(backing.event_data());
    }
    Outcome::of(answer)
}

/// What conditions may look at in a request to encrypt or decrypt. A context that the algorithm cannot bind meets none.
fn encryption_facts(algorithm: EncryptionAlgorithm, context: Option<&EncryptionContext>) -> Vec<Fact<'_>> {
    let context = context.filter(|_| algorithm == EncryptionAlgorithm::SymmetricDefault);
    std::iter::once(Fact::text(ConditionKey::KmsEncryptionAlgorithm, algorithm.name()))
        .chain(context.into_iter().flat_map(|context| context_facts(&context.0)))
        .collect()
}

/// What conditions may look at in a request for a data key pair.
fn pair_facts(spec: DataKeyPairSpec, context: Option<&EncryptionContext>) -> Vec<Fact<'_>> {
    let mut facts = encryption_facts(EncryptionAlgorithm::SymmetricDefault, context);
    facts.push(Fact::text(ConditionKey::KmsDataKeyPairSpec, spec.name()));
    facts
}

/// What conditions may look at in a request about a signature.
fn signing_facts<'a>(algorithm: SigningAlgorithm, message_type: MessageType) -> Vec<Fact<'a>> {
    vec![
        Fact::text(ConditionKey::KmsSigningAlgorithm, algorithm.name()),
        Fact::text(ConditionKey::KmsMessageType, message_type.name()),
    ]
}

/// The context in the module's form.
fn canonical(context: Option<&EncryptionContext>) -> module_api::EncryptionContext {
    context.into_iter().flat_map(|context| &context.0).collect()
}

/// Refuses a context that is larger than any key store takes.
//= xks: additionalAuthenticatedData is at most 8192 bytes
fn check_context(context: Option<&EncryptionContext>) -> Result<(), Fault> {
    let pairs = context.into_iter().flat_map(|context| &context.0);
    let bytes =
        pairs.map(|(key, value)| key.len().saturating_add(value.len())).fold(0, usize::saturating_add);
    if bytes <= MOST_CONTEXT_BYTES {
        return Ok(());
    }
    let message = format!("The encryption context is larger than {MOST_CONTEXT_BYTES} bytes.");
    Err(Fault::new(FaultKind::Validation, message))
}

/// How many bytes a data key has: said in one of two ways, not in both or none.
fn data_key_length(spec: Option<DataKeySpec>, number: Option<NumberOfBytes>) -> Result<u16, Fault> {
    match (spec, number) {
        (Some(spec), None) => Ok(spec.bytes()),
        (None, Some(number)) => Ok(number.value()),
        _ => Err(Fault::new(FaultKind::Validation, "Please specify either number of bytes or key spec.")),
    }
}

/// Refuses a pair of a kind that is not made here.
fn check_pair_spec(spec: DataKeyPairSpec) -> Result<(), Fault> {
    if spec.key_spec().is_offered() {
        return Ok(());
    }
    Err(Fault::new(FaultKind::UnsupportedOperation, format!("KeyPairSpec {spec} is not supported.")))
}

/// Refuses a call that names no key beside a ciphertext that does not say which key made it.
fn check_key_given(
    algorithm: EncryptionAlgorithm,
    key: Option<&KeyIdText>,
    member: &'static str,
) -> Result<(), Fault> {
    if algorithm == EncryptionAlgorithm::SymmetricDefault || key.is_some() {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Validation, format!("{member} is required with the algorithm {algorithm}.")))
}

/// Refuses a call without ciphertext, unless it is a dry run that passes over it and names the key.
fn check_ciphertext_given(
    blob: Option<&CiphertextBlob>,
    modifiers: Option<&DryRunModifiers>,
    is_dry_run: bool,
    key: Option<&KeyIdText>,
) -> Result<(), Fault> {
    let passes_over = modifiers.is_some_and(|modifiers| !modifiers.0.is_empty());
    if passes_over && !is_dry_run {
        return Err(Fault::new(FaultKind::Validation, "DryRunModifiers can only be used with DryRun."));
    }
    if passes_over && key.is_none() {
        return Err(Fault::new(FaultKind::Validation, "A key id is required to ignore the ciphertext."));
    }
    if blob.is_some() || passes_over {
        return Ok(());
    }
    let mut violations = Violations::default();
    violations.missing(&Path::ROOT.member("CiphertextBlob"));
    violations.into_fault().map_or(Ok(()), Err)
}

const INCORRECT_KEY: &str =
    "The key ID in the request does not identify a CMK that can perform this operation.";
const MOST_CONTEXT_BYTES: usize = 8192;
