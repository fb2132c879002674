//! The operations of AWS STS: temporary credentials. One file an operation.

mod credentials;
mod decode_authorization_message;
mod get_access_key_info;
mod get_caller_identity;
mod get_session_token;

use crate::identity::SessionPrincipal;
use crate::operation::Failure;
use crate::pipeline::Scene;
use crate::registry::{Entry, entry};
use wire::{Fault, FaultKind};

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[
    entry::<decode_authorization_message::DecodeAuthorizationMessage>(),
    entry::<get_access_key_info::GetAccessKeyInfo>(),
    entry::<get_caller_identity::GetCallerIdentity>(),
    entry::<get_session_token::GetSessionToken>(),
];

//= sts:GetSessionToken: its credentials can call no operation of STS but AssumeRole and GetCallerIdentity
fn refuse_user_session(scene: &Scene<'_>, operation: &str) -> Result<(), Failure> {
    match scene.caller.session.as_ref().map(|session| &session.principal) {
        Some(SessionPrincipal::Root { .. } | SessionPrincipal::User { .. }) => {
            let message = format!("Cannot call {operation} with session credentials");
            Err(Fault::new(FaultKind::AccessDenied, message).into())
        }
        _ => Ok(()),
    }
}

/// Nobody has a device for a second factor here, so that whatever it may have shown is wrong.
fn refuse_mfa(is_given: bool) -> Result<(), Fault> {
    if is_given { Err(Fault::new(FaultKind::AccessDenied, WRONG_CODE)) } else { Ok(()) }
}

const WRONG_CODE: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
