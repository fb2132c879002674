//! `ListPolicyTags`: the tags of a managed policy of the account.

use super::SoughtPolicy;
use crate::iam::tags::TagElement;
use crate::iam::{pages, record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Arn, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct ListPolicyTags;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required tags: Members<TagElement> = "Tags",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListPolicyTags {
    const NAME: &'static str = "ListPolicyTags";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListPolicyTags")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let all = subject.own()?.tags.iter().map(tags::element);
        let page = pages::part("tags", all, input.marker.as_ref(), input.max_items)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        Ok(Outcome::of(Answer { tags: Members(page.entries), is_truncated, marker }))
    }
}
