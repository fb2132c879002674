//! `GetKeyRotationStatus`: whether a key is rotated by itself, how often, and when next.

use super::check_rotatable;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{KeyOrigin, KeyStates};
use wire::arn::KeyArn;
use wire::member::KeyIdText;
use wire::{Fault, Timestamp};

/// The operation.
#[derive(Debug)]
pub struct GetKeyRotationStatus;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
    }
}

wire::output! {
    /// What it answers. A rotation on demand is over when its call is answered: it never has a date at which it was begun.
    pub struct Answer {
        required is_enabled: bool = "KeyRotationEnabled",
        required key_id: KeyArn = "KeyId",
        optional period: u16 = "RotationPeriodInDays",
        optional next: Timestamp = "NextRotationDate",
        optional on_demand_start: Timestamp = "OnDemandRotationStartDate",
    }
}

impl Operation for GetKeyRotationStatus {
    const NAME: &'static str = "GetKeyRotationStatus";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms];
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(_: &Input, subject: &NamedKey) -> Result<(), Fault> {
        check_rotatable(subject)
    }

    //= kms:GetKeyRotationStatus: while a KMS key is pending deletion, its key rotation status is false
    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let schedule = subject.key.rotation.filter(|_| subject.key.deletion.is_none());
        Ok(Outcome::of(Answer {
            is_enabled: schedule.is_some(),
            key_id: subject.arn.clone(),
            period: schedule.map(|schedule| schedule.period_in_days),
            next: schedule.map(|schedule| Timestamp(schedule.next)),
            on_demand_start: None,
        }))
    }
}

const PERMISSION: &str = "kms:GetKeyRotationStatus";
