//! From a policy's text to its statements, or to the first of its mistakes.

use super::condition::{Condition, ConditionKey, Key};
use super::external_key;
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
    let version = version(&elements, kind).map_err(of_policy)?;
    let id = text_of(&elements, "Id").map_err(of_policy)?.map(Box::from);
    let statements = elements.get("Statement").map_or(&[][..], Json::as_list);
    if statements.is_empty() {
        return Err(of_policy(Flaw::NoStatement));
    }
    let mut reader = Reader { kind, bound, version, flaws: Vec::new(), sids: BTreeSet::new() };
    let read: Vec<Option<Statement>> =
        statements.iter().zip(1..).map(|(statement, number)| reader.statement(statement, number)).collect();
    let statements: Option<Box<[Statement]>> = read.into_iter().collect();
    // Of several mistakes the first of those that AWS looks for first.
    if let Some((place, flaw)) = reader.flaws.iter().min_by_key(|(_, flaw)| flaw.rank(kind)) {
        return Err(MalformedPolicy::new(kind, Some(place), flaw));
    }
    // INVARIANT: a statement that could not be read has left a flaw. Should one ever not, the policy is refused and no statement lost.
    let statements = statements.ok_or_else(|| of_policy(Flaw::Shape("Statement".into())))?;
    Ok(Document { version, id, statements })
}

fn know(elements: &Elements, known: &[&str]) -> Result<(), Flaw> {
    match elements.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Flaw::UnknownElement(unknown.clone())),
        None => Ok(()),
    }
}

fn version(elements: &Elements, kind: PolicyKind) -> Result<PolicyVersion, Flaw> {
    match text_of(elements, "Version")? {
        // Else a variable would be taken for text by whoever forgets to say so.
        None | Some("2008-10-17") if kind == PolicyKind::ExternalKey => Err(Flaw::VersionWithoutVariables),
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
            (PolicyKind::ExternalKey | PolicyKind::Identity, None) => Ok(Principals::Bearer),
            (PolicyKind::ExternalKey, Some(_)) => Err(Flaw::PrincipalInExternalKey),
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
        let patterns = actions.iter().map(|action| Pattern::parse(&action.to_ascii_lowercase())).collect();
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
            (PolicyKind::ExternalKey | PolicyKind::Identity, None) => {
                self.keep(place, Err(Flaw::NoResources))
            }
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
        let template = template.and_then(|template| match self.kind {
            PolicyKind::ExternalKey => external_key::check_keys(template.keys()).map(|()| template),
            _ => Ok(template),
        });
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
        if self.kind == PolicyKind::ExternalKey {
            return external_key::check_condition(&condition).map(|()| condition);
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
    if kind == PolicyKind::ExternalKey {
        return external_key::check_action(action);
    }
    let (vendor, name) = action.split_once(':').ok_or_else(|| Flaw::ActionWithoutVendor(action.into()))?;
    if name.contains(':') {
        return Err(Flaw::ActionColons(action.into()));
    }
    let is_vendor =
        !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    if is_vendor { Ok(()) } else { Err(Flaw::ActionVendor(vendor.into())) }
}

/// In bytes; the longest text that any operation takes has this many characters of two bytes at most.
const LONGEST: usize = 2 * 131_072;

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

    fn compiled(kind: PolicyKind, text: &str) -> Result<Policy, String> {
        Policy::compile(kind, text, &BoundPrincipals::new()).map_err(|malformed| malformed.to_string())
    }

    /// A policy of the version with variables and one statement with these elements.
    fn of(elements: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{{elements}}}]}}"#)
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
}
