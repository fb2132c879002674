//! Integrated services call for themselves or for somebody: signed headers say for whom, and for what resource.
//!
//! The headers are an integrated service's alone, and what is not signed is not heeded but refused. A service uses keys for
//! others and manages grants; it changes nothing else in anybody's name.

use super::authenticate::{directory, fault_of, our_failure};
use super::{Caller, OnBehalf};
use crate::api::Routed;
use crate::identity::{Directory, Identity};
use crate::{Call, Service};
use access::{PrincipalKind, PrincipalName};
use keys::AccountId;
use sigv4::{Presented, Refusal};
use wire::{Fault, FaultKind};

/// The caller that a call is made for: whoever signed it or, of a service's call, whom the service names.
pub async fn for_whom(
    service: &Service,
    call: &Call,
    routed: &Routed,
    presented: &Presented<'_>,
    caller: Caller,
) -> Result<Caller, Fault> {
    let signed = |header| signed(call, presented, header);
    let PrincipalKind::Service { name } = caller.identity.principal.kind() else {
        return refuse_headers(call).map(|()| caller);
    };
    let (source_arn, source_account) = (signed(SOURCE_ARN)?, signed(SOURCE_ACCOUNT)?);
    let Some(principal) = signed(ON_BEHALF_OF)? else {
        check_source(source_arn, source_account)?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (source_arn, source_account) = (owned(source_arn), owned(source_account));
        return Ok(Caller { source_arn, source_account, ..caller });
    };
    if source_arn.or(source_account).is_some() {
        return Err(invalid(format!("{SOURCE_ARN} and {SOURCE_ACCOUNT} do not go with {ON_BEHALF_OF}")));
    }
    check_operation(name, routed)?;
    let on_behalf = Some(OnBehalf { service: name.to_string() });
    let identity = Box::pin(principal_named(&directory(service), principal)).await?;
    Ok(Caller { identity, on_behalf, ..caller })
}

/// Nobody but a service can say that it calls for somebody else.
pub fn refuse_headers(call: &Call) -> Result<(), Fault> {
    let given = HEADERS.into_iter().find(|header| call.parts.headers.contains_key(*header));
    given.map_or(Ok(()), |header| {
        Err(Fault::new(FaultKind::AccessDenied, format!("{header} is for integrated services only")))
    })
}

/// The text of a header, which must be signed and there once.
fn signed<'c>(
    call: &'c Call,
    presented: &Presented<'_>,
    header: &'static str,
) -> Result<Option<&'c str>, Fault> {
    let mut given = call.parts.headers.get_all(header).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if !presented.signs(header) {
        return Err(fault_of(&Refusal::HeaderNotSigned { header: header.to_owned() }));
    }
    let text = value.to_str().ok().filter(|_| given.next().is_none());
    text.map(Some).ok_or_else(|| invalid(format!("{header} must be there once, and plain text")))
}

/// A service that could do everything in the name of everybody would be the owner of every account.
fn check_operation(name: &str, routed: &Routed) -> Result<(), Fault> {
    let entry = routed.entry;
    if routed.api.service == "kms" && (entry.read_only || OF_GRANTS.contains(&entry.name)) {
        return Ok(());
    }
    let message = format!("{name} is not authorized to call {} on behalf of others", entry.name);
    Err(Fault::new(FaultKind::AccessDenied, message))
}

fn check_source(arn: Option<&str>, account: Option<&str>) -> Result<(), Fault> {
    if arn.is_some_and(|text| !text.starts_with("arn:") || text.len() > LONGEST_ARN) {
        return Err(invalid(format!("{SOURCE_ARN} must be an ARN")));
    }
    if account.is_some_and(|text| text.parse::<AccountId>().is_err()) {
        return Err(invalid(format!("{SOURCE_ACCOUNT} must be the 12 digits of an account")));
    }
    Ok(())
}

/// Whoever a service says that it calls for. The service has seen their credentials; we have not.
async fn principal_named(directory: &Directory<'_>, text: &str) -> Result<Identity, Fault> {
    let unknown = || {
        invalid(format!(
            "{ON_BEHALF_OF} must be the ARN of a user, a role's session or an account here: `{text}`"
        ))
    };
    let name = text.parse::<PrincipalName>().ok().filter(can_call).ok_or_else(unknown)?;
    if let PrincipalName::Account { account, .. } = &name {
        let there = directory.reader.account(account).await.map_err(|error| our_failure(&error))?;
        there.ok_or_else(unknown)?;
    }
    let identity = directory.named(text).await.map_err(|error| our_failure(&error))?;
    // Names compare without case and paths are not part of them; an ARN is exact.
    identity.filter(|identity| identity.principal.to_string() == text).ok_or_else(unknown)
}

/// Whether that is somebody who calls: a role does so in sessions only, and a service for itself.
fn can_call(name: &PrincipalName) -> bool {
    match name {
        PrincipalName::Account { .. } | PrincipalName::User { .. } => true,
        PrincipalName::Session { session, .. } => is_session_name(session),
        _ => false,
    }
}

//= sts:AssumeRole, RoleSessionName: [\w+=,.@-]*, 2 to 64 characters
fn is_session_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (2..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::Validation, message)
}

/// The principal that a service calls for.
const ON_BEHALF_OF: &str = "x-cardea-on-behalf-of";
/// The resource that a service calls for, and its account: `aws:SourceArn` and `aws:SourceAccount`.
const SOURCE_ARN: &str = "x-cardea-source-arn";
const SOURCE_ACCOUNT: &str = "x-cardea-source-account";
const HEADERS: [&str; 3] = [ON_BEHALF_OF, SOURCE_ARN, SOURCE_ACCOUNT];
/// What a service changes for others.
const OF_GRANTS: [&str; 3] = ["CreateGrant", "RetireGrant", "RevokeGrant"];
const LONGEST_ARN: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn names_a_caller(text: &str) -> bool {
        text.parse().is_ok_and(|name| can_call(&name))
    }

    #[test]
    fn accounts_users_and_sessions_call_and_nobody_else() {
        for caller in ["root", "user/Ana", "user/team/Ana"] {
            assert!(names_a_caller(&format!("arn:aws:iam::111122223333:{caller}")), "{caller}");
        }
        assert!(names_a_caller("arn:aws:sts::111122223333:assumed-role/Nile/delta@example.com"));
        for nobody in ["*", "Ana", "s3.amazonaws.com", "arn:aws:iam::111122223333:role/Nile"] {
            assert!(!names_a_caller(nobody), "{nobody}");
        }
    }

    #[test]
    fn a_session_has_a_name_that_a_session_can_have() {
        let session =
            |name: &str| names_a_caller(&format!("arn:aws:sts::111122223333:assumed-role/Nile/{name}"));
        assert!(session("ab") && session("a_+=,.@-9"));
        assert!(!session("a") && !session("a\"b") && !session("a:b") && !session(&"a".repeat(65)));
    }

    #[test]
    fn a_source_is_an_arn_and_an_account() {
        assert!(check_source(None, None).is_ok());
        assert!(check_source(Some("arn:aws:s3:::bucket"), Some("111122223333")).is_ok());
        assert!(check_source(Some("bucket"), None).is_err() && check_source(None, Some("me")).is_err());
    }
}
