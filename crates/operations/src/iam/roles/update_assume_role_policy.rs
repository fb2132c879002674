//! `UpdateAssumeRolePolicy`: gives a role another trust policy.

use super::trust;
use crate::iam::entity::Sought;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::{PolicyDocument, RoleName};

/// The operation.
#[derive(Debug)]
pub struct UpdateAssumeRolePolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        required document: PolicyDocument = "PolicyDocument",
    }
}

impl Operation for UpdateAssumeRolePolicy {
    const NAME: &'static str = "UpdateAssumeRolePolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record.string("policyDocument", input.document.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UpdateAssumeRolePolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let trust_principals = trust(&input.document, scene).await?;
        let trust = input.document.as_str().to_owned();
        let role = Role { trust, trust_principals, ..Role::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &role)).await?;
        Ok(Outcome::of(()))
    }
}
