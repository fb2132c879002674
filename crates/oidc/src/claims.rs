//! What a token says, and whether it is for this provider and for now. It never asks who signed it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::{Provider, Rejection};

/// What a token says whose signature, issuer, audience and times are true.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    /// `iss`, which begins with `https://`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The audience that is registered: `azp` where the token has one, else what matched of `aud`.
    pub audience: String,
    /// `azp`.
    pub authorized_party: Option<String>,
    /// `exp`.
    pub expires: Timestamp,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `jti`.
    pub jwt_id: Option<String>,
    values: BTreeMap<String, Vec<String>>,
    all: Map<String, Value>,
}

impl Claims {
    /// The values of the condition key `<provider>:<name>`, none if the token has no such claim. Names compare without case.
    ///
    /// `aud` is the audience that matched and `oaud` all of the token's `aud`; all else is the claim of that name if it is a
    /// text, a number, true or false, or a list of texts.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.values.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// A claim of any shape, such as `https://aws.amazon.com/tags`.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// Judges all that stands in a token.
    pub(crate) fn judged(
        all: &Map<String, Value>,
        provider: &Provider<'_>,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let issuer = issuer(all, provider)?;
        let audiences = audiences(all)?;
        let authorized_party = optional_text(all, "azp")?;
        let audience = audience(&audiences, authorized_party.as_ref(), provider)?;
        let (expires, issued_at) = times(all, now)?;
        Ok(Self {
            issuer,
            subject: text(all, "sub")?,
            authorized_party,
            expires,
            issued_at,
            jwt_id: optional_text(all, "jti")?,
            values: values(all, &audience, audiences),
            audience,
            all: all.clone(),
        })
    }
}

fn issuer(all: &Map<String, Value>, provider: &Provider<'_>) -> Result<String, Rejection> {
    let issuer = text(all, "iss")?;
    if issuer.strip_prefix("https://") == Some(provider.url) {
        Ok(issuer)
    } else {
        Err(Rejection::WrongIssuer(issuer))
    }
}

/// AWS takes `azp` for the audience where there is one, and does not look at `aud` then.
fn audience(
    audiences: &[String],
    authorized_party: Option<&String>,
    provider: &Provider<'_>,
) -> Result<String, Rejection> {
    let candidates = authorized_party.map_or(audiences, std::slice::from_ref);
    let registered = candidates.iter().find(|candidate| provider.client_ids.contains(candidate));
    registered.cloned().ok_or_else(|| Rejection::WrongAudience(candidates.join(", ")))
}

/// `aud` is one text or a list of them.
fn audiences(all: &Map<String, Value>) -> Result<Vec<String>, Rejection> {
    let audiences = all.get("aud").and_then(texts);
    audiences
        .ok_or_else(|| Rejection::Malformed("its claim `aud` is neither a text nor a list of texts".into()))
}

fn times(all: &Map<String, Value>, now: Timestamp) -> Result<(Timestamp, Timestamp), Rejection> {
    let expires = required_time(all, "exp")?;
    let issued_at = required_time(all, "iat")?;
    if expires.saturating_add(LEEWAY).is_ok_and(|end| now >= end) {
        return Err(Rejection::Expired { expired: expires, now });
    }
    let latest = now.saturating_add(LEEWAY).unwrap_or(now);
    for from in [Some(issued_at), time(all, "nbf")?].into_iter().flatten() {
        if from > latest {
            return Err(Rejection::NotYetValid { from, now });
        }
    }
    Ok((expires, issued_at))
}

fn required_time(all: &Map<String, Value>, name: &str) -> Result<Timestamp, Rejection> {
    time(all, name)?.ok_or_else(|| Rejection::Malformed(format!("it has no claim `{name}`")))
}

/// Seconds since 1970, which may have a fraction.
fn time(all: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Rejection> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64));
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(Some).ok_or_else(|| Rejection::Malformed(format!("its claim `{name}` is not a time")))
}

fn text(all: &Map<String, Value>, name: &str) -> Result<String, Rejection> {
    let found = optional_text(all, name)?.filter(|text| !text.is_empty());
    found.ok_or_else(|| Rejection::Malformed(format!("it has no claim `{name}`")))
}

fn optional_text(all: &Map<String, Value>, name: &str) -> Result<Option<String>, Rejection> {
    match all.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Rejection::Malformed(format!("its claim `{name}` is not a text"))),
    }
}

/// What condition keys are compared with. A claim in other letters never stands for one that is there in small letters, in
/// whatever order they come, nor for the audience.
fn values(all: &Map<String, Value>, audience: &str, audiences: Vec<String>) -> BTreeMap<String, Vec<String>> {
    let mut values = BTreeMap::new();
    for (name, value) in all {
        let key = name.to_ascii_lowercase();
        if key == *name || !all.contains_key(&key) {
            values.extend(shown(value).map(|shown| (key, shown)));
        }
    }
    values.insert("aud".to_owned(), vec![audience.to_owned()]);
    values.insert("oaud".to_owned(), audiences);
    values
}

fn shown(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Bool(_) | Value::Number(_) => Some(vec![value.to_string()]),
        _ => texts(value),
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => list.iter().map(|entry| entry.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// By how much clocks may differ, as AWS has it.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);
