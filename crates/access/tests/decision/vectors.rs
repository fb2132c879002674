//! The reference's list of what a policy engine must get right, and the rules on who must let whom, each on its own.

use crate::question::{Answer, Compiled, Request, answer, compile, explained, key_arn, message, principal};
use crate::scenario::{
    ANA, BEN, CLEO, Caller, DELTA, KEY, NILE, OTHER, OTHER_ROOT, OWNER, On, ROLE, ROOT, SERVICE, Scenario,
    WEB,
};
use access::{BoundPrincipals, KEY_ACTIONS, LOCKED_OUT, Policy, PolicyKind, keeps_control};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn vector_1_the_default_policy_without_an_identity_policy_allows_nobody_but_root() {
    assert_eq!(message(&asked(ANA)), because("kms:Decrypt", "no identity-based policy allows"));
    assert_eq!(answer(&asked(ROOT)), Answer::Allowed);
    assert_eq!(answer(&with_identity(asked(ANA), allow("kms:*"))), Answer::Allowed);
}

#[test]
fn vector_2_a_policy_that_names_one_user_keeps_the_administrators_out() {
    let scenario = with_identity(with_policy(asked(BEN), [to(ANA)]), allow("kms:*"));
    assert!(message(&scenario).ends_with("because no resource-based policy allows the kms:Decrypt action"));
    assert_eq!(answer(&with_policy(asked(ANA), [to(ANA)])), Answer::Allowed);
}

#[test]
fn vector_3_a_policy_that_names_one_user_keeps_root_out() {
    let scenario = with_policy(asked(ROOT), [to(ANA)]);
    assert!(message(&scenario).ends_with("because no resource-based policy allows the kms:Decrypt action"));
}

#[test]
fn vector_4_an_identity_policy_that_denies_outweighs_a_key_policy_that_allows() {
    let denies = json!({"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"});
    let scenario = with_identity(with_policy(asked(ANA), [to(ANA)]), denies);
    assert_eq!(answer(&scenario), Answer::Explicit);
    assert!(message(&scenario).ends_with("with an explicit deny in an identity-based policy"));
}

#[test]
fn vector_5_who_is_excepted_is_not_denied_and_everybody_else_is() {
    let but_ana = json!({"Effect": "Deny", "NotPrincipal": {"AWS": [ANA.arn(), ROOT.arn()]}, "Action": "kms:*", "Resource": "*"});
    let scenario = |caller| with_policy(asked(caller), [but_ana.clone(), to(ANA), to(BEN)]);
    assert_eq!(answer(&scenario(ANA)), Answer::Allowed);
    assert_eq!(answer(&scenario(BEN)), Answer::Explicit);
}

#[test]
fn vector_5_not_action_is_every_other_action_and_an_absent_key_is_not_equal() {
    let others =
        json!({"Effect": "Allow", "Principal": {"AWS": ANA.arn()}, "NotAction": "kms:Put*", "Resource": "*"});
    let scenario = with_policy(asked(ANA), [others]);
    assert_eq!(answer(&scenario), Answer::Allowed);
    assert_eq!(answer(&Scenario { action: "kms:PutKeyPolicy", ..scenario }), Answer::Implicit);
    let condition = json!({"StringNotEquals": {"aws:PrincipalTag/team": "red"}});
    assert_eq!(answer(&with_policy(asked(ANA), [with_condition(to(ANA), condition)])), Answer::Allowed);
}

#[test]
fn vector_6_a_condition_on_the_context_wants_its_pair_and_does_not_mind_others() {
    let condition = json!({"StringEquals": {"kms:EncryptionContext:AppName": "X"}});
    let scenario = with_policy(asked(ANA), [with_condition(to(ANA), condition)]);
    assert_eq!(answer(&scenario), Answer::Implicit);
    assert_eq!(
        answer(&with_context(scenario.clone(), &[("AppName", "X"), ("Stage", "prod")])),
        Answer::Allowed
    );
    assert_eq!(answer(&with_context(scenario, &[("AppName", "Y")])), Answer::Implicit);
}

#[test]
fn vector_6_for_all_values_of_the_context_is_refused_when_the_policy_is_stored() {
    let condition = json!({"ForAllValues:StringEquals": {"kms:EncryptionContext:AppName": "X"}});
    let text = document(&[with_condition(to(ANA), condition)]).to_string();
    let error = Policy::compile(PolicyKind::Key, &text, &BoundPrincipals::new()).unwrap_err();
    assert!(error.to_string().contains("OverlyPermissiveCondition"), "{error}");
}

#[test]
fn vector_8_an_alias_counts_if_the_request_names_it_or_the_key_has_it() {
    let named = json!({"StringEquals": {"kms:RequestAlias": "alias/nile"}});
    let has = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/nile"}});
    let by_key_id = with_facts(asked(ANA), &[("kms:ResourceAliases", "alias/nile")]);
    let by_alias = with_facts(by_key_id.clone(), &[("kms:RequestAlias", "alias/nile")]);
    let allowed_if = |condition: &Value| with_condition(allow("kms:Decrypt"), condition.clone());
    assert_eq!(answer(&with_identity(by_key_id.clone(), allowed_if(&named))), Answer::Implicit);
    assert_eq!(answer(&with_identity(by_alias, allowed_if(&named))), Answer::Allowed);
    assert_eq!(answer(&with_identity(by_key_id, allowed_if(&has))), Answer::Allowed);
}

#[test]
fn vector_9_another_account_needs_both_sides() {
    for caller in [CLEO, DELTA] {
        for named in [caller.arn(), format!("arn:aws:iam::{OTHER}:root"), OTHER.into(), "*".into()] {
            let let_in = with_policy(asked(caller), [allow_to(&named)]);
            assert_eq!(answer(&let_in), Answer::Implicit, "{named}");
            assert_eq!(answer(&with_identity(let_in, allow("kms:Decrypt"))), Answer::Allowed, "{named}");
        }
        assert_eq!(answer(&with_identity(asked(caller), allow("kms:*"))), Answer::Implicit);
    }
    assert_eq!(answer(&with_policy(asked(OTHER_ROOT), [allow_to(OTHER)])), Answer::Allowed);
}

#[test]
fn vector_9_another_account_can_do_what_the_table_says_and_nothing_else() {
    let both = with_identity(with_policy(asked(CLEO), [allow_to(OTHER)]), allow("kms:*"));
    for action in KEY_ACTIONS.iter().filter(|action| action.name != "kms:RetireGrant") {
        let scenario = Scenario { action: action.name, ..both.clone() };
        assert_eq!(answer(&scenario) == Answer::Allowed, action.cross_account, "{}", action.name);
    }
    for (action, resource) in [("kms:ListAliases", On::Alias(OWNER)), ("iam:GetUser", On::Iam(OWNER))] {
        let scenario = with_identity(Scenario { action, resource, ..asked(CLEO) }, allow("*"));
        assert_eq!(answer(&scenario), Answer::Implicit);
    }
}

#[test]
fn vector_10_a_statement_without_resource_is_stored_and_has_no_effect() {
    let mut statement = to(ANA);
    statement.as_object_mut().unwrap().remove("Resource");
    assert_eq!(answer(&with_policy(asked(ANA), [statement])), Answer::Implicit);
}

#[test]
fn vector_11_a_policy_that_does_not_let_its_author_change_it_locks_out() {
    let keeps = |author: &Caller, statements: &[Value]| {
        let policy = compile(PolicyKind::Key, &document(statements), &BoundPrincipals::new());
        keeps_control(&policy, &key_arn(), &principal(author), &Request(BTreeMap::new()))
    };
    assert!(LOCKED_OUT.starts_with("The new key policy will not allow you"));
    assert!(keeps(&ANA, &[to(ANA)]));
    assert!(keeps(&ANA, &[allow_to(OWNER)]));
    assert!(keeps(&ANA, &[allow_to("*")]));
    assert!(keeps(&NILE, &[allow_to(&NILE.role_arn().unwrap())]));
    assert!(!keeps(&ANA, &[to(BEN)]));
    assert!(!keeps(&ROOT, &[to(ANA)]));
    assert!(!keeps(&ANA, &[with(to(ANA), "Action", "kms:Decrypt")]));
    assert!(!keeps(&ANA, &[to(ANA), with(to(ANA), "Effect", "Deny")]));
    assert!(!keeps(&ANA, &[with_condition(to(ANA), json!({"Bool": {"aws:SecureTransport": "true"}}))]));
}

#[test]
fn vector_12_reencrypting_wants_both_permissions() {
    let scenario = with_identity(asked(ANA), allow("kms:ReEncryptFrom"));
    assert_eq!(answer(&Scenario { action: "kms:ReEncryptFrom", ..scenario.clone() }), Answer::Allowed);
    let to = Scenario { action: "kms:ReEncryptTo", ..scenario };
    assert_eq!(message(&to), because("kms:ReEncryptTo", "no identity-based policy allows"));
}

#[test]
fn who_is_named_by_name_is_not_limited_by_what_its_boundary_leaves_out() {
    let boundary = Some(document(&[allow("kms:Encrypt")]));
    let limited = |caller, name: &str| Scenario {
        boundary: boundary.clone(),
        ..with_policy(asked(caller), [allow_to(name)])
    };
    assert_eq!(answer(&limited(ANA, &ANA.arn())), Answer::Allowed);
    assert_eq!(answer(&limited(NILE, &NILE.arn())), Answer::Allowed);
    assert_eq!(answer(&limited(NILE, "*")), Answer::Allowed);
    let of_role = limited(NILE, &NILE.role_arn().unwrap());
    assert!(message(&of_role).ends_with("because no permissions boundary allows the kms:Decrypt action"));
    let delegated = with_identity(limited(ANA, OWNER), allow("kms:*"));
    assert!(message(&delegated).ends_with("because no permissions boundary allows the kms:Decrypt action"));
    assert_eq!(answer(&Scenario { action: "kms:Encrypt", ..delegated }), Answer::Allowed);
}

#[test]
fn a_session_policy_limits_a_role_and_an_account_but_not_a_session_that_is_named() {
    let session = Some(vec![document(&[allow("kms:Encrypt")])]);
    let limited =
        |name: &str| Scenario { session: session.clone(), ..with_policy(asked(NILE), [allow_to(name)]) };
    assert_eq!(answer(&limited(&NILE.arn())), Answer::Allowed);
    let of_role = limited(&NILE.role_arn().unwrap());
    assert!(message(&of_role).ends_with("because no session policy allows the kms:Decrypt action"));
    assert_eq!(answer(&Scenario { action: "kms:Encrypt", ..of_role }), Answer::Allowed);
    let delegated = with_identity(limited(OWNER), allow("kms:*"));
    assert_eq!(answer(&delegated), Answer::Implicit);
    assert_eq!(answer(&Scenario { action: "kms:Encrypt", ..delegated }), Answer::Allowed);
    let of_user = Scenario { session, ..with_policy(asked(ANA), [to(ANA)]) };
    assert_eq!(answer(&of_user), Answer::Implicit);
}

#[test]
fn a_deny_in_a_boundary_or_session_policy_reaches_who_is_named() {
    let denies = document(&[with(allow("kms:*"), "Effect", "Deny")]);
    let named = with_policy(asked(NILE), [allow_to(&NILE.arn())]);
    let bounded = Scenario { boundary: Some(denies.clone()), ..named.clone() };
    assert!(message(&bounded).ends_with("with an explicit deny in a permissions boundary"));
    let session = Scenario { session: Some(vec![denies]), ..named };
    assert!(message(&session).ends_with("with an explicit deny in a session policy"));
}

#[test]
fn someone_of_the_same_name_as_someone_gone_is_not_let_in() {
    let named = with_policy(asked(ANA), [to(ANA)]);
    let bound = |id: &str| BTreeMap::from([(ANA.arn(), id.to_string())]);
    assert_eq!(answer(&Scenario { bound: bound("AIDAANA"), ..named.clone() }), Answer::Allowed);
    assert_eq!(answer(&Scenario { bound: bound("AIDAGONE"), ..named }), Answer::Implicit);
}

#[test]
fn a_service_may_do_what_a_key_policy_that_names_it_allows() {
    let named = json!({"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:*", "Resource": "*"});
    let scenario = with_policy(asked(SERVICE), [named]);
    assert_eq!(answer(&scenario), Answer::Allowed);
    assert_eq!(answer(&Scenario { action: "kms:PutKeyPolicy", ..scenario.clone() }), Answer::Implicit);
    assert_eq!(answer(&with_identity(asked(SERVICE), allow("kms:*"))), Answer::Implicit);
    assert_eq!(answer(&with_policy(scenario, [allow_to("000000000000")])), Answer::Implicit);
}

#[test]
fn an_alias_is_a_matter_of_identity_policies_only() {
    let scenario = Scenario { action: "kms:CreateAlias", resource: On::Alias(OWNER), ..asked(ANA) };
    assert_eq!(answer(&scenario), Answer::Implicit);
    assert_eq!(answer(&with_identity(scenario.clone(), allow("kms:CreateAlias"))), Answer::Allowed);
    let of_key = with(allow("kms:CreateAlias"), "Resource", KEY);
    assert_eq!(answer(&with_identity(scenario, of_key)), Answer::Implicit);
    assert_eq!(
        answer(&Scenario { action: "kms:CreateAlias", resource: On::Alias(OWNER), ..asked(ROOT) }),
        Answer::Allowed
    );
}

#[test]
fn what_has_no_resource_is_allowed_by_statements_about_everything() {
    let scenario = Scenario { action: "kms:CreateKey", resource: On::Any, ..asked(ANA) };
    assert_eq!(answer(&with_identity(scenario.clone(), allow("kms:Create*"))), Answer::Allowed);
    let about_keys = with(allow("kms:Create*"), "Resource", "arn:aws:kms:*:*:key/*");
    assert_eq!(answer(&with_identity(scenario, about_keys)), Answer::Implicit);
}

#[test]
fn a_role_is_assumed_by_who_is_named_and_by_who_may_of_an_account_that_is() {
    let trusting =
        |name: &str| json!({"Effect": "Allow", "Principal": {"AWS": name}, "Action": "sts:AssumeRole"});
    let assuming = |caller, name: &str| Scenario {
        action: "sts:AssumeRole",
        resource: On::Role,
        ..with_policy(asked(caller), [trusting(name)])
    };
    let may = with(allow("sts:AssumeRole"), "Resource", ROLE);
    assert_eq!(answer(&assuming(ANA, &ANA.arn())), Answer::Allowed);
    assert_eq!(answer(&assuming(ANA, OWNER)), Answer::Implicit);
    assert_eq!(answer(&with_identity(assuming(ANA, OWNER), may.clone())), Answer::Allowed);
    assert_eq!(answer(&assuming(CLEO, &CLEO.arn())), Answer::Implicit);
    assert_eq!(answer(&with_identity(assuming(CLEO, &CLEO.arn()), may.clone())), Answer::Allowed);
    assert_eq!(answer(&with_identity(assuming(CLEO, OWNER), may.clone())), Answer::Implicit);
    assert_eq!(answer(&with_identity(assuming(ANA, &BEN.arn()), may)), Answer::Implicit);
}

#[test]
fn a_web_identity_assumes_the_roles_that_trust_its_provider_and_does_nothing_else() {
    let trusting = json!({"Effect": "Allow", "Principal": {"Federated": WEB.arn()}, "Action": "sts:AssumeRoleWithWebIdentity"});
    let assuming = with_policy(asked(WEB), [trusting]);
    let assuming = Scenario { action: "sts:AssumeRoleWithWebIdentity", resource: On::Role, ..assuming };
    assert_eq!(answer(&assuming), Answer::Allowed);
    assert_eq!(answer(&with_policy(asked(WEB), [allow_to("*")])), Answer::Implicit);
}

#[test]
fn the_action_is_compared_without_case() {
    assert_eq!(answer(&with_identity(asked(ANA), allow("KMS:dEcRyPt"))), Answer::Allowed);
}

#[test]
fn the_default_policy_is_that_of_the_text_for_whatever_account_owns_the_key() {
    let callers = [ANA, NILE, ROOT, CLEO, OTHER_ROOT, SERVICE];
    for scenario in callers
        .map(asked)
        .into_iter()
        .flat_map(|scenario| [with_identity(scenario.clone(), allow("kms:*")), scenario])
    {
        let (compiled, key) = (Compiled::of(&scenario), key_arn());
        let by_default = compiled.ask(&scenario, |question| {
            let resource = access::Resource::Key { arn: &key, policy: Policy::owner_default() };
            access::decide(&access::Question { resource, ..*question })
        });
        assert_eq!(by_default, explained(&scenario).decision(), "{:?}", scenario.caller);
    }
}

/// Whether it may decrypt with a key that has the default policy and no grants.
pub fn asked(caller: Caller) -> Scenario {
    Scenario {
        caller,
        action: "kms:Decrypt",
        resource: On::Key,
        resource_policy: serde_json::from_str(&keys::default_policy("aws", &OWNER.parse().unwrap())).unwrap(),
        bound: BTreeMap::new(),
        identity: Vec::new(),
        boundary: None,
        session: None,
        grants: Vec::new(),
        facts: BTreeMap::new(),
    }
}

pub fn with_identity(mut scenario: Scenario, statement: Value) -> Scenario {
    scenario.identity.push(document(&[statement]));
    scenario
}

pub fn with_policy<const N: usize>(scenario: Scenario, statements: [Value; N]) -> Scenario {
    Scenario { resource_policy: document(&statements), ..scenario }
}

pub fn with_context(scenario: Scenario, pairs: &[(&str, &str)]) -> Scenario {
    let keys = pairs.iter().map(|(key, _)| (*key).to_string()).collect();
    let mut scenario = scenario;
    scenario.facts.insert("kms:EncryptionContextKeys".into(), keys);
    for (key, value) in pairs {
        scenario.facts.insert(format!("kms:EncryptionContext:{key}"), vec![(*value).to_string()]);
    }
    scenario
}

pub fn with_facts(mut scenario: Scenario, facts: &[(&str, &str)]) -> Scenario {
    let facts = facts.iter().map(|(key, value)| ((*key).to_string(), vec![(*value).to_string()]));
    scenario.facts.extend(facts);
    scenario
}

/// A statement of an identity policy.
pub fn allow(action: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*"})
}

/// A statement of a key policy.
pub fn allow_to(name: &str) -> Value {
    json!({"Sid": "Let in", "Effect": "Allow", "Principal": {"AWS": name}, "Action": "kms:*", "Resource": "*"})
}

pub fn to(caller: Caller) -> Value {
    with(allow_to(&caller.arn()), "Sid", format!("To {}", caller.arn()))
}

pub fn with_condition(statement: Value, condition: Value) -> Value {
    with(statement, "Condition", condition)
}

pub fn with(mut statement: Value, name: &str, value: impl Into<Value>) -> Value {
    statement[name] = value.into();
    statement
}

pub fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn because(action: &str, reason: &str) -> String {
    format!(
        "User: arn:aws:iam::{OWNER}:user/Ana is not authorized to perform: {action} on resource: {KEY} because {reason} the \
         {action} action"
    )
}
