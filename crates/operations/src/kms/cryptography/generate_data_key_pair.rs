//! `GenerateDataKeyPair`: a new pair of keys, of which the private one comes in the clear and encrypted.

use super::fit::check_encrypts;
use super::{Backing, canonical, check_context, check_pair_spec, pair_facts};
use crate::Fact;
use crate::kms::record_context;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Delivered, Naming, Scene};
use audit::json::Object;
use keys::{DataKeyPairSpec, EncryptionAlgorithm, KeyMaterialId, KeyOrigin, KeyStates};
use wire::arn::KeyArn;
use wire::member::{EncryptionContext, GrantTokens, KeyIdText, RecipientInfo};
use wire::{Blob, Fault, Sensitive};

/// The operation.
#[derive(Debug)]
pub struct GenerateDataKeyPair;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional context: EncryptionContext = "EncryptionContext",
        required key_id: KeyIdText = "KeyId",
        required spec: DataKeyPairSpec = "KeyPairSpec",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional recipient: RecipientInfo = "Recipient",
        optional dry_run: bool = "DryRun",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required ciphertext: Blob = "PrivateKeyCiphertextBlob",
        optional private_key: Sensitive<Vec<u8>> = "PrivateKeyPlaintext",
        required public_key: Blob = "PublicKey",
        required key_id: KeyArn = "KeyId",
        required spec: DataKeyPairSpec = "KeyPairSpec",
        optional ciphertext_for_recipient: Blob = "CiphertextForRecipient",
        optional material_id: KeyMaterialId = "KeyMaterialId",
    }
}

impl Operation for GenerateDataKeyPair {
    const NAME: &'static str = "GenerateDataKeyPair";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms, KeyOrigin::External];
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("keyPairSpec", input.spec.name());
        record_context(record, "encryptionContext", input.context.as_ref());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        check_pair_spec(input.spec)?;
        check_context(input.context.as_ref())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        pair_facts(input.spec, input.context.as_ref())
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

    fn fit(_: &Input, subject: &NamedKey) -> Result<(), Fault> {
        check_encrypts(subject, EncryptionAlgorithm::SymmetricDefault, None, Self::NAME)
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (backing, context) = (Backing::current(&subject.key)?, canonical(input.context.as_ref()));
        let module = scene.module(subject);
        let pair =
            module.generate_data_key_pair(backing.key(), &context, input.spec, scene.recipient_key()).await?;
        let Delivered { plaintext, for_recipient } = scene.delivered(pair.private_key);
        let answer = Answer {
            ciphertext: Blob(pair.ciphertext),
            private_key: plaintext,
            public_key: Blob(pair.public_key),
            key_id: subject.arn.clone(),
            spec: input.spec,
            ciphertext_for_recipient: for_recipient,
            material_id: Some(backing.material_id()),
        };
        Ok(Outcome::of(answer).with_additional(backing.event_data()))
    }
}

const PERMISSION: &str = "kms:GenerateDataKeyPair";
