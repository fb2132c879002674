//! `GenerateDataKeyWithoutPlaintext`: a new data key, encrypted only.

use super::fit::check_encrypts;
use super::{Backing, canonical, check_context, data_key_length, encryption_facts};
use crate::Fact;
use crate::kms::custom_key_stores::Layer;
use crate::kms::{record_context, record_number, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{DataKeySpec, EncryptionAlgorithm, KeyMaterialId, KeyStates};
use wire::arn::KeyArn;
use wire::member::{EncryptionContext, GrantTokens, KeyIdText, NumberOfBytes};
use wire::{Blob, Fault};

/// The operation.
#[derive(Debug)]
pub struct GenerateDataKeyWithoutPlaintext;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional context: EncryptionContext = "EncryptionContext",
        optional spec: DataKeySpec = "KeySpec",
        optional number_of_bytes: NumberOfBytes = "NumberOfBytes",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional dry_run: bool = "DryRun",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required ciphertext: Blob = "CiphertextBlob",
        required key_id: KeyArn = "KeyId",
        optional material_id: KeyMaterialId = "KeyMaterialId",
    }
}

impl Operation for GenerateDataKeyWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_text(record, "keySpec", input.spec.map(DataKeySpec::name));
        record_number(record, "numberOfBytes", input.number_of_bytes.map(NumberOfBytes::value));
        record_context(record, "encryptionContext", input.context.as_ref());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        data_key_length(input.spec, input.number_of_bytes)?;
        check_context(input.context.as_ref())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        encryption_facts(EncryptionAlgorithm::SymmetricDefault, input.context.as_ref())
    }

    fn grant_tokens(input: &Input) -> Option<&GrantTokens> {
        input.grant_tokens.as_ref()
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
        let length = data_key_length(input.spec, input.number_of_bytes)?;
        let module = scene.module(subject);
        let inner = module.generate_data_key_without_plaintext(backing.key(), &context, length).await?;
        let layer = Layer { named: subject, backing: &backing, context: &context, operation: Self::NAME };
        let ciphertext = scene.sealed(subject, layer, inner).await?;
        let (key_id, material_id) = (subject.arn.clone(), backing.told());
        let answer = Answer { ciphertext: Blob(ciphertext), key_id, material_id };
        Ok(Outcome::of(answer).with_additional(backing.event_data()))
    }
}

const PERMISSION: &str = "kms:GenerateDataKeyWithoutPlaintext";
