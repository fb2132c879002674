//! `TagUser`: puts tags on a user.

use crate::Fact;
use crate::iam::{entity::Sought, record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::{ExistingUserName, Tags};

/// The operation.
#[derive(Debug)]
pub struct TagUser;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
        required tags: Tags = "Tags",
    }
}

impl Operation for TagUser {
    const NAME: &'static str = "TagUser";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record::tags(record, Some(&input.tags));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::facts(Some(&input.tags))
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:TagUser")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let new = User { tags: tags::with(&old.tags, &input.tags)?, ..User::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &new)).await?;
        Ok(Outcome::of(()))
    }
}
