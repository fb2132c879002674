//! `cardea policy`: why somebody may or may not do something, asked of a running service as any client asks it.

use crate::endpoint::Endpoint;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

/// Ask who may do what
#[derive(Subcommand)]
pub(crate) enum Policy {
    Explain(Box<Explain>),
}

/// Say what somebody would be answered who asked for something, and why
///
/// Takes AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE and the credentials from the environment, as `root.env` sets them. The
/// credentials need the permission cardea:ExplainAccess. The exit code is 0 if it is allowed, 3 if it is denied, 1 if there is no
/// answer, 2 if the command line is wrong.
#[derive(Args)]
pub(crate) struct Explain {
    /// Who asks: the ARN of a user, a role, a role session or an account's root, or the name of a service; whoever the
    /// credentials are by default.
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// What for, such as kms:Decrypt.
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// The key: id, ARN, alias name or alias ARN.
    #[arg(long, value_name = "KEY", conflicts_with = "ciphertext")]
    key: Option<String>,
    /// A ciphertext blob in place of the key: base64 text, or fileb://FILE.
    #[arg(long, value_name = "BLOB")]
    ciphertext: Option<String>,
    /// What it is on if that is no key: the ARN of a role, an alias or something that IAM keeps.
    #[arg(long, value_name = "ARN", conflicts_with_all = ["key", "ciphertext"])]
    resource: Option<String>,
    /// A pair of the encryption context; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    encryption_context: Vec<(String, String)>,
    /// A condition key and a value that it has in the request; several times for several values.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    condition: Vec<(String, String)>,
    /// When, such as 2026-12-24T18:00:00Z; now by default. Conditions on the time are asked about it; policies, grants and
    /// keys are those of now.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Say who else may.
    #[arg(long)]
    others: bool,
    /// Print the answer as it came.
    #[arg(long)]
    json: bool,
}

impl Policy {
    pub(crate) fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        let Self::Explain(explain) = self;
        explain.run()
    }
}

impl Explain {
    fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        let answer = Endpoint::from_environment()?.call("Cardea.ExplainAccess", &self.request()?)?;
        let text = if self.json { format!("{answer:#}\n") } else { told(&answer) };
        io::stdout().write_all(text.as_bytes())?;
        let allowed = text_at(&answer, "/Decision") == "allowed";
        Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
    }

    fn request(&self) -> Result<Value, Box<dyn Error>> {
        let mut request = Map::from_iter([("Action".to_owned(), json!(self.action))]);
        let texts = [
            ("Principal", &self.principal),
            ("KeyId", &self.key),
            ("ResourceArn", &self.resource),
            ("Time", &self.time),
        ];
        request
            .extend(texts.into_iter().filter_map(|(name, text)| Some((name.into(), json!(text.as_ref()?)))));
        if let Some(ciphertext) = &self.ciphertext {
            request.insert("CiphertextBlob".into(), json!(base64_of(ciphertext)?));
        }
        let context: Map<String, Value> =
            self.encryption_context.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        request.insert("EncryptionContext".into(), context.into());
        request.insert("ContextEntries".into(), self.context_entries());
        request.insert("IncludeOthers".into(), self.others.into());
        Ok(request.into())
    }

    fn context_entries(&self) -> Value {
        let mut entries: Vec<(&str, Vec<&str>)> = Vec::new();
        for (name, value) in &self.condition {
            match entries.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, values)) => values.push(value),
                None => entries.push((name, vec![value])),
            }
        }
        let entry = |(name, values)| json!({"ContextKeyName": name, "ContextKeyType": "stringList", "ContextKeyValues": values});
        entries.into_iter().map(entry).collect()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("`{text}` is not of the form NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The aws CLI takes blobs in these two forms.
fn base64_of(blob: &str) -> Result<String, Box<dyn Error>> {
    use base64::Engine;
    match blob.strip_prefix("fileb://") {
        Some(file) => {
            let bytes = fs::read(file).map_err(|error| format!("cannot read {file}: {error}"))?;
            Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        None => Ok(blob.to_owned()),
    }
}

/// The answer for people: the decision first, then what each policy and each grant has to do with it.
fn told(answer: &Value) -> String {
    let mut lines = headlines(answer);
    for policy in items(at(answer, "/Explanation/policies")) {
        lines.push(policy_line(policy));
        lines.extend(items(at(policy, "/statements")).flat_map(statement_lines));
    }
    lines.extend(items(at(answer, "/Explanation/grants")).flat_map(grant_lines));
    if at(answer, "/Others").is_array() {
        lines.push("Who may:".to_owned());
        let others: Vec<String> = items(at(answer, "/Others")).map(other_line).collect();
        lines.extend(if others.is_empty() { vec!["  nobody".to_owned()] } else { others });
    }
    if *at(answer, "/Truncated") == Value::Bool(true) {
        lines.push("  and perhaps more: not all could be asked".to_owned());
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn headlines(answer: &Value) -> Vec<String> {
    let asked = at(answer, "/Explanation/context");
    let decision = match (text_at(answer, "/Decision"), at(answer, "/IfOtherAccountAllows")) {
        ("allowed", Value::Bool(true)) => "ALLOWED, if the other account allows it too".to_owned(),
        ("allowed", _) => format!("ALLOWED {}", worded(at(answer, "/Explanation/outcome"))),
        _ => format!("DENIED: {}", worded(at(answer, "/Explanation/outcome"))),
    };
    let mut lines = vec![
        decision,
        format!("  who    {}", text_at(asked, "/principal/arn")),
        format!("  action {}", text_at(asked, "/action")),
    ];
    lines.extend(at(asked, "/resource").as_str().map(|resource| format!("  on     {resource}")));
    lines.extend(key_state_line(text_at(answer, "/KeyState")));
    lines.extend(at(answer, "/Message").as_str().map(|message| format!("  told   {message}")));
    lines
}

/// A key that is not enabled is another reason for a call to fail.
fn key_state_line(state: &str) -> Option<String> {
    let is_worth_it = !matches!(state, "" | "Enabled");
    is_worth_it.then(|| format!("  but    the key is {state}: calls may fail for that"))
}

fn policy_line(policy: &Value) -> String {
    let kind = match text_at(policy, "/policyType") {
        "resourceBased" => "Policy of the resource",
        "identityBased" => "Identity-based policy",
        "permissionsBoundary" => "Permissions boundary",
        "session" => "Session policy",
        other => other,
    };
    let name = at(policy, "/name").as_str().map(|name| format!(" {name}")).unwrap_or_default();
    let verdict = match text_at(policy, "/verdict") {
        "silent" if items(at(policy, "/statements")).next().is_none() => "says nothing about the action",
        "silent" => "does not allow it",
        "allows" => "allows it",
        "denies" => "denies it",
        other => other,
    };
    format!("{kind}{name} {verdict}")
}

fn statement_lines(statement: &Value) -> Vec<String> {
    let number = at(statement, "/index").as_u64().map_or(0, |index| index.saturating_add(1));
    let sid = at(statement, "/sid").as_str().map(|sid| format!(" \"{sid}\"")).unwrap_or_default();
    let outcome = match text_at(statement, "/outcome") {
        "matched" => "applies",
        "conditionFailed" => "does not apply: a condition is not met",
        "otherPrincipal" => "does not apply: it does not name the caller",
        "otherResource" => "does not apply: it does not name this resource",
        other => other,
    };
    let line = format!("  statement {number}{sid} ({}) {outcome}", text_at(statement, "/effect"));
    std::iter::once(line).chain(items(at(statement, "/failedConditions")).map(condition_line)).collect()
}

fn condition_line(condition: &Value) -> String {
    let (operator, key) = (text_at(condition, "/operator"), text_at(condition, "/key"));
    let actual = match at(condition, "/actual") {
        Value::Null => "absent".to_owned(),
        Value::Array(values) if values.is_empty() => "absent".to_owned(),
        actual => actual.to_string(),
    };
    format!("    {operator} {key}: wanted {}, was {actual}", at(condition, "/wanted"))
}

fn grant_lines(grant: &Value) -> Vec<String> {
    let name = at(grant, "/name").as_str().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let (id, grantee) = (text_at(grant, "/grantId"), text_at(grant, "/granteePrincipal"));
    let outcome = match (at(grant, "/outcome"), worded(at(grant, "/outcome"))) {
        (Value::String(word), _) if word == "applied" => "applies".to_owned(),
        (Value::String(word), _) if word == "constraintFailed" => {
            "does not apply: the request does not keep to its constraints".to_owned()
        }
        (Value::String(word), _) if word == "otherOperation" => {
            format!("does not apply: it is for {}", operations(grant))
        }
        (Value::String(word), _) if word == "otherPrincipal" => {
            "does not apply: it is for somebody else".to_owned()
        }
        (_, worded) => format!("does not apply: {worded}"),
    };
    let line = format!("Grant {id}{name} to {grantee} {outcome}");
    let constraints = at(grant, "/constraints");
    let detail = (!constraints.is_null())
        .then(|| format!("    wanted {}, was {}", at(constraints, "/wanted"), at(constraints, "/actual")));
    std::iter::once(line).chain(detail).collect()
}

fn operations(grant: &Value) -> String {
    items(at(grant, "/operations")).filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn other_line(other: &Value) -> String {
    let name = match text_at(other, "/Principal") {
        "*" => "anybody",
        name => name,
    };
    let condition = if *at(other, "/IfItsAccountAllows") == Value::Bool(true) {
        ", if its own account allows it"
    } else {
        ""
    };
    format!("  {name} ({}{condition})", worded(at(other, "/Through")))
}

/// What decided, in words.
fn worded(outcome: &Value) -> String {
    let of = |word: &str| outcome.get(word).and_then(Value::as_str);
    let kind = |policies: &str| match policies {
        "identityBased" => "identity-based policy",
        "permissionsBoundary" => "permissions boundary",
        "session" => "session policy",
        _ => "policy of the resource",
    };
    if let Some(grant) = of("grantedBy") {
        return format!("by grant {grant}");
    }
    if let Some(policies) = of("deniedBy") {
        return format!("a {} denies it", kind(policies));
    }
    if let Some(policies) = of("notAllowedBy") {
        return format!("no {} allows it", kind(policies));
    }
    "by policies".to_owned()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// What stands there; null if nothing does.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    at(value, pointer).as_str().unwrap_or_default()
}

/// The exit code of an answer that it is not allowed.
const DENIED: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_statement_and_the_condition() {
        let answer = json!({
            "Decision": "implicitDeny", "Message": "User: a is not authorized", "KeyState": "Disabled",
            "Explanation": {
                "outcome": {"notAllowedBy": "identityBased"},
                "context": {"principal": {"arn": "a"}, "action": "kms:Decrypt", "resource": "k"},
                "policies": [{"policyType": "resourceBased", "verdict": "silent", "statements": [{
                    "index": 1, "sid": "Nile", "effect": "Allow", "outcome": "conditionFailed",
                    "failedConditions": [{"operator": "StringEquals", "key": "kms:EncryptionContext:project",
                        "wanted": ["nile"], "actual": null}],
                }]}],
                "grants": [
                    {"grantId": "1", "granteePrincipal": "a", "operations": ["Encrypt", "Sign"], "outcome": "otherOperation"},
                    {"grantId": "2", "name": "n", "granteePrincipal": "a", "outcome": {"notAllowedBy": "session"}},
                ],
            },
            "Others": [{"Principal": "arn:aws:iam::111122223333:role/r", "Through": {"grantedBy": "abc"}},
                {"Principal": "*", "Through": "policiesAllow", "IfItsAccountAllows": true}],
        });
        assert_eq!(
            told(&answer),
            "DENIED: no identity-based policy allows it\n\
             \x20 who    a\n\
             \x20 action kms:Decrypt\n\
             \x20 on     k\n\
             \x20 but    the key is Disabled: calls may fail for that\n\
             \x20 told   User: a is not authorized\n\
             Policy of the resource does not allow it\n\
             \x20 statement 2 \"Nile\" (Allow) does not apply: a condition is not met\n\
             \x20   StringEquals kms:EncryptionContext:project: wanted [\"nile\"], was absent\n\
             Grant 1 to a does not apply: it is for Encrypt, Sign\n\
             Grant 2 \"n\" to a does not apply: no session policy allows it\n\
             Who may:\n\
             \x20 arn:aws:iam::111122223333:role/r (by grant abc)\n\
             \x20 anybody (by policies, if its own account allows it)\n"
        );
    }

    #[test]
    fn values_of_one_condition_key_go_together() {
        let explain = Explain {
            principal: None,
            action: "kms:Decrypt".into(),
            key: None,
            ciphertext: None,
            resource: None,
            encryption_context: Vec::new(),
            condition: vec![pair("aws:TagKeys=a").unwrap(), pair("aws:tagkeys=b=c").unwrap()],
            time: None,
            others: false,
            json: false,
        };
        assert_eq!(explain.context_entries()[0]["ContextKeyValues"], json!(["a", "b=c"]));
        assert!(pair("nothing").is_err());
    }
}
