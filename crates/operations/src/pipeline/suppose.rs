//! Supposing that somebody asks for something: the same decision as for a call, with all that mattered. Nothing is done, and
//! what a request would say is as supposed.

use super::weigh::{grants_to, resource};
use super::{Caller, Scene, Surroundings};
use crate::identity::Identity;
use crate::operation::{Failure, On, Permission};
use access::{ConditionKey, Decision, Explanation, Facts, Question, Values, decide, explain};
use keys::Moment;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is supposed of a request, besides who asks for what.
#[derive(Debug, Default)]
pub struct Supposition {
    /// The encryption context.
    pub encryption_context: BTreeMap<String, String>,
    /// Condition keys by their names in lower case, and their values.
    pub given: BTreeMap<String, Vec<String>>,
    /// When; now if it is not said.
    pub time: Option<Moment>,
}

impl Scene<'_> {
    /// What that principal would be answered, and why.
    pub async fn suppose(
        &self,
        identity: &Identity,
        action: &str,
        on: On<'_>,
        supposition: &Supposition,
    ) -> Result<Explanation, Failure> {
        let caller = Caller::supposed(identity.clone(), self.caller.region);
        let facts = |_: &str| crate::kms::context_facts(&supposition.encryption_context).into();
        let scene = self.supposing(&caller, &facts, supposition.time);
        let permission = Permission { action, on };
        let surroundings = Surroundings::of(&scene, &permission).await?;
        let facts = Supposed { surroundings, supposition };
        let question = Question {
            principal: &identity.principal,
            authority: &identity.authority,
            action,
            resource: resource(&on)?,
            facts: &facts,
        };
        let grants = match (&on, decide(&question)) {
            (On::Key(named), Decision::Denied(_)) => {
                grants_to(self.reader(), &identity.principal, &named.address()).await?
            }
            _ => Vec::new(),
        };
        Ok(explain(&question, grants.iter().flat_map(|grants| grants.iter())))
    }
}

/// What is known of a request that nobody has made.
struct Supposed<'a> {
    surroundings: Surroundings<'a>,
    supposition: &'a Supposition,
}

impl Facts for Supposed<'_> {
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        let name = format!("{}{suffix}", key.name()).to_ascii_lowercase();
        match self.supposition.given.get(&name) {
            Some(values) => values_of(values),
            None if OF_A_CONNECTION.contains(&key) => Values::Absent,
            None => self.surroundings.find(key, suffix),
        }
    }

    fn other(&self, name: &str) -> Values<'_> {
        self.supposition.given.get(&name.to_ascii_lowercase()).map_or(Values::Absent, |values| values_of(values))
    }
}

fn values_of(values: &[String]) -> Values<'_> {
    match values {
        [] => Values::Absent,
        [value] => Values::One(Cow::Borrowed(value)),
        values => Values::Many(values.iter().map(|value| Cow::Borrowed(value.as_str())).collect()),
    }
}

/// What only a real call has: that of whoever wants it explained says nothing of whom it is supposed to be.
const OF_A_CONNECTION: [ConditionKey; 4] =
    [ConditionKey::Referer, ConditionKey::SecureTransport, ConditionKey::SourceIp, ConditionKey::UserAgent];
