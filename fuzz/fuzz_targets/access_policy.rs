//! No text may make the reader of policies panic, nor the policies that it reads when they are asked. Where nothing says `Allow`, nothing
//! is allowed; what is explained is what is decided; and a text is shown as it was stored.
#![no_main]

use access::{
    Attached, Authority, BoundPrincipals, ConditionKey, Decision, ExternalKeyQuestion, Facts, Policy, PolicyKind, Principal,
    PrincipalKind, PrincipalName, Question, Resource, Values, decide, decide_external_key, explain, explain_external_key,
};
use keys::AccountId;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use wire::arn::{KeyArn, KeyReference};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/Nile";
const USER: &str = "arn:aws:iam::111122223333:user/Ana";

fuzz_target!(|text: &str| {
    let bound = BoundPrincipals::from([(USER.to_owned(), "AIDA1".to_owned())]);
    assert_eq!(Policy::shown(text, &BoundPrincipals::new()), text);
    let _ = Policy::shown(text, &bound);
    for kind in [PolicyKind::ExternalKey, PolicyKind::Identity, PolicyKind::Key, PolicyKind::Trust] {
        match Policy::compile(kind, text, &bound) {
            Ok(policy) if kind == PolicyKind::ExternalKey => ask_of_external_key(&policy, text),
            Ok(policy) => ask(kind, Arc::new(policy), text),
            Err(malformed) => assert!(!malformed.to_string().is_empty() && !malformed.reason().is_empty()),
        }
    }
});

fn ask(kind: PolicyKind, policy: Arc<Policy>, text: &str) {
    for name in policy.principals().filter(|name| !matches!(name, PrincipalName::Federated(_))) {
        assert_eq!(name.to_string().parse().as_ref(), Ok(name));
    }
    let (Ok(account), Ok(KeyReference::Arn(key))) = (ACCOUNT.parse(), KEY.parse()) else { return };
    let authority = match kind {
        PolicyKind::Identity => attached(&policy),
        PolicyKind::ExternalKey | PolicyKind::Key | PolicyKind::Trust => Authority::default(),
    };
    for caller in callers(account) {
        for (action, resource) in asked(kind, &policy, &key, account) {
            let question =
                Question { principal: &caller, authority: &authority, action, resource, facts: &EveryFact };
            let decision = decide(&question);
            let explained = explain(&question, []);
            assert!(serde_json::to_string(&explained).is_ok());
            let says_allow = text.contains("Allow") || text.contains('\\');
            let is_root_by_itself = kind == PolicyKind::Identity && *caller.kind() == PrincipalKind::Root;
            assert!(says_allow || is_root_by_itself || decision != Decision::Allowed, "{caller} may {action}");
        }
    }
}

fn ask_of_external_key(policy: &Policy, text: &str) {
    for (action, resource) in [("kms:Encrypt", Some(KEY)), ("kms:CreateKey", None)] {
        let question = ExternalKeyQuestion { action, resource, facts: &EveryFact, allowed_by_default: false };
        let verdict = decide_external_key(&question, [("store", policy)]);
        let (explained, considered) = explain_external_key(&question, [("store", policy)]);
        assert_eq!(verdict, explained);
        assert!(serde_json::to_string(&considered).is_ok());
        let says_allow = text.contains("Allow") || text.contains('\\');
        assert!(says_allow || !verdict.allowed, "{action} is allowed");
    }
}

fn attached(policy: &Arc<Policy>) -> Authority {
    let attached = || Attached { name: "user/Ana/all".into(), policy: Arc::clone(policy) };
    Authority { identity: vec![attached()], boundary: Some(attached()), session: Some(vec![attached()]) }
}

fn callers(account: AccountId) -> [Principal; 4] {
    [
        PrincipalKind::Root,
        PrincipalKind::User { path: "/".into(), name: "Ana".into(), id: "AIDA1".into() },
        PrincipalKind::AssumedRole {
            path: "/".into(),
            role: "Nile".into(),
            role_id: "AROA1".into(),
            session: "delta".into(),
        },
        PrincipalKind::Service { name: "s3.amazonaws.com".into() },
    ]
    .map(|kind| Principal::new("aws".into(), account, kind))
}

fn asked<'a>(
    kind: PolicyKind,
    policy: &'a Policy,
    key: &'a KeyArn,
    account: AccountId,
) -> Vec<(&'static str, Resource<'a>)> {
    match kind {
        PolicyKind::ExternalKey => Vec::new(),
        PolicyKind::Identity => vec![
            ("kms:ListKeys", Resource::Any),
            ("iam:GetUser", Resource::Iam { arn: USER, account }),
            ("kms:Encrypt", Resource::Key { arn: key, policy: Policy::owner_default() }),
        ],
        PolicyKind::Key => vec![("kms:Encrypt", Resource::Key { arn: key, policy })],
        PolicyKind::Trust => vec![("sts:AssumeRole", Resource::Role { arn: ROLE, account, policy })],
    }
}

/// Whatever is asked for is there: a tag or pair of an encryption context has its own key as its value.
struct EveryFact;

impl Facts for EveryFact {
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        match key {
            ConditionKey::CurrentTime => Values::from("2026-11-22T00:00:00Z"),
            ConditionKey::MultiFactorAuthAge => Values::from("10"),
            ConditionKey::PrincipalArn => Values::from(USER),
            ConditionKey::SecureTransport => Values::from(true),
            ConditionKey::SourceIp => Values::from("203.0.113.9"),
            ConditionKey::TagKeys => Values::Many(vec!["one".into(), "two".into()]),
            ConditionKey::UserName => Values::from("Ana*"),
            ConditionKey::KmsViaService => Values::Absent,
            _ => Values::from(suffix.to_owned()),
        }
    }

    fn other(&self, name: &str) -> Values<'_> {
        Values::from(name.to_owned())
    }
}
