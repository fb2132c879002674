//! `DeleteAccessKey`: deletes an access key with its secret. From the next request on it is as if it had never been.

use crate::iam::oneself::Oneself;
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{Changes, User};
use keys::KeyStates;
use wire::member::iam::{AccessKeyId, ExistingUserName};

/// The operation.
#[derive(Debug)]
pub struct DeleteAccessKey;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional user_name: ExistingUserName = "UserName",
        required access_key_id: AccessKeyId = "AccessKeyId",
    }
}

impl Operation for DeleteAccessKey {
    const NAME: &'static str = "DeleteAccessKey";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Oneself;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "userName", input.user_name.as_ref().map(ExistingUserName::as_str));
        record.string("accessKeyId", input.access_key_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Oneself, Failure> {
        scene.oneself(input.user_name.as_ref().map(ExistingUserName::as_str)).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Oneself) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeleteAccessKey")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Oneself>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = scene.access_key_of(subject, &input.access_key_id).await?;
        let changes = without(subject, &old.id, scene.changes())?.delete_access_key(&old);
        scene.commit(subject, changes).await?;
        scene.forget_signing_keys(subject, &old.id);
        Ok(Outcome::of(()))
    }
}

/// The changes, with the access key no longer in its user's record.
fn without(holder: &Oneself, id: &str, changes: Changes) -> Result<Changes, Failure> {
    let Oneself::User(user) = holder else { return Ok(changes) };
    let old = user.found()?;
    let mut new = User::clone(old);
    new.access_keys.retain(|access_key| access_key != id);
    Ok(changes.replace(old, &new))
}
