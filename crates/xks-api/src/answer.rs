//! Bodies of answers, as a proxy writes them.

use crate::{ErrorName, TAG};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// The answer of Encrypt.
#[derive(Debug)]
pub struct EncryptAnswer<'a> {
    /// As long as the plaintext.
    pub ciphertext: &'a [u8],
    /// 12 or 16 bytes.
    pub initialization_vector: &'a [u8],
    /// The tag.
    pub authentication_tag: &'a [u8; TAG],
    /// At most 20 bytes; left out if empty.
    pub ciphertext_metadata: &'a [u8],
    /// If it was asked for.
    pub ciphertext_data_integrity_value: Option<[u8; 32]>,
}

impl EncryptAnswer<'_> {
    /// The body. Base64 has nothing that JSON would escape, so it is written at once, where it belongs.
    #[must_use]
    pub fn json(&self) -> Bytes {
        let mut text = String::with_capacity(self.ciphertext.len() / 3 * 4 + REST_OF_ENCRYPT_ANSWER);
        put(&mut text, r#"{"ciphertext":""#, self.ciphertext);
        put(&mut text, r#"","initializationVector":""#, self.initialization_vector);
        put(&mut text, r#"","authenticationTag":""#, self.authentication_tag);
        if !self.ciphertext_metadata.is_empty() {
            put(&mut text, r#"","ciphertextMetadata":""#, self.ciphertext_metadata);
        }
        if let Some(value) = self.ciphertext_data_integrity_value {
            put(&mut text, r#"","ciphertextDataIntegrityValue":""#, &value);
        }
        text.push_str("\"}");
        text.into()
    }
}

/// The answer of GetKeyMetadata.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyMetadataAnswer<'a> {
    /// `AES_256` for a key that KMS can use.
    pub key_spec: &'a str,
    /// At most ten.
    pub key_usage: &'a [String],
    /// `ENABLED` or `DISABLED`.
    pub key_status: &'static str,
}

/// The answer of GetHealthStatus.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthAnswer<'a> {
    /// How many proxies there are; above zero.
    pub xks_proxy_fleet_size: u32,
    /// Who made the proxy.
    pub xks_proxy_vendor: &'a str,
    /// Which it is, with its version.
    pub xks_proxy_model: &'a str,
    /// Who made the key manager.
    pub ekm_vendor: &'a str,
    /// 1 to 10 of its members.
    pub ekm_fleet_details: Vec<FleetMember<'a>>,
}

/// A member of a key manager.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetMember<'a> {
    /// Its name.
    pub id: &'a str,
    /// What it is: hardware, version, capacity.
    pub model: &'a str,
    /// How it is.
    pub health_status: HealthStatus,
}

/// How a member of a key manager is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HealthStatus {
    /// It does what it is asked.
    Active,
    /// It does, but not as it should.
    Degraded,
    /// It does not.
    Unavailable,
}

impl HealthStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Degraded, Self::Unavailable];

    /// As it stands in `healthStatus`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Degraded => "DEGRADED",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

impl Serialize for HealthStatus {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// An error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorAnswer<'a> {
    /// Which.
    pub error_name: ErrorName,
    /// Below 512 characters of printable ASCII.
    pub error_message: &'a str,
}

/// The answer of Decrypt, in memory that is wiped.
#[must_use]
pub fn decrypted(plaintext: &[u8]) -> Bytes {
    let mut text = Zeroizing::new(String::with_capacity(plaintext.len() / 3 * 4 + 24));
    put(&mut text, r#"{"plaintext":""#, plaintext);
    text.push_str("\"}");
    Bytes::from_owner(Wiped(text))
}

struct Wiped(Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn put(text: &mut String, name: &str, bytes: &[u8]) {
    text.push_str(name);
    STANDARD.encode_string(bytes, text);
}

/// What the answer of Encrypt has beside its ciphertext: names, and the rest at its longest.
const REST_OF_ENCRYPT_ANSWER: usize = 264;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &impl Serialize) -> String {
        serde_json::to_string(answer).unwrap()
    }

    #[test]
    fn answers_are_written_as_the_specification_has_them() {
        let mut answer = EncryptAnswer {
            ciphertext: b"Hello World!",
            initialization_vector: b"0123456789ab",
            authentication_tag: &[0; 16],
            ciphertext_metadata: b"",
            ciphertext_data_integrity_value: None,
        };
        let bare = r#"{"ciphertext":"SGVsbG8gV29ybGQh","initializationVector":"MDEyMzQ1Njc4OWFi","authenticationTag":"AAAAAAAAAAAAAAAAAAAAAA=="}"#;
        assert_eq!(answer.json(), bare);
        answer.ciphertext_metadata = b"key_version=1";
        answer.ciphertext_data_integrity_value = Some([0; 32]);
        let rest = r#","ciphertextMetadata":"a2V5X3ZlcnNpb249MQ==","ciphertextDataIntegrityValue":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#;
        assert_eq!(answer.json(), format!("{}{rest}", bare.trim_end_matches('}')));
        let usage = ["ENCRYPT".to_owned(), "DECRYPT".to_owned()];
        let key = KeyMetadataAnswer { key_spec: "AES_256", key_usage: &usage, key_status: "ENABLED" };
        assert_eq!(
            text(&key),
            r#"{"keySpec":"AES_256","keyUsage":["ENCRYPT","DECRYPT"],"keyStatus":"ENABLED"}"#
        );
        let error = ErrorAnswer { error_name: ErrorName::KeyNotFound, error_message: "no such key" };
        assert_eq!(text(&error), r#"{"errorName":"KeyNotFoundException","errorMessage":"no such key"}"#);
    }

    #[test]
    fn an_answer_of_encrypt_is_written_without_growing() {
        for length in [0, 1, 2, 3, 300, 4300] {
            let answer = EncryptAnswer {
                ciphertext: &vec![7; length],
                initialization_vector: &[7; 16],
                authentication_tag: &[7; 16],
                ciphertext_metadata: &[7; 20],
                ciphertext_data_integrity_value: Some([7; 32]),
            };
            assert!(answer.json().len() <= length / 3 * 4 + REST_OF_ENCRYPT_ANSWER, "{length}");
        }
    }

    #[test]
    fn health_is_told_with_every_member() {
        let member = FleetMember { id: "one", model: "m", health_status: HealthStatus::Degraded };
        let answer = HealthAnswer {
            xks_proxy_fleet_size: 1,
            xks_proxy_vendor: "v",
            xks_proxy_model: "p",
            ekm_vendor: "e",
            ekm_fleet_details: vec![member],
        };
        let expected = r#"{"xksProxyFleetSize":1,"xksProxyVendor":"v","xksProxyModel":"p","ekmVendor":"e","ekmFleetDetails":[{"id":"one","model":"m","healthStatus":"DEGRADED"}]}"#;
        assert_eq!(text(&answer), expected);
    }

    #[test]
    fn a_plaintext_of_any_length_is_written_without_growing() {
        for length in [0, 1, 2, 3, 12, 4096, 4300] {
            let plaintext = vec![7; length];
            let expected = format!(r#"{{"plaintext":"{}"}}"#, STANDARD.encode(&plaintext));
            assert_eq!(decrypted(&plaintext), expected.as_bytes());
            assert!(expected.len() <= length / 3 * 4 + 24, "{length}");
        }
    }
}
