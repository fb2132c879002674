//! What the four calls do. An encryption is opened again before it is answered.

use std::sync::PoisonError;

use super::call::Call;
use super::messages::Request;
use crate::fault::ErrorName;
use crate::key_manager::{ExternalKey, Sealed};
use crate::setup::HealthReport;
use crate::state::State;

/// What a call came to.
#[derive(Debug)]
pub(crate) enum Success {
    Decrypted(Vec<u8>),
    Encrypted { sealed: Sealed, aad: Vec<u8>, integrity: bool },
    Health(HealthReport),
    Metadata { spec: String, usage: Vec<String>, enabled: bool },
}

/// Does what a call asks for, which somebody signed.
pub(crate) fn perform(state: &State, call: &Call, body: &[u8]) -> Result<Success, ErrorName> {
    let request = Request::parse(body)?;
    let about_keys = *call != Call::Health;
    request.check_metadata(about_keys, matches!(call, Call::Decrypt(_) | Call::Encrypt(_)))?;
    match call {
        Call::Decrypt(name) => state.keys.with(name, |key| decrypt(key, &request)),
        Call::Encrypt(name) => state.keys.with(name, |key| encrypt(key, &request)),
        Call::Health => health(state),
        Call::Metadata(name) => state.keys.with(name, |key| Ok(metadata(key))),
    }
}

fn decrypt(key: &ExternalKey, request: &Request) -> Result<Success, ErrorName> {
    key.decrypt(&request.sealed()?, &request.aad()?).map(Success::Decrypted)
}

fn encrypt(key: &ExternalKey, request: &Request) -> Result<Success, ErrorName> {
    let (plaintext, aad, integrity) =
        (request.plaintext()?, request.aad()?, request.wants_integrity_value()?);
    let sealed = key.encrypt(&plaintext, &aad)?;
    if integrity && key.decrypt(&sealed, &aad)? != plaintext {
        return Err(ErrorName::Internal);
    }
    Ok(Success::Encrypted { sealed, aad, integrity })
}

/// As deep as it can be: the test key works.
fn health(state: &State) -> Result<Success, ErrorName> {
    let sealed = state.test_key.encrypt(b"health", b"")?;
    state.test_key.decrypt(&sealed, b"")?;
    Ok(Success::Health(state.health.read().unwrap_or_else(PoisonError::into_inner).clone()))
}

fn metadata(key: &ExternalKey) -> Success {
    Success::Metadata { spec: key.spec.clone(), usage: key.usage.clone(), enabled: key.enabled }
}
