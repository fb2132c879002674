//! `EnableKeyRotation`: has a key rotated by itself whenever a period has passed. Said again, it begins anew.

use super::{check_not_replica, check_rotatable, reschedule};
use crate::Fact;
use crate::kms::{key_element, record_number};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use access::ConditionKey;
use audit::json::Object;
use keys::{KeyOrigin, KeyStates};
use wire::Fault;
use wire::member::{KeyIdText, RotationPeriodInDays};

/// The operation.
#[derive(Debug)]
pub struct EnableKeyRotation;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional period: RotationPeriodInDays = "RotationPeriodInDays",
    }
}

impl Operation for EnableKeyRotation {
    const NAME: &'static str = "EnableKeyRotation";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Rotatable;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms];
    type Input = Input;
    type Output = ();
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_number(record, "rotationPeriodInDays", input.period.map(RotationPeriodInDays::value));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let days = input.period.map(|period| period.value().to_string());
        days.map(|days| Fact::text(ConditionKey::KmsRotationPeriodInDays, days)).into_iter().collect()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(_: &Input, subject: &NamedKey) -> Result<(), Fault> {
        check_rotatable(subject)?;
        check_not_replica(subject)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let period = input.period.map_or(DEFAULT_PERIOD, RotationPeriodInDays::value);
        reschedule(subject, scene, |key| key.with_rotation_enabled(scene.now, period)).await?;
        Ok(Outcome::of(()).with_elements(key_element(subject)))
    }
}

const PERMISSION: &str = "kms:EnableKeyRotation";
//= kms:EnableKeyRotation RotationPeriodInDays: if no value is specified, the default value is 365 days
const DEFAULT_PERIOD: u16 = 365;
