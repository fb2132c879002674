//! The operations of AWS STS: temporary credentials. One file an operation.

mod assume_role;
mod assume_role_with_web_identity;
mod credentials;
mod decode_authorization_message;
mod get_access_key_info;
mod get_caller_identity;
mod get_session_token;
mod role;
mod session_limits;

pub use assume_role_with_web_identity::Input as WebIdentityInput;

use crate::identity::SessionPrincipal;
use crate::operation::Failure;
use crate::pipeline::Scene;
use crate::registry::{Entry, entry};
use audit::json::Object;
use wire::member::sts::{PolicyDescriptors, TagKeys, Tags};
use wire::{Fault, FaultKind};

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[
    entry::<assume_role::AssumeRole>(),
    entry::<assume_role_with_web_identity::AssumeRoleWithWebIdentity>(),
    entry::<decode_authorization_message::DecodeAuthorizationMessage>(),
    entry::<get_access_key_info::GetAccessKeyInfo>(),
    entry::<get_caller_identity::GetCallerIdentity>(),
    entry::<get_session_token::GetSessionToken>(),
];

/// The one operation that nobody signs: the token is the credential.
pub const WITH_WEB_IDENTITY: &str = "AssumeRoleWithWebIdentity";

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

fn record_policies(record: &mut Object<'_>, text: Option<&str>, arns: Option<&PolicyDescriptors>) {
    if let Some(text) = text {
        record.string("policy", text);
    }
    if let Some(arns) = arns {
        record.array("policyArns", |list| {
            for arn in arns.0.iter().filter_map(|descriptor| descriptor.arn.as_ref()) {
                list.object(|entry| entry.string("arn", arn.as_str()));
            }
        });
    }
}

fn record_tags(record: &mut Object<'_>, tags: Option<&Tags>, transitive: Option<&TagKeys>) {
    if let Some(tags) = tags {
        record.array("tags", |list| {
            for tag in &tags.0 {
                list.object(|entry| {
                    entry.string("key", tag.key.as_str());
                    entry.string("value", tag.value.as_str());
                });
            }
        });
    }
    if let Some(keys) = transitive {
        record.array("transitiveTagKeys", |list| keys.0.iter().for_each(|key| list.string(key.as_str())));
    }
}

const WRONG_CODE: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
