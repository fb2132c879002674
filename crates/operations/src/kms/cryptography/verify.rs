//! `Verify`: checks a signature. One that is not genuine is an error, never an answer.

use super::fit::check_signs;
use super::{Backing, signing_facts};
use crate::Fact;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{KeyStates, MessageType, SigningAlgorithm};
use wire::Fault;
use wire::arn::KeyArn;
use wire::member::{CiphertextBlob, GrantTokens, KeyIdText, Plaintext};

/// The operation.
#[derive(Debug)]
pub struct Verify;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required message: Plaintext = "Message",
        optional message_type: MessageType = "MessageType",
        required signature: CiphertextBlob = "Signature",
        required algorithm: SigningAlgorithm = "SigningAlgorithm",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional dry_run: bool = "DryRun",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        required is_valid: bool = "SignatureValid",
        required algorithm: SigningAlgorithm = "SigningAlgorithm",
    }
}

impl Operation for Verify {
    const NAME: &'static str = "Verify";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("messageType", input.message_type().name());
        record.string("signingAlgorithm", input.algorithm.name());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        signing_facts(input.algorithm, input.message_type())
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
        let (algorithm, message) = (input.algorithm, input.message.expose());
        check_signs(subject, algorithm, input.message_type(), message, Self::NAME)
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
        let (message, signature) = (input.message.expose(), input.signature.as_bytes());
        let module = scene.module(subject);
        module.verify(backing.key(), algorithm, input.message_type(), message, signature).await?;
        Ok(Outcome::of(Answer { key_id: subject.arn.clone(), is_valid: true, algorithm }))
    }
}

impl Input {
    fn message_type(&self) -> MessageType {
        self.message_type.unwrap_or(MessageType::Raw)
    }
}

const PERMISSION: &str = "kms:Verify";
