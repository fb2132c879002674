//! `DeriveSharedSecret`: derives the secret that the key shares with the owner of a public key.

use super::Backing;
use super::fit::check_agrees;
use crate::Fact;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Delivered, Naming, Scene};
use access::ConditionKey;
use audit::json::Object;
use keys::{KeyAgreementAlgorithm, KeyOrigin, KeyStates};
use wire::arn::KeyArn;
use wire::member::{GrantTokens, KeyIdText, PublicKey, RecipientInfo};
use wire::{Blob, Fault, Sensitive};

/// The operation.
#[derive(Debug)]
pub struct DeriveSharedSecret;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required algorithm: KeyAgreementAlgorithm = "KeyAgreementAlgorithm",
        required public_key: PublicKey = "PublicKey",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional dry_run: bool = "DryRun",
        optional recipient: RecipientInfo = "Recipient",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        optional shared_secret: Sensitive<Vec<u8>> = "SharedSecret",
        optional ciphertext_for_recipient: Blob = "CiphertextForRecipient",
        required algorithm: KeyAgreementAlgorithm = "KeyAgreementAlgorithm",
        required key_origin: KeyOrigin = "KeyOrigin",
    }
}

impl Operation for DeriveSharedSecret {
    const NAME: &'static str = "DeriveSharedSecret";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("keyAgreementAlgorithm", input.algorithm.name());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        vec![Fact::text(ConditionKey::KmsKeyAgreementAlgorithm, input.algorithm.name())]
    }

    fn grant_tokens(input: &Input) -> Option<&GrantTokens> {
        input.grant_tokens.as_ref()
    }

    fn recipient(input: &Input) -> Option<&RecipientInfo> {
        input.recipient.as_ref()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::Any, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(input: &Input, subject: &NamedKey) -> Result<(), Fault> {
        check_agrees(subject, input.algorithm, Self::NAME)
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (backing, public_key) = (Backing::current(&subject.key)?, input.public_key.as_bytes());
        let module = scene.module(subject);
        let secret = module.derive_shared_secret(backing.key(), public_key, scene.recipient_key()).await?;
        let Delivered { plaintext, for_recipient } = scene.delivered(secret);
        Ok(Outcome::of(Answer {
            key_id: subject.arn.clone(),
            shared_secret: plaintext,
            ciphertext_for_recipient: for_recipient,
            algorithm: input.algorithm,
            key_origin: subject.key.origin,
        }))
    }
}

const PERMISSION: &str = "kms:DeriveSharedSecret";
