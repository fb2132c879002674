//! Bodies of requests as a proxy reads them. What is not as the specification has it is refused, with a message that names the field and
//! never repeats a value.

use crate::{ErrorName, IV_LENGTHS, MOST_CIPHERTEXT_METADATA, Operation, RequestMetadata, TAG};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;
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
            plaintext: required(fields.plaintext, "plaintext", limits.plaintext)?,
            additional_data: additional_data(fields.additional_authenticated_data, limits)?,
            wants_integrity_value,
        })
    }
}

/// Without the plaintext.
impl fmt::Debug for EncryptRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptRequest").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// The body of Decrypt.
#[derive(Debug)]
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
        let most = limits.plaintext;
        let ciphertext = in_the_open(required(fields.ciphertext, "ciphertext", most)?);
        let iv = in_the_open(required(fields.initialization_vector, "initializationVector", most)?);
        let tag = in_the_open(required(fields.authentication_tag, "authenticationTag", most)?);
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
#[derive(Debug)]
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
    let lacking = required
        .iter()
        .find(|(is_needed, value, _)| *is_needed && value.as_deref().is_none_or(str::is_empty));
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
    let data = optional(text, name)?;
    within(&data, name, limits.additional_data).map(|()| data)
}

fn required(text: Option<Cow<'_, str>>, name: &str, most: usize) -> Result<Zeroizing<Vec<u8>>, Invalid> {
    let text = text.ok_or_else(|| missing(name))?;
    let bytes = decoded(&text, name)?;
    within(&bytes, name, most).map(|()| bytes)
}

fn optional(text: Option<Cow<'_, str>>, name: &str) -> Result<Vec<u8>, Invalid> {
    text.map_or_else(|| Ok(Vec::new()), |text| decoded(&text, name).map(in_the_open))
}

/// It may be a plaintext: what of it cannot be read, or is too long, is wiped as well.
fn decoded(text: &str, name: &str) -> Result<Zeroizing<Vec<u8>>, Invalid> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    STANDARD
        .decode_vec(text, &mut bytes)
        .map_err(|_| invalid(format!("{name} is not Base64 of the standard alphabet with padding")))?;
    Ok(bytes)
}

/// Of what is no secret.
fn in_the_open(mut bytes: Zeroizing<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *bytes)
}

fn within(bytes: &[u8], name: &str, most: usize) -> Result<(), Invalid> {
    if bytes.len() <= most {
        return Ok(());
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const LIMITS: Limits = Limits { plaintext: 4300, additional_data: 8192 };

    fn metadata() -> Value {
        json!({"awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
            "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "kmsOperation": "Encrypt", "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae"})
    }

    fn encrypt() -> Value {
        json!({"requestMetadata": metadata(), "plaintext": "SGVsbG8gV29ybGQh", "encryptionAlgorithm": "AES_GCM",
            "additionalAuthenticatedData": "eA==", "ciphertextDataIntegrityValueAlgorithm": "SHA_256"})
    }

    fn decrypt() -> Value {
        json!({"requestMetadata": metadata(), "ciphertext": "SGVsbG8gV29ybGQh", "encryptionAlgorithm": "AES_GCM",
            "initializationVector": "MDEyMzQ1Njc4OWFi", "authenticationTag": "AAAAAAAAAAAAAAAAAAAAAA==", "ciphertextMetadata": "AQ=="})
    }

    fn with(mut body: Value, path: &str, value: Option<Value>) -> String {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let fields = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => drop(fields.remove(name)),
        }
        body.to_string()
    }

    fn refused_encrypt(body: &str) -> Invalid {
        EncryptRequest::parse(body.as_bytes(), LIMITS).unwrap_err()
    }

    fn refused_decrypt(body: &str) -> Invalid {
        DecryptRequest::parse(body.as_bytes(), LIMITS).unwrap_err()
    }

    #[test]
    fn what_kms_sends_is_read() {
        let body = encrypt().to_string();
        let request = EncryptRequest::parse(body.as_bytes(), LIMITS).unwrap();
        assert_eq!(
            (request.plaintext.as_slice(), request.additional_data.as_slice()),
            (&b"Hello World!"[..], &b"x"[..])
        );
        assert!(
            request.wants_integrity_value && request.metadata.kms_operation.as_deref() == Some("Encrypt")
        );
        let body = decrypt().to_string();
        let request = DecryptRequest::parse(body.as_bytes(), LIMITS).unwrap();
        assert_eq!(
            (request.iv.as_slice(), request.tag, request.ciphertext_metadata.as_slice()),
            (&b"0123456789ab"[..], [0; 16], &[1][..])
        );
        assert!(request.additional_data.is_empty());
    }

    #[test]
    fn a_request_is_shown_without_its_plaintext() {
        let body = encrypt().to_string();
        let shown = format!("{:?}", EncryptRequest::parse(body.as_bytes(), LIMITS).unwrap());
        assert!(shown.contains("4112f4d6-db54-4af4-ae30-c55a22a8dfae"), "{shown}");
        assert!(
            !shown.contains("72, 101") && !shown.contains("Hello") && !shown.contains("SGVsbG8"),
            "{shown}"
        );
    }

    #[test]
    fn each_required_field_is_missed_by_its_name() {
        let of_metadata = ["awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"]
            .map(|name| format!("/requestMetadata/{name}"));
        let own = ["/requestMetadata", "/plaintext", "/encryptionAlgorithm"].map(str::to_owned);
        for path in of_metadata.iter().chain(&own) {
            let empty = path.starts_with("/requestMetadata/").then(|| json!(""));
            for value in [None, Some(empty.unwrap_or_default()), Some(Value::Null)] {
                let refused = refused_encrypt(&with(encrypt(), path, value));
                let expected = format!("{} is missing", path.trim_start_matches('/').replace('/', "."));
                assert_eq!((refused.error, refused.message), (ErrorName::Validation, expected));
            }
        }
        for path in [
            "/ciphertext",
            "/initializationVector",
            "/authenticationTag",
            "/encryptionAlgorithm",
            "/requestMetadata",
        ] {
            assert_eq!(
                refused_decrypt(&with(decrypt(), path, None)).message,
                format!("{} is missing", path.trim_start_matches('/'))
            );
        }
    }

    #[test]
    fn each_call_needs_its_own_metadata_and_no_more() {
        let needs = |operation, lacking: &str| {
            let body =
                with(json!({"requestMetadata": metadata()}), &format!("/requestMetadata/{lacking}"), None);
            PlainRequest::parse(body.as_bytes(), operation).is_err()
        };
        assert!(
            needs(Operation::GetKeyMetadata, "awsPrincipalArn")
                && !needs(Operation::GetKeyMetadata, "kmsKeyArn")
        );
        assert!(
            !needs(Operation::GetHealthStatus, "awsPrincipalArn")
                && needs(Operation::GetHealthStatus, "kmsOperation")
        );
        assert!(needs(Operation::GetHealthStatus, "kmsRequestId"));
    }

    #[test]
    fn what_nobody_has_heard_of_and_what_is_optional_is_let_pass() {
        let arn = format!("arn:aws:iam::123456789012:role/{}", "r".repeat(2016));
        for (path, value) in [
            ("/requestMetadata/somethingNew", json!({"a": [1]})),
            ("/somethingNew", json!(7)),
            ("/requestMetadata/awsSourceVpc", Value::Null),
            ("/requestMetadata/awsSourceVpce", json!("vpce-1")),
            ("/requestMetadata/kmsOperation", json!("OperationOf2030")),
            ("/requestMetadata/kmsRequestId", json!("not a UUID \u{1F511}")),
            ("/requestMetadata/awsPrincipalArn", json!(arn)),
            ("/additionalAuthenticatedData", Value::Null),
            ("/ciphertextDataIntegrityValueAlgorithm", Value::Null),
        ] {
            assert!(
                EncryptRequest::parse(with(encrypt(), path, Some(value)).as_bytes(), LIMITS).is_ok(),
                "{path}"
            );
        }
    }

    #[test]
    fn base64_is_of_the_standard_alphabet_whole_and_padded() {
        for text in
            ["SGVsbG8gV29ybGQ", "SGVsbG8_", "SGVsbG8-", "SGVs bG8h", "SGVsbG8h\n", "SGVsbG9=", "=", "eR=="]
        {
            let refused = refused_encrypt(&with(encrypt(), "/plaintext", Some(json!(text))));
            assert_eq!(
                refused.message, "plaintext is not Base64 of the standard alphabet with padding",
                "{text}"
            );
        }
        let body = with(encrypt(), "/plaintext", Some(json!("")));
        assert!(EncryptRequest::parse(body.as_bytes(), LIMITS).unwrap().plaintext.is_empty());
    }

    #[test]
    fn lengths_are_those_of_the_specification() {
        let bytes = |length: usize| Some(json!(STANDARD.encode(vec![7; length])));
        for length in [0, 11, 13, 15, 17] {
            let refused = refused_decrypt(&with(decrypt(), "/initializationVector", bytes(length)));
            assert_eq!(refused.message, "initializationVector does not have 12 or 16 bytes");
        }
        for length in [0, 8, 15, 17, 24] {
            let refused = refused_decrypt(&with(decrypt(), "/authenticationTag", bytes(length)));
            assert_eq!(refused.message, "authenticationTag does not have 16 bytes");
        }
        let refused = refused_decrypt(&with(decrypt(), "/ciphertextMetadata", bytes(21)));
        assert_eq!(refused.error, ErrorName::Validation);
        for (path, value) in [("/initializationVector", bytes(16)), ("/ciphertextMetadata", bytes(20))] {
            assert!(DecryptRequest::parse(with(decrypt(), path, value).as_bytes(), LIMITS).is_ok(), "{path}");
        }
    }

    #[test]
    fn what_is_over_a_limit_of_the_proxy_is_unsupported() {
        let bytes = |length: usize| Some(json!(STANDARD.encode(vec![7; length])));
        for (path, most) in
            [("/plaintext", LIMITS.plaintext), ("/additionalAuthenticatedData", LIMITS.additional_data)]
        {
            assert!(EncryptRequest::parse(with(encrypt(), path, bytes(most)).as_bytes(), LIMITS).is_ok());
            let refused = refused_encrypt(&with(encrypt(), path, bytes(most + 1)));
            assert_eq!(refused.error, ErrorName::UnsupportedOperation, "{path}");
        }
    }

    #[test]
    fn other_algorithms_are_refused() {
        for (path, text) in [
            ("/encryptionAlgorithm", "AES_CBC"),
            ("/encryptionAlgorithm", "aes_gcm"),
            ("/ciphertextDataIntegrityValueAlgorithm", "SHA_1"),
        ] {
            let refused = refused_encrypt(&with(encrypt(), path, Some(json!(text))));
            assert_eq!(refused.error, ErrorName::Validation, "{text}");
        }
    }

    #[test]
    fn no_message_repeats_a_value() {
        let secret = "Super secret plaintext";
        for body in [
            json!({"requestMetadata": secret}).to_string(),
            json!({"plaintext": {"a": secret}}).to_string(),
            with(encrypt(), "/plaintext", Some(json!(secret))),
            with(encrypt(), "/encryptionAlgorithm", Some(json!(secret))),
            format!(r#"{{"plaintext":"{secret}","plaintext":"{secret}"}}"#),
            format!(r#"{{"plaintext":"{secret}"#),
        ] {
            let refused = refused_encrypt(&body);
            assert!(!refused.message.contains(secret) && refused.message.len() < 512, "{}", refused.message);
            assert!(refused.message.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
        }
    }

    #[test]
    fn a_field_that_comes_twice_is_refused() {
        let body = encrypt().to_string().replacen('{', r#"{"plaintext":"eA==","#, 1);
        assert_eq!(refused_encrypt(&body).error, ErrorName::Validation);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_and_never_a_panic(bytes: Vec<u8>) {
            let _ = EncryptRequest::parse(&bytes, LIMITS);
            let _ = DecryptRequest::parse(&bytes, LIMITS);
            let _ = PlainRequest::parse(&bytes, Operation::GetHealthStatus);
        }
    }
}
