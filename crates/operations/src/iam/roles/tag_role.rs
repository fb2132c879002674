//! `TagRole`: puts tags on a role.

use crate::Fact;
use crate::iam::entity::Sought;
use crate::iam::{record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::{RoleName, Tags};

/// The operation.
#[derive(Debug)]
pub struct TagRole;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        required tags: Tags = "Tags",
    }
}

impl Operation for TagRole {
    const NAME: &'static str = "TagRole";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record::tags(record, Some(&input.tags));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::facts(Some(&input.tags))
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:TagRole")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let role = Role { tags: tags::with(&old.tags, &input.tags)?, ..Role::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &role)).await?;
        Ok(Outcome::of(()))
    }
}
