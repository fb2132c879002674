//! `UpdateAccessKey`: switches an access key off, or on again, for the next request.

use super::status;
use crate::iam::oneself::Oneself;
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::AccessKey;
use keys::KeyStates;
use wire::member::iam::{AccessKeyId, AccessKeyStatus, ExistingUserName};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct UpdateAccessKey;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional user_name: ExistingUserName = "UserName",
        required access_key_id: AccessKeyId = "AccessKeyId",
        required status: AccessKeyStatus = "Status",
    }
}

impl Operation for UpdateAccessKey {
    const NAME: &'static str = "UpdateAccessKey";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Oneself;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "userName", input.user_name.as_ref().map(ExistingUserName::as_str));
        record.string("accessKeyId", input.access_key_id.as_str());
        record.string("status", input.status.name());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        match input.status {
            AccessKeyStatus::Active | AccessKeyStatus::Inactive => Ok(()),
            AccessKeyStatus::Expired => Err(Fault::new(FaultKind::InvalidInput, EXPIRED)),
        }
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Oneself, Failure> {
        scene.oneself(input.user_name.as_ref().map(ExistingUserName::as_str)).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Oneself) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UpdateAccessKey")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Oneself>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = scene.access_key_of(subject, &input.access_key_id).await?;
        let active = input.status.name() == status(true);
        if old.active != active {
            let new = AccessKey { active, ..AccessKey::clone(&old) };
            scene.commit(subject, scene.changes().replace_access_key(&old, &new)).await?;
            scene.forget_signing_keys(subject, &old.id);
        }
        Ok(Outcome::of(()))
    }
}

const EXPIRED: &str = "The status Expired cannot be set.";
