//! What a policy of an external key may say. Its mistakes are found when it is compiled: there are no requests to which a rule about what
//! never comes would do any good, and whoever wrote it believes that it does.
//!
//! It never refuses an action of KMS because nobody has heard of it: a proxy serves operations that are invented later.

use super::condition::{Condition, ConditionKey, Key};
use super::malformed::Flaw;

/// What is wrong with a value of `Action`, if anything is.
pub(super) fn check_action(action: &str) -> Result<(), Flaw> {
    let (vendor, name) = action.split_once(':').ok_or_else(|| Flaw::ActionWithoutVendor(action.into()))?;
    let never = |why| Err(Flaw::Never { what: "action", value: action.into(), why });
    if name.contains(':') {
        return Err(Flaw::ActionColons(action.into()));
    }
    if !vendor.eq_ignore_ascii_case("kms") {
        return never("every request is for an operation of KMS, `kms:…`");
    }
    if name.is_empty() {
        return never("it names no operation");
    }
    if HALVES.iter().any(|half| name.eq_ignore_ascii_case(half)) {
        return never("both halves of it come as `kms:ReEncrypt`");
    }
    Ok(())
}

/// What is wrong with a condition, if anything is.
pub(super) fn check_condition(condition: &Condition) -> Result<(), Flaw> {
    check_keys(condition.keys())?;
    if condition.is_for_all_values() {
        return Err(Flaw::OverlyPermissive);
    }
    if !condition.is_about(ConditionKey::PrincipalArn) {
        return Ok(());
    }
    match condition.written().find(|value| is_role(value)) {
        Some(role) => Err(Flaw::Never {
            what: "principal",
            value: role.into(),
            why: "a role comes as its sessions, `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` without the role's path",
        }),
        None => Ok(()),
    }
}

/// Refuses the first that no request has.
pub(super) fn check_keys<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Result<(), Flaw> {
    let is_unknown = |key: &&Key| match key {
        Key::Known(key, _) => !KEYS.contains(key),
        Key::Other(name) => !OWN_KEYS.contains(&&**name),
    };
    match keys.into_iter().find(is_unknown) {
        Some(key) => {
            Err(Flaw::Never { what: "condition key", value: key.name(), why: "no request to a proxy has it" })
        }
        None => Ok(()),
    }
}

/// Whether that is the ARN of a role, or of several of one account or more.
fn is_role(value: &str) -> bool {
    value.splitn(6, ':').nth(5).is_some_and(|resource| resource.starts_with("role/"))
}

/// Every condition key of AWS's that a request to a proxy may have.
pub(super) const KEYS: &[ConditionKey] = &[
    ConditionKey::CurrentTime,
    ConditionKey::EpochTime,
    ConditionKey::KmsViaService,
    ConditionKey::PrincipalAccount,
    ConditionKey::PrincipalArn,
    ConditionKey::PrincipalIsAwsService,
    ConditionKey::PrincipalServiceName,
    ConditionKey::SecureTransport,
    ConditionKey::SourceIp,
    ConditionKey::SourceVpc,
    ConditionKey::SourceVpce,
];

/// Those of our own, in lower case, as they are compared.
pub(super) const OWN_KEYS: &[&str] = &["xks:externalkeyid", "xks:operation"];

/// The permissions of KMS that name half an operation each.
const HALVES: [&str; 2] = ["ReEncryptFrom", "ReEncryptTo"];
