//! What a proxy answers: bounded JSON from somebody who is not trusted. What is not exactly as the specification has it is malformed.
//!
//! An answer that names an error is that error, whatever its status. Its message is for our log only.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use crate::blob::MOST_CIPHERTEXT;
use crate::{ExternalKey, XksFailure};
use xks_api::{ErrorName, IV_LENGTHS, MOST_CIPHERTEXT_METADATA, TAG};

/// Reads an answer: what was asked for by `reader`, or the error that the proxy answers.
///
/// # Errors
///
/// The error; `InvalidResponse` if the answer is neither.
pub fn read<T>(
    status: StatusCode,
    body: &[u8],
    reader: impl Fn(&[u8]) -> Option<T>,
) -> Result<T, Refusal<'_>> {
    // Readers refuse what names an error, so that what is good, as nearly all is, is read once.
    let good = if status == StatusCode::OK { reader(body) } else { None };
    good.ok_or_else(|| serde_json::from_slice(body).unwrap_or(Refusal::malformed()))
}

/// The type of `errorName` in an answer that is none: nothing but its absence can be read.
#[derive(Deserialize)]
enum Never {}

/// An error that a proxy answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal<'a> {
    #[serde(borrow)]
    error_name: Cow<'a, str>,
    #[serde(borrow, default)]
    error_message: Option<Cow<'a, str>>,
}

impl Refusal<'_> {
    /// What AWS tells apart.
    #[must_use]
    pub fn failure(&self) -> XksFailure {
        let known = ErrorName::ALL.iter().find(|name| name.as_str() == self.error_name);
        known.map_or(XksFailure::InvalidResponse, |name| failure_of(*name))
    }

    /// The error's name and message as they may be logged: bounded, and printable.
    #[must_use]
    pub fn printable(&self) -> (String, String) {
        let message = self.error_message.as_deref().unwrap_or_default();
        (printable(&self.error_name), printable(message))
    }

    const fn malformed() -> Self {
        Self { error_name: Cow::Borrowed("(malformed)"), error_message: None }
    }
}

/// What Encrypt answers. Its integrity value is still to be compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// Of 12 or 16 bytes.
    pub initialization_vector: Vec<u8>,
    /// The tag.
    pub tag: [u8; TAG],
    /// What the proxy wants back; may be empty.
    pub metadata: Vec<u8>,
    /// What the proxy says that SHA-256 is over all of it.
    pub integrity_value: [u8; 32],
}

/// The answer of Encrypt to a plaintext of that length.
#[must_use]
pub fn encrypted(body: &[u8], length: usize) -> Option<Encrypted> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        #[expect(dead_code, reason = "must not be there")]
        error_name: Option<Never>,
        ciphertext: Binary,
        initialization_vector: Binary,
        authentication_tag: Binary,
        #[serde(default)]
        ciphertext_metadata: Option<Binary>,
        ciphertext_data_integrity_value: Binary,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let metadata = answer.ciphertext_metadata.map_or_else(Vec::new, |metadata| metadata.0);
    let fits = answer.ciphertext.0.len() == length
        && IV_LENGTHS.contains(&answer.initialization_vector.0.len())
        && metadata.len() <= MOST_CIPHERTEXT_METADATA;
    fits.then_some(Encrypted {
        ciphertext: answer.ciphertext.0,
        initialization_vector: answer.initialization_vector.0,
        tag: answer.authentication_tag.0.try_into().ok()?,
        metadata,
        integrity_value: answer.ciphertext_data_integrity_value.0.try_into().ok()?,
    })
}

/// The answer of Decrypt to a ciphertext of that length.
#[must_use]
pub fn decrypted(body: &[u8], length: usize) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        #[expect(dead_code, reason = "must not be there")]
        error_name: Option<Never>,
        plaintext: Binary,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    Some(answer.plaintext.0).filter(|plaintext| plaintext.len() == length)
}

/// The answer of GetKeyMetadata.
#[must_use]
pub fn key_metadata(body: &[u8]) -> Option<ExternalKey> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        #[expect(dead_code, reason = "must not be there")]
        error_name: Option<Never>,
        key_spec: String,
        key_usage: Vec<String>,
        key_status: String,
    }
    let Answer { key_spec, key_usage, key_status, .. } = serde_json::from_slice(body).ok()?;
    let is_word = |word: &String| word.len() <= LONGEST_WORD && printable(word) == *word;
    let fits = is_word(&key_spec)
        && key_usage.len() <= MOST_USAGES
        && key_usage.iter().all(is_word)
        && ["ENABLED", "DISABLED"].contains(&key_status.as_str());
    fits.then_some(ExternalKey { spec: key_spec, usage: key_usage, status: key_status })
}

/// How the key managers behind a proxy are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How many are active.
    pub active: u8,
    /// How many work, but not well.
    pub degraded: u8,
    /// How many do not work.
    pub unavailable: u8,
}

/// The answer of GetHealthStatus.
#[must_use]
pub fn health(body: &[u8]) -> Option<Health> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "must be there, or must not")]
    struct Answer {
        error_name: Option<Never>,
        xks_proxy_fleet_size: std::num::NonZeroU64,
        xks_proxy_vendor: String,
        xks_proxy_model: String,
        ekm_vendor: String,
        ekm_fleet_details: Vec<Member>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "must be there")]
    struct Member {
        id: String,
        model: String,
        health_status: Status,
    }
    #[derive(Deserialize, PartialEq)]
    #[serde(rename_all = "UPPERCASE")]
    enum Status {
        Active,
        Degraded,
        Unavailable,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let members = answer.ekm_fleet_details;
    let count = |status| members.iter().filter(|member| member.health_status == status).count().try_into();
    (1..=MOST_MEMBERS).contains(&members.len()).then_some(Health {
        active: count(Status::Active).ok()?,
        degraded: count(Status::Degraded).ok()?,
        unavailable: count(Status::Unavailable).ok()?,
    })
}

/// Bytes in Base64: the standard alphabet with padding, and nothing between.
struct Binary(Vec<u8>);

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Binary;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("Base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Binary, E> {
                if text.len() > LONGEST_BASE64 {
                    return Err(E::custom("longer than any field"));
                }
                STANDARD.decode(text).map(Binary).map_err(E::custom)
            }
        }
        from.deserialize_str(Text)
    }
}

//= xks: errorName
const fn failure_of(name: ErrorName) -> XksFailure {
    match name {
        ErrorName::AccessDenied => XksFailure::AccessDenied,
        ErrorName::AuthenticationFailed => XksFailure::AuthenticationFailed,
        ErrorName::DependencyTimeout => XksFailure::DependencyTimeout,
        ErrorName::Internal => XksFailure::Internal,
        ErrorName::InvalidCiphertext => XksFailure::InvalidCiphertext,
        ErrorName::InvalidKeyUsage => XksFailure::InvalidKeyUsage,
        ErrorName::InvalidState => XksFailure::InvalidState,
        ErrorName::InvalidUriPath => XksFailure::InvalidUriPath,
        ErrorName::KeyNotFound => XksFailure::KeyNotFound,
        ErrorName::Throttling => XksFailure::Throttling,
        ErrorName::UnsupportedOperation => XksFailure::UnsupportedOperation,
        // It is a request of ours that it does not understand.
        ErrorName::Validation => XksFailure::InvalidResponse,
    }
}

fn printable(text: &str) -> String {
    let printed = text.chars().take(LONGEST_PRINTED);
    printed.map(|character| if (' '..='~').contains(&character) { character } else { '?' }).collect()
}

/// More than any answer of the specification needs.
pub(crate) const LONGEST_BODY: usize = 64 * 1024;
const LONGEST_BASE64: usize = MOST_CIPHERTEXT.div_ceil(3) * 4;
//= xks: errorMessage under 512 characters
const LONGEST_PRINTED: usize = 512;
/// Of a key's spec and usages, which get into messages.
const LONGEST_WORD: usize = 64;
const MOST_USAGES: usize = 10;
const MOST_MEMBERS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const ENCRYPTED: &str = r#"{"authenticationTag":"vBxN2ncH1oEkR8WVXpmyYQ==","ciphertext":"ghxkK1txeDNn3q8Y","ciphertextDataIntegrityValue":"qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=","ciphertextMetadata":"a2V5X3ZlcnNpb249MQ==","initializationVector":"HMrlRw85cAJUd5Ax"}"#;
    const HEALTH: &str = r#"{"xksProxyFleetSize":1,"xksProxyVendor":"a","xksProxyModel":"b","ekmVendor":"c","ekmFleetDetails":[{"id":"d","model":"e","healthStatus":"ACTIVE"}]}"#;
    const METADATA: &str = r#"{"keySpec":"AES_256","keyUsage":["ENCRYPT","DECRYPT"],"keyStatus":"ENABLED"}"#;

    fn of_encrypt(body: &str) -> Option<Encrypted> {
        encrypted(body.as_bytes(), 12)
    }

    #[test]
    fn an_encryption_of_the_specification_is_read() {
        let answer = of_encrypt(ENCRYPTED).unwrap();
        assert_eq!(answer.metadata, b"key_version=1");
        assert_eq!((answer.ciphertext.len(), answer.initialization_vector.len()), (12, 12));
        let bare = ENCRYPTED.replace(r#""ciphertextMetadata":"a2V5X3ZlcnNpb249MQ==","#, "");
        assert_eq!(of_encrypt(&bare).unwrap().metadata, b"");
    }

    #[test]
    fn an_encryption_with_a_part_of_a_wrong_length_is_malformed() {
        for (right, wrong) in [
            ("ghxkK1txeDNn3q8Y", "ghxkK1txeDNn3q8="),
            ("ghxkK1txeDNn3q8Y", "ghxkK1txeDNn3q8YAA=="),
            ("HMrlRw85cAJUd5Ax", "HMrlRw85cAJUd5AxAA=="),
            ("HMrlRw85cAJUd5Ax", ""),
            ("vBxN2ncH1oEkR8WVXpmyYQ==", "vBxN2ncH1oEkR8WVXpmy"),
            ("a2V5X3ZlcnNpb249MQ==", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=", "qHA/"),
        ] {
            assert!(ENCRYPTED.contains(right));
            assert_eq!(of_encrypt(&ENCRYPTED.replace(right, wrong)), None, "{wrong}");
        }
        let longest = ENCRYPTED.replace("a2V5X3ZlcnNpb249MQ==", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(of_encrypt(&longest).unwrap().metadata, [0; 20]);
        let long_vector = ENCRYPTED.replace("HMrlRw85cAJUd5Ax", "AAAAAAAAAAAAAAAAAAAAAA==");
        assert_eq!(of_encrypt(&long_vector).unwrap().initialization_vector, [0; 16]);
    }

    #[test]
    fn base64_is_standard_padded_and_canonical() {
        for wrong in [
            "ghxkK1txeDNn3q8-",
            "ghxkK1tx eDNn3q8Y",
            "ghxkK1txeDNn3q8Y\\n",
            "ghxkK1txeDNn3h==",
            "ghxkK1txeDNn3g",
        ] {
            assert_eq!(of_encrypt(&ENCRYPTED.replace("ghxkK1txeDNn3q8Y", wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_plaintext_is_as_long_as_its_ciphertext() {
        let body = br#"{"plaintext":"SGVsbG8gV29ybGQh","new":{"field":[1]}}"#;
        assert_eq!(decrypted(body, 12).as_deref(), Some(b"Hello World!".as_slice()));
        assert_eq!(decrypted(body, 11), None);
        assert_eq!(decrypted(br#"{"plaintext":null}"#, 0), None);
    }

    #[test]
    fn a_key_is_described_in_bounded_words() {
        let key = key_metadata(METADATA.as_bytes()).unwrap();
        assert_eq!((key.spec.as_str(), key.usage.len(), key.status.as_str()), ("AES_256", 2, "ENABLED"));
        let eleven = format!("[{}]", [r#""SIGN""#; 11].join(","));
        for (right, wrong) in [
            ("ENABLED", "BROKEN"),
            ("AES_256", "AES\\n256"),
            ("AES_256", &"A".repeat(65)),
            (r#"["ENCRYPT","DECRYPT"]"#, &eleven),
            (r#"["ENCRYPT","DECRYPT"]"#, r#""ENCRYPT""#),
            ("keySpec", "spec"),
        ] {
            assert_eq!(key_metadata(METADATA.replace(right, wrong).as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn health_is_that_of_one_to_ten_key_managers() {
        assert_eq!(health(HEALTH.as_bytes()), Some(Health { active: 1, ..Health::default() }));
        let member = r#"{"id":"d","model":"e","healthStatus":"ACTIVE"}"#;
        let of = |count: usize| HEALTH.replace(member, &vec![member; count].join(","));
        assert!(health(of(10).as_bytes()).is_some_and(|health| health.active == 10));
        for wrong in [of(0), of(11), HEALTH.replace(":1", ":0"), HEALTH.replace(":1", ":1.5")] {
            assert_eq!(health(wrong.as_bytes()), None, "{wrong}");
        }
        for (right, wrong) in [("ACTIVE", "active"), ("ekmVendor", "vendor"), (r#""id":"d","#, "")] {
            assert_eq!(health(HEALTH.replace(right, wrong).as_bytes()), None, "{wrong}");
        }
    }

    fn refused(status: u16, body: &str) -> XksFailure {
        let status = StatusCode::from_u16(status).unwrap();
        read(status, body.as_bytes(), |body| decrypted(body, 12)).unwrap_err().failure()
    }

    #[test]
    fn an_error_is_known_by_its_name_whatever_its_status() {
        for name in ErrorName::ALL {
            let failure = failure_of(*name);
            for status in [200, 400, 404, 500] {
                assert_eq!(refused(status, &format!(r#"{{"errorName":"{name}"}}"#)), failure);
            }
        }
        let both = r#"{"errorName":"InternalException","errorMessage":null,"plaintext":"SGVsbG8gV29ybGQh"}"#;
        assert_eq!(refused(200, both), XksFailure::Internal);
        let member = r#""errorName":"ThrottlingException","#;
        let with_error = |answer: &str| answer.replacen('{', &format!("{{{member}"), 1);
        assert_eq!(of_encrypt(&with_error(ENCRYPTED)), None);
        assert_eq!(key_metadata(with_error(METADATA).as_bytes()), None);
        assert_eq!(health(with_error(HEALTH).as_bytes()), None);
    }

    #[test]
    fn what_is_no_answer_of_the_specification_is_malformed() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, "[]"),
            (200, r#"{"plaintext":"SGVsbG8gV29ybGQh""#),
            (200, r#"{"plaintext":"SGVsbG8gV29ybGQh"}{}"#),
            (200, r#"{"plaintext":"SGVsbG8gV29ybGQh","plaintext":"SGVsbG8gV29ybGQh"}"#),
            (500, r#"{"plaintext":"SGVsbG8gV29ybGQh"}"#),
            (404, "<html><body>not found</body></html>"),
            (400, r#"{"errorName":7}"#),
            (418, r#"{"errorName":"TeapotException"}"#),
        ] {
            assert_eq!(refused(status, body), XksFailure::InvalidResponse, "{body}");
        }
    }

    #[test]
    fn what_is_logged_of_an_error_is_short_and_printable() {
        let body = format!(r#"{{"errorName":"a\nb","errorMessage":"{}é\u001b"}}"#, "x".repeat(510));
        let refusal: Refusal<'_> = serde_json::from_str(&body).unwrap();
        let (name, message) = refusal.printable();
        assert_eq!((name.as_str(), message.len()), ("a?b", 512));
        assert!(message.ends_with("x??"));
    }
}
