//! The action that is to be explained: as AWS spells it, and what kind of thing it is on. A slip of the pen is an error with a
//! suggestion, never an explanation why nobody may do what does not exist.

use super::asked::invalid;
use crate::APIS;
use access::{KEY_ACTIONS, KeyAction};
use wire::Fault;

/// What an action is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing but the account.
    Account,
    /// An alias, and the key that it stands for.
    Alias,
    /// Something that IAM keeps, or the account.
    Identity,
    /// A key.
    Key,
    /// A role that somebody wants to be.
    Role,
}

/// The action as AWS spells it.
pub fn spelt(text: &str) -> Result<String, Fault> {
    let known = known();
    if let Some(action) = known.iter().find(|action| action.eq_ignore_ascii_case(text)) {
        return match why_not(action) {
            Some(reason) => Err(invalid(format!("{action} cannot be explained: {reason}"))),
            None => Ok(action.clone()),
        };
    }
    let written = text.to_ascii_lowercase();
    let distance = |action: &String| {
        let whole = distance(&written, &action.to_ascii_lowercase());
        let (_, name) = action.split_once(':').unwrap_or_default();
        whole.min(distance_of_name(&written, name))
    };
    let nearest = known.iter().map(|action| (distance(action), action)).min();
    let hint = nearest.filter(|(distance, _)| *distance <= MOST_SLIPS);
    let hint = hint.map(|(_, action)| format!(" Did you mean {action}?")).unwrap_or_default();
    Err(invalid(format!("{text} is no action that this service decides about.{hint}")))
}

/// What it is on.
pub fn target(action: &str) -> Target {
    match action.split_once(':') {
        Some(("kms", "CreateAlias" | "DeleteAlias" | "UpdateAlias")) => Target::Alias,
        Some(("kms", _)) if KeyAction::of_name(action).is_some() => Target::Key,
        Some(("iam", _)) => Target::Identity,
        Some(("sts", "AssumeRole" | "SetSourceIdentity" | "TagSession")) => Target::Role,
        _ => Target::Account,
    }
}

/// Every action: those on keys, whether there is an operation for them yet or not, and one for each operation.
fn known() -> Vec<String> {
    let of_operations = APIS
        .iter()
        .flat_map(|api| api.operations.iter().map(|entry| format!("{}:{}", api.service, entry.name)));
    let others = KEY_ACTIONS.iter().map(|action| action.name).chain(WITHOUT_OPERATION.iter().copied());
    of_operations.chain(others.map(str::to_owned)).collect()
}

/// Why there is nothing to explain about the action of that name.
fn why_not(action: &str) -> Option<&'static str> {
    NOT_EXPLAINED.iter().find(|(name, _)| *name == action).map(|(_, reason)| *reason)
}

/// Of a text without a service's name.
fn distance_of_name(text: &str, name: &str) -> usize {
    if text.contains(':') { usize::MAX } else { distance(text, &name.to_ascii_lowercase()) }
}

/// How many letters must be put in, left out or changed to come from one text to the other.
fn distance(one: &str, other: &str) -> usize {
    let first: Vec<usize> = (0..=other.chars().count()).collect();
    let last = one.chars().zip(1_usize..).fold(first, |row, (letter, start)| {
        let mut next = vec![start];
        for (wanted, pair) in other.chars().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or(start);
            let changed = diagonal.saturating_add((letter != wanted).into());
            next.push(changed.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        next
    });
    last.last().copied().unwrap_or(0)
}

/// So many wrong letters and it was another word.
const MOST_SLIPS: usize = 3;

/// Actions that are needed beside others.
const WITHOUT_OPERATION: &[&str] = &["sts:SetSourceIdentity", "sts:TagSession"];

const NOT_EXPLAINED: &[(&str, &str)] = &[
    ("kms:ReEncrypt", "it needs kms:ReEncryptFrom on one key and kms:ReEncryptTo on the other."),
    (
        "kms:RetireGrant",
        "the grant says who may retire it: its retiring principal, its grantee if it lists RetireGrant, and the account that made it.",
    ),
    ("sts:AssumeRoleWithWebIdentity", "its caller is no principal of an account yet."),
    ("sts:GetCallerIdentity", "everybody may."),
    ("sts:GetSessionToken", "every user may."),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        spelt(text).unwrap_err().message().unwrap_or_default().to_owned()
    }

    #[test]
    fn an_action_is_spelt_as_aws_does_whatever_its_case() {
        assert_eq!(spelt("KMS:decrypt").unwrap(), "kms:Decrypt");
        assert_eq!(
            spelt("kms:Sign").unwrap(),
            "kms:Sign",
            "there is an action before there is its operation"
        );
        assert_eq!(spelt("sts:tagsession").unwrap(), "sts:TagSession");
    }

    #[test]
    fn a_slip_of_the_pen_is_told_with_what_was_meant() {
        assert!(refusal("kms:Decryt").ends_with("Did you mean kms:Decrypt?"), "{}", refusal("kms:Decryt"));
        assert!(refusal("decrypt").ends_with("Did you mean kms:Decrypt?"), "{}", refusal("decrypt"));
        assert!(refusal("kms:MakeMeCoffee").ends_with("decides about."), "{}", refusal("kms:MakeMeCoffee"));
        assert!(refusal("kms:*").contains("is no action"), "{}", refusal("kms:*"));
    }

    #[test]
    fn what_no_policy_decides_alone_is_not_explained() {
        for (action, reason) in NOT_EXPLAINED {
            assert!(refusal(action).ends_with(reason), "{action}");
        }
    }

    #[test]
    fn the_distance_of_two_texts_is_the_number_of_slips() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn actions_are_on_what_their_operations_ask_about() {
        for (action, on) in [
            ("kms:Decrypt", Target::Key),
            ("kms:UpdateAlias", Target::Alias),
            ("kms:CreateKey", Target::Account),
            ("iam:CreateUser", Target::Identity),
            ("sts:AssumeRole", Target::Role),
            ("cardea:ExplainAccess", Target::Account),
        ] {
            assert_eq!(target(action), on, "{action}");
        }
    }
}
