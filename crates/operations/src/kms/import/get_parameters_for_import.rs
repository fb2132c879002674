//! `GetParametersForImport`: a public key to encrypt key material under, and a token with which it can be handed in.

use crate::Fact;
use crate::kms::new_key;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use access::ConditionKey;
use audit::json::Object;
use keys::{KeyOrigin, KeyStates, WrappingAlgorithm, WrappingKeySpec};
use wire::arn::KeyArn;
use wire::member::KeyIdText;
use wire::{Blob, Fault, FaultKind, Timestamp};

/// The operation.
#[derive(Debug)]
pub struct GetParametersForImport;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required algorithm: WrappingAlgorithm = "WrappingAlgorithm",
        required spec: WrappingKeySpec = "WrappingKeySpec",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        required import_token: Blob = "ImportToken",
        required public_key: Blob = "PublicKey",
        required valid_to: Timestamp = "ParametersValidTo",
    }
}

impl Operation for GetParametersForImport {
    const NAME: &'static str = "GetParametersForImport";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Importable;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::External];
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("wrappingAlgorithm", input.algorithm.name());
        record.string("wrappingKeySpec", input.spec.name());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        vec![
            Fact::text(ConditionKey::KmsWrappingAlgorithm, input.algorithm.name()),
            Fact::text(ConditionKey::KmsWrappingKeySpec, input.spec.name()),
        ]
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(input: &Input, subject: &NamedKey) -> Result<(), Fault> {
        let Input { algorithm, spec, .. } = input;
        let key_spec = subject.key.spec;
        if *spec == WrappingKeySpec::Sm2 {
            return Err(unsupported(format!("WrappingKeySpec {spec} is not supported.")));
        }
        if !key_spec.wrapping_algorithms().contains(algorithm) {
            let message = format!("WrappingAlgorithm {algorithm} is not supported for KeySpec {key_spec}.");
            return Err(unsupported(message));
        }
        match key_spec.is_too_long_for(*algorithm, *spec) {
            true => Err(unsupported(format!(
                "WrappingAlgorithm {algorithm} with WrappingKeySpec {spec} is not supported for KeySpec {key_spec}."
            ))),
            false => Ok(()),
        }
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (key, valid_to) = (new_key(&subject.key), scene.now.plus_days(DAYS));
        let made = scene.module(subject).begin_import(&key, input.algorithm, input.spec, valid_to).await?;
        Ok(Outcome::of(Answer {
            key_id: subject.arn.clone(),
            import_token: Blob(made.token),
            public_key: Blob(made.public_key),
            valid_to: Timestamp(valid_to),
        }))
    }
}

fn unsupported(message: String) -> Fault {
    Fault::new(FaultKind::UnsupportedOperation, message)
}

const PERMISSION: &str = "kms:GetParametersForImport";
//= kms:GetParametersForImport: each public key and import token set is valid for 24 hours
const DAYS: u32 = 1;
