//! `RotateKeyOnDemand`: new material for a key, now. It is current when the call is answered.

use super::{check_not_replica, check_rotatable, rotate};
use crate::kms::key_element;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{KeyOrigin, KeyStates, Moment, Rotation, RotationType};
use wire::arn::KeyArn;
use wire::member::KeyIdText;
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct RotateKeyOnDemand;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
    }
}

impl Operation for RotateKeyOnDemand {
    const NAME: &'static str = "RotateKeyOnDemand";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Enabled;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms, KeyOrigin::External];
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
        check_rotatable(subject)?;
        check_not_replica(subject)
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        check_limit(subject)?;
        check_schedule(subject, scene.now)?;
        check_material(subject, scene.now)?;
        let (service, date) = (scene.service_for(subject), scene.now);
        let rotation = Rotation { date, rotation_type: RotationType::OnDemand };
        let changes = rotate::<Failure>(service, scene.changes(), &subject.key, rotation).await?;
        scene.commit(subject, changes).await?;
        scene.ring(subject);
        Ok(Outcome::of(Answer { key_id: subject.arn.clone() }).with_elements(key_element(subject)))
    }
}

//= kms:RotateKeyOnDemand: a maximum of 25 times per KMS key
fn check_limit(named: &NamedKey) -> Result<(), Fault> {
    if named.key.on_demand_rotations() < MOST_ROTATIONS {
        return Ok(());
    }
    let message = format!("{LIMIT_REACHED}: {}", named.arn);
    Err(Fault::new(FaultKind::LimitExceeded, message))
}

//= kms:ConflictException: an automatic rotation is in progress or scheduled to begin within the next 20 minutes
fn check_schedule(named: &NamedKey, now: Moment) -> Result<(), Fault> {
    let is_due = named.key.rotation.is_some_and(|schedule| schedule.next <= soon(now));
    if is_due { Err(Fault::new(FaultKind::Conflict, DUE_SOON)) } else { Ok(()) }
}

fn check_material(named: &NamedKey, now: Moment) -> Result<(), Fault> {
    if named.key.origin != KeyOrigin::External || named.key.can_rotate_pending(now) {
        return Ok(());
    }
    let message = format!("No available key material pending rotation for the key: {}.", named.arn);
    Err(Fault::new(FaultKind::KmsInvalidState, message))
}

const fn soon(now: Moment) -> Moment {
    Moment::from_millis(now.as_millis().saturating_add(SOON_MILLIS))
}

const PERMISSION: &str = "kms:RotateKeyOnDemand";
const MOST_ROTATIONS: usize = 25;
const SOON_MILLIS: i64 = 20 * 60 * 1000;
const LIMIT_REACHED: &str = "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key";
const DUE_SOON: &str = "The request was rejected because an automatic rotation of this key is currently in progress or scheduled to begin within the next 20 minutes.";
