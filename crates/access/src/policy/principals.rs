//! `Principal` and `NotPrincipal` of a statement, and whether they name a caller.

use super::BoundPrincipals;
use super::json::Json;
use super::malformed::Flaw;
use super::statement::Named;
use crate::{Principal, PrincipalKind, PrincipalName};
use keys::AccountId;

/// Whom a statement names.
#[derive(Debug)]
pub(super) enum Principals {
    /// All but these, in a statement that denies.
    AllBut(Box<[Bound]>),
    /// Whoever has the policy: it is an identity policy.
    Bearer,
    /// These.
    Only(Box<[Bound]>),
    /// The account that owns the key.
    Owner,
}

/// A name, and the unique id of the user or role that it meant when the policy was stored.
#[derive(Debug)]
pub(super) struct Bound {
    name: PrincipalName,
    id: Option<Box<str>>,
}

impl Principals {
    /// How they name that caller.
    pub(super) fn name(&self, principal: &Principal, owner: &AccountId) -> Named {
        match self {
            Self::AllBut(names) if is_exempt(principal, names) => Named::No,
            Self::AllBut(_) | Self::Bearer => Named::Direct,
            Self::Only(names) => names.iter().map(|bound| bound.names(principal)).max().unwrap_or(Named::No),
            Self::Owner if owner == principal.account() => as_account(principal),
            Self::Owner => Named::No,
        }
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &PrincipalName> {
        let bound = match self {
            Self::AllBut(bound) | Self::Only(bound) => &**bound,
            Self::Bearer | Self::Owner => &[],
        };
        bound.iter().map(|bound| &bound.name)
    }
}

/// Whether a list of those who are not meant has that caller.
//= NotPrincipal with Deny: the ARN of the account must be given too, else the account is denied and with it whoever belongs to it; for
//= a session the ARN of its role and that of the account
fn is_exempt(principal: &Principal, names: &[Bound]) -> bool {
    let has = |wanted: &[Named]| names.iter().any(|bound| wanted.contains(&bound.names(principal)));
    if names.iter().any(|bound| bound.name == PrincipalName::Anyone) {
        return true;
    }
    let belongs_to_an_account =
        matches!(principal.kind(), PrincipalKind::AssumedRole { .. } | PrincipalKind::User { .. });
    has(&[Named::Direct, Named::Role]) && (!belongs_to_an_account || has(&[Named::Account]))
}

/// How an account's name names a caller of that account.
const fn as_account(principal: &Principal) -> Named {
    match principal.kind() {
        PrincipalKind::AssumedRole { .. } | PrincipalKind::User { .. } => Named::Account,
        PrincipalKind::Federated { .. } | PrincipalKind::Service { .. } => Named::No,
        PrincipalKind::Root => Named::Direct,
    }
}

impl Bound {
    fn names(&self, principal: &Principal) -> Named {
        let is_here = |partition: &str, account: &AccountId| {
            partition == principal.partition() && account == principal.account()
        };
        match (&self.name, principal.kind()) {
            (PrincipalName::Anyone, _) => Named::Direct,
            (PrincipalName::Account { partition, account }, _) => {
                let partition = partition.as_deref().unwrap_or(principal.partition());
                if is_here(partition, account) { as_account(principal) } else { Named::No }
            }
            (
                PrincipalName::User { partition, account, path, name },
                PrincipalKind::User { path: of, name: who, id },
            ) => {
                let is_same_name = || is_here(partition, account) && path == of && name == who;
                when(self.means(id, is_same_name), Named::Direct)
            }
            (
                PrincipalName::Role { partition, account, path, name },
                PrincipalKind::AssumedRole { path: of, role, role_id, .. },
            ) => {
                let is_same_name = || is_here(partition, account) && path == of && name == role;
                when(self.means(role_id, is_same_name), Named::Role)
            }
            (
                PrincipalName::Session { partition, account, role: of, session },
                PrincipalKind::AssumedRole { role, role_id, session: who, .. },
            ) => {
                let is_same_role = || is_here(partition, account) && role == of;
                when(session == who && self.means(role_id, is_same_role), Named::Direct)
            }
            (PrincipalName::Service(name), PrincipalKind::Service { name: who }) => {
                when(name.eq_ignore_ascii_case(who), Named::Direct)
            }
            (PrincipalName::Federated(name), PrincipalKind::Federated { provider, .. }) => {
                when(name == provider, Named::Direct)
            }
            _ => Named::No,
        }
    }

    /// Whether it means the user or role with that id. Only a name that was never bound goes by the name.
    fn means(&self, id: &str, has_the_name: impl FnOnce() -> bool) -> bool {
        self.id.as_deref().map_or_else(has_the_name, |bound| bound == id)
    }
}

const fn when(is_it: bool, named: Named) -> Named {
    if is_it { named } else { Named::No }
}

/// The names in the value of `Principal` or `NotPrincipal`.
pub(super) fn parse(value: &Json, bound: &BoundPrincipals) -> Result<Box<[Bound]>, Flaw> {
    let shape = || Flaw::Shape("Principal".into());
    let of_types = match value {
        Json::Text(text) if text == "*" => {
            return Ok(Box::new([Bound { name: PrincipalName::Anyone, id: None }]));
        }
        Json::Text(text) => return Err(invalid("AWS", text)),
        Json::Object(of_types) => of_types,
        _ => return Err(shape()),
    };
    let mut names = Vec::new();
    for (of_type, value) in of_types {
        for text in value.as_texts().ok_or_else(shape)? {
            let name = parse_name(of_type, text).ok_or_else(|| invalid(of_type, text))?;
            names.push(Bound { name, id: bound.get(text).map(|id| Box::from(role_or_user_id(id))) });
        }
    }
    if names.is_empty() { Err(Flaw::PrincipalEmpty) } else { Ok(names.into()) }
}

fn parse_name(of_type: &str, text: &str) -> Option<PrincipalName> {
    match (of_type, text.parse().ok()?) {
        ("AWS", PrincipalName::Service(_)) => None,
        ("AWS", PrincipalName::Federated(arn)) if !arn.contains(":federated-user/") => None,
        ("AWS", name) => Some(name),
        ("Federated", PrincipalName::Federated(name) | PrincipalName::Service(name)) => {
            Some(PrincipalName::Federated(name))
        }
        ("Service", PrincipalName::Service(name)) => Some(PrincipalName::Service(name)),
        _ => None,
    }
}

/// Of a session's id, `AROA…:session`, the id of its role.
fn role_or_user_id(id: &str) -> &str {
    id.split_once(':').map_or(id, |(id, _)| id)
}

fn invalid(of_type: &str, name: &str) -> Flaw {
    Flaw::Principal { of_type: of_type.into(), name: name.into() }
}
