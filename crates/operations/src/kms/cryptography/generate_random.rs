//! `GenerateRandom`: random bytes from the security module.

use crate::kms::custom_key_store::check_store;
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Delivered, Scene};
use audit::json::Object;
use keys::KeyStates;
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
    type Subject = Own;

    /// CloudTrail shows nothing of it, not even the number of bytes.
    fn parameters(_: &Input, _: &mut Object<'_>) {}

    fn examine(input: &Input) -> Result<(), Fault> {
        input.length().map(drop)
    }

    fn recipient(input: &Input) -> Option<&RecipientInfo> {
        input.recipient.as_ref()
    }

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "kms:GenerateRandom", on: On::Account }]
    }

    fn fit(input: &Input, _: &Own) -> Result<(), Fault> {
        check_store(input.custom_key_store_id.as_ref())
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Own>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let module = scene.module(subject);
        let random = module.generate_random(input.length()?, scene.recipient_key()).await?;
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
