//! An answer, made wrong.

use super::spec::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use http_server::Response;
use serde_json::Value;
use xks_api::Operation;

/// The answer with that fault in it.
pub(super) async fn spoiled(answer: Response, fault: Fault, operation: Operation) -> Response {
    let (head, body) = answer.into_parts();
    // A body that is all there already cannot fail to arrive.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = match fault {
        Fault::NotJson => Bytes::from_static(b"<html>502 Bad Gateway</html>"),
        Fault::Truncated => body.slice(..body.len() / 2),
        Fault::WrongTag if operation == Operation::Decrypt => with_another(&body, "plaintext"),
        Fault::WrongTag => with_another(&body, "authenticationTag"),
        Fault::WrongValue => with_another(&body, "ciphertextDataIntegrityValue"),
        Fault::Error(_) | Fault::Reset | Fault::Timeout => body,
    };
    Response::from_parts(head, Full::new(body))
}

/// The same but for the first byte of that field, which is Base64; the same altogether if there is no such field.
fn with_another(body: &Bytes, field: &str) -> Bytes {
    let spoil = || {
        let mut answer: Value = serde_json::from_slice(body).ok()?;
        let text = answer.get_mut(field)?;
        let mut bytes = STANDARD.decode(text.as_str()?).ok()?;
        *bytes.first_mut()? ^= 1;
        *text = Value::String(STANDARD.encode(bytes));
        serde_json::to_vec(&answer).ok().map(Bytes::from)
    };
    spoil().unwrap_or_else(|| body.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_of_one_field_is_another() {
        let body = Bytes::from_static(br#"{"authenticationTag":"AAAA","ciphertext":"AAAA"}"#);
        assert_eq!(
            with_another(&body, "authenticationTag"),
            &br#"{"authenticationTag":"AQAA","ciphertext":"AAAA"}"#[..]
        );
        assert_eq!(with_another(&body, "plaintext"), body);
    }
}
