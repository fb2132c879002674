//! `PutGroupPolicy`: gives a group a policy of its own, in place of one of the same name.

use crate::iam::{entity::Sought, holder, policy_text};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::Fault;
use wire::member::iam::{GroupName, PolicyDocument, PolicyName};

/// The operation.
#[derive(Debug)]
pub struct PutGroupPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
        required policy_name: PolicyName = "PolicyName",
        required policy_document: PolicyDocument = "PolicyDocument",
    }
}

impl Operation for PutGroupPolicy {
    const NAME: &'static str = "PutGroupPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        let group = ("groupName", input.group_name.as_str());
        holder::record_put(record, group, &input.policy_name, &input.policy_document);
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        policy_text::check_identity_policy(input.policy_document.as_str())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.sought(input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:PutGroupPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::put_inline(subject, &input.policy_name, &input.policy_document, scene).await
    }
}
