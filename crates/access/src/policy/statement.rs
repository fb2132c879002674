//! One statement of a policy: what it covers, whom it names, under which conditions.

use super::condition::{Condition, FailedCondition};
use super::pattern::{Case, Pattern};
use super::principals::Principals;
use super::resource::Target;
use super::template::Template;
use crate::{Facts, Principal};
use keys::AccountId;

/// One statement. It is about a request if it covers the action and the resource, names the principal, and its conditions hold.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    pub(super) actions: Coverage<Pattern>,
    pub(super) resources: Coverage<Template>,
    pub(super) principals: Principals,
    pub(super) conditions: Box<[Condition]>,
}

/// What follows if a statement applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// How a statement names a principal. In the order of how much an `Allow` of it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// Not at all.
    No,
    /// Its account: the account's own policies decide.
    Account,
    /// The role of its session: what limits the role and the session limits this too.
    Role,
    /// Itself: the user, the session, the service, the root user, anyone.
    Direct,
}

/// Of actions or resources, which ones.
#[derive(Debug)]
pub(super) enum Coverage<T> {
    AllBut(Box<[T]>),
    Everything,
    Nothing,
    Only(Box<[T]>),
}

impl Statement {
    /// Whether it is about that action. One without `Action` is about none.
    pub(crate) fn covers_action(&self, action: &str) -> bool {
        self.actions.covers(|pattern| Some(pattern.matches(action, Case::Ignored)))
    }

    /// Whether it is about that resource. In a key policy `*` is the key that it belongs to, and a statement without `Resource` is
    /// about nothing; in a trust policy every statement is about the role.
    pub(crate) fn covers_resource(&self, target: &Target<'_>, facts: &dyn Facts) -> bool {
        self.resources.covers(|template| match template {
            Template::Fixed(pattern) => {
                Some(pattern.is_everything() || pattern.matches(target.arn(), Case::Kept))
            }
            template => template.filled(facts).map(|pattern| pattern.matches(target.arn(), Case::Kept)),
        })
    }

    /// How it names that principal. `owner` is the account that the policy's key or role belongs to. A statement of an identity policy
    /// names whomever it is attached to: `Direct`.
    pub(crate) fn names(&self, principal: &Principal, owner: &AccountId) -> Named {
        self.principals.name(principal, owner)
    }

    /// Whether all its conditions hold.
    pub(crate) fn conditions_hold(&self, facts: &dyn Facts) -> bool {
        self.conditions.iter().all(|condition| condition.holds(facts))
    }

    /// Those conditions that do not hold, for explanations.
    pub(crate) fn failed_conditions(&self, facts: &dyn Facts) -> Vec<FailedCondition> {
        let failed = self.conditions.iter().filter(|condition| !condition.holds(facts));
        failed.map(|condition| condition.failure(facts)).collect()
    }
}

impl<T> Coverage<T> {
    /// Whether it covers what `matches` is true of. Where that cannot be told of one, of which a variable has no value, it covers nothing
    /// on the strength of that one.
    fn covers(&self, mut matches: impl FnMut(&T) -> Option<bool>) -> bool {
        match self {
            Self::AllBut(values) => values.iter().all(|value| matches(value) == Some(false)),
            Self::Everything => true,
            Self::Nothing => false,
            Self::Only(values) => values.iter().any(|value| matches(value) == Some(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::Known;
    use crate::policy::{BoundPrincipals, Policy, PolicyKind};

    const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab";

    /// The only statement of a key policy.
    fn of_key(elements: &str) -> Policy {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Principal":"*",{elements}}}}}"#
        );
        Policy::compile(PolicyKind::Key, &text, &BoundPrincipals::new()).unwrap()
    }

    fn of_identity(version: &str, elements: &str) -> Policy {
        let text =
            format!(r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*",{elements}}}}}"#);
        Policy::compile(PolicyKind::Identity, &text, &BoundPrincipals::new()).unwrap()
    }

    fn covers(policy: &Policy, target: &Target<'_>, facts: &Known<'_>) -> bool {
        policy.statements()[0].covers_resource(target, facts)
    }

    #[test]
    fn actions_match_with_wildcards_and_without_case() {
        for (elements, covered, not_covered) in [
            (r#""Action":"kms:*""#, &["kms:Encrypt", "KMS:x"][..], &["s3:GetObject"][..]),
            (
                r#""Action":["KMS:encrypt","kms:GenerateDataKey*"]"#,
                &["kms:Encrypt", "kms:GenerateDataKeyPair"],
                &["kms:Decrypt"],
            ),
            (r#""Action":"kms:?ecrypt""#, &["kms:Decrypt"], &["kms:DEncrypt"]),
            (r#""Action":"*""#, &["kms:Encrypt", "iam:CreateUser"], &[]),
            (r#""NotAction":["kms:Decrypt","iam:*"]"#, &["kms:Encrypt"], &["kms:decrypt", "iam:CreateUser"]),
            (r#""Action":"kms=Encrypt""#, &[], &["kms:Encrypt"]),
            (r#""Action":[]"#, &[], &["kms:Encrypt"]),
            (r#""Sid":"nothing""#, &[], &["kms:Encrypt"]),
        ] {
            let policy = of_key(elements);
            let covers = |action| policy.statements()[0].covers_action(action);
            assert!(covered.iter().copied().all(covers), "{elements}");
            assert!(!not_covered.iter().copied().any(covers), "{elements}");
        }
    }

    #[test]
    fn in_a_key_policy_a_star_is_the_key_and_its_arn_is_too() {
        let none = Known(&[]);
        for (resource, expected) in [
            (r#""Resource":"*""#.to_owned(), true),
            (format!(r#""Resource":"{KEY}""#), true),
            (r#""Resource":"arn:aws:kms:*:111122223333:key/*""#.to_owned(), true),
            (r#""Resource":"arn:aws:kms:us-east-1:111122223333:key/*""#.to_owned(), false),
            (r#""Resource":"arn:aws:kms:eu-central-1:111122223333:alias/nile""#.to_owned(), false),
            (r#""NotResource":"arn:aws:kms:us-east-1:*""#.to_owned(), true),
            (r#""NotResource":"*""#.to_owned(), false),
        ] {
            let policy = of_key(&format!(r#""Action":"kms:*",{resource}"#));
            assert_eq!(covers(&policy, &Target::text(KEY), &none), expected, "{resource}");
        }
    }

    #[test]
    fn a_statement_of_a_key_policy_without_resource_is_about_nothing() {
        let policy = of_key(r#""Action":"kms:*""#);
        assert!(!covers(&policy, &Target::text(KEY), &Known(&[])));
    }

    #[test]
    fn only_a_star_covers_what_is_nothing_in_particular() {
        let none = Known(&[]);
        assert!(covers(&of_identity("2012-10-17", r#""Resource":"*""#), &Target::any(), &none));
        assert!(!covers(&of_identity("2012-10-17", r#""Resource":"arn:aws:kms:*""#), &Target::any(), &none));
        assert!(covers(
            &of_identity("2012-10-17", r#""NotResource":"arn:aws:kms:*""#),
            &Target::any(),
            &none
        ));
    }

    #[test]
    fn a_resource_may_have_variables_and_without_their_values_covers_nothing() {
        let user = "arn:aws:iam::111122223333:user/Ana";
        let policy = of_identity("2012-10-17", r#""Resource":"arn:aws:iam::*:user/${aws:username}""#);
        assert!(covers(&policy, &Target::text(user), &Known(&[("aws:username", &["Ana"])])));
        assert!(!covers(&policy, &Target::text(user), &Known(&[("aws:username", &["Bea"])])));
        assert!(!covers(&policy, &Target::text(user), &Known(&[("aws:username", &["*"])])));
        assert!(!covers(&policy, &Target::text(user), &Known(&[])));
        let negated = of_identity("2012-10-17", r#""NotResource":"arn:aws:iam::*:user/${aws:username}""#);
        assert!(covers(&negated, &Target::text(user), &Known(&[("aws:username", &["Bea"])])));
        assert!(!covers(&negated, &Target::text(user), &Known(&[])));
    }

    #[test]
    fn variables_are_text_in_the_old_version() {
        let policy = of_identity("2008-10-17", r#""Resource":"arn:aws:iam::*:user/${aws:username}""#);
        assert!(!covers(
            &policy,
            &Target::text("arn:aws:iam::1:user/Ana"),
            &Known(&[("aws:username", &["Ana"])])
        ));
        assert!(covers(&policy, &Target::text("arn:aws:iam::1:user/${aws:username}"), &Known(&[])));
    }

    #[test]
    fn an_arn_is_written_down_only_if_a_statement_asks_for_it() {
        struct Unwritten;
        impl std::fmt::Display for Unwritten {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("written")
            }
        }
        let policy = of_key(r#""Action":"kms:*","Resource":"*""#);
        assert!(covers(&policy, &Target::of(&Unwritten), &Known(&[])));
        assert!(
            Policy::owner_default().statements()[0].covers_resource(&Target::of(&Unwritten), &Known(&[]))
        );
    }

    #[test]
    fn all_conditions_must_hold_and_those_that_do_not_are_told() {
        let policy = of_key(
            r#""Action":"*","Resource":"*","Condition":{
                "StringEquals":{"kms:EncryptionContext:AppName":"X","kms:ViaService":["a","b"]},
                "Bool":{"aws:SecureTransport":true},
                "NumericLessThan":{"aws:MultiFactorAuthAge":3600}}"#,
        );
        let statement = &policy.statements()[0];
        let all = [
            ("kms:EncryptionContext:AppName", ["X"].as_slice()),
            ("kms:ViaService", &["b"]),
            ("aws:SecureTransport", &["true"]),
            ("aws:MultiFactorAuthAge", &["3599"]),
        ];
        assert!(statement.conditions_hold(&Known(&all)));
        assert!(statement.failed_conditions(&Known(&all)).is_empty());
        for missing in 0..all.len() {
            let mut some = all.to_vec();
            let (key, _) = some.remove(missing);
            assert!(!statement.conditions_hold(&Known(&some)), "{key}");
            let failed = statement.failed_conditions(&Known(&some));
            assert_eq!(failed.iter().map(|failed| failed.key.as_str()).collect::<Vec<_>>(), [key]);
        }
    }

    #[test]
    fn more_pairs_of_an_encryption_context_do_not_matter_to_a_condition_on_one() {
        let policy = of_key(
            r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:AppName":"X"}}"#,
        );
        let holds = |facts: &[(&str, &[&str])]| policy.statements()[0].conditions_hold(&Known(facts));
        assert!(!holds(&[]));
        assert!(holds(&[("kms:EncryptionContext:AppName", &["X"]), ("kms:EncryptionContext:Other", &["Y"])]));
        assert!(!holds(&[("kms:EncryptionContext:AppName", &["x"])]));
    }

    #[test]
    fn a_negated_condition_holds_where_the_key_is_absent() {
        let policy = of_key(
            r#""Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"nile"}}"#,
        );
        assert!(policy.statements()[0].conditions_hold(&Known(&[])));
        assert!(!policy.statements()[0].conditions_hold(&Known(&[("aws:PrincipalTag/team", &["nile"])])));
    }

    #[test]
    fn a_condition_with_a_variable_without_value_never_holds() {
        for operator in ["StringEquals", "StringNotEquals", "StringNotLike", "NumericNotEquals"] {
            let policy = of_key(&format!(
                r#""Action":"*","Resource":"*","Condition":{{"{operator}":{{"aws:userid":"${{aws:username}}"}}}}"#
            ));
            assert!(
                !policy.statements()[0].conditions_hold(&Known(&[("aws:userid", &["AIDA1"])])),
                "{operator}"
            );
        }
        let policy = of_key(
            r#""Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:userid":"${aws:username}"}}"#,
        );
        let known = Known(&[("aws:userid", &["AIDA1"]), ("aws:username", &["Ana"])]);
        assert!(policy.statements()[0].conditions_hold(&known));
    }
}
