//! `DescribeKey`: what there is to know of a key.

use crate::kms::metadata::KeyMetadata;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::{GrantTokens, KeyIdText};

/// The operation.
#[derive(Debug)]
pub struct DescribeKey;

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
        required key_metadata: KeyMetadata = "KeyMetadata",
    }
}

impl Operation for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
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
        scene.make_predefined(&input.key_id, PERMISSION).await?;
        scene.key(&input.key_id, Naming::Any, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        Ok(Outcome::of(Answer { key_metadata: KeyMetadata::of_named(subject, scene.now) }))
    }
}

const PERMISSION: &str = "kms:DescribeKey";
