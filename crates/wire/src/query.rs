//! The Query protocol's requests: a form of flat names such as `Tags.member.1.Key`, read along the shapes of the members.
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
            Shape::Blob { .. } | Shape::Enumeration(_) | Shape::Text { .. } | Shape::Timestamp => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input as _;
    use crate::member::iam::{ContextEntries, PolicyInputs, Tags};
    use crate::member::{CiphertextBlob, EncryptionContext, KeyIdText, Limit, RecipientInfo};
    use proptest::prelude::*;

    crate::input! {
        /// One member of every shape.
        pub struct Everything {
            required key_id: KeyIdText = "KeyId",
            optional blob: CiphertextBlob = "Blob",
            optional flag: bool = "Flag",
            optional limit: Limit = "Limit",
            optional tags: Tags = "Tags",
            optional policies: PolicyInputs = "Policies",
            optional entries: ContextEntries = "Entries",
            optional context: EncryptionContext = "Context",
            optional recipient: RecipientInfo = "Recipient",
        }
    }

    fn read(form: &str) -> Result<Everything, Fault> {
        Everything::parse_query(&Form::parse(form.as_bytes())?)
    }

    fn keys(tags: &Tags) -> Vec<&str> {
        tags.0.iter().map(|tag| tag.key.as_str()).collect()
    }

    #[test]
    fn a_whole_request_is_read() {
        let input = read(
            "Action=Do&Version=1&KeyId=a%2Fb+c%2B&Blob=AQI%3D&Flag=true&Limit=7&Tags.member.1.Key=k&Tags.member.1.Value=v\
             &Policies.member.1=%7B%7D&Entries.member.1.ContextKeyName=aws:a&Entries.member.1.ContextKeyValues.member.1=x\
             &Entries.member.1.ContextKeyType=string&Context.entry.1.key=a&Context.entry.1.value=b\
             &Recipient.KeyEncryptionAlgorithm=RSAES_OAEP_SHA_256",
        )
        .unwrap();
        assert_eq!(input.key_id.as_str(), "a/b c+");
        assert_eq!(input.blob.unwrap().as_bytes(), [1, 2]);
        assert_eq!((input.flag, input.limit.unwrap().value()), (Some(true), 7));
        assert_eq!(keys(&input.tags.unwrap()), ["k"]);
        assert_eq!(input.policies.unwrap().0[0].as_str(), "{}");
        assert_eq!(input.entries.unwrap().0[0].values.as_ref().unwrap().0[0].as_str(), "x");
        assert_eq!(input.context.unwrap().0.get("a").unwrap(), "b");
        assert!(input.recipient.unwrap().key_encryption_algorithm.is_some());
    }

    #[test]
    fn the_action_and_the_version_are_told() {
        let form = Form::parse(b"Version=2010-05-08&Action=ListUsers").unwrap();
        assert_eq!((form.action(), form.version()), (Some("ListUsers"), Some("2010-05-08")));
        let form = Form::parse(b"").unwrap();
        assert_eq!((form.action(), form.version()), (None, None));
    }

    #[test]
    fn a_form_does_not_show_its_values() {
        let form = Form::parse(b"Action=Do&WebIdentityToken=secret").unwrap();
        assert_eq!(format!("{form:?}"), r#"Form(Some("Do"), 2 parameters)"#);
    }

    #[test]
    fn elements_are_in_order_of_their_numbers_whatever_the_order_of_the_form_and_the_gaps() {
        let tag = |number: u32| format!("&Tags.member.{number}.Key=k{number}&Tags.member.{number}.Value=");
        let form = format!("KeyId=a{}{}{}{}", tag(10), tag(2), tag(4_000_000_000), tag(1));
        assert_eq!(keys(&read(&form).unwrap().tags.unwrap()), ["k1", "k2", "k10", "k4000000000"]);
    }

    #[test]
    fn a_name_without_a_value_is_an_empty_list_and_no_name_is_no_list() {
        let input = read("KeyId=a&Tags=&Policies&Context=").unwrap();
        assert!(input.tags.unwrap().0.is_empty() && input.policies.unwrap().0.is_empty());
        assert!(input.context.unwrap().0.is_empty() && input.entries.is_none());
    }

    #[test]
    fn unknown_members_are_passed_over_and_the_last_of_a_repeated_one_counts() {
        let form = "KeyId=a&Colour.member.x=1&KeyId=b&KeyId.member.1=c&Tags.member.1.Key=k&Tags.member.1.Colour=&\
                    Tags.member.1.Value=v&Tags.member.1.Key=l&Tagsmember=1&TagsX.member.1=x";
        let input = read(form).unwrap();
        assert_eq!((input.key_id.as_str(), keys(&input.tags.unwrap())), ("b", vec!["l"]));
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_a_word() {
        for wrong in [
            "Flag=yes",
            "Flag=",
            "Flag=True",
            "Limit=x",
            "Limit=",
            "Limit=1.5",
            "Limit=99999999999999999999",
            "Blob=%%",
            "KeyId=%ff",
            "%ff=a",
            "Tags=x",
            "Tags.member.01.Key=k",
            "Tags.member.x.Key=k",
            "Tags.member.-1.Key=k",
            "Tags.member.+1.Key=k",
            "Tags.member.4294967296.Key=k",
            "Tags.member.1=x",
            "Policies.member.1.member.1=x",
            "Recipient=x",
            "Context=x",
            "Context.entry.1.key=a",
            "Context.entry.1.value=a",
        ] {
            let fault = read(&format!("KeyId=a&{wrong}")).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Serialization, "{wrong}: {fault}");
        }
        assert_eq!(Form::parse(b"KeyId=\xff").unwrap_err(), malformed());
    }

    #[test]
    fn a_form_has_a_bounded_number_of_parameters() {
        let form = |count: usize| format!("KeyId=a{}", "&x".repeat(count - 1));
        assert!(read(&form(MOST_PARAMETERS)).is_ok());
        assert_eq!(read(&form(MOST_PARAMETERS + 1)).unwrap_err(), malformed());
    }

    #[test]
    fn a_deep_name_costs_no_stack() {
        let deep = format!(
            "KeyId=a&Tags.member.1{}=x&Tags.member.1.Key=k&Tags.member.1.Value=",
            ".a".repeat(400_000)
        );
        assert_eq!(keys(&read(&deep).unwrap().tags.unwrap()), ["k"]);
    }

    fn encoded(text: &str) -> String {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&body).map(|form| Everything::parse_query(&form));
        }

        #[test]
        fn no_name_makes_it_panic(
            names in proptest::collection::vec(
                "(Tags|Entries|Policies|Context|Recipient)(\\.(member|entry|[0-9]{1,3}|Key|key|Value|ContextKeyValues)){0,5}",
                0..9,
            ),
        ) {
            let form: String = names.iter().map(|name| format!("&{name}=1")).collect();
            let _ = read(&format!("KeyId=a{form}"));
        }

        #[test]
        fn what_is_written_is_read(
            key in "\\PC{1,40}",
            tags in proptest::collection::vec(("[a-zA-Z0-9 =+@]{1,9}", "[a-zA-Z0-9 =+@]{0,9}"), 0..30),
            shift in 0..30_usize,
        ) {
            let mut pairs: Vec<String> = tags.iter().enumerate().map(|(n, (key, value))| {
                let n = n + 1;
                format!("Tags.member.{n}.Value={}&Tags.member.{n}.Key={}", encoded(value), encoded(key))
            }).collect();
            pairs.push(format!("KeyId={}", encoded(&key)));
            let middle = shift % pairs.len();
            pairs.rotate_left(middle);
            let input = read(&pairs.join("&")).unwrap();
            prop_assert_eq!(input.key_id.as_str(), key);
            let found = input.tags.map(|tags| tags.0).unwrap_or_default();
            let found: Vec<_> = found.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
            let written: Vec<_> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            prop_assert_eq!(found, written);
        }
    }
}
