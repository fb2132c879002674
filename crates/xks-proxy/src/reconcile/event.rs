//! What matters of an event in the log of a KMS. CloudTrail's files and Cardea's journal have it in the same form.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// One record of CloudTrail.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) event_time: Timestamp,
    #[serde(default)]
    pub(super) event_source: String,
    #[serde(default)]
    pub(super) event_name: String,
    #[serde(rename = "requestID", default)]
    pub(super) request_id: Option<String>,
    #[serde(default)]
    pub(super) error_code: Option<String>,
    #[serde(default)]
    pub(super) user_identity: Option<UserIdentity>,
    #[serde(default)]
    pub(super) resources: Option<Vec<Resource>>,
}

/// Who asked.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UserIdentity {
    pub(super) arn: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) invoked_by: Option<String>,
    session_context: Option<SessionContext>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SessionContext {
    session_issuer: Option<SessionIssuer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SessionIssuer {
    arn: Option<String>,
}

/// What an event is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resource {
    #[serde(rename = "ARN")]
    arn: Option<String>,
}

impl Event {
    /// The ARNs of the KMS keys that it is about.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter().flatten().filter_map(|resource| resource.arn.as_deref());
        resources.filter(|arn| arn.split(':').nth(2) == Some("kms"))
    }

    /// Whether whom a proxy was told of may be who asked here. A service stands for itself or for whoever it asked on behalf of, and of a
    /// caller from another account no more than the account is told.
    pub(super) fn is_by(&self, principal: &str) -> bool {
        let Some(identity) = &self.user_identity else { return true };
        let issuer = identity.session_context.as_ref().and_then(|context| context.session_issuer.as_ref());
        let (arn, service) = (identity.arn.as_deref(), identity.invoked_by.as_deref());
        let role = issuer.and_then(|issuer| issuer.arn.as_deref());
        if [arn, service, role].contains(&Some(principal)) {
            return true;
        }
        match (arn, service, &identity.account_id) {
            (_, Some(_), _) => principal == INTERNAL,
            (Some(_), None, _) => false,
            (None, None, Some(own)) => principal.split(':').nth(4).is_none_or(|account| account == own),
            (None, None, None) => true,
        }
    }

    /// Who asked, as it is told.
    pub(super) fn principal(&self) -> Option<&str> {
        let identity = self.user_identity.as_ref()?;
        let name = identity.arn.as_deref().or(identity.invoked_by.as_deref());
        name.or(identity.account_id.as_deref())
    }

    pub(super) fn is_of_kms(&self) -> bool {
        self.event_source == "kms.amazonaws.com"
    }
}

/// What a service of AWS may call itself towards a proxy.
const INTERNAL: &str = "AWS Internal";

/// Hands on the records of a file of CloudTrail, each as it is read, as long as it is told to go on.
pub(super) struct File<'f>(pub(super) &'f mut dyn FnMut(Event) -> bool);

/// Says whether there is a list of records in it.
impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `Records`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "Records" {
                map.next_value_seed(Records(&mut *self.0))?;
                found = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct Records<'f>(&'f mut dyn FnMut(Event) -> bool);

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(event) = list.next_element()? {
            if !(self.0)(event) {
                return Err(A::Error::custom("it was not read to its end"));
            }
        }
        Ok(())
    }
}
