//! `GetGroupPolicy`: the text of a group's own policy.

use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::UrlEncoded;
use wire::member::iam::{GroupName, PolicyName};

/// The operation.
#[derive(Debug)]
pub struct GetGroupPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
        required policy_name: PolicyName = "PolicyName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required group_name: String = "GroupName",
        required policy_name: String = "PolicyName",
        required policy_document: UrlEncoded = "PolicyDocument",
    }
}

impl Operation for GetGroupPolicy {
    const NAME: &'static str = "GetGroupPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
        record.string("policyName", input.policy_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.sought(input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetGroupPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let group = subject.found()?;
        let (policy_name, policy_document) = holder::inline(&***group, &input.policy_name)?;
        Ok(Outcome::of(Answer { group_name: group.name.clone(), policy_name, policy_document }))
    }
}
