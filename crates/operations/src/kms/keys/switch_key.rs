//! `EnableKey` and `DisableKey`: switch a key on or off. Both may be said of a key that is so already.

use crate::kms::key_element;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::KeyIdText;

/// Switches a key on.
pub type EnableKey = SwitchKey<true>;

/// Switches a key off.
pub type DisableKey = SwitchKey<false>;

/// Either operation.
#[derive(Debug)]
pub struct SwitchKey<const ON: bool>;

wire::input! {
    /// What both take.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
    }
}

impl<const ON: bool> SwitchKey<ON> {
    const PERMISSION: &'static str = if ON { "kms:EnableKey" } else { "kms:DisableKey" };
}

impl<const ON: bool> Operation for SwitchKey<ON> {
    const NAME: &'static str = if ON { "EnableKey" } else { "DisableKey" };
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Switchable;
    type Input = Input;
    type Output = ();
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, Self::PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(Self::PERMISSION)]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let key = &subject.key;
        if key.enabled != ON {
            scene.commit(subject, scene.changes().replace_key(key, &key.with_enabled(ON))).await?;
            // A rotation that fell due while the key was off is made up for at once.
            scene.ring(subject);
        }
        Ok(Outcome::of(()).with_elements(key_element(subject)))
    }
}
