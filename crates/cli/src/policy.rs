//! `cardea policy`: why somebody may or may not do something, asked of a running service as any client asks it.

use crate::Done;
use crate::endpoint::Endpoint;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::fs;
use std::io::{self, Write};

/// Ask who may do what
#[derive(Subcommand)]
pub(crate) enum Policy {
    Explain(Box<Explain>),
}

/// Say what somebody would be answered who asked for something, and why
///
/// Takes AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE and the credentials from the environment, as `root.env` sets them. The
/// credentials need the permission cardea:ExplainAccess.
#[derive(Args)]
pub(crate) struct Explain {
    /// Who asks: the ARN of a user, a role or a role session; whoever the credentials are by default.
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
    /// A pair of the encryption context; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    encryption_context: Vec<(String, String)>,
    /// A condition key and a value that it has in the request; several times for several values.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    condition: Vec<(String, String)>,
    /// When, such as 2026-12-24T18:00:00Z; now by default.
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
    pub(crate) fn run(&self) -> Done {
        let Self::Explain(explain) = self;
        explain.run()
    }
}

impl Explain {
    fn run(&self) -> Done {
        let answer = Endpoint::from_environment()?.call("Cardea.ExplainAccess", &self.request()?)?;
        let text = if self.json { format!("{answer:#}\n") } else { told(&answer) };
        Ok(io::stdout().write_all(text.as_bytes())?)
    }

    fn request(&self) -> Result<Value, Box<dyn Error>> {
        let mut request = Map::from_iter([("Action".to_owned(), json!(self.action))]);
        let texts = [("Principal", &self.principal), ("KeyId", &self.key), ("Time", &self.time)];
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

/// The answer for people.
fn told(answer: &Value) -> String {
    let explanation = at(answer, "/Explanation");
    let mut lines = vec![format!("{}: {}", text(at(answer, "/Decision")), headline(answer))];
    lines.extend(optional("key", at(answer, "/KeyArn")));
    lines.extend(optional("key state", at(answer, "/KeyState")));
    for policy in items(at(explanation, "/policies")) {
        lines.push(policy_line(policy));
        lines.extend(items(at(policy, "/statements")).flat_map(statement_lines));
    }
    lines.extend(items(at(explanation, "/grants")).map(grant_line));
    if at(answer, "/Others").is_array() {
        lines.push("who may:".to_owned());
        lines.extend(items(at(answer, "/Others")).map(other_line));
    }
    if *at(answer, "/Truncated") == Value::Bool(true) {
        lines.push("  and perhaps more: not all could be asked".to_owned());
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn headline(answer: &Value) -> String {
    let asked = at(answer, "/Explanation/context");
    match at(answer, "/Message").as_str() {
        Some(message) => message.to_owned(),
        None => format!("{} may {}", text(at(asked, "/principal/arn")), text(at(asked, "/action"))),
    }
}

fn policy_line(policy: &Value) -> String {
    let kind = match text(at(policy, "/policyType")) {
        "resourceBased" => "key policy",
        "identityBased" => "identity-based policy",
        "permissionsBoundary" => "permissions boundary",
        "session" => "session policy",
        other => other,
    };
    let name = at(policy, "/name").as_str().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{kind}{name}: {}", text(at(policy, "/verdict")))
}

fn statement_lines(statement: &Value) -> Vec<String> {
    let number = at(statement, "/index").as_u64().map_or(0, |index| index.saturating_add(1));
    let sid = at(statement, "/sid").as_str().map(|sid| format!(" \"{sid}\"")).unwrap_or_default();
    let outcome = match text(at(statement, "/outcome")) {
        "matched" => "applies",
        "conditionFailed" => "does not apply: a condition is not met",
        "otherPrincipal" => "does not name the caller",
        "otherResource" => "does not name this resource",
        other => other,
    };
    let line = format!("  statement {number}{sid} ({}) {outcome}", text(at(statement, "/effect")));
    std::iter::once(line).chain(items(at(statement, "/failedConditions")).map(condition_line)).collect()
}

fn condition_line(condition: &Value) -> String {
    let (operator, key) = (text(at(condition, "/operator")), text(at(condition, "/key")));
    let actual = if at(condition, "/actual").is_null() {
        "absent".to_owned()
    } else {
        at(condition, "/actual").to_string()
    };
    format!("    {operator} {key}: wanted {}, was {actual}", at(condition, "/wanted"))
}

fn grant_line(grant: &Value) -> String {
    let (id, grantee) = (text(at(grant, "/grantId")), text(at(grant, "/granteePrincipal")));
    let constraints = at(grant, "/constraints");
    let detail = if constraints.is_null() {
        String::new()
    } else {
        format!(": wanted {}, was {}", at(constraints, "/wanted"), at(constraints, "/actual"))
    };
    format!("grant {id} to {grantee}: {}{detail}", phrase(at(grant, "/outcome")))
}

fn other_line(other: &Value) -> String {
    let condition = if *at(other, "/IfItsAccountAllows") == Value::Bool(true) {
        ", if its own account allows it"
    } else {
        ""
    };
    format!("  {} ({}{condition})", text(at(other, "/Principal")), phrase(at(other, "/Through")))
}

/// A bare word, or a word and what it is about.
fn phrase(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Object(words) => words.iter().map(|(word, what)| format!("{word} {}", text(what))).collect(),
        other => other.to_string(),
    }
}

fn optional(name: &str, value: &Value) -> Option<String> {
    value.as_str().map(|value| format!("{name}: {value}"))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// What stands there; null if nothing does.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_statement_and_the_condition() {
        let answer = json!({
            "Decision": "implicitDeny", "Message": "User: a is not authorized",
            "Explanation": {"policies": [{"policyType": "resourceBased", "verdict": "silent", "statements": [{
                "index": 1, "sid": "Nile", "effect": "Allow", "outcome": "conditionFailed",
                "failedConditions": [{"operator": "StringEquals", "key": "kms:EncryptionContext:project",
                    "wanted": ["nile"], "actual": null}],
            }]}]},
            "Others": [{"Principal": "arn:aws:iam::111122223333:role/r", "Through": {"grantedBy": "abc"}}],
        });
        assert_eq!(
            told(&answer),
            "implicitDeny: User: a is not authorized\n\
             key policy: silent\n\
             \x20 statement 2 \"Nile\" (Allow) does not apply: a condition is not met\n\
             \x20   StringEquals kms:EncryptionContext:project: wanted [\"nile\"], was absent\n\
             who may:\n\
             \x20 arn:aws:iam::111122223333:role/r (grantedBy abc)\n"
        );
    }

    #[test]
    fn values_of_one_condition_key_go_together() {
        let explain = Explain {
            principal: None,
            action: "kms:Decrypt".into(),
            key: None,
            ciphertext: None,
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
