//! `GenerateMac`: makes the MAC of a message.

use super::Backing;
use super::fit::check_makes_macs;
use crate::Fact;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use access::ConditionKey;
use audit::json::Object;
use keys::{KeyStates, MacAlgorithm};
use wire::arn::KeyArn;
use wire::member::{GrantTokens, KeyIdText, Plaintext};
use wire::{Blob, Fault};

/// The operation.
#[derive(Debug)]
pub struct GenerateMac;

wire::input! {
    /// What it takes.
    pub struct Input {
        required message: Plaintext = "Message",
        required key_id: KeyIdText = "KeyId",
        required algorithm: MacAlgorithm = "MacAlgorithm",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional dry_run: bool = "DryRun",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required mac: Blob = "Mac",
        required algorithm: MacAlgorithm = "MacAlgorithm",
        required key_id: KeyArn = "KeyId",
    }
}

impl Operation for GenerateMac {
    const NAME: &'static str = "GenerateMac";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("macAlgorithm", input.algorithm.name());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        vec![Fact::text(ConditionKey::KmsMacAlgorithm, input.algorithm.name())]
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
        check_makes_macs(subject, input.algorithm, Self::NAME)
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (backing, algorithm) = (Backing::current(&subject.key)?, input.algorithm);
        let module = scene.module(subject);
        let mac = Blob(module.generate_mac(backing.key(), algorithm, input.message.expose()).await?);
        Ok(Outcome::of(Answer { mac, algorithm, key_id: subject.arn.clone() }))
    }
}

const PERMISSION: &str = "kms:GenerateMac";
