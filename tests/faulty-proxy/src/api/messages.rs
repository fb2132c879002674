//! The messages of the specification. A request is read leniently where the specification wants that: unknown fields pass,
//! and what must be there is checked by name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::operations::Success;
use crate::fault::ErrorName;
use crate::key_manager::Sealed;
use crate::setup::HealthReport;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    request_metadata: Option<RequestMetadata>,
    additional_authenticated_data: Option<String>,
    authentication_tag: Option<String>,
    ciphertext: Option<String>,
    ciphertext_data_integrity_value_algorithm: Option<String>,
    ciphertext_metadata: Option<String>,
    encryption_algorithm: Option<String>,
    initialization_vector: Option<String>,
    plaintext: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestMetadata {
    aws_principal_arn: Option<String>,
    kms_key_arn: Option<String>,
    kms_operation: Option<String>,
    kms_request_id: Option<String>,
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ErrorName> {
        serde_json::from_slice(body).map_err(|_| ErrorName::Validation)
    }

    /// What every call must say of itself.
    pub(crate) fn check_metadata(&self, principal: bool, key: bool) -> Result<(), ErrorName> {
        let metadata = self.request_metadata.as_ref().ok_or(ErrorName::Validation)?;
        let said = |field: &Option<String>| field.as_ref().is_some_and(|it| !it.is_empty());
        let arn =
            |field: &Option<String>| said(field) && field.as_ref().is_some_and(|it| it.len() <= ARN_LIMIT);
        let complete = said(&metadata.kms_operation)
            && said(&metadata.kms_request_id)
            && (!principal || arn(&metadata.aws_principal_arn))
            && (!key || arn(&metadata.kms_key_arn));
        complete.then_some(()).ok_or(ErrorName::Validation)
    }

    pub(crate) fn plaintext(&self) -> Result<Vec<u8>, ErrorName> {
        self.check_algorithm()?;
        required(self.plaintext.as_deref(), TEXT_LIMIT)
    }

    /// What is to be opened. Ciphertext, vector and tag each have their own length: no byte can move between them.
    pub(crate) fn sealed(&self) -> Result<Sealed, ErrorName> {
        self.check_algorithm()?;
        let sealed = Sealed {
            ciphertext: required(self.ciphertext.as_deref(), TEXT_LIMIT)?,
            vector: required(self.initialization_vector.as_deref(), TEXT_LIMIT)?,
            tag: required(self.authentication_tag.as_deref(), TEXT_LIMIT)?,
            metadata: optional(self.ciphertext_metadata.as_deref(), TEXT_LIMIT)?,
        };
        let right = matches!(sealed.vector.len(), 12 | 16) && sealed.tag.len() == 16;
        let fits = sealed.metadata.len() <= METADATA_LIMIT;
        (right && fits).then_some(sealed).ok_or(ErrorName::Validation)
    }

    pub(crate) fn aad(&self) -> Result<Vec<u8>, ErrorName> {
        optional(self.additional_authenticated_data.as_deref(), AAD_LIMIT)
    }

    pub(crate) fn wants_integrity_value(&self) -> Result<bool, ErrorName> {
        match self.ciphertext_data_integrity_value_algorithm.as_deref() {
            None => Ok(false),
            Some("SHA_256") => Ok(true),
            Some(_) => Err(ErrorName::Validation),
        }
    }

    fn check_algorithm(&self) -> Result<(), ErrorName> {
        let right = self.encryption_algorithm.as_deref() == Some("AES_GCM");
        right.then_some(()).ok_or(ErrorName::Validation)
    }
}

fn required(field: Option<&str>, limit: usize) -> Result<Vec<u8>, ErrorName> {
    let bytes = STANDARD.decode(field.ok_or(ErrorName::Validation)?).map_err(|_| ErrorName::Validation)?;
    (bytes.len() <= limit).then_some(bytes).ok_or(ErrorName::UnsupportedOperation)
}

fn optional(field: Option<&str>, limit: usize) -> Result<Vec<u8>, ErrorName> {
    required(Some(field.unwrap_or_default()), limit)
}

/// A successful answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Message {
    Decrypted {
        plaintext: String,
    },
    #[serde(rename_all = "camelCase")]
    Encrypted {
        authentication_tag: String,
        ciphertext: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        ciphertext_data_integrity_value: Option<String>,
        ciphertext_metadata: String,
        initialization_vector: String,
    },
    Health(HealthReport),
    #[serde(rename_all = "camelCase")]
    Metadata {
        key_spec: String,
        key_usage: Vec<String>,
        key_status: &'static str,
    },
}

impl Success {
    /// As it goes over the wire. The integrity value is computed here, over what is in the message.
    pub(crate) fn message(self) -> Message {
        match self {
            Self::Decrypted(plaintext) => Message::Decrypted { plaintext: STANDARD.encode(plaintext) },
            Self::Encrypted { sealed, aad, integrity } => Message::Encrypted {
                ciphertext_data_integrity_value: integrity
                    .then(|| STANDARD.encode(sealed.integrity_value(&aad))),
                authentication_tag: STANDARD.encode(sealed.tag),
                ciphertext: STANDARD.encode(sealed.ciphertext),
                ciphertext_metadata: STANDARD.encode(sealed.metadata),
                initialization_vector: STANDARD.encode(sealed.vector),
            },
            Self::Health(report) => Message::Health(report),
            Self::Metadata { spec, usage, enabled } => Message::Metadata {
                key_spec: spec,
                key_usage: usage,
                key_status: if enabled { "ENABLED" } else { "DISABLED" },
            },
        }
    }
}

/// An error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorMessage<'a> {
    error_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
}

impl<'a> ErrorMessage<'a> {
    pub(crate) fn new(error_name: &'a str, error_message: Option<&'a str>) -> Self {
        Self { error_name, error_message }
    }
}

/// The limits that every proxy must reach are the limits of this one.
const TEXT_LIMIT: usize = 4300;
const AAD_LIMIT: usize = 8192;
const METADATA_LIMIT: usize = 20;
const ARN_LIMIT: usize = 2048;
