//! The operations of AWS KMS, by family. One file an operation.

pub mod aliases;
pub mod cryptography;
pub mod keys;
mod metadata;
mod pages;
pub mod policies;
pub mod tags;

use crate::operation::NamedKey;
use audit::json::{Json, Object, object};
use wire::member::{EncryptionContext, GrantTokens, RecipientInfo};
use wire::{Fault, FaultKind};

/// `responseElements` of a change whose answer is empty: the key's ARN all the same.
fn key_element(named: &NamedKey) -> Json {
    object(|elements| elements.string("keyId", &named.arn.to_string()))
}

/// Until there are grants no token can be one of theirs.
fn refuse_grant_tokens(tokens: Option<&GrantTokens>) -> Result<(), Fault> {
    if tokens.is_none_or(|tokens| tokens.0.is_empty()) {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::InvalidGrantToken,
        "The request was rejected because the specified grant token is not valid.",
    ))
}

/// An answer for an attested recipient is not to be had yet; answering the caller in its place would disclose the plaintext.
fn refuse_recipient(recipient: Option<&RecipientInfo>) -> Result<(), Fault> {
    if recipient.is_none() {
        return Ok(());
    }
    Err(Fault::new(FaultKind::UnsupportedOperation, "Recipient is not supported."))
}

fn record_context(record: &mut Object<'_>, name: &str, context: Option<&EncryptionContext>) {
    if let Some(context) = context {
        record.object(name, |pairs| context.0.iter().for_each(|(key, value)| pairs.string(key, value)));
    }
}

fn record_text(record: &mut Object<'_>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        record.string(name, text);
    }
}

fn record_flag(record: &mut Object<'_>, name: &str, flag: Option<bool>) {
    if let Some(flag) = flag {
        record.boolean(name, flag);
    }
}

fn record_number(record: &mut Object<'_>, name: &str, number: Option<u16>) {
    if let Some(number) = number {
        record.number(name, number.into());
    }
}
