//! `Decrypt`: opens a ciphertext. Which key made it is read off the ciphertext; naming the key besides is a check.

use super::fit::check_encrypts;
use super::{
    backing_that_made, canonical, check_ciphertext_given, check_context, check_is_of, check_key_given,
    encryption_facts, header, outcome, told_material,
};
use crate::Fact;
use crate::kms::custom_key_stores::Layer;
use crate::kms::{record_context, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Delivered, Scene};
use audit::json::Object;
use keys::{EncryptionAlgorithm, KeyMaterialId, KeyStates};
use wire::arn::KeyArn;
use wire::member::{
    CiphertextBlob, DryRunModifiers, EncryptionContext, GrantTokens, KeyIdText, RecipientInfo,
};
use wire::{Blob, Fault, Sensitive};

/// The operation.
#[derive(Debug)]
pub struct Decrypt;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional ciphertext: CiphertextBlob = "CiphertextBlob",
        optional context: EncryptionContext = "EncryptionContext",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional key_id: KeyIdText = "KeyId",
        optional algorithm: EncryptionAlgorithm = "EncryptionAlgorithm",
        optional recipient: RecipientInfo = "Recipient",
        optional dry_run: bool = "DryRun",
        optional dry_run_modifiers: DryRunModifiers = "DryRunModifiers",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        optional plaintext: Sensitive<Vec<u8>> = "Plaintext",
        required algorithm: EncryptionAlgorithm = "EncryptionAlgorithm",
        optional ciphertext_for_recipient: Blob = "CiphertextForRecipient",
        optional material_id: KeyMaterialId = "KeyMaterialId",
    }
}

impl Operation for Decrypt {
    const NAME: &'static str = "Decrypt";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("encryptionAlgorithm", input.algorithm().name());
        record_text(record, "keyId", input.key_id.as_ref().map(KeyIdText::as_str));
        record_context(record, "encryptionContext", input.context.as_ref());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        let (blob, modifiers) = (input.ciphertext.as_ref(), input.dry_run_modifiers.as_ref());
        check_ciphertext_given(blob, modifiers, Self::is_dry_run(input), input.key_id.as_ref())?;
        check_key_given(input.algorithm(), input.key_id.as_ref(), "KeyId")?;
        check_context(input.context.as_ref())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        encryption_facts(input.algorithm(), input.context.as_ref())
    }

    fn grant_tokens(input: &Input) -> Option<&GrantTokens> {
        input.grant_tokens.as_ref()
    }

    fn recipient(input: &Input) -> Option<&RecipientInfo> {
        input.recipient.as_ref()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        match (&input.key_id, &input.ciphertext) {
            (Some(key_id), blob) => {
                scene.key_at(scene.locate_beside(key_id, blob.as_ref()).await?, PERMISSION).await
            }
            (None, Some(blob)) => scene.key_at(scene.locate_ciphertext(&header(blob)?), PERMISSION).await,
            (None, None) => Err(super::invalid_ciphertext().into()),
        }
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(input: &Input, subject: &NamedKey) -> Result<(), Fault> {
        let algorithm = input.algorithm();
        check_is_of(input.ciphertext.as_ref(), algorithm, subject)?;
        check_encrypts(subject, algorithm, input.context.as_ref(), Self::NAME)
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let blob = input.ciphertext.as_ref().ok_or_else(super::invalid_ciphertext)?;
        let algorithm = input.algorithm();
        let (backing, context) =
            (backing_that_made(blob, algorithm, subject)?, canonical(input.context.as_ref()));
        let layer = Layer { named: subject, backing: &backing, context: &context, operation: Self::NAME };
        let opened = scene.opened(subject, layer, blob.as_bytes()).await?;
        let (module, recipient) = (scene.module(subject), scene.recipient_key());
        let plaintext =
            module.decrypt(backing.key(), algorithm, &context, opened.as_bytes(), recipient).await;
        let plaintext = plaintext.map_err(|error| opened.failure(error))?;
        let Delivered { plaintext, for_recipient } = scene.delivered(plaintext);
        let answer = Answer {
            key_id: subject.arn.clone(),
            plaintext,
            algorithm,
            ciphertext_for_recipient: for_recipient,
            material_id: told_material(&backing, algorithm),
        };
        Ok(outcome(answer, &backing, algorithm))
    }
}

impl Input {
    fn algorithm(&self) -> EncryptionAlgorithm {
        self.algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault)
    }
}

const PERMISSION: &str = "kms:Decrypt";
