//! `DisableKeyRotation`: a key is rotated by itself no more.

use super::{check_not_replica, check_rotatable, reschedule};
use crate::kms::key_element;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{Key, KeyOrigin, KeyStates};
use wire::Fault;
use wire::member::KeyIdText;

/// The operation.
#[derive(Debug)]
pub struct DisableKeyRotation;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
    }
}

impl Operation for DisableKeyRotation {
    const NAME: &'static str = "DisableKeyRotation";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Rotatable;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms];
    type Input = Input;
    type Output = ();
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

    fn fit(_: &Input, subject: &NamedKey) -> Result<(), Fault> {
        check_rotatable(subject)?;
        check_not_replica(subject)
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        if subject.key.rotation.is_some() {
            reschedule(subject, scene, Key::with_rotation_disabled).await?;
        }
        Ok(Outcome::of(()).with_elements(key_element(subject)))
    }
}

const PERMISSION: &str = "kms:DisableKeyRotation";
