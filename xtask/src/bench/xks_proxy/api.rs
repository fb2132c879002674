//! An XKS proxy as AWS KMS sees it: the requests that KMS makes of it, signed as KMS signs them.

use super::super::BenchError;
use super::super::connection::Endpoint;
use super::super::load::send_all;
use super::super::request::{Requests, as_sent};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sigv4::{Credentials, Signer};
use std::sync::Arc;

/// An XKS proxy, one external key of it, and who may use it.
#[derive(Debug)]
pub struct Api {
    /// Where it is.
    pub endpoint: Endpoint,
    /// As the Host header has it.
    pub host: String,
    /// What stands before `/kms/xks/v1`.
    pub path_prefix: String,
    /// The id of the external key.
    pub key: String,
    /// What signs.
    pub credentials: Credentials,
    /// What the signatures are for.
    pub region: String,
}

/// A call that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Call {
    /// Of what [`Call::Encrypt`] makes.
    Decrypt,
    /// With the integrity value, which KMS asks for.
    Encrypt,
    /// Without it.
    EncryptOnly,
}

impl Call {
    /// What it is called in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decrypt => "Decrypt",
            Self::Encrypt => "Encrypt",
            Self::EncryptOnly => "Encrypt, no CDIV",
        }
    }
}

impl Api {
    /// Signed requests, each of its own plaintext. Those of `Decrypt` are for what the proxy encrypts now.
    pub fn requests(&self, call: Call) -> Result<Requests, BenchError> {
        match call {
            Call::Encrypt => self.encrypt(true),
            Call::EncryptOnly => self.encrypt(false),
            Call::Decrypt => self.decrypt(),
        }
    }

    /// How long the body of an answer is.
    pub fn answer_length(&self, call: Call) -> Result<usize, BenchError> {
        let one = self.requests(call)?.first();
        Ok(send_all(&self.endpoint, &Arc::new(one), 1)?.first().map_or(0, Vec::len))
    }

    /// The same requests as of somebody with that id and another secret.
    pub fn forged(&self, access_key_id: &str) -> Result<Requests, BenchError> {
        let wrong = Credentials::new(access_key_id.to_owned(), "0".repeat(43), None);
        let signer = Signer { credentials: &wrong, ..self.signer() };
        self.signed(&signer, "encrypt", &encrypt_bodies(true))
    }

    /// The same requests without any signature.
    pub fn unsigned(&self) -> Result<Requests, BenchError> {
        let sent = |body: &String| {
            self.head("encrypt").map(|parts| as_sent(&with_body(parts, body), body.as_bytes()))
        };
        encrypt_bodies(true).iter().map(sent).collect::<Result<Vec<_>, _>>().map(Requests::from)
    }

    /// The head of an `Encrypt` that is well signed, for that body, of which its sender says what those headers say.
    pub fn head_of(&self, body: &[u8], more: &[(header::HeaderName, &str)]) -> Result<Box<[u8]>, BenchError> {
        let mut parts = self.head("encrypt")?;
        self.signer().sign(&mut parts, body, Timestamp::now())?;
        parts.headers.insert(header::CONTENT_TYPE, JSON);
        for (name, value) in more {
            let value = HeaderValue::from_str(value);
            parts
                .headers
                .insert(name, value.map_err(|error| BenchError::malformed("a header", error.to_string()))?);
        }
        Ok(as_sent(&parts, &[]))
    }

    fn encrypt(&self, wants_value: bool) -> Result<Requests, BenchError> {
        self.signed(&self.signer(), "encrypt", &encrypt_bodies(wants_value))
    }

    fn decrypt(&self) -> Result<Requests, BenchError> {
        let answers = send_all(&self.endpoint, &Arc::new(self.encrypt(true)?), PREPARING)?;
        let bodies = answers.iter().map(|answer| decrypt_body(answer)).collect::<Result<Vec<_>, _>>()?;
        self.signed(&self.signer(), "decrypt", &bodies)
    }

    fn signed(&self, signer: &Signer<'_>, verb: &str, bodies: &[String]) -> Result<Requests, BenchError> {
        let now = Timestamp::now();
        let signed = bodies.iter().map(|body| {
            let mut parts = self.head(verb)?;
            signer.sign(&mut parts, body.as_bytes(), now)?;
            Ok(as_sent(&with_body(parts, body), body.as_bytes()))
        });
        signed.collect::<Result<Vec<_>, BenchError>>().map(Requests::from)
    }

    fn signer(&self) -> Signer<'_> {
        Signer { credentials: &self.credentials, region: &self.region, service: "kms-xks-proxy" }
    }

    fn head(&self, verb: &str) -> Result<http::request::Parts, BenchError> {
        let path = format!("{}/kms/xks/v1/keys/{}/{verb}", self.path_prefix, self.key);
        let request = Request::post(path).header(header::HOST, &self.host).body(());
        let request = request.map_err(|error| BenchError::malformed("a request", error.to_string()))?;
        Ok(request.into_parts().0)
    }
}

/// With what KMS does not sign.
fn with_body(mut parts: http::request::Parts, body: &str) -> http::request::Parts {
    parts.headers.insert(header::CONTENT_TYPE, JSON);
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    parts
}

fn encrypt_bodies(wants_value: bool) -> Vec<String> {
    (0..DISTINCT_REQUESTS).map(|number| encrypt_body(number, wants_value).to_string()).collect()
}

fn encrypt_body(number: u16, wants_value: bool) -> Value {
    let mut plaintext = [42; PLAINTEXT];
    plaintext.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, of_number)| *byte = of_number);
    let mut body = json!({
        "requestMetadata": metadata("Encrypt", number),
        "plaintext": STANDARD.encode(plaintext),
        "encryptionAlgorithm": "AES_GCM",
        "additionalAuthenticatedData": STANDARD.encode(ADDITIONAL_DATA),
    });
    if wants_value && let Some(fields) = body.as_object_mut() {
        fields.insert("ciphertextDataIntegrityValueAlgorithm".to_owned(), "SHA_256".into());
    }
    body
}

fn decrypt_body(encrypted: &[u8]) -> Result<String, BenchError> {
    let answer: Value = serde_json::from_slice(encrypted)
        .map_err(|_| BenchError::malformed("what was encrypted", String::from_utf8_lossy(encrypted)))?;
    let mut body = json!({
        "requestMetadata": metadata("Decrypt", 0),
        "encryptionAlgorithm": "AES_GCM",
        "additionalAuthenticatedData": STANDARD.encode(ADDITIONAL_DATA),
    });
    let kept = ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"];
    let fields = kept.iter().filter_map(|name| Some(((*name).to_owned(), answer.get(name)?.clone())));
    body.as_object_mut().into_iter().for_each(|body| body.extend(fields.clone()));
    Ok(body.to_string())
}

fn metadata(operation: &str, number: u16) -> Value {
    json!({
        "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
        "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "kmsOperation": operation,
        "kmsRequestId": format!("4112f4d6-db54-4af4-ae30-c55a22a8{number:04x}"),
        "kmsViaService": "ebs",
    })
}

const DISTINCT_REQUESTS: u16 = 256;
/// Connections over which what is to be decrypted is encrypted.
const PREPARING: usize = 8;
/// About what a data key of KMS comes to with what KMS keeps beside it.
const PLAINTEXT: usize = 300;
const ADDITIONAL_DATA: [u8; 32] = [7; 32];
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encrypted_is_asked_for_as_it_was_answered() {
        let answer = json!({
            "ciphertext": "Y2lwaGVy", "initializationVector": "aXY=", "authenticationTag": "dGFn",
            "ciphertextMetadata": "bQ==", "ciphertextDataIntegrityValue": "dmFsdWU=",
        });
        let body: Value =
            serde_json::from_str(&decrypt_body(answer.to_string().as_bytes()).unwrap()).unwrap();
        for name in ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"] {
            assert_eq!(body[name], answer[name], "{name}");
        }
        assert!(body.get("ciphertextDataIntegrityValue").is_none());
        assert_eq!(body["additionalAuthenticatedData"], encrypt_body(0, true)["additionalAuthenticatedData"]);
    }
}
