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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const ROLE: &str = "arn:aws:iam::111122223333:role/team/Nile";
    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Nile/delta";
    const USER: &str = "arn:aws:iam::111122223333:user/Ana";

    fn caller(kind: PrincipalKind) -> Principal {
        Principal::new(Arc::from("aws"), "111122223333".parse().unwrap(), kind)
    }

    fn ana() -> Principal {
        caller(PrincipalKind::User { path: "/".into(), name: "Ana".into(), id: "AIDA1".into() })
    }

    fn session() -> Principal {
        caller(PrincipalKind::AssumedRole {
            path: "/team/".into(),
            role: "Nile".into(),
            role_id: "AROA1".into(),
            session: "delta".into(),
        })
    }

    fn root() -> Principal {
        caller(PrincipalKind::Root)
    }

    fn service() -> Principal {
        let kind = PrincipalKind::Service { name: "s3.amazonaws.com".into() };
        Principal::new(Arc::from("aws"), "000000000000".parse().unwrap(), kind)
    }

    fn federated() -> Principal {
        caller(PrincipalKind::Federated {
            provider: "arn:aws:iam::111122223333:oidc-provider/oidc.example.com".into(),
            subject: "ana".into(),
        })
    }

    fn parsed(json: &str, bound: &[(&str, &str)]) -> Result<Box<[Bound]>, Flaw> {
        let bound = bound.iter().map(|(arn, id)| ((*arn).into(), (*id).into())).collect();
        parse(&Json::parse(json).unwrap(), &bound)
    }

    fn named(json: &str, bound: &[(&str, &str)], principal: &Principal) -> Named {
        Principals::Only(parsed(json, bound).unwrap()).name(principal, &"444455556666".parse().unwrap())
    }

    #[test]
    fn a_name_names_those_whom_it_is_of() {
        let everybody = [ana(), session(), root(), service(), federated()];
        let (no, account, role, direct) = (Named::No, Named::Account, Named::Role, Named::Direct);
        for (json, expected) in [
            (r#""*""#.to_owned(), [direct, direct, direct, direct, direct]),
            (r#"{"AWS":"*"}"#.to_owned(), [direct, direct, direct, direct, direct]),
            (format!(r#"{{"AWS":"{ROOT}"}}"#), [account, account, direct, no, no]),
            (r#"{"AWS":["444455556666","111122223333"]}"#.to_owned(), [account, account, direct, no, no]),
            (r#"{"AWS":"arn:aws-cn:iam::111122223333:root"}"#.to_owned(), [no, no, no, no, no]),
            (format!(r#"{{"AWS":"{USER}"}}"#), [direct, no, no, no, no]),
            (r#"{"AWS":"arn:aws:iam::111122223333:user/team/Ana"}"#.to_owned(), [no, no, no, no, no]),
            (format!(r#"{{"AWS":"{ROLE}"}}"#), [no, role, no, no, no]),
            (r#"{"AWS":"arn:aws:iam::111122223333:role/Nile"}"#.to_owned(), [no, no, no, no, no]),
            (format!(r#"{{"AWS":["{SESSION}","{ROLE}"]}}"#), [no, direct, no, no, no]),
            (
                r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/Nile/other"}"#.to_owned(),
                [no, no, no, no, no],
            ),
            (r#"{"Service":["ec2.amazonaws.com","s3.amazonaws.com"]}"#.to_owned(), [no, no, no, direct, no]),
            (
                r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.example.com"}"#.to_owned(),
                [no, no, no, no, direct],
            ),
            (format!(r#"{{"Service":"s3.amazonaws.com","AWS":"{USER}"}}"#), [direct, no, no, direct, no]),
        ] {
            for (principal, expected) in everybody.iter().zip(expected) {
                assert_eq!(named(&json, &[], principal), expected, "{json} and {principal}");
            }
        }
    }

    #[test]
    fn a_bound_name_means_whom_it_meant_when_it_was_stored() {
        let user = format!(r#"{{"AWS":"{USER}"}}"#);
        assert_eq!(named(&user, &[(USER, "AIDA1")], &ana()), Named::Direct);
        assert_eq!(named(&user, &[(USER, "AIDA0")], &ana()), Named::No, "another user of the same name");
        let renamed =
            caller(PrincipalKind::User { path: "/x/".into(), name: "Anna".into(), id: "AIDA1".into() });
        assert_eq!(named(&user, &[(USER, "AIDA1")], &renamed), Named::Direct);
        let role = format!(r#"{{"AWS":"{ROLE}"}}"#);
        assert_eq!(named(&role, &[(ROLE, "AROA1")], &session()), Named::Role);
        assert_eq!(named(&role, &[(ROLE, "AROA0")], &session()), Named::No);
        let of_session = format!(r#"{{"AWS":"{SESSION}"}}"#);
        assert_eq!(named(&of_session, &[(SESSION, "AROA1:delta")], &session()), Named::Direct);
        assert_eq!(named(&of_session, &[(SESSION, "AROA1")], &session()), Named::Direct);
        assert_eq!(named(&of_session, &[(SESSION, "AROA0:delta")], &session()), Named::No);
    }

    #[test]
    fn exempt_is_only_who_is_listed_with_its_account() {
        let everybody = [ana(), session(), root(), service()];
        for (json, exempt) in [
            (format!(r#"{{"AWS":["{USER}","{ROOT}"]}}"#), [true, false, true, false]),
            (format!(r#"{{"AWS":"{USER}"}}"#), [false, false, false, false]),
            (format!(r#"{{"AWS":"{ROOT}"}}"#), [false, false, true, false]),
            (format!(r#"{{"AWS":["{ROLE}","111122223333"]}}"#), [false, true, true, false]),
            (format!(r#"{{"AWS":["{SESSION}","{ROOT}"]}}"#), [false, true, true, false]),
            (r#"{"Service":"s3.amazonaws.com"}"#.to_owned(), [false, false, false, true]),
            (r#""*""#.to_owned(), [true, true, true, true]),
        ] {
            let denied = Principals::AllBut(parsed(&json, &[]).unwrap());
            for (principal, exempt) in everybody.iter().zip(exempt) {
                let expected = if exempt { Named::No } else { Named::Direct };
                assert_eq!(
                    denied.name(principal, &"444455556666".parse().unwrap()),
                    expected,
                    "{json} and {principal}"
                );
            }
        }
    }

    #[test]
    fn the_owner_is_whatever_account_owns_the_key() {
        let owner: AccountId = "111122223333".parse().unwrap();
        let stranger: AccountId = "444455556666".parse().unwrap();
        for (principal, expected) in
            [(ana(), Named::Account), (session(), Named::Account), (root(), Named::Direct)]
        {
            assert_eq!(Principals::Owner.name(&principal, &owner), expected);
            assert_eq!(Principals::Owner.name(&principal, &stranger), Named::No);
        }
        assert_eq!(Principals::Owner.name(&service(), &"000000000000".parse().unwrap()), Named::No);
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for (json, of_type, name) in [
            (r#""111122223333""#, "AWS", "111122223333"),
            (r#"{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#, "AWS", "AIDACKCEVSQ6C2EXAMPLE"),
            (r#"{"AWS":["*","arn:aws:iam::*:root"]}"#, "AWS", "arn:aws:iam::*:root"),
            (r#"{"AWS":"s3.amazonaws.com"}"#, "AWS", "s3.amazonaws.com"),
            (
                r#"{"AWS":"arn:aws:iam::111122223333:group/all"}"#,
                "AWS",
                "arn:aws:iam::111122223333:group/all",
            ),
            (
                r#"{"AWS":"arn:aws:iam::111122223333:oidc-provider/a.b"}"#,
                "AWS",
                "arn:aws:iam::111122223333:oidc-provider/a.b",
            ),
            (r#"{"Service":"*"}"#, "Service", "*"),
            (r#"{"Service":"111122223333"}"#, "Service", "111122223333"),
            (r#"{"Federated":"*"}"#, "Federated", "*"),
            (r#"{"CanonicalUser":"79a59d"}"#, "CanonicalUser", "79a59d"),
            (r#"{"Group":"*"}"#, "Group", "*"),
        ] {
            let flaw = Flaw::Principal { of_type: of_type.into(), name: name.into() };
            assert_eq!(parsed(json, &[]).unwrap_err(), flaw, "{json}");
        }
        for json in ["{}", r#"{"AWS":[]}"#] {
            assert_eq!(parsed(json, &[]).unwrap_err(), Flaw::PrincipalEmpty, "{json}");
        }
        for json in ["[]", "null", "5", r#"{"AWS":5}"#, r#"{"AWS":{}}"#, r#"{"AWS":["*",["*"]]}"#] {
            assert_eq!(parsed(json, &[]).unwrap_err(), Flaw::Shape("Principal".into()), "{json}");
        }
    }
}
