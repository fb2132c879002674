//! The condition keys that policies ask for: in their conditions, and as variables.

use super::simulator::invalid;
use access::{Policy, PolicyKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wire::{Fault, Members};

wire::output! {
    /// What operations about context keys answer.
    pub struct ContextKeys {
        required names: Members<String> = "ContextKeyNames",
    }
}

/// The keys that any of the policies asks for, each once, as they are written.
pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<ContextKeys, Fault> {
    let mut keys = BTreeMap::new();
    for text in texts {
        Policy::compile(PolicyKind::Identity, text, &BTreeMap::new())
            .map_err(|error| invalid(error.to_string()))?;
        // INVARIANT: a policy is JSON.
        let policy: Value = serde_json::from_str(text).unwrap_or_default();
        let mut found = BTreeSet::new();
        in_policy(&policy, &mut found);
        for key in found {
            keys.entry(key.to_ascii_lowercase()).or_insert(key);
        }
    }
    Ok(ContextKeys { names: keys.into_values().collect() })
}

fn in_policy(policy: &Value, found: &mut BTreeSet<String>) {
    let conditions = each(policy.get("Statement")).filter_map(|statement| statement.get("Condition"));
    for keys in conditions.filter_map(Value::as_object).flat_map(|operators| operators.values()) {
        found.extend(keys.as_object().into_iter().flat_map(|keys| keys.keys().cloned()));
    }
    in_texts(policy, found);
}

fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let several = value.and_then(Value::as_array);
    let one = value.filter(|_| several.is_none());
    several.into_iter().flatten().chain(one)
}

/// The variables in every text of a policy.
fn in_texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(variables(text)),
        Value::Array(values) => values.iter().for_each(|value| in_texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| in_texts(value, found)),
        _ => {}
    }
}

fn variables(text: &str) -> impl Iterator<Item = String> {
    let begun = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    let names = begun.map(|(variable, _)| variable.split(',').next().unwrap_or_default().trim().to_owned());
    names.filter(|name| name.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_conditions_and_variables_are_found_once() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/${aws:username}",
             "Condition":{"StringEquals":{"kms:ViaService":"${aws:PrincipalTag/team, 'none'}${*}","aws:SourceIp":"x"},
                          "Null":{"KMS:viaservice":"false"}}},
            {"Effect":"Deny","Action":"kms:*","Resource":"*"}]}"#;
        assert_eq!(
            of([text, text]).unwrap().names.0,
            ["aws:PrincipalTag/team", "aws:SourceIp", "aws:username", "KMS:viaservice"]
        );
        assert_eq!(of(["{}"]).unwrap_err().kind(), wire::FaultKind::InvalidInput);
    }
}
