//! `PutRolePolicy`: gives a role a policy of its own, in place of one of the same name.

use crate::iam::entity::Sought;
use crate::iam::{holder, policy_text};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::{PolicyDocument, PolicyName, RoleName};

/// The operation.
#[derive(Debug)]
pub struct PutRolePolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        required policy_name: PolicyName = "PolicyName",
        required document: PolicyDocument = "PolicyDocument",
    }
}

impl Operation for PutRolePolicy {
    const NAME: &'static str = "PutRolePolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        let holder = ("roleName", input.role_name.as_str());
        holder::record_put(record, holder, &input.policy_name, &input.document);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:PutRolePolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        policy_text::check_identity_policy(input.document.as_str())?;
        holder::put_inline(subject, &input.policy_name, &input.document, scene).await
    }
}
