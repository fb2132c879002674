//! Answers made wrong. A fault touches what it names and leaves the rest as it should be, so that it is noticed for that
//! alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::messages::ErrorMessage;
use super::operations::Success;
use super::{Answer, JSON, status};
use crate::fault::{ErrorName, Fault};
use crate::key_manager::Sealed;

/// What is answered in place of anything else.
pub(crate) fn instead(fault: &Fault) -> Option<Answer> {
    match fault {
        Fault::EmptyBody => Some(text(StatusCode::OK, JSON, Vec::new())),
        Fault::Error { name, status: number, message } => {
            let proper = ErrorName::ALL.iter().find(|it| it.as_str() == name).map_or(500, |it| it.status());
            let message = ErrorMessage::new(name, message.as_deref());
            Some(Answer::json(status(number.unwrap_or(proper)), &message))
        }
        Fault::HtmlPage(number) => Some(text(status(*number), "text/html", HTML.to_vec())),
        Fault::NotJson => Some(text(StatusCode::OK, JSON, b"{\"ciphertext\": ".to_vec())),
        Fault::Status(number) => Some(Answer::empty(status(*number))),
        _ => None,
    }
}

/// A success, spoilt.
pub(crate) fn spoilt(fault: &Fault, mut success: Success) -> Answer {
    match &mut success {
        Success::Decrypted(plaintext) => spoil_plaintext(fault, plaintext),
        Success::Encrypted { sealed, .. } => spoil_sealed(fault, sealed),
        Success::Health(_) | Success::Metadata { .. } => (),
    }
    let mut fields = match serde_json::to_value(success.message()) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    spoil_fields(fault, &mut fields);
    Answer::json(StatusCode::OK, &fields)
}

fn spoil_plaintext(fault: &Fault, plaintext: &mut Vec<u8>) {
    match (fault, plaintext.first_mut()) {
        (Fault::ShortPlaintext, _) => drop(plaintext.pop()),
        (Fault::WrongPlaintext, Some(first)) => *first ^= 1,
        _ => (),
    }
}

/// Before the integrity value is computed.
fn spoil_sealed(fault: &Fault, sealed: &mut Sealed) {
    match fault {
        Fault::LongMetadata => sealed.metadata.resize(21, b' '),
        Fault::OddInitializationVector => sealed.vector.resize(13, 0),
        Fault::ShortCiphertext => drop(sealed.ciphertext.pop()),
        Fault::ShortTag => drop(sealed.tag.pop()),
        _ => (),
    }
}

fn spoil_fields(fault: &Fault, fields: &mut Map<String, Value>) {
    match fault {
        Fault::BadBase64 => fields.values_mut().for_each(break_base64),
        Fault::HugeBody => drop(fields.insert("padding".to_owned(), " ".repeat(HUGE).into())),
        Fault::NoIntegrityValue => drop(fields.remove(INTEGRITY_VALUE)),
        Fault::RemoveField(field) => drop(fields.remove(field)),
        Fault::SetField { field, value } => drop(fields.insert(field.clone(), value.clone())),
        Fault::WrongIntegrityValue => flip_first_bit(fields.get_mut(INTEGRITY_VALUE)),
        Fault::WrongTag => flip_first_bit(fields.get_mut("authenticationTag")),
        Fault::WrongTypes => fields.values_mut().for_each(change_type),
        _ => (),
    }
}

fn break_base64(value: &mut Value) {
    if let Value::String(text) = value {
        text.insert(0, '*');
    }
}

fn change_type(value: &mut Value) {
    *value = if value.is_number() { json!("1") } else { json!(1) };
}

fn flip_first_bit(value: Option<&mut Value>) {
    let Some(Value::String(text)) = value else { return };
    let Ok(mut bytes) = STANDARD.decode(text.as_bytes()) else { return };
    if let Some(first) = bytes.first_mut() {
        *first ^= 1;
    }
    *text = STANDARD.encode(bytes);
}

fn text(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Answer {
    Answer { status, content_type: Some(content_type), body: Bytes::from(body) }
}

const INTEGRITY_VALUE: &str = "ciphertextDataIntegrityValue";
const HTML: &[u8] = b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>";
const HUGE: usize = 10 * 1024 * 1024;
