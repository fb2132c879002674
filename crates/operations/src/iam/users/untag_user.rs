//! `UntagUser`: takes tags off a user.

use crate::Fact;
use crate::iam::{entity::Sought, record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::TagKey;
use wire::member::iam::{ExistingUserName, TagKeys};

/// The operation.
#[derive(Debug)]
pub struct UntagUser;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
        required tag_keys: TagKeys = "TagKeys",
    }
}

impl Operation for UntagUser {
    const NAME: &'static str = "UntagUser";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record::texts(record, "tagKeys", input.tag_keys.0.iter().map(TagKey::as_str));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::key_facts(&input.tag_keys)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UntagUser")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let new = User { tags: tags::without(&old.tags, &input.tag_keys)?, ..User::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &new)).await?;
        Ok(Outcome::of(()))
    }
}
