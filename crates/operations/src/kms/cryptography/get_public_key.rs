//! `GetPublicKey`: the public key of a pair. The security module vouches for it as long as it has the private one.

use super::Backing;
use crate::kms::metadata::Algorithms;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission, internal};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{
    EncapsulationAlgorithm, EncryptionAlgorithm, Inadmissible, KeyAgreementAlgorithm, KeySpec, KeyState,
    KeyStates, KeyUsage, SigningAlgorithm,
};
use wire::arn::KeyArn;
use wire::member::{GrantTokens, KeyIdText};
use wire::{Blob, Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct GetPublicKey;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional grant_tokens: GrantTokens = "GrantTokens",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        required public_key: Blob = "PublicKey",
        required legacy_spec: KeySpec = "CustomerMasterKeySpec",
        required spec: KeySpec = "KeySpec",
        required usage: KeyUsage = "KeyUsage",
        optional encryption_algorithms: &'static [EncryptionAlgorithm] = "EncryptionAlgorithms",
        optional signing_algorithms: &'static [SigningAlgorithm] = "SigningAlgorithms",
        optional key_agreement_algorithms: &'static [KeyAgreementAlgorithm] = "KeyAgreementAlgorithms",
        optional encapsulation_algorithms: &'static [EncapsulationAlgorithm] = "EncapsulationAlgorithms",
    }
}

impl Operation for GetPublicKey {
    const NAME: &'static str = "GetPublicKey";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::PublicKeyKnown;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
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

    /// A symmetric key has no public one; of a pair that was never imported it is not known yet.
    fn fit(_: &Input, subject: &NamedKey) -> Result<(), Fault> {
        if !subject.key.spec.is_asymmetric() {
            return Err(Fault::bare(FaultKind::UnsupportedOperation));
        }
        if subject.key.current_material.is_some() {
            return Ok(());
        }
        let refusal = Inadmissible::Is(KeyState::PendingImport);
        Err(Fault::new(FaultKind::KmsInvalidState, format!("{} {refusal}", subject.arn)))
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (key, algorithms) = (&subject.key, Algorithms::of(&subject.key));
        Ok(Outcome::of(Answer {
            key_id: subject.arn.clone(),
            public_key: Blob(public_key(subject, scene).await?),
            legacy_spec: key.spec,
            spec: key.spec,
            usage: key.usage,
            encryption_algorithms: algorithms.encryption,
            signing_algorithms: algorithms.signing,
            key_agreement_algorithms: algorithms.key_agreement,
            encapsulation_algorithms: algorithms.encapsulation,
        }))
    }
}

async fn public_key(subject: &Authorized<NamedKey>, scene: &Scene<'_>) -> Result<Vec<u8>, Failure> {
    let material = subject.key.current_material.as_ref().ok_or_else(internal)?;
    if !material.is_at_hand(scene.now) {
        return Ok(material.public_key.to_vec());
    }
    let backing = Backing::of(&subject.key, material);
    Ok(scene.module(subject).public_key(backing.key()).await?)
}

const PERMISSION: &str = "kms:GetPublicKey";
