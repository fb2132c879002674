//! Cryptography with keys: encrypt, decrypt, data keys, random bytes.

mod decrypt;
mod encrypt;
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod generate_random;
mod re_encrypt;

pub use decrypt::Decrypt;
pub use encrypt::Encrypt;
pub use generate_data_key::GenerateDataKey;
pub use generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext;
pub use generate_random::GenerateRandom;
pub use re_encrypt::ReEncrypt;

use crate::Fact;
use crate::kms::{Backing, context_facts};
use crate::operation::{Failure, Named, NamedKey};
use crate::pipeline::{Located, Naming, Scene};
use access::ConditionKey;
use keys::{DataKeySpec, EncryptionAlgorithm, KeyUsage};
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
fn backing_that_made(header: &Header, named: &NamedKey) -> Result<Backing, Fault> {
    let material = named.key.material(&header.material_id);
    material.map(|material| Backing::of(&named.key, material)).ok_or_else(invalid_ciphertext)
}

fn header(blob: &CiphertextBlob) -> Result<Header, Fault> {
    Header::parse(blob.as_bytes()).map_err(|_| invalid_ciphertext())
}

const fn invalid_ciphertext() -> Fault {
    Fault::bare(FaultKind::InvalidCiphertext)
}

/// Refuses a ciphertext that another key made than the one that the caller named.
fn check_is_of(header: &Header, named: &NamedKey) -> Result<(), Fault> {
    if header.key_id == named.key.id && header.account == named.key.account {
        return Ok(());
    }
    Err(Fault::new(FaultKind::IncorrectKey, INCORRECT_KEY))
}

/// Refuses a key that is not for encryption, or not with that algorithm.
fn check_encrypts(named: &NamedKey, algorithm: EncryptionAlgorithm, operation: &str) -> Result<(), Fault> {
    let (usage, spec) = (named.key.usage, named.key.spec);
    let message = if usage != KeyUsage::EncryptDecrypt {
        format!("{} key usage is {usage} which is not valid for {operation}.", named.arn)
    } else if !spec.encryption_algorithms().contains(&algorithm) {
        format!("Algorithm {algorithm} is incompatible with key spec {spec}.")
    } else {
        return Ok(());
    };
    Err(Fault::new(FaultKind::InvalidKeyUsage, message))
}

/// What conditions may look at in a request to encrypt or decrypt.
fn encryption_facts(algorithm: EncryptionAlgorithm, context: Option<&EncryptionContext>) -> Vec<Fact<'_>> {
    let algorithm = Fact::text(ConditionKey::KmsEncryptionAlgorithm, algorithm.name());
    std::iter::once(algorithm)
        .chain(context.into_iter().flat_map(|context| context_facts(&context.0)))
        .collect()
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
