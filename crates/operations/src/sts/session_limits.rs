//! What limits and describes a session besides its role: session policies and tags. All of it travels in the token, so that
//! together it may take only so much room.

use crate::identity::{DirectoryError, Session, account_and_name, aws_managed_policy};
use crate::operation::{Failure, internal};
use crate::pipeline::Scene;
use std::collections::{BTreeMap, BTreeSet};
use wire::member::sts::{PolicyDescriptors, TagKeys, Tags};
use wire::{Fault, FaultKind};

/// Refuses a list of session policies that no role could have.
pub fn check_policy_arns(arns: Option<&PolicyDescriptors>) -> Result<(), Fault> {
    match arns {
        Some(arns) if arns.0.len() > MOST_POLICY_ARNS => {
            Err(Fault::new(FaultKind::Validation, TOO_MANY_POLICIES))
        }
        _ => Ok(()),
    }
}

/// Refuses tags that no session can have, and transitive keys that are not among them.
pub fn check_tags(tags: Option<&Tags>, transitive: Option<&TagKeys>) -> Result<(), Fault> {
    let as_validation =
        |fault: Fault| Fault::new(FaultKind::Validation, fault.message().unwrap_or_default().to_owned());
    let tags = crate::iam::tags::of(tags).map_err(as_validation)?;
    let has = |key: &str| tags.iter().any(|tag| is_same(&tag.key, key));
    match transitive.and_then(|keys| keys.0.iter().find(|key| !has(key.as_str()))) {
        Some(_) => Err(Fault::new(FaultKind::Validation, NOT_A_TAG)),
        None => Ok(()),
    }
}

/// Gives a session the tags of the request, beside those that it has inherited.
pub fn put_tags(
    session: &mut Session,
    tags: Option<&Tags>,
    transitive: Option<&TagKeys>,
) -> Result<(), Fault> {
    for tag in tags.iter().flat_map(|tags| &tags.0) {
        let (key, value) = (tag.key.as_str(), tag.value.as_str());
        if session.tags.keys().any(|inherited| is_same(inherited, key)) {
            return Err(Fault::new(FaultKind::Validation, CONFLICT));
        }
        let is_transitive =
            transitive.is_some_and(|keys| keys.0.iter().any(|other| is_same(other.as_str(), key)));
        session.tags.insert(key.to_owned(), value.to_owned());
        session.transitive.extend(is_transitive.then(|| key.to_owned()));
    }
    if session.tags.len() > MOST_TAGS {
        Err(Fault::new(FaultKind::Validation, TOO_MANY_TAGS))
    } else {
        Ok(())
    }
}

/// The tags that a session hands on to those got with it.
pub fn inherited(calling: Option<&Session>) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let Some(calling) = calling else { return Default::default() };
    let is_transitive = |key: &String| calling.transitive.contains(key);
    let tags = calling.tags.iter().filter(|(key, _)| is_transitive(key));
    (tags.map(|(key, value)| (key.clone(), value.clone())).collect(), calling.transitive.clone())
}

/// Gives a session its session policies, all of which must be there and readable.
pub async fn put_policies(
    session: &mut Session,
    text: Option<&str>,
    arns: Option<&PolicyDescriptors>,
    scene: &Scene<'_>,
) -> Result<(), Failure> {
    session.policies.extend(text.map(str::to_owned));
    for descriptor in arns.iter().flat_map(|arns| &arns.0) {
        let arn = descriptor.arn.as_ref().map_or("", |arn| arn.as_str());
        if !may_limit(arn, session) {
            return Err(no_such_policy(arn).into());
        }
        session.policy_arns.push(arn.to_owned());
    }
    match scene.directory().session_policies(session).await {
        Ok(_) => Ok(()),
        Err(DirectoryError::Catalog(error)) => Err(error.into()),
        Err(DirectoryError::Missing { policy }) => Err(no_such_policy(&policy).into()),
        Err(DirectoryError::Unreadable(malformed)) => {
            Err(Fault::new(FaultKind::MalformedPolicyDocument, malformed.to_string()).into())
        }
    }
}

/// How much of its room the session takes, in hundredths; nothing if there is nothing to carry.
pub fn packed_size(session: &Session) -> Result<Option<u32>, Fault> {
    let Session { policies, policy_arns, tags, transitive, .. } = session;
    if policies.is_empty() && policy_arns.is_empty() && tags.is_empty() {
        return Ok(None);
    }
    let carried = serde_json::to_vec(&(policies, policy_arns, tags, transitive)).map_err(|_| internal())?;
    let hundredths = carried.len().saturating_mul(100).div_ceil(ROOM);
    if hundredths <= 100 {
        return Ok(u32::try_from(hundredths).ok());
    }
    let message = if policies.is_empty() && policy_arns.is_empty() {
        format!("Packed size of session tags consumes {hundredths}% of allotted space.")
    } else {
        format!("Packed policy consumes {hundredths}% of allotted space, please use smaller policy.")
    };
    Err(Fault::new(FaultKind::PackedPolicyTooLarge, message))
}

//= sts:AssumeRole PolicyArns: the policies must exist in the same account as the role
fn may_limit(arn: &str, session: &Session) -> bool {
    let is_own = |(account, _): (keys::AccountId, &str)| account == *session.principal.account();
    aws_managed_policy(arn).is_some() || account_and_name(arn).is_some_and(is_own)
}

fn no_such_policy(arn: &str) -> Fault {
    Fault::new(
        FaultKind::MalformedPolicyDocument,
        format!("Policy {arn} does not exist or is not attachable."),
    )
}

/// The keys of tags compare without case.
fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

const MOST_POLICY_ARNS: usize = 10;
const MOST_TAGS: usize = 50;

/// Bytes of policies and tags in a session. With all else that it holds the token stays under 16 KiB, half of what the head of a
/// request may take.
const ROOM: usize = 8192;

const TOO_MANY_POLICIES: &str = "The number of session policies cannot exceed 10.";
const TOO_MANY_TAGS: &str = "The number of session tags, those inherited among them, cannot exceed 50.";
const NOT_A_TAG: &str = "The specified transitive tag key must be included in the requested tags.";
const CONFLICT: &str = "One of the specified tag keys can't be set because it conflicts with a transitive tag key from the calling session.";
