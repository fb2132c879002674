//! The second layer of authorization: what a customer's policies say to a request that a KMS has already allowed.
//!
//! It is never asked about GetHealthStatus: a KMS that could not see how the proxy is would take it for gone. It reads no clock and
//! nothing of a body but `requestMetadata`.

mod explanation;
mod facts;

pub use access::{DecidingStatement, ExternalKeyVerdict as Verdict};
pub use explanation::Explanation;

use crate::config::{DefaultDecision, PolicyFile, Store};
use access::{BoundPrincipals, ExternalKeyQuestion, PolicyKind, decide_external_key, explain_external_key};
use facts::Known;
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use xks_api::{Operation, RequestMetadata};

/// The policies of one store.
#[derive(Debug)]
pub struct Policies {
    of_all_keys: Vec<Policy>,
    of_one_key: HashMap<Box<str>, Policy>,
    default: DefaultDecision,
}

/// A policy with its name, ready to be asked.
#[derive(Debug)]
pub struct Policy {
    name: Box<str>,
    compiled: access::Policy,
}

/// A text that is no policy of an external key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy `{name}` is refused: {reason}")]
pub struct MalformedPolicy {
    /// What it is called.
    pub name: String,
    /// What is wrong with it, and in which statement.
    pub reason: String,
}

/// A request, as far as policies may ask about it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The call of the proxy.
    pub operation: Operation,
    /// The id of the external key, as it stands in the path.
    pub external_key: &'a str,
    /// What the KMS tells of the request that it serves.
    pub metadata: &'a RequestMetadata<'a>,
    /// The address that the connection comes from, if that is known.
    pub peer: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
}

impl Policies {
    /// Those of a store as it is configured.
    ///
    /// # Errors
    ///
    /// The first that is no policy.
    pub fn of(store: &Store) -> Result<Self, MalformedPolicy> {
        let keys = store.key_policies.iter().map(|(id, file)| Ok((id.as_str().into(), compiled(file)?)));
        Ok(Self {
            of_all_keys: store.policy.iter().map(compiled).collect::<Result<_, _>>()?,
            of_one_key: keys.collect::<Result<_, MalformedPolicy>>()?,
            default: store.default,
        })
    }

    /// These, each about all keys.
    #[must_use]
    pub fn new(of_all_keys: Vec<Policy>, default: DefaultDecision) -> Self {
        Self { of_all_keys, of_one_key: HashMap::new(), default }
    }

    /// Whether a request is allowed: an explicit deny anywhere wins, else an allow anywhere allows, else the default holds.
    pub fn decide(&self, asked: &Asked<'_>) -> Verdict<'_> {
        if self.is_silent(asked) {
            return Verdict { allowed: self.allows_by_default(asked), by: None };
        }
        let (action, known) = (action(asked), Known(asked));
        decide_external_key(&self.question(&action, &known), self.policies(asked))
    }

    /// Decides in the same way, and says why.
    #[must_use]
    pub fn explain(&self, asked: &Asked<'_>) -> Explanation {
        let (action, known) = (action(asked), Known(asked));
        let question = self.question(&action, &known);
        let policies = self.policies(asked).filter(|_| !is_exempt(asked));
        let (verdict, considered) = explain_external_key(&question, policies);
        Explanation::new(asked, action, verdict, considered)
    }

    fn question<'a>(&self, action: &'a str, known: &'a Known<'a>) -> ExternalKeyQuestion<'a> {
        let asked = known.0;
        ExternalKeyQuestion {
            action,
            resource: asked.metadata.kms_key_arn.as_deref(),
            facts: known,
            allowed_by_default: self.allows_by_default(asked),
        }
    }

    /// That of the store, then that of the key.
    fn policies(&self, asked: &Asked<'_>) -> impl Iterator<Item = (&str, &access::Policy)> {
        let policies = self.of_all_keys.iter().chain(self.of_one_key.get(asked.external_key));
        policies.map(|policy| (policy.name(), &policy.compiled))
    }

    fn is_silent(&self, asked: &Asked<'_>) -> bool {
        is_exempt(asked) || self.policies(asked).next().is_none()
    }

    fn allows_by_default(&self, asked: &Asked<'_>) -> bool {
        is_exempt(asked) || self.default == DefaultDecision::Allow
    }
}

impl Policy {
    /// The policy that this text is. `name` is what records and messages call it.
    ///
    /// # Errors
    ///
    /// It is none: what is wrong, and where.
    pub fn compile(name: &str, text: &str) -> Result<Self, MalformedPolicy> {
        let compiled = access::Policy::compile(PolicyKind::ExternalKey, text, &BoundPrincipals::new());
        let compiled = compiled.map_err(|malformed| MalformedPolicy {
            name: name.to_owned(),
            reason: malformed.reason().trim_end_matches('.').to_owned(),
        })?;
        Ok(Self { name: name.into(), compiled })
    }

    /// What records and messages call it.
    #[must_use]
    pub const fn name(&self) -> &str {
        &self.name
    }
}

fn compiled(file: &PolicyFile) -> Result<Policy, MalformedPolicy> {
    let name = file.path.file_name().unwrap_or(file.path.as_os_str());
    Policy::compile(&name.to_string_lossy(), &file.text)
}

//= xks-proxy: MUST NOT apply secondary authorization to GetHealthStatus
fn is_exempt(asked: &Asked<'_>) -> bool {
    asked.operation == Operation::GetHealthStatus
}

/// The permission that the KMS was asked for.
fn action(asked: &Asked<'_>) -> String {
    format!("kms:{}", asked.metadata.kms_operation.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab";

    fn metadata() -> RequestMetadata<'static> {
        RequestMetadata {
            aws_principal_arn: Some("arn:aws:sts::111122223333:assumed-role/Payments/one".into()),
            aws_source_vpc: Some("vpc-1".into()),
            aws_source_vpce: Some("vpce-1".into()),
            kms_key_arn: Some(KEY.into()),
            kms_operation: Some("GenerateDataKey".into()),
            kms_request_id: Some("4112f4d6-db54-4af4-ae30-c55a22a8dfae".into()),
            kms_via_service: Some("ebs".into()),
        }
    }

    fn asked<'a>(metadata: &'a RequestMetadata<'a>) -> Asked<'a> {
        Asked {
            operation: Operation::Encrypt,
            external_key: "payments-2026",
            metadata,
            peer: Some("203.0.113.9".parse().unwrap()),
            at: "2026-11-22T12:00:00Z".parse().unwrap(),
        }
    }

    fn policy(name: &str, statements: &str) -> Policy {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Policy::compile(name, &text).unwrap()
    }

    /// Policies of all keys and of `payments-2026`.
    fn policies(of_all: &str, of_one: &str, default: DefaultDecision) -> Policies {
        let mut policies = Policies::new(vec![policy("store.json", of_all)], default);
        policies.of_one_key.insert("payments-2026".into(), policy("key.json", of_one));
        policies
    }

    /// Whether a condition holds of a request.
    fn holds(condition: &str, asked: &Asked<'_>) -> bool {
        let statement =
            format!(r#"{{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{condition}}}"#);
        let policies = Policies::new(vec![policy("p", &statement)], DefaultDecision::Deny);
        policies.decide(asked).allowed
    }

    #[test]
    fn each_condition_key_has_the_value_that_the_request_has() {
        let metadata = metadata();
        let asked = asked(&metadata);
        for (operator, key, right, wrong) in [
            (
                "ArnLike",
                "aws:PrincipalArn",
                "arn:aws:sts::*:assumed-role/Payments/*",
                "arn:aws:iam::*:user/*",
            ),
            ("StringEquals", "aws:PrincipalAccount", "111122223333", "444455556666"),
            ("Bool", "aws:PrincipalIsAWSService", "false", "true"),
            ("Null", "aws:PrincipalServiceName", "true", "false"),
            ("StringEquals", "kms:ViaService", "ebs", "rds"),
            ("StringEquals", "aws:SourceVpc", "vpc-1", "vpce-1"),
            ("StringEquals", "aws:SourceVpce", "vpce-1", "vpc-1"),
            ("IpAddress", "aws:SourceIp", "203.0.113.0/24", "203.0.114.0/24"),
            ("DateLessThan", "aws:CurrentTime", "2026-11-22T12:00:01Z", "2026-11-22T12:00:00Z"),
            ("NumericEquals", "aws:EpochTime", "1795348800", "1795348801"),
            ("Bool", "aws:SecureTransport", "true", "false"),
            ("StringEquals", "xks:ExternalKeyId", "payments-2026", "payments-2027"),
            ("StringEquals", "xks:Operation", "Encrypt", "Decrypt"),
        ] {
            assert!(holds(&format!(r#"{{"{operator}":{{"{key}":"{right}"}}}}"#), &asked), "{key} {right}");
            assert!(!holds(&format!(r#"{{"{operator}":{{"{key}":"{wrong}"}}}}"#), &asked), "{key} {wrong}");
        }
    }

    #[test]
    fn a_service_has_a_name_and_no_arn() {
        for (principal, service) in
            [("ebs.amazonaws.com", "ebs.amazonaws.com"), ("AWS Internal", "AWS Internal")]
        {
            let metadata = RequestMetadata { aws_principal_arn: Some(principal.into()), ..metadata() };
            let asked = asked(&metadata);
            for condition in [
                format!(r#"{{"StringEquals":{{"aws:PrincipalServiceName":"{service}"}}}}"#),
                r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#.to_owned(),
                r#"{"Null":{"aws:PrincipalArn":"true","aws:PrincipalAccount":"true"}}"#.to_owned(),
            ] {
                assert!(holds(&condition, &asked), "{principal} {condition}");
            }
        }
    }

    #[test]
    fn what_a_request_does_not_say_has_no_value() {
        let none = RequestMetadata::default();
        let asked = Asked { peer: None, ..asked(&none) };
        for key in [
            "aws:PrincipalArn",
            "aws:PrincipalAccount",
            "aws:PrincipalIsAWSService",
            "aws:PrincipalServiceName",
            "aws:SourceIp",
            "aws:SourceVpc",
            "aws:SourceVpce",
            "kms:ViaService",
        ] {
            assert!(holds(&format!(r#"{{"Null":{{"{key}":"true"}}}}"#), &asked), "{key}");
        }
    }

    #[test]
    fn a_peer_of_version_4_is_one_however_the_socket_has_it() {
        let metadata = metadata();
        let asked = Asked { peer: Some("::ffff:203.0.113.9".parse().unwrap()), ..asked(&metadata) };
        assert!(holds(r#"{"StringEquals":{"aws:SourceIp":"203.0.113.9"}}"#, &asked));
    }

    #[test]
    fn a_deny_wins_whichever_policy_it_is_in() {
        let allow = r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#;
        let deny = r#"{"Sid":"no","Effect":"Deny","Action":"kms:GenerateDataKey","Resource":"*"}"#;
        let metadata = metadata();
        for (of_all, of_one, by) in [(allow, deny, "key.json"), (deny, allow, "store.json")] {
            let policies = policies(of_all, of_one, DefaultDecision::Allow);
            let verdict = policies.decide(&asked(&metadata));
            let by = DecidingStatement { policy: by, index: 0, sid: Some("no") };
            assert_eq!(verdict, Verdict { allowed: false, by: Some(by) });
        }
    }

    #[test]
    fn the_default_holds_where_no_statement_is_about_the_request() {
        let other = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
        let metadata = metadata();
        for (default, allowed) in [(DefaultDecision::Allow, true), (DefaultDecision::Deny, false)] {
            let unsaid = Verdict { allowed, by: None };
            assert_eq!(policies(other, other, default).decide(&asked(&metadata)), unsaid);
            assert_eq!(Policies::new(Vec::new(), default).decide(&asked(&metadata)), unsaid);
        }
    }

    #[test]
    fn the_policy_of_a_key_is_asked_about_no_other_key() {
        let metadata = metadata();
        let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
        let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let policies = policies(allow, deny, DefaultDecision::Deny);
        assert!(!policies.decide(&asked(&metadata)).allowed);
        assert!(policies.decide(&Asked { external_key: "payments-2027", ..asked(&metadata) }).allowed);
    }

    #[test]
    fn no_policy_and_no_default_is_about_health() {
        let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
        let policies = policies(deny, deny, DefaultDecision::Deny);
        for operation in ["KmsHealthCheck", "ConnectCustomKeyStore", "Decrypt"] {
            let metadata =
                RequestMetadata { kms_operation: Some(operation.into()), ..RequestMetadata::default() };
            let asked = Asked { operation: Operation::GetHealthStatus, ..asked(&metadata) };
            assert_eq!(policies.decide(&asked), Verdict { allowed: true, by: None });
            let explanation = policies.explain(&asked);
            assert!(explanation.allowed && explanation.policies.is_empty());
        }
    }

    #[test]
    fn an_operation_that_nobody_has_heard_of_may_be_named() {
        let metadata = RequestMetadata { kms_operation: Some("InventedLater".into()), ..metadata() };
        for (action, allowed) in [("kms:*", true), ("kms:inventedlater", true), ("kms:Encrypt", false)] {
            let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#);
            let policies = Policies::new(vec![policy("p", &statement)], DefaultDecision::Deny);
            assert_eq!(policies.decide(&asked(&metadata)).allowed, allowed, "{action}");
        }
    }

    #[test]
    fn before_there_is_a_key_only_what_is_about_all_keys_is_about_the_request() {
        let metadata =
            RequestMetadata { kms_key_arn: None, kms_operation: Some("CreateKey".into()), ..metadata() };
        let asked = Asked { operation: Operation::GetKeyMetadata, ..asked(&metadata) };
        for (resource, allowed) in [("*", true), ("arn:aws:kms:*:*:key/*", false), (KEY, false)] {
            let statement =
                format!(r#"{{"Effect":"Allow","Action":"kms:CreateKey","Resource":"{resource}"}}"#);
            let policies = Policies::new(vec![policy("p", &statement)], DefaultDecision::Deny);
            assert_eq!(policies.decide(&asked).allowed, allowed, "{resource}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused_with_name_place_and_reason() {
        let refused = Policy::compile(
            "store.json",
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:username":"Ana"}}}]}"#,
        );
        assert_eq!(
            refused.unwrap_err().to_string(),
            "the policy `store.json` is refused: In statement 1 (`a`): the condition key `aws:username` can never match: no request to \
             a proxy has it"
        );
    }

    /// A store for the role Payments by way of EBS, and a key that only answers by day.
    fn example() -> Policies {
        policies(
            r#"{"Sid":"Payments","Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::111122223333:assumed-role/Payments/*"}}},
               {"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}"#,
            r#"{"Sid":"ByDay","Effect":"Deny","Action":"kms:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2026-11-22T18:00:00Z"}}},
               {"Effect":"Deny","Action":"*","Resource":"arn:aws:kms:us-east-1:*:key/*"}"#,
            DefaultDecision::Deny,
        )
    }

    #[test]
    fn an_explanation_of_what_is_allowed_says_by_which_statement() {
        let metadata = metadata();
        assert_eq!(
            example().explain(&asked(&metadata)).to_string(),
            "allowed by statement 1 (`Payments`) of `store.json`
  asked: kms:GenerateDataKey on arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab
  by:    arn:aws:sts::111122223333:assumed-role/Payments/one
  as:    Encrypt with the external key `payments-2026`
`store.json` allows it
  1 Allow `Payments`: applies
  2 Deny: is about other actions
`key.json` says nothing about it
  1 Deny `ByDay`: a condition was not met
      DateGreaterThan aws:CurrentTime `2026-11-22T18:00:00Z`: the request has `2026-11-22T12:00:00Z`
  2 Deny: is about other keys
"
        );
    }

    #[test]
    fn an_explanation_of_what_is_denied_by_default_says_what_was_missing() {
        let metadata = RequestMetadata {
            aws_principal_arn: Some(Cow::from("ebs\u{1b}[2J.amazonaws.com")),
            ..metadata()
        };
        let explanation = example().explain(&Asked { external_key: "other", ..asked(&metadata) });
        assert_eq!(
            explanation.to_string(),
            "denied by default: no statement is about it
  asked: kms:GenerateDataKey on arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab
  by:    ebs\\u{1b}[2J.amazonaws.com
  as:    Encrypt with the external key `other`
`store.json` says nothing about it
  1 Allow `Payments`: a condition was not met
      ArnLike aws:PrincipalArn `arn:aws:sts::111122223333:assumed-role/Payments/*`: the request has nothing
  2 Deny: is about other actions
"
        );
    }

    #[test]
    fn an_explanation_for_programs_has_the_statement_by_its_place() {
        let metadata = metadata();
        let at = "2026-11-22T19:00:00Z".parse().unwrap();
        let json = serde_json::to_value(example().explain(&Asked { at, ..asked(&metadata) })).unwrap();
        assert_eq!(json["allowed"], false);
        assert_eq!(json["by"], serde_json::json!({"policy": "key.json", "index": 0, "sid": "ByDay"}));
        assert_eq!(json["policies"][0]["verdict"], "allows");
        assert_eq!(json["policies"][1]["statements"][1]["outcome"], "otherResource");
        assert_eq!(json["request"]["action"], "kms:GenerateDataKey");
    }

    #[test]
    fn the_policies_of_the_manual_are_policies_and_its_condition_keys_are_all_that_there_are() {
        let manual = include_str!("../../../../docs/xks-proxy/policy.md");
        let texts: Vec<&str> =
            manual.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
        assert!(!texts.is_empty());
        for text in texts {
            Policy::compile("manual", text).unwrap();
        }
        let listed = manual.split_once("| condition key |").unwrap().1.split_once("\n\n").unwrap().0;
        let of_aws = access::ConditionKey::TABLE.iter().map(|row| row.name);
        for name in of_aws.chain(["xks:ExternalKeyId", "xks:Operation"]) {
            let suffix = if name.ends_with(['/', ':']) { "x" } else { "" };
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"Null":{{"{name}{suffix}":"true"}}}}}}}}"#
            );
            let is_listed = listed.contains(&format!("`{name}`"));
            assert_eq!(Policy::compile("p", &text).is_ok(), is_listed, "{name}");
        }
    }
}
