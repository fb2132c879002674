//! `ListPolicyVersions`: the versions of a managed policy without their texts, the newest first.

use super::{SoughtPolicy, VersionElement};
use crate::iam::{pages, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Arn, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct ListPolicyVersions;

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
        required versions: Members<VersionElement> = "Versions",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListPolicyVersions {
    const NAME: &'static str = "ListPolicyVersions";
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
        vec![subject.permission("iam:ListPolicyVersions")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let newest_first = subject.found()?.versions().into_iter().rev();
        let all = newest_first.map(|version| VersionElement { document: None, ..version });
        let page = pages::part("versions", all, input.marker.as_ref(), input.max_items)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        Ok(Outcome::of(Answer { versions: Members(page.entries), is_truncated, marker }))
    }
}
