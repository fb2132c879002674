//! `GenerateRandom`: random bytes from the security module, or from the HSM cluster of a custom key store.

use crate::kms::custom_key_stores::{InStore, check_connected, of_creation};
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Delivered, Scene};
use audit::json::Object;
use keys::{Backend, KeyStates};
use wire::member::{CustomKeyStoreId, NumberOfBytes, RecipientInfo};
use wire::{Blob, Fault, FaultKind, Sensitive};

/// The operation.
#[derive(Debug)]
pub struct GenerateRandom;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional number_of_bytes: NumberOfBytes = "NumberOfBytes",
        optional custom_key_store_id: CustomKeyStoreId = "CustomKeyStoreId",
        optional recipient: RecipientInfo = "Recipient",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        optional plaintext: Sensitive<Vec<u8>> = "Plaintext",
        optional ciphertext_for_recipient: Blob = "CiphertextForRecipient",
    }
}

impl Operation for GenerateRandom {
    const NAME: &'static str = "GenerateRandom";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = InStore;

    /// CloudTrail shows nothing of it, not even the number of bytes.
    fn parameters(_: &Input, _: &mut Object<'_>) {}

    fn examine(input: &Input) -> Result<(), Fault> {
        input.length()?;
        if input.custom_key_store_id.is_some() && input.recipient.is_some() {
            return Err(Fault::new(FaultKind::UnsupportedOperation, NO_RECIPIENT));
        }
        Ok(())
    }

    fn recipient(input: &Input) -> Option<&RecipientInfo> {
        input.recipient.as_ref()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<InStore, Failure> {
        InStore::of(input.custom_key_store_id.as_ref(), scene).await
    }

    fn permissions<'a>(_: &Input, _: &'a InStore) -> Vec<Permission<'a>> {
        vec![Permission { action: "kms:GenerateRandom", on: On::Account }]
    }

    fn fit(_: &Input, subject: &InStore) -> Result<(), Fault> {
        let Some(store) = subject.store()? else { return Ok(()) };
        match store.backend {
            Backend::CloudHsm(_) => check_connected(store),
            Backend::Xks(_) => Err(Fault::new(FaultKind::UnsupportedOperation, NO_RANDOM)),
        }
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<InStore>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let length = input.length()?;
        let random = match subject.store()? {
            None => scene.module(subject).generate_random(length, scene.recipient_key()).await?,
            Some(store) => scene.key_stores(subject).random(store, length).await.map_err(of_creation)?,
        };
        let Delivered { plaintext, for_recipient } = scene.delivered(random);
        Ok(Outcome::of(Answer { plaintext, ciphertext_for_recipient: for_recipient }))
    }
}

impl Input {
    fn length(&self) -> Result<u16, Fault> {
        let number = self.number_of_bytes.map(NumberOfBytes::value);
        number.ok_or_else(|| Fault::new(FaultKind::Validation, "NumberOfBytes is required."))
    }
}

const NO_RECIPIENT: &str = "Recipient is not supported with a CustomKeyStoreId.";
const NO_RANDOM: &str = "Random bytes cannot be had from an external key store.";
