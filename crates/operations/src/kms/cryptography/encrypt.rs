//! `Encrypt`: up to 4096 bytes into a ciphertext that says which key opens it.

use super::fit::{check_encrypts, check_size};
use super::{Backing, canonical, check_context, encryption_facts, outcome};
use crate::Fact;
use crate::kms::custom_key_stores::Layer;
use crate::kms::record_context;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{EncryptionAlgorithm, KeyStates};
use wire::arn::KeyArn;
use wire::member::{EncryptionContext, GrantTokens, KeyIdText, Plaintext};
use wire::{Blob, Fault};

/// The operation.
#[derive(Debug)]
pub struct Encrypt;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required plaintext: Plaintext = "Plaintext",
        optional context: EncryptionContext = "EncryptionContext",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional algorithm: EncryptionAlgorithm = "EncryptionAlgorithm",
        optional dry_run: bool = "DryRun",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required ciphertext: Blob = "CiphertextBlob",
        required key_id: KeyArn = "KeyId",
        required algorithm: EncryptionAlgorithm = "EncryptionAlgorithm",
    }
}

impl Operation for Encrypt {
    const NAME: &'static str = "Encrypt";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("encryptionAlgorithm", input.algorithm().name());
        record_context(record, "encryptionContext", input.context.as_ref());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        check_context(input.context.as_ref())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        encryption_facts(input.algorithm(), input.context.as_ref())
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

    fn fit(input: &Input, subject: &NamedKey) -> Result<(), Fault> {
        let algorithm = input.algorithm();
        check_encrypts(subject, algorithm, input.context.as_ref(), Self::NAME)?;
        check_size(subject, algorithm, input.plaintext.expose().len())
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
        let (algorithm, plaintext) = (input.algorithm(), input.plaintext.expose());
        let module = scene.module(subject);
        let inner = module.encrypt(backing.key(), algorithm, &context, plaintext).await?;
        let layer = Layer { named: subject, backing: &backing, context: &context, operation: Self::NAME };
        let ciphertext = Blob(scene.sealed(subject, layer, inner).await?);
        let answer = Answer { ciphertext, key_id: subject.arn.clone(), algorithm };
        Ok(outcome(answer, &backing, algorithm))
    }
}

impl Input {
    fn algorithm(&self) -> EncryptionAlgorithm {
        self.algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault)
    }
}

const PERMISSION: &str = "kms:Encrypt";
