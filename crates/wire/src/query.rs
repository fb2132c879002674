//! The Query protocol's requests: a form of flat names such as `Tags.member.1.Key`, read along the shape of what is asked for.
//!
//! What no shape asks for is never walked: neither the depth of a name nor its number costs more than the form itself.

use crate::{Fault, FaultKind, MemberShape, Shape};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// The content type of a request in the Query protocol.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The body of a request in the Query protocol. Its values may be secret and are never shown.
pub struct Form {
    /// Names and values in the order of the names, each name once.
    parameters: Vec<(String, String)>,
}

impl Form {
    /// Reads a body. Of a repeated name the last value counts.
    pub fn parse(body: &[u8]) -> Result<Self, Fault> {
        let body = std::str::from_utf8(body).map_err(|_| malformed())?;
        let pairs = body.split('&').filter(|pair| !pair.is_empty());
        if pairs.clone().nth(MOST_PARAMETERS).is_some() {
            return Err(malformed());
        }
        let mut parameters = pairs.map(pair).collect::<Result<Vec<_>, Fault>>()?;
        // Of equal names the last one comes first, and so is kept.
        parameters.reverse();
        parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
        parameters.dedup_by(|(later, _), (earlier, _)| later == earlier);
        Ok(Self { parameters })
    }

    /// Which operation is asked for.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        self.text(ACTION)
    }

    /// Which version of the service's interface is spoken.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.text(VERSION)
    }

    /// The members that a structure of these shapes takes from the form, as the JSON that would say the same.
    pub(crate) fn members(&self, members: &[MemberShape]) -> Result<Value, Fault> {
        self.structure("", members)
    }

    fn structure(&self, prefix: &str, members: &[MemberShape]) -> Result<Value, Fault> {
        let mut found = Map::new();
        for member in members {
            let value = self.value(&format!("{prefix}{}", member.name), &member.shape)?;
            found.extend(value.map(|value| (member.name.to_owned(), value)));
        }
        Ok(Value::Object(found))
    }

    fn value(&self, name: &str, shape: &Shape) -> Result<Option<Value>, Fault> {
        match shape {
            Shape::Blob { .. } | Shape::Enumeration(_) | Shape::Text { .. } => {
                Ok(self.text(name).map(Value::from))
            }
            Shape::Boolean => self.text(name).map(boolean).transpose(),
            Shape::Integer { .. } => self.text(name).map(integer).transpose(),
            Shape::List { of, .. } => self.list(name, of),
            Shape::Map => self.map(name),
            Shape::Structure(members) => {
                let prefix = format!("{name}.");
                match self.below(&prefix).is_empty() {
                    true => self.empty(name, Value::Object(Map::new())),
                    false => self.structure(&prefix, members).map(Some),
                }
            }
        }
    }

    fn list(&self, name: &str, of: &Shape) -> Result<Option<Value>, Fault> {
        let prefix = format!("{name}.member.");
        let places = self.places(&prefix)?;
        if places.is_empty() {
            return self.empty(name, Value::Array(Vec::new()));
        }
        let elements =
            places.iter().map(|place| self.value(&format!("{prefix}{place}"), of)?.ok_or_else(malformed));
        elements.collect::<Result<_, _>>().map(|elements| Some(Value::Array(elements)))
    }

    fn map(&self, name: &str) -> Result<Option<Value>, Fault> {
        let prefix = format!("{name}.entry.");
        let places = self.places(&prefix)?;
        if places.is_empty() {
            return self.empty(name, Value::Object(Map::new()));
        }
        let pairs = places.iter().map(|place| {
            let part = |part| self.text(&format!("{prefix}{place}.{part}")).ok_or_else(malformed);
            Ok((part("key")?.to_owned(), Value::from(part("value")?)))
        });
        pairs.collect::<Result<Map<_, _>, _>>().map(|pairs| Some(Value::Object(pairs)))
    }

    /// What holds nothing is written as a name without a value.
    fn empty(&self, name: &str, empty: Value) -> Result<Option<Value>, Fault> {
        match self.text(name) {
            None => Ok(None),
            Some("") => Ok(Some(empty)),
            Some(_) => Err(malformed()),
        }
    }

    /// The numbers that stand after the prefix, from the least on; between them there may be gaps. Anything else there is
    /// refused: an element that is passed over in silence could be the policy that was to limit a session.
    fn places(&self, prefix: &str) -> Result<BTreeSet<u32>, Fault> {
        let place = |name: &str| {
            let place = name.strip_prefix(prefix)?.split('.').next()?;
            place.parse().ok().filter(|number: &u32| number.to_string() == place)
        };
        self.below(prefix).iter().map(|(name, _)| place(name).ok_or_else(malformed)).collect()
    }

    fn text(&self, name: &str) -> Option<&str> {
        let at = self.parameters.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.parameters.get(at).map(|(_, value)| value.as_str())
    }

    /// The parameters whose names begin so.
    fn below(&self, prefix: &str) -> &[(String, String)] {
        let begin = self.parameters.partition_point(|(name, _)| name.as_str() < prefix);
        let rest = self.parameters.get(begin..).unwrap_or_default();
        let length = rest.partition_point(|(name, _)| name.starts_with(prefix));
        rest.get(..length).unwrap_or_default()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({:?}, {} parameters)", self.action(), self.parameters.len())
    }
}

fn pair(pair: &str) -> Result<(String, String), Fault> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok((decoded(name)?, decoded(value)?))
}

fn decoded(text: &str) -> Result<String, Fault> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(|_| malformed())
}

fn boolean(text: &str) -> Result<Value, Fault> {
    match text {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        _ => Err(malformed()),
    }
}

fn integer(text: &str) -> Result<Value, Fault> {
    text.parse::<i64>().map(Value::from).map_err(|_| malformed())
}

/// AWS refuses a form that it cannot read without a word.
const fn malformed() -> Fault {
    Fault::bare(FaultKind::Serialization)
}

const ACTION: &str = "Action";
const VERSION: &str = "Version";

/// Far more than any operation takes.
const MOST_PARAMETERS: usize = 10_000;
