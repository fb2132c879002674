//! What the four calls say, and what they are answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use xks_api::{ErrorName, Operation};

use crate::requirement::{Finding, Miss, PASSED, ensure};
use crate::wire::{Answer, excerpt};

/// What Encrypt answered.
#[derive(Clone, Debug)]
pub(crate) struct Encrypted {
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) iv: Vec<u8>,
    pub(crate) tag: Vec<u8>,
    pub(crate) metadata: Option<Vec<u8>>,
    pub(crate) integrity: Option<Vec<u8>>,
}

impl Encrypted {
    /// Of an answer that should be a success.
    pub(crate) fn of(answer: &Answer) -> Result<Self, Miss> {
        let fields = success(answer)?;
        Ok(Self {
            ciphertext: required(answer, &fields, "ciphertext")?,
            iv: required(answer, &fields, "initializationVector")?,
            tag: required(answer, &fields, "authenticationTag")?,
            metadata: optional(answer, &fields, "ciphertextMetadata")?,
            integrity: optional(answer, &fields, "ciphertextDataIntegrityValue")?,
        })
    }
}

/// A body for Encrypt, that asks for an integrity value.
pub(crate) fn encrypt(plaintext: &[u8], aad: Option<&[u8]>, serial: u64) -> Value {
    let mut body = json!({
        "requestMetadata": request_metadata(Operation::Encrypt, serial),
        "plaintext": STANDARD.encode(plaintext),
        "encryptionAlgorithm": "AES_GCM",
        "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
    });
    put(&mut body, "additionalAuthenticatedData", aad);
    body
}

/// A body for Decrypt.
pub(crate) fn decrypt(encrypted: &Encrypted, aad: Option<&[u8]>, serial: u64) -> Value {
    let mut body = json!({
        "requestMetadata": request_metadata(Operation::Decrypt, serial),
        "ciphertext": STANDARD.encode(&encrypted.ciphertext),
        "encryptionAlgorithm": "AES_GCM",
        "initializationVector": STANDARD.encode(&encrypted.iv),
        "authenticationTag": STANDARD.encode(&encrypted.tag),
    });
    put(&mut body, "additionalAuthenticatedData", aad);
    put(&mut body, "ciphertextMetadata", encrypted.metadata.as_deref());
    body
}

/// A body for a call that says nothing but who asks.
pub(crate) fn plain(operation: Operation, serial: u64) -> Value {
    json!({ "requestMetadata": request_metadata(operation, serial) })
}

/// So many bytes, that begin with the [`MARKER`].
pub(crate) fn plaintext(length: usize) -> Vec<u8> {
    MARKER.bytes().cycle().take(length).collect()
}

/// The fields that KMS sends, and no others.
fn request_metadata(operation: Operation, serial: u64) -> Value {
    let mut fields = json!({ "kmsOperation": kms_operation(operation), "kmsRequestId": request_id(serial) });
    if operation != Operation::GetHealthStatus {
        set(&mut fields, "awsPrincipalArn", PRINCIPAL.into());
    }
    if matches!(operation, Operation::Encrypt | Operation::Decrypt) {
        set(&mut fields, "kmsKeyArn", KMS_KEY.into());
    }
    fields
}

/// What KMS would have been asked for.
fn kms_operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Decrypt => "Decrypt",
        Operation::Encrypt => "GenerateDataKey",
        Operation::GetHealthStatus => "KmsHealthCheck",
        Operation::GetKeyMetadata => "CreateKey",
    }
}

/// Such as can be found in a log.
fn request_id(serial: u64) -> String {
    format!("conformance-{serial:08}")
}

/// A body with a field changed, by its names parted by dots, or without it.
pub(crate) fn edited(body: &Value, path: &str, value: Option<Value>) -> Value {
    let mut body = body.clone();
    let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer = parents.split('.').filter(|parent| !parent.is_empty());
    let pointer: String = pointer.map(|parent| format!("/{parent}")).collect();
    if let Some(fields) = body.pointer_mut(&pointer).and_then(Value::as_object_mut) {
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => drop(fields.remove(name)),
        }
    }
    body
}

/// A field of Base64.
pub(crate) fn base64(bytes: &[u8]) -> Option<Value> {
    Some(STANDARD.encode(bytes).into())
}

/// The fields of an answer that should be a success.
pub(crate) fn success(answer: &Answer) -> Result<Map<String, Value>, Miss> {
    ensure(answer.status == 200, "status 200", || excerpt(answer))?;
    match answer.json() {
        Some(Value::Object(fields)) => Ok(fields),
        _ => Err(Miss::failed("a JSON object", excerpt(answer))),
    }
}

/// The plaintext of an answer that should be a success.
pub(crate) fn decrypted(answer: &Answer) -> Result<Vec<u8>, Miss> {
    required(answer, &success(answer)?, "plaintext")
}

/// That an answer is one of these errors, each with its own status.
pub(crate) fn refused(answer: &Answer, names: &[ErrorName]) -> Result<(), Miss> {
    let found = answer.error_name().unwrap_or_default();
    let right = names.iter().any(|name| name.as_str() == found && name.status() == answer.status);
    let expected: Vec<String> = names.iter().map(|name| format!("{} {name}", name.status())).collect();
    ensure(right, expected.join(" or "), || excerpt(answer))
}

/// That an answer is an error that blames the caller, whichever.
pub(crate) fn refused_somehow(answer: &Answer) -> Result<(), Miss> {
    let right = matches!(answer.status, 400..=499 | 501);
    ensure(right, "an error that blames the request", || excerpt(answer))
}

/// A bytes' field that must be there.
fn required(answer: &Answer, fields: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Miss> {
    let missing = || Miss::failed(format!("a field {name}"), excerpt(answer));
    optional(answer, fields, name)?.ok_or_else(missing)
}

/// A bytes' field. `null` is none.
fn optional(answer: &Answer, fields: &Map<String, Value>, name: &str) -> Result<Option<Vec<u8>>, Miss> {
    let wrong = || Miss::failed(format!("{name} in standard Base64"), excerpt(answer));
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => STANDARD.decode(text).map(Some).map_err(|_| wrong()),
        Some(_) => Err(wrong()),
    }
}

fn put(body: &mut Value, name: &str, bytes: Option<&[u8]>) {
    if let Some(bytes) = bytes {
        set(body, name, STANDARD.encode(bytes).into());
    }
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// Several cases of one check: all are tried, and those that are not as they should be are told together.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    expected: Vec<String>,
    found: Vec<String>,
}

impl Cases {
    /// Notes a case that is not as it should be.
    pub(crate) fn note(&mut self, case: &str, outcome: Result<(), Miss>) -> Result<(), Miss> {
        let (expected, found) = match outcome {
            Ok(()) => return Ok(()),
            Err(Miss::Failed { expected, found }) => (expected, found),
            Err(Miss::Lost(found)) => ("an answer".to_owned(), found),
            Err(skipped @ Miss::Skipped(_)) => return Err(skipped),
        };
        if !self.expected.contains(&expected) {
            self.expected.push(expected);
        }
        self.found.push(format!("{case}: {found}"));
        Ok(())
    }

    /// What all cases come to.
    pub(crate) fn finding(self) -> Finding {
        if self.found.is_empty() {
            return PASSED;
        }
        let mut found: Vec<String> = self.found.iter().take(TOLD).cloned().collect();
        if self.found.len() > TOLD {
            found.push(format!("and {} more", self.found.len() - TOLD));
        }
        Err(Miss::failed(self.expected.join("; "), found.join("; ")))
    }
}

/// How many cases of a check are told.
const TOLD: usize = 4;

/// What every plaintext of a run begins with, so that it can be looked for in logs.
pub(crate) const MARKER: &str = "cardea-conformance-plaintext";

/// Who is said to ask.
const PRINCIPAL: &str = "arn:aws:iam::123456789012:user/Alice";

const KMS_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::edited;

    #[test]
    fn a_field_is_changed_added_or_removed_wherever_it_is() {
        let body = json!({ "a": { "b": 1 }, "c": 2 });
        assert_eq!(edited(&body, "a.b", Some(json!(3))), json!({ "a": { "b": 3 }, "c": 2 }));
        assert_eq!(edited(&body, "a.d", Some(json!(3))), json!({ "a": { "b": 1, "d": 3 }, "c": 2 }));
        assert_eq!(edited(&body, "c", None), json!({ "a": { "b": 1 } }));
    }
}
