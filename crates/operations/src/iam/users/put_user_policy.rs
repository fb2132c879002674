//! `PutUserPolicy`: gives a user a policy of its own, in place of one of the same name.

use crate::iam::{entity::Sought, holder, policy_text};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::Fault;
use wire::member::iam::{ExistingUserName, PolicyDocument, PolicyName};

/// The operation.
#[derive(Debug)]
pub struct PutUserPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
        required policy_name: PolicyName = "PolicyName",
        required policy_document: PolicyDocument = "PolicyDocument",
    }
}

impl Operation for PutUserPolicy {
    const NAME: &'static str = "PutUserPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        let user = ("userName", input.user_name.as_str());
        holder::record_put(record, user, &input.policy_name, &input.policy_document);
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        policy_text::check_identity_policy(input.policy_document.as_str())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:PutUserPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::put_inline(subject, &input.policy_name, &input.policy_document, scene).await
    }
}
