//! The lockout safety check: nobody gives a key a policy that keeps them from giving it another one, unless they insist.

use super::explanation::Unrecorded;
use super::findings::weigh;
use super::{Question, Resource};
use crate::{Authority, Facts, Policy, Principal};
use wire::arn::KeyArn;

/// What a caller is told whose policy would lock it out.
pub const LOCKED_OUT: &str = "The new key policy will not allow you to update the key policy in the future.";

/// Whether a key policy lets its author, or the author's account, change it again. Only the key policy is asked, and nothing about
/// later: what the author's identity-based policies allow may change.
#[must_use]
pub fn keeps_control(policy: &Policy, key: &KeyArn, author: &Principal, facts: &dyn Facts) -> bool {
    let question = Question {
        principal: author,
        authority: &Authority::default(),
        action: "kms:PutKeyPolicy",
        resource: Resource::Key { arn: key, policy },
        facts,
    };
    weigh(&question, &mut Unrecorded).resource_allows()
}
