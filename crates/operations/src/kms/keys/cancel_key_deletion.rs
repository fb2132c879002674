//! `CancelKeyDeletion`: calls a scheduled deletion off, which leaves the key disabled. Once the window has ended it is too late, even if
//! the key is still there.

use crate::kms::key_element;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene, no_such_key};
use audit::json::Object;
use keys::KeyStates;
use wire::arn::KeyArn;
use wire::member::KeyIdText;

/// The operation.
#[derive(Debug)]
pub struct CancelKeyDeletion;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
    }
}

impl Operation for CancelKeyDeletion {
    const NAME: &'static str = "CancelKeyDeletion";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::AwaitingDeletion;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    /// What belongs to the key may be gone already.
    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let key = &subject.key;
        if key.is_being_deleted(scene.now) {
            return Err(no_such_key(&subject.arn).into());
        }
        let changes = scene.changes().replace_key(key, &key.with_deletion_cancelled());
        scene.commit(subject, changes).await?;
        Ok(Outcome::of(Answer { key_id: subject.arn.clone() }).with_elements(key_element(subject)))
    }
}

const PERMISSION: &str = "kms:CancelKeyDeletion";
