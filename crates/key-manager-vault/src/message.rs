//! What is sent to the servers and what they answer, in JSON, and Transit's form of a ciphertext. Plaintexts and secrets are overwritten
//! where they are ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use key_manager::TAG;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::{Zeroize as _, Zeroizing};

#[derive(Serialize)]
struct ToEncrypt<'a> {
    plaintext: &'a str,
    associated_data: &'a str,
    /// Left out: the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<u32>,
}

#[derive(Serialize)]
struct ToDecrypt<'a> {
    ciphertext: &'a str,
    associated_data: &'a str,
}

#[derive(Serialize)]
struct ToLogIn<'a> {
    role_id: &'a str,
    secret_id: &'a str,
}

/// To encrypt, under that version of the key or the latest.
pub(crate) fn to_encrypt(
    plaintext: &[u8],
    associated_data: &[u8],
    key_version: Option<u32>,
) -> Option<Bytes> {
    let plaintext = encoded(plaintext);
    let associated_data = STANDARD.encode(associated_data);
    body(&ToEncrypt { plaintext: &plaintext, associated_data: &associated_data, key_version })
}

/// To decrypt what Transit gave.
pub(crate) fn to_decrypt(ciphertext: &str, associated_data: &[u8]) -> Option<Bytes> {
    body(&ToDecrypt { ciphertext, associated_data: &STANDARD.encode(associated_data) })
}

/// To log in by AppRole.
pub(crate) fn to_log_in(role_id: &str, secret_id: &str) -> Option<Bytes> {
    body(&ToLogIn { role_id, secret_id })
}

/// What an answer holds, read as it is to be; the answer is overwritten.
pub(crate) fn read<T>(answer: Bytes, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let value = read(&answer);
    if let Ok(mut bytes) = answer.try_into_mut() {
        bytes.zeroize();
    }
    value
}

/// What Transit says of a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct TransitKey {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) latest_version: u32,
    #[serde(default)]
    pub(crate) min_encryption_version: u32,
    #[serde(default)]
    pub(crate) supports_encryption: bool,
    #[serde(default)]
    pub(crate) supports_decryption: bool,
    #[serde(default)]
    pub(crate) supports_signing: bool,
    #[serde(default)]
    pub(crate) derived: bool,
    #[serde(default)]
    pub(crate) soft_deleted: bool,
}

/// The key of an answer.
pub(crate) fn key(answer: &[u8]) -> Option<TransitKey> {
    data(answer)
}

/// A ciphertext of Transit, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ciphertext {
    pub(crate) version: u32,
    pub(crate) iv: Vec<u8>,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) tag: [u8; TAG],
}

impl Ciphertext {
    /// From `vault:v7:` and the Base64 of initialisation vector, ciphertext and tag.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (version, rest) = text.strip_prefix(PREFIX)?.split_once(':')?;
        let is_number = version.bytes().all(|byte| byte.is_ascii_digit());
        let version = version.parse().ok().filter(|_| is_number)?;
        let bytes = STANDARD.decode(rest).ok()?;
        let (rest, tag) = bytes.split_last_chunk::<TAG>()?;
        let (iv, ciphertext) = rest.split_at_checked(IV)?;
        Some(Self { version, iv: iv.to_vec(), ciphertext: ciphertext.to_vec(), tag: *tag })
    }

    /// As Transit takes it.
    pub(crate) fn write(version: u32, iv: &[u8], ciphertext: &[u8], tag: &[u8; TAG]) -> String {
        format!("{PREFIX}{version}:{}", STANDARD.encode([iv, ciphertext, tag].concat()))
    }
}

/// The text of the ciphertext of an answer.
pub(crate) fn ciphertext(answer: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Encrypted {
        ciphertext: String,
    }
    data(answer).map(|Encrypted { ciphertext }| ciphertext)
}

/// The plaintext of an answer.
pub(crate) fn plaintext(answer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    #[derive(Deserialize)]
    struct Decrypted<'a> {
        #[serde(borrow)]
        plaintext: Cow<'a, str>,
    }
    let Decrypted { plaintext } = data(answer)?;
    let mut bytes = Zeroizing::new(vec![0; plaintext.len()]);
    let length = STANDARD.decode_slice(plaintext.as_bytes(), &mut bytes).ok();
    if let Cow::Owned(mut text) = plaintext {
        text.zeroize();
    }
    bytes.truncate(length?);
    Some(bytes)
}

/// How long a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// In seconds; 0: for ever.
    pub(crate) seconds: u64,
    pub(crate) is_renewable: bool,
}

/// The token of a login, and its lease.
pub(crate) fn login(answer: &[u8]) -> Option<(Zeroizing<Vec<u8>>, Lease)> {
    let Auth { client_token, lease_duration, renewable } = auth(answer)?;
    let token = Zeroizing::new(client_token.as_bytes().to_vec());
    if let Cow::Owned(mut text) = client_token {
        text.zeroize();
    }
    Some((token, Lease { seconds: lease_duration, is_renewable: renewable }))
}

/// The lease of a token that was looked up.
pub(crate) fn looked_up(answer: &[u8]) -> Option<Lease> {
    #[derive(Deserialize)]
    struct LookedUp {
        ttl: u64,
        #[serde(default)]
        renewable: bool,
    }
    data(answer).map(|LookedUp { ttl, renewable }| Lease { seconds: ttl, is_renewable: renewable })
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct About {
    pub(crate) initialized: bool,
    pub(crate) sealed: bool,
    pub(crate) standby: bool,
    pub(crate) version: String,
    /// Only Vault says that.
    pub(crate) enterprise: Option<bool>,
}

/// What an answer to a question for its health says.
pub(crate) fn about(answer: &[u8]) -> Option<About> {
    serde_json::from_slice(answer).ok()
}

#[derive(Deserialize)]
struct Auth<'a> {
    #[serde(borrow)]
    client_token: Cow<'a, str>,
    lease_duration: u64,
    renewable: bool,
}

fn auth(answer: &[u8]) -> Option<Auth<'_>> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        auth: Auth<'a>,
    }
    serde_json::from_slice(answer).ok().map(|Answer { auth }| auth)
}

fn data<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Option<T> {
    #[derive(Deserialize)]
    struct Answer<T> {
        data: T,
    }
    serde_json::from_slice(answer).ok().map(|Answer { data }| data)
}

/// All of it at once in memory that is overwritten in the end: none is left behind by growing.
fn body(value: &impl Serialize) -> Option<Bytes> {
    struct Counted(usize);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Counted(0);
    serde_json::to_writer(&mut length, value).ok()?;
    let mut body = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *body, value).ok()?;
    Some(Bytes::from_owner(body))
}

fn encoded(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}

const PREFIX: &str = "vault:v";
const IV: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_of_transit_is_taken_apart_and_put_together() {
        let text = "vault:v7:AAECAwQFBgcICQoLYWJjAAECAwQFBgcICQoLDA0ODw==";
        let parts = Ciphertext::read(text).unwrap();
        assert_eq!((parts.version, parts.ciphertext.as_slice()), (7, b"abc".as_slice()));
        assert_eq!((parts.iv.len(), parts.tag[15]), (12, 15));
        assert_eq!(Ciphertext::write(7, &parts.iv, &parts.ciphertext, &parts.tag), text);
    }

    #[test]
    fn what_is_no_ciphertext_of_transit_is_nothing() {
        let short = STANDARD.encode([0; 27]);
        for text in [
            "",
            "vault:v7",
            "vault:7:AAECAwQFBgcICQoLYWJjAAECAwQFBgcICQoLDA0ODw==",
            "vault:v+7:AAECAwQFBgcICQoLYWJjAAECAwQFBgcICQoLDA0ODw==",
            "vault:v4294967296:AAECAwQFBgcICQoLYWJjAAECAwQFBgcICQoLDA0ODw==",
            "vault:v7:AAECAwQFBgcICQoLYWJjAAECAwQFBgcICQoLDA0ODw",
            "vault:v7:AAECAwQFBgcICQoLYWJjAAECAwQFBgcICQoLDA0ODw==\n",
            &format!("vault:v7:{short}"),
        ] {
            assert_eq!(Ciphertext::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_plaintext_is_read_whole_or_not_at_all() {
        let read = |text: &str| plaintext(text.as_bytes()).map(|bytes| bytes.to_vec());
        assert_eq!(read(r#"{"data":{"plaintext":"aGk="},"auth":null}"#), Some(b"hi".to_vec()));
        assert_eq!(read(r#"{"data":{"plaintext":"\u0061Gk="}}"#), Some(b"hi".to_vec()));
        assert_eq!(read(r#"{"data":{"plaintext":""}}"#), Some(Vec::new()));
        for wrong in [
            "",
            "{}",
            r#"{"data":null}"#,
            r#"{"data":{"plaintext":1}}"#,
            r#"{"data":{"plaintext":"aGk"}}"#,
            r#"{"data":{"plaintext":"aGk="}}x"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
