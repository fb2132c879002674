//! Bodies of requests as a proxy reads them. What is not as the specification has it is refused, with a message that names the field and
//! never repeats a value.

use crate::{ErrorName, IV_LENGTHS, MOST_CIPHERTEXT_METADATA, Operation, RequestMetadata, TAG};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Why a body is refused: the error, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// `Validation`, or `UnsupportedOperation` for what is over a limit of this proxy.
    pub error: ErrorName,
    /// Printable ASCII, below 512 characters.
    pub message: String,
}

/// The body of Encrypt.
#[derive(Debug, PartialEq, Eq)]
pub struct EncryptRequest<'a> {
    /// Who asked KMS for what.
    pub metadata: RequestMetadata<'a>,
    /// What is to be encrypted.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// What the tag covers besides; may be empty.
    pub additional_data: Vec<u8>,
    /// Whether the caller wants `ciphertextDataIntegrityValue`.
    pub wants_integrity_value: bool,
}

impl<'a> EncryptRequest<'a> {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(body: &'a [u8], limits: Limits) -> Result<Self, Invalid> {
        let fields: Encrypt<'_> = json(body)?;
        let metadata = complete(fields.request_metadata, Operation::Encrypt)?;
        algorithm(fields.encryption_algorithm.as_deref())?;
        let wants_integrity_value = match fields.ciphertext_data_integrity_value_algorithm.as_deref() {
            None => false,
            Some("SHA_256") => true,
            Some(_) => return Err(invalid("ciphertextDataIntegrityValueAlgorithm is not SHA_256")),
        };
        Ok(Self {
            metadata,
            plaintext: Zeroizing::new(required(fields.plaintext, "plaintext", limits.plaintext)?),
            additional_data: additional_data(fields.additional_authenticated_data, limits)?,
            wants_integrity_value,
        })
    }
}

/// The body of Decrypt.
#[derive(Debug, PartialEq, Eq)]
pub struct DecryptRequest<'a> {
    /// Who asked KMS for what.
    pub metadata: RequestMetadata<'a>,
    /// What the tag covers besides; may be empty.
    pub additional_data: Vec<u8>,
    /// The ciphertext without the tag.
    pub ciphertext: Vec<u8>,
    /// What Encrypt told besides; 20 bytes at most, may be empty.
    pub ciphertext_metadata: Vec<u8>,
    /// 12 or 16 bytes.
    pub iv: Vec<u8>,
    /// The tag.
    pub tag: [u8; TAG],
}

impl<'a> DecryptRequest<'a> {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(body: &'a [u8], limits: Limits) -> Result<Self, Invalid> {
        let fields: Decrypt<'_> = json(body)?;
        let metadata = complete(fields.request_metadata, Operation::Decrypt)?;
        algorithm(fields.encryption_algorithm.as_deref())?;
        let ciphertext = required(fields.ciphertext, "ciphertext", limits.plaintext)?;
        let iv = required(fields.initialization_vector, "initializationVector", limits.plaintext)?;
        let tag = required(fields.authentication_tag, "authenticationTag", limits.plaintext)?;
        let ciphertext_metadata = optional(fields.ciphertext_metadata, "ciphertextMetadata")?;
        if !IV_LENGTHS.contains(&iv.len()) {
            return Err(invalid("initializationVector does not have 12 or 16 bytes"));
        }
        if ciphertext_metadata.len() > MOST_CIPHERTEXT_METADATA {
            return Err(invalid("ciphertextMetadata has more than 20 bytes"));
        }
        let tag = tag.try_into().map_err(|_| invalid("authenticationTag does not have 16 bytes"))?;
        let additional_data = additional_data(fields.additional_authenticated_data, limits)?;
        Ok(Self { metadata, additional_data, ciphertext, ciphertext_metadata, iv, tag })
    }
}

/// The body of GetKeyMetadata and of GetHealthStatus.
#[derive(Debug, PartialEq, Eq)]
pub struct PlainRequest<'a> {
    /// Who asked KMS for what.
    pub metadata: RequestMetadata<'a>,
}

impl<'a> PlainRequest<'a> {
    /// Reads a body of that call.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(body: &'a [u8], operation: Operation) -> Result<Self, Invalid> {
        let fields: Plain<'_> = json(body)?;
        Ok(Self { metadata: complete(fields.request_metadata, operation)? })
    }
}

/// What a proxy takes: at least what every proxy must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of plaintext or ciphertext.
    pub plaintext: usize,
    /// Bytes of additional authenticated data.
    pub additional_data: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encrypt<'a> {
    #[serde(borrow)]
    request_metadata: Option<RequestMetadata<'a>>,
    #[serde(borrow)]
    plaintext: Option<Cow<'a, str>>,
    #[serde(borrow)]
    encryption_algorithm: Option<Cow<'a, str>>,
    #[serde(borrow)]
    additional_authenticated_data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ciphertext_data_integrity_value_algorithm: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decrypt<'a> {
    #[serde(borrow)]
    request_metadata: Option<RequestMetadata<'a>>,
    #[serde(borrow)]
    additional_authenticated_data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    encryption_algorithm: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ciphertext: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ciphertext_metadata: Option<Cow<'a, str>>,
    #[serde(borrow)]
    initialization_vector: Option<Cow<'a, str>>,
    #[serde(borrow)]
    authentication_tag: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plain<'a> {
    #[serde(borrow)]
    request_metadata: Option<RequestMetadata<'a>>,
}

/// Without the library's own words, which may repeat a value.
fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Invalid> {
    serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_data() { "a field of another type, or one twice" } else { "no JSON" };
        invalid(format!("the body has {what} at line {} column {}", error.line(), error.column()))
    })
}

fn complete(
    metadata: Option<RequestMetadata<'_>>,
    operation: Operation,
) -> Result<RequestMetadata<'_>, Invalid> {
    let metadata = metadata.ok_or_else(|| missing("requestMetadata"))?;
    let is_about_a_use = matches!(operation, Operation::Decrypt | Operation::Encrypt);
    let is_about_health = operation == Operation::GetHealthStatus;
    let required = [
        (!is_about_health, &metadata.aws_principal_arn, "requestMetadata.awsPrincipalArn"),
        (is_about_a_use, &metadata.kms_key_arn, "requestMetadata.kmsKeyArn"),
        (true, &metadata.kms_operation, "requestMetadata.kmsOperation"),
        (true, &metadata.kms_request_id, "requestMetadata.kmsRequestId"),
    ];
    let lacking =
        required.iter().find(|(needed, value, _)| *needed && value.as_deref().is_none_or(str::is_empty));
    match lacking {
        Some((_, _, name)) => Err(missing(name)),
        None => Ok(metadata),
    }
}

fn algorithm(name: Option<&str>) -> Result<(), Invalid> {
    match name {
        Some("AES_GCM") => Ok(()),
        Some(_) => Err(invalid("encryptionAlgorithm is not AES_GCM")),
        None => Err(missing("encryptionAlgorithm")),
    }
}

fn additional_data(text: Option<Cow<'_, str>>, limits: Limits) -> Result<Vec<u8>, Invalid> {
    let name = "additionalAuthenticatedData";
    within(optional(text, name)?, name, limits.additional_data)
}

fn required(text: Option<Cow<'_, str>>, name: &str, most: usize) -> Result<Vec<u8>, Invalid> {
    let text = text.ok_or_else(|| missing(name))?;
    within(decoded(&text, name)?, name, most)
}

fn optional(text: Option<Cow<'_, str>>, name: &str) -> Result<Vec<u8>, Invalid> {
    text.map_or_else(|| Ok(Vec::new()), |text| decoded(&text, name))
}

fn decoded(text: &str, name: &str) -> Result<Vec<u8>, Invalid> {
    STANDARD
        .decode(text)
        .map_err(|_| invalid(format!("{name} is not Base64 of the standard alphabet with padding")))
}

fn within(bytes: Vec<u8>, name: &str, most: usize) -> Result<Vec<u8>, Invalid> {
    if bytes.len() <= most {
        return Ok(bytes);
    }
    let message = format!("{name} has more than the {most} bytes that this proxy takes");
    Err(Invalid { error: ErrorName::UnsupportedOperation, message })
}

fn missing(name: &str) -> Invalid {
    invalid(format!("{name} is missing"))
}

fn invalid(message: impl Into<String>) -> Invalid {
    Invalid { error: ErrorName::Validation, message: message.into() }
}
