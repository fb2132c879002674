//! From a policy's text to its statements, or to the first of its mistakes.

use super::condition::{Condition, ConditionKey, Key};
use super::json::Json;
use super::malformed::{Flaw, MalformedPolicy, Place};
use super::pattern::Pattern;
use super::principals::{self, Principals};
use super::resource;
use super::statement::{Coverage, Effect, Statement};
use super::template::{Reading, Template};
use super::{BoundPrincipals, PolicyKind, PolicyVersion};
use std::collections::{BTreeMap, BTreeSet};

/// What a text says.
pub(super) struct Document {
    pub(super) version: PolicyVersion,
    pub(super) id: Option<Box<str>>,
    pub(super) statements: Box<[Statement]>,
}

type Elements = BTreeMap<String, Json>;

/// Reads the text.
pub(super) fn parse(
    kind: PolicyKind,
    text: &str,
    bound: &BoundPrincipals,
) -> Result<Document, MalformedPolicy> {
    let of_policy = |flaw: Flaw| MalformedPolicy::new(kind, None, &flaw);
    if text.len() > LONGEST {
        return Err(of_policy(Flaw::TooLong));
    }
    let Json::Object(elements) = Json::parse(text).map_err(|detail| of_policy(Flaw::Json(detail)))? else {
        return Err(of_policy(Flaw::Json("it is no object".into())));
    };
    know(&elements, &["Id", "Statement", "Version"]).map_err(of_policy)?;
    let version = version(&elements).map_err(of_policy)?;
    let id = text_of(&elements, "Id").map_err(of_policy)?.map(Box::from);
    let statements = elements.get("Statement").map_or(&[][..], Json::as_list);
    if statements.is_empty() {
        return Err(of_policy(Flaw::NoStatement));
    }
    let mut reader = Reader { kind, bound, version, flaws: Vec::new(), sids: BTreeSet::new() };
    let read: Vec<Option<Statement>> =
        statements.iter().zip(1..).map(|(statement, number)| reader.statement(statement, number)).collect();
    // Of several mistakes the first of those that AWS looks for first.
    if let Some((place, flaw)) = reader.flaws.iter().min_by_key(|(_, flaw)| flaw.rank(kind)) {
        return Err(MalformedPolicy::new(kind, Some(place), flaw));
    }
    Ok(Document { version, id, statements: read.into_iter().flatten().collect() })
}

/// In bytes; the longest text that any operation takes has this many characters of two bytes at most.
const LONGEST: usize = 2 * 131_072;

fn know(elements: &Elements, known: &[&str]) -> Result<(), Flaw> {
    match elements.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Flaw::UnknownElement(unknown.clone())),
        None => Ok(()),
    }
}

fn version(elements: &Elements) -> Result<PolicyVersion, Flaw> {
    match text_of(elements, "Version")? {
        None | Some("2008-10-17") => Ok(PolicyVersion::Of2008),
        Some("2012-10-17") => Ok(PolicyVersion::Of2012),
        Some(other) => Err(Flaw::Version(other.into())),
    }
}

fn text_of<'a>(elements: &'a Elements, name: &str) -> Result<Option<&'a str>, Flaw> {
    match elements.get(name) {
        None => Ok(None),
        Some(value) => value.as_text().map(Some).ok_or_else(|| Flaw::Shape(name.into())),
    }
}

/// The values of whichever of the two elements is there, and whether it is the negated one.
fn one_of<'a>(
    elements: &'a Elements,
    name: &'static str,
    negated: &'static str,
) -> Result<Option<(&'a Json, bool)>, Flaw> {
    match (elements.get(name), elements.get(negated)) {
        (Some(_), Some(_)) => Err(Flaw::ElementTwice(name, negated)),
        (Some(value), None) => Ok(Some((value, false))),
        (None, Some(value)) => Ok(Some((value, true))),
        (None, None) => Ok(None),
    }
}

fn texts_of<'a>(value: &'a Json, name: &str) -> Result<Vec<&'a str>, Flaw> {
    value.as_texts().ok_or_else(|| Flaw::Shape(name.into()))
}

/// Reads statements and collects what is wrong with them.
struct Reader<'a> {
    kind: PolicyKind,
    bound: &'a BoundPrincipals,
    version: PolicyVersion,
    flaws: Vec<(Place, Flaw)>,
    sids: BTreeSet<String>,
}

impl Reader<'_> {
    /// None: it is flawed.
    fn statement(&mut self, statement: &Json, number: usize) -> Option<Statement> {
        let mut place = Place { number, sid: None };
        let Json::Object(elements) = statement else {
            self.flaws.push((place, Flaw::Shape("Statement".into())));
            return None;
        };
        place.sid = text_of(elements, "Sid").ok().flatten().filter(|sid| !sid.is_empty()).map(String::from);
        let unknown = know(elements, ELEMENTS);
        self.keep(&place, unknown);
        let sid = self.sid(elements);
        let sid = self.keep(&place, sid);
        let effect = self.keep(&place, effect(elements));
        let principals = self.principals(elements, effect);
        let principals = self.keep(&place, principals);
        let actions = self.actions(elements, &place);
        let resources = self.resources(elements, &place);
        let conditions = self.conditions(elements, &place);
        Some(Statement {
            sid: sid?,
            effect: effect?,
            actions: actions?,
            resources: resources?,
            principals: principals?,
            conditions,
        })
    }

    fn keep<T>(&mut self, place: &Place, read: Result<T, Flaw>) -> Option<T> {
        read.map_err(|flaw| self.flaws.push((place.clone(), flaw))).ok()
    }

    //= Sid: in IAM letters and digits, and unique; in a key policy any text
    fn sid(&mut self, elements: &Elements) -> Result<Option<Box<str>>, Flaw> {
        let Some(sid) = text_of(elements, "Sid")?.filter(|sid| !sid.is_empty()) else { return Ok(None) };
        if self.kind == PolicyKind::Identity && !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Flaw::SidCharacters(sid.into()));
        }
        let is_new = self.sids.insert(sid.into());
        if is_new || self.kind == PolicyKind::Key {
            Ok(Some(sid.into()))
        } else {
            Err(Flaw::SidTwice(sid.into()))
        }
    }

    fn principals(&self, elements: &Elements, effect: Option<Effect>) -> Result<Principals, Flaw> {
        let found = one_of(elements, "Principal", "NotPrincipal")?;
        match (self.kind, found) {
            (PolicyKind::Identity, None) => Ok(Principals::Bearer),
            (PolicyKind::Identity, Some(_)) => Err(Flaw::PrincipalInIdentity),
            (_, None) => Err(Flaw::NoPrincipal),
            (_, Some((_, true))) if effect == Some(Effect::Allow) => Err(Flaw::AllowWithNotPrincipal),
            (PolicyKind::Trust, Some((_, true))) => Err(Flaw::NotPrincipalInTrust),
            (_, Some((value, true))) => principals::parse(value, self.bound).map(Principals::AllBut),
            (_, Some((value, false))) => principals::parse(value, self.bound).map(Principals::Only),
        }
    }

    fn actions(&mut self, elements: &Elements, place: &Place) -> Option<Coverage<Pattern>> {
        let found = one_of(elements, "Action", "NotAction").and_then(|found| {
            found.map(|(value, is_negated)| Ok((texts_of(value, "Action")?, is_negated))).transpose()
        });
        let found = self.keep(place, found)?.filter(|(actions, _)| !actions.is_empty());
        let Some((actions, is_negated)) = found else {
            return match self.kind {
                //= kms:PutKeyPolicy: a statement without Action is accepted and has no effect
                PolicyKind::Key => Some(Coverage::Nothing),
                _ => self.keep(place, Err(Flaw::NoActions)),
            };
        };
        for action in &actions {
            self.keep(place, check_action(action, self.kind));
        }
        let patterns = actions.into_iter().map(Pattern::parse).collect();
        Some(if is_negated { Coverage::AllBut(patterns) } else { Coverage::Only(patterns) })
    }

    fn resources(&mut self, elements: &Elements, place: &Place) -> Option<Coverage<Template>> {
        let found = one_of(elements, "Resource", "NotResource").and_then(|found| {
            found.map(|(value, is_negated)| Ok((texts_of(value, "Resource")?, is_negated))).transpose()
        });
        let found = self.keep(place, found)?.filter(|(resources, _)| !resources.is_empty());
        match (self.kind, found) {
            //= kms:PutKeyPolicy: a statement without Resource is accepted and has no effect
            (PolicyKind::Key, None) => Some(Coverage::Nothing),
            (PolicyKind::Trust, None) => Some(Coverage::Everything),
            (PolicyKind::Trust, Some((_, false))) => self.keep(place, Err(Flaw::ResourceInTrust)),
            (PolicyKind::Trust, Some((_, true))) => self.keep(place, Err(Flaw::NotResourceInTrust)),
            (PolicyKind::Identity, None) => self.keep(place, Err(Flaw::NoResources)),
            (_, Some((resources, is_negated))) => {
                let templates: Vec<Option<Template>> =
                    resources.into_iter().map(|resource| self.resource(resource, place)).collect();
                let templates = templates.into_iter().flatten().collect();
                Some(if is_negated { Coverage::AllBut(templates) } else { Coverage::Only(templates) })
            }
        }
    }

    fn resource(&mut self, resource: &str, place: &Place) -> Option<Template> {
        self.keep(place, resource::check(resource, self.kind))?;
        let reading = Reading { variables: self.has_variables(), wildcards: true };
        let template = Template::parse(resource, reading).map_err(|why| Flaw::Variable(resource.into(), why));
        self.keep(place, template)
    }

    fn conditions(&mut self, elements: &Elements, place: &Place) -> Box<[Condition]> {
        let operators = match elements.get("Condition") {
            None => return Box::default(),
            Some(Json::Object(operators)) => operators,
            Some(_) => {
                self.keep::<()>(place, Err(Flaw::Shape("Condition".into())));
                return Box::default();
            }
        };
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let Json::Object(keys) = keys else {
                self.keep::<()>(place, Err(Flaw::Shape(operator.clone())));
                continue;
            };
            for (key, values) in keys {
                let condition = self.condition(operator, key, values);
                conditions.extend(self.keep(place, condition));
            }
        }
        conditions.into()
    }

    fn condition(&self, operator: &str, key: &str, values: &Json) -> Result<Condition, Flaw> {
        let values: Option<Vec<&str>> = values.as_list().iter().map(Json::as_scalar).collect();
        let values = values.ok_or_else(|| Flaw::Shape(key.into()))?;
        if values.is_empty() {
            return Err(Flaw::ConditionWithoutValue { operator: operator.into(), key: key.into() });
        }
        let condition = Condition::compile(operator, key, &values, self.has_variables())?;
        if !key.contains(':') {
            return Err(Flaw::ConditionKeyWithoutVendor(key.into()));
        }
        if self.kind != PolicyKind::Key {
            return Ok(condition);
        }
        match condition.key() {
            //= kms:ResourceAliases: in IAM policies only
            Key::Known(ConditionKey::KmsResourceAliases, _) => {
                Err(Flaw::ConditionKeyNotInKeyPolicies(key.into()))
            }
            _ if condition.is_overly_permissive() => Err(Flaw::OverlyPermissive),
            _ => Ok(condition),
        }
    }

    //= Policy variables: only with Version 2012-10-17
    fn has_variables(&self) -> bool {
        self.version == PolicyVersion::Of2012
    }
}

fn effect(elements: &Elements) -> Result<Effect, Flaw> {
    match text_of(elements, "Effect")? {
        None => Err(Flaw::NoEffect),
        Some("Allow") => Ok(Effect::Allow),
        Some("Deny") => Ok(Effect::Deny),
        Some(other) => Err(Flaw::Effect(other.into())),
    }
}

/// What is wrong with a value of `Action`. KMS stores whatever it is given.
fn check_action(action: &str, kind: PolicyKind) -> Result<(), Flaw> {
    if kind == PolicyKind::Trust {
        let (vendor, _) = action.split_once(':').unwrap_or((action, ""));
        return if vendor.eq_ignore_ascii_case("sts") {
            Ok(())
        } else {
            Err(Flaw::ActionNotOfSts(action.into()))
        };
    }
    if kind == PolicyKind::Key || action == "*" {
        return Ok(());
    }
    let (vendor, name) = action.split_once(':').ok_or_else(|| Flaw::ActionWithoutVendor(action.into()))?;
    if name.contains(':') {
        return Err(Flaw::ActionColons(action.into()));
    }
    let is_vendor =
        !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._*?".contains(&b));
    if is_vendor { Ok(()) } else { Err(Flaw::ActionVendor(vendor.into())) }
}

/// Of a statement.
const ELEMENTS: &[&str] = &[
    "Action",
    "Condition",
    "Effect",
    "NotAction",
    "NotPrincipal",
    "NotResource",
    "Principal",
    "Resource",
    "Sid",
];

#[cfg(test)]
mod tests {
    use crate::policy::{BoundPrincipals, Policy, PolicyKind, PolicyVersion};
    use proptest::prelude::*;

    const SYNTAX: &str = "Syntax errors in policy.";
    const LEGACY: &str = "The policy failed legacy parsing";

    fn compiled(kind: PolicyKind, text: &str) -> Result<Policy, String> {
        Policy::compile(kind, text, &BoundPrincipals::new()).map_err(|malformed| malformed.to_string())
    }

    /// A policy of the version with variables and one statement with these elements.
    fn of(elements: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{{elements}}}]}}"#)
    }

    fn refuses(kind: PolicyKind, text: &str, message: &str) {
        match compiled(kind, text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(actual) => assert_eq!(actual, message, "{text}"),
        }
    }

    #[test]
    fn the_whole_grammar_is_accepted() {
        let of_key = r#"{
            "Version": "2012-10-17", "Id": "an id",
            "Statement": [
                {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"},
                {"Sid": "", "Effect": "Deny", "NotPrincipal": {"AWS": ["arn:aws:iam::111122223333:root"], "Service": "s3.amazonaws.com"}, "NotAction": ["kms:Describe*"], "NotResource": ["arn:aws:kms:*:*:key/x"]},
                {"Effect": "Allow", "Principal": "*", "Action": ["kms:Encrypt", "kms=Decrypt"], "Resource": ["*"],
                 "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333", "kms:ViaService": ["a", "b"]},
                               "Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"aws:MultiFactorAuthAge": 3600},
                               "ForAllValues:StringLike": {"aws:TagKeys": ["a*"]}, "Null": {"kms:EncryptionContextKeys": "false"}}},
                {"Effect": "Allow", "Principal": "*", "Condition": {}}
            ]}"#;
        let policy = compiled(PolicyKind::Key, of_key).unwrap();
        assert_eq!(
            (policy.id(), policy.version(), policy.statements().len()),
            (Some("an id"), PolicyVersion::Of2012, 4)
        );
        let sids: Vec<Option<&str>> =
            policy.statements().iter().map(|statement| statement.sid.as_deref()).collect();
        assert_eq!(sids, [Some("Enable IAM User Permissions"), None, None, None]);
        let names: Vec<String> = policy.principals().map(ToString::to_string).collect();
        assert_eq!(names, ["111122223333", "arn:aws:iam::111122223333:root", "s3.amazonaws.com", "*", "*"]);

        let trust = of(
            r#""Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.example.com"},
            "Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"oidc.example.com:aud":"x"}}"#,
        );
        assert!(compiled(PolicyKind::Trust, &trust).is_ok());

        for resource in [
            "*",
            "arn:aws:kms:*:*:*",
            "arn:aws:s3:::bucket/*",
            "arn:aws:kms:*",
            "arn:aws:iam::1:user/${aws:username}",
            "arn:aws-cn:iam::${aws:PrincipalAccount}:role/x",
            "arn:aws:iam::1:*",
            "arn:*:iam::1:root",
            "arn:aws:iam::1:${aws:username}",
        ] {
            let text = of(&format!(r#""Effect":"Deny","Action":"*","Resource":"{resource}""#));
            assert!(compiled(PolicyKind::Identity, &text).is_ok(), "{resource}");
        }
    }

    #[test]
    fn a_policy_that_names_no_version_is_of_the_old_one() {
        let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        assert_eq!(compiled(PolicyKind::Identity, text).unwrap().version(), PolicyVersion::Of2008);
        let text = text.replace(r#"{"S"#, r#"{"Version":"2008-10-17","S"#);
        assert_eq!(compiled(PolicyKind::Identity, &text).unwrap().version(), PolicyVersion::Of2008);
        let unclosed = text.replace(r#""Resource":"*""#, r#""Resource":"arn:aws:iam::1:user/${""#);
        assert!(compiled(PolicyKind::Identity, &unclosed).is_ok());
        refuses(PolicyKind::Identity, &unclosed.replace("2008", "2012"), SYNTAX);
    }

    #[test]
    fn of_an_identity_policy_each_mistake_is_told_in_the_words_of_iam() {
        for (text, message) in [
            ("no JSON", SYNTAX),
            ("", SYNTAX),
            ("[]", SYNTAX),
            (
                r#"{"Version":"2013-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
                SYNTAX,
            ),
            (r#"{"Version":"2012-10-17"}"#, SYNTAX),
            (r#"{"Version":"2012-10-17","Statement":[]}"#, SYNTAX),
            (r#"{"Version":"2012-10-17","Statement":null}"#, SYNTAX),
            (r#"{"Version":"2012-10-17","Statement":["afd"]}"#, SYNTAX),
            (
                r#"{"Version":"2012-10-17","Extra":1,"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
                SYNTAX,
            ),
            (
                r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
                SYNTAX,
            ),
            (
                r#"{"Version":"2012-10-17","Id":["x"],"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
                SYNTAX,
            ),
        ] {
            refuses(PolicyKind::Identity, text, message);
        }
        for (elements, message) in IN_IDENTITY {
            refuses(PolicyKind::Identity, &of(elements), message);
        }
    }

    /// As recorded of iam:CreatePolicy.
    const IN_IDENTITY: &[(&str, &str)] = &[
        (r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Extra field":"value""#, SYNTAX),
        (r#""Effect":"invalid","Action":"s3:ListBucket","Resource":"*""#, SYNTAX),
        (r#""Effect":"denY","Action":"s3:ListBucket","Resource":"*""#, LEGACY),
        (r#""Effect":"allow","Resource":"arn:aws:s3:us-east-1::example_bucket""#, LEGACY),
        (r#""Action":"s3:ListBucket","Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:ListBucket","NotAction":"iam:dsf","Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","NotAction":"s3s:ListBucket","Action":[],"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"*","NotResource":[]"#, SYNTAX),
        (r#""Effect":"Allow","Action":{},"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":[[]],"Resource":"*""#, SYNTAX),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":{"a":"arn:aws:s3:::example_bucket"}"#,
            SYNTAX,
        ),
        (r#""Effect":"Deny","Action":"s3:ListBucket","Resource":["adfdf",{}]"#, SYNTAX),
        (r#""Sid":{},"Effect":"Allow","Action":"s3:ListBucket","Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":[]"#, SYNTAX),
        (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":"a""#, SYNTAX),
        (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"a":"b"}"#, SYNTAX),
        (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":[]}"#, SYNTAX),
        (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"a":{}}}"#, SYNTAX),
        (r#""Effect":"Allow","Resource":"*","Condition":{"DateGreaterThan":{"a":{}}}"#, SYNTAX),
        (
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"a":"sdfdsf"}}"#,
            LEGACY,
        ),
        (r#""Effect":"Allow","Condition":{"DateGreaterThan":{"a":"sdfdsf"}}"#, LEGACY),
        (
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringSame":{"aws:userid":"b"}}"#,
            SYNTAX,
        ),
        (
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:userid":[]}}"#,
            SYNTAX,
        ),
        (
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:userid":"${x"}}"#,
            SYNTAX,
        ),
        (
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"userid":"x"}}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (r#""Effect":"Allow""#, "Policy statement must contain actions."),
        (r#""Effect":"Allow","Resource":"*""#, "Policy statement must contain actions."),
        (r#""Effect":"Allow","Action":[],"Resource":"*""#, "Policy statement must contain actions."),
        (r#""Effect":"Allow","Action":"s3:ListBucket""#, "Policy statement must contain resources."),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":[]"#,
            "Policy statement must contain resources.",
        ),
        (r#""Effect":"Allow","Action":"invalid""#, "Policy statement must contain resources."),
        (
            r#""Effect":"Allow","Action":"invalid","Resource":"*""#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#""Effect":"Allow","NotAction":"","Resource":"*""#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (r#""Effect":"Allow","Action":"a a:ListBucket","Resource":"*""#, "Vendor a a is not valid"),
        (
            r#""Effect":"Allow","Action":"s3:List:Bucket","Resource":"*""#,
            "Actions/Condition can contain only one colon.",
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"invalid resource""#,
            r#"Resource invalid resource must be in ARN format or "*"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s:3:ListBucket","Resource":"sdfsadf""#,
            r#"Resource sdfsadf must be in ARN format or "*"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"""#,
            r#"Resource  must be in ARN format or "*"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"a:bsdfdsafsad""#,
            r#"Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"a:b:cadfsdf""#,
            r#"Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"a:b:c:d:e:f:g:h""#,
            r#"Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws""#,
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3::example_bucket""#, LEGACY),
        (r#""Effect":"Allow","NotAction":"s3:ListBucket","Resource":"arn:aws::::example_bucket""#, LEGACY),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:iam:us-east-1::example_bucket""#,
            "IAM resource arn:aws:iam:us-east-1::example_bucket cannot contain region information.",
        ),
        (
            r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:iam:::example_bucket""#,
            "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
             instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, \
             access-report/.",
        ),
        (
            r#""Effect":"Allow","Action":"*","Resource":"*","Principal":"*""#,
            "Policy document should not specify a principal.",
        ),
        (
            r#""Effect":"Allow","Action":"*","Resource":"*","NotPrincipal":{"AWS":"*"}"#,
            "Policy document should not specify a principal.",
        ),
        (
            r#""Sid":"with spaces","Effect":"Allow","Action":"*","Resource":"*""#,
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
             [0-9A-Za-z]*",
        ),
        (
            r#""Sid":"sdf","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"sdf","Effect":"Allow""#,
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ];

    #[test]
    fn of_a_trust_policy_each_mistake_is_told_in_the_words_of_iam() {
        refuses(PolicyKind::Trust, "{invalid", "This policy contains invalid Json");
        refuses(PolicyKind::Trust, r#"{"Statement":[]}"#, "Could not parse the policy: Statement is empty!");
        refuses(
            PolicyKind::Trust,
            r#"{"Version":"2012","Statement":[{}]}"#,
            "The policy must contain a valid version string",
        );
        let statement = r#""Sid":"a","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole""#;
        refuses(
            PolicyKind::Trust,
            &of(&format!("{statement}}},{{{statement}")),
            "The Statement Ids in the policy are not unique",
        );
        for (elements, message) in [
            (r#""Principal":{"AWS":"*"},"Action":"sts:AssumeRole""#, "Missing required field Effect"),
            (
                r#""Effect":"allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole""#,
                "Invalid effect: allow",
            ),
            (r#""Effect":"Allow","Action":"sts:AssumeRole""#, "Missing required field Principal"),
            (
                r#""Effect":"Allow","Principal":{},"Action":"sts:AssumeRole""#,
                "Missing required field Principal cannot be empty!",
            ),
            (r#""Effect":"Allow","Principal":{"AWS":"*"}"#, "Missing required field Action"),
            (
                r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"*""#,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
            (
                r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*""#,
                "Has prohibited field Resource",
            ),
            (
                r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","NotResource":"*""#,
                "AssumeRole policy must not contain resources.",
            ),
            (
                r#""Effect":"Allow","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole""#,
                "Allow with NotPrincipal is not allowed.",
            ),
            (
                r#""Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole""#,
                "AssumeRole policy must not contain NotPrincipal field.",
            ),
            (
                r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::*:root"},"Action":"sts:AssumeRole""#,
                r#"Invalid principal in policy: "AWS":"arn:aws:iam::*:root""#,
            ),
            (
                r#""Effect":"Allow","Principal":{"Service":"s3"},"Action":"sts:AssumeRole""#,
                r#"Invalid principal in policy: "SERVICE":"s3""#,
            ),
        ] {
            refuses(PolicyKind::Trust, &of(elements), message);
        }
    }

    #[test]
    fn of_a_key_policy_each_mistake_is_told_with_its_statement() {
        refuses(PolicyKind::Key, "[]", "In the policy: it is not well-formed JSON: it is no object.");
        refuses(PolicyKind::Key, r#"{"Statements":[]}"#, "In the policy: there is no element `Statements`.");
        refuses(PolicyKind::Key, r#"{"Version":"2012-10-17"}"#, "In the policy: there is no statement.");
        for (elements, message) in [
            (
                r#""Sid":"Use of the key","Effect":"allow","Principal":"*""#,
                "In statement 1 (`Use of the key`): the effect `allow` is neither `Allow` nor `Deny`.",
            ),
            (
                r#""Effect":"Allow","Action":"kms:*","Resource":"*""#,
                "In statement 1: `Principal` is missing.",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Sid":"b","Effect":"Allow","NotPrincipal":{"AWS":"*"}"#,
                "In statement 2 (`b`): `NotPrincipal` may only be in a statement whose effect is `Deny`.",
            ),
            (
                r#""Effect":"Allow","Principal":"*","NotPrincipal":"*""#,
                "In statement 1: there is `Principal` and also `NotPrincipal`.",
            ),
            (
                r#""Effect":"Allow","Principal":{"AWS":"AIDACKCEVSQ6C2EXAMPLE"},"Action":"kms:*","Resource":"*""#,
                "Policy contains a statement with one or more invalid principals.",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"this key""#,
                "In statement 1: the resource `this key` is neither an ARN nor `*`.",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Condition":{"StringSame":{"aws:userid":"x"}}"#,
                "In statement 1: there is no condition operator `StringSame`.",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"yes"}}"#,
                "In statement 1: the condition value `yes` is none for `Bool`.",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Condition":{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/x"}}"#,
                "These condition keys are not permitted in a key policy: kms:ResourceAliases",
            ),
        ] {
            refuses(PolicyKind::Key, &of(elements), message);
        }
    }

    #[test]
    fn for_all_values_of_a_key_that_has_one_value_is_refused_in_a_key_policy() {
        let message = "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key \
                       matches requests without the specified [encryption context or tag] or with an unspecified \
                       [encryption context or tag]. To fix, remove ForAllValues.";
        for key in ["kms:EncryptionContext:AppName", "aws:requesttag/team"] {
            let elements = format!(
                r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"ForAllValues:StringEqualsIfExists":{{"{key}":"X"}}}}"#
            );
            refuses(PolicyKind::Key, &of(&elements), message);
        }
        let elements = r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:RequestTag/x":"X"}}"#;
        assert!(compiled(PolicyKind::Identity, &of(elements)).is_ok());
    }

    #[test]
    fn the_reason_is_told_in_plain_words_where_the_message_is_no_help() {
        let text = of(r#""Sid":"a","Effect":"Allow","Action":"*","Resource":"*","Conditions":{}"#);
        let malformed = Policy::compile(PolicyKind::Identity, &text, &BoundPrincipals::new()).unwrap_err();
        assert_eq!(malformed.to_string(), SYNTAX);
        assert_eq!(malformed.reason(), "In statement 1 (`a`): there is no element `Conditions`.");
    }

    #[test]
    fn what_is_longer_than_any_policy_is_refused_before_it_is_read() {
        let text = format!(r#"{{"Id":"{}"}}"#, "x".repeat(super::LONGEST));
        refuses(PolicyKind::Key, &text, "In the policy: it is too long.");
    }

    fn json() -> impl Strategy<Value = String> {
        let words = prop::sample::select(
            &[
                "Version",
                "2012-10-17",
                "Statement",
                "Sid",
                "Effect",
                "Allow",
                "Deny",
                "Principal",
                "AWS",
                "*",
                "Action",
                "kms:*",
                "Resource",
                "arn:aws:iam::111122223333:root",
                "Condition",
                "StringLike",
                "ForAllValues:Bool",
                "Null",
                "aws:username",
                "${aws:username}",
                "true",
                "arn:",
                "${",
                "s3.amazonaws.com",
                "IpAddress",
                "::/0",
            ][..],
        );
        let leaf = prop_oneof![
            words.clone().prop_map(|word| format!("\"{word}\"")),
            Just("null".into()),
            Just("1".into())
        ];
        leaf.prop_recursive(6, 60, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|values| format!("[{}]", values.join(","))),
                prop::collection::vec((words.clone(), inner), 0..5).prop_map(|entries| {
                    let entries: Vec<String> =
                        entries.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                    format!("{{{}}}", entries.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in prop_oneof![".*", json()]) {
            for kind in [PolicyKind::Identity, PolicyKind::Key, PolicyKind::Trust] {
                let _ = compiled(kind, &text);
                let _ = compiled(kind, &format!(r#"{{"Version":"2012-10-17","Statement":{text}}}"#));
                let _ = compiled(kind, &of(&format!(r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{text}"#)));
            }
        }

        #[test]
        fn what_is_shown_with_nothing_gone_is_what_was_stored(text: String) {
            prop_assert_eq!(Policy::shown(&text, &BoundPrincipals::new()), text);
        }

        #[test]
        fn no_text_makes_showing_it_panic(text in prop_oneof![".*", json()]) {
            let gone = BoundPrincipals::from([("*".to_owned(), "AIDA1".to_owned())]);
            let _ = Policy::shown(&text, &gone);
        }
    }
}
