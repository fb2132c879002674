//! `Decapsulate`: recovers a shared secret that somebody encapsulated for the key.
//!
//! A ciphertext of the right length that was changed, or is for another key, gives a secret that nobody has, as FIPS 203 wants it.

use super::Backing;
use super::fit::check_encapsulates;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{EncapsulationAlgorithm, KeyStates};
use wire::arn::KeyArn;
use wire::member::{CiphertextBlob, GrantTokens, KeyIdText};
use wire::{Fault, Sensitive};

/// The operation.
#[derive(Debug)]
pub struct Decapsulate;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required ciphertext: CiphertextBlob = "SharedSecretCiphertextBlob",
        required algorithm: EncapsulationAlgorithm = "EncapsulationAlgorithm",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional dry_run: bool = "DryRun",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        required shared_secret: Sensitive<Vec<u8>> = "SharedSecret",
        required algorithm: EncapsulationAlgorithm = "EncapsulationAlgorithm",
    }
}

impl Operation for Decapsulate {
    const NAME: &'static str = "Decapsulate";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("encapsulationAlgorithm", input.algorithm.name());
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
        check_encapsulates(subject, input.algorithm, Self::NAME)
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let backing = Backing::current(&subject.key)?;
        let mut secret =
            scene.module(subject).decapsulate(backing.key(), input.ciphertext.as_bytes()).await?;
        Ok(Outcome::of(Answer {
            key_id: subject.arn.clone(),
            shared_secret: Sensitive::new(std::mem::take(&mut *secret)),
            algorithm: input.algorithm,
        }))
    }
}

const PERMISSION: &str = "kms:Decapsulate";
