//! `ScheduleKeyDeletion`: the key is of no use from now on, and deleted when its window ends.

use crate::Fact;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission, internal};
use crate::pipeline::{Authorized, Naming, Scene};
use access::ConditionKey;
use audit::console_time;
use audit::json::{Object, object};
use keys::{KeyState, KeyStates};
use wire::arn::KeyArn;
use wire::member::{KeyIdText, PendingWindowInDays};
use wire::{Fault, Path, Timestamp, Violations};

/// The operation.
#[derive(Debug)]
pub struct ScheduleKeyDeletion;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional window: PendingWindowInDays = "PendingWindowInDays",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        optional deletion_date: Timestamp = "DeletionDate",
        required key_state: KeyState = "KeyState",
        required window: u16 = "PendingWindowInDays",
    }
}

impl Operation for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Deletable;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.number("pendingWindowInDays", input.window().into());
    }

    //= kms:ScheduleKeyDeletion PendingWindowInDays: 7 to 30
    fn examine(input: &Input) -> Result<(), Fault> {
        let constraint = match input.window() {
            ..7 => "Member must have value greater than or equal to 7",
            31.. => "Member must have value less than or equal to 30",
            _ => return Ok(()),
        };
        let mut violations = Violations::default();
        violations.value(&Path::ROOT.member("PendingWindowInDays"), &input.window(), &constraint);
        violations.into_fault().map_or(Ok(()), Err)
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let days = input.window.map(|window| window.value().to_string());
        days.map(|days| Fact::text(ConditionKey::KmsScheduleKeyDeletionPendingWindowInDays, days))
            .into_iter()
            .collect()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let pending = subject.key.with_deletion_scheduled(scene.now, input.window());
        scene.commit(subject, scene.changes().replace_key(&subject.key, &pending)).await?;
        let deletion = pending.deletion.ok_or_else(internal)?;
        let elements = object(|elements| {
            elements.string("keyId", &subject.arn.to_string());
            elements.string("keyState", pending.state(scene.now).name());
            if let Some(date) = deletion.date {
                elements.string("deletionDate", &console_time(date));
            }
            elements.number("pendingWindowInDays", deletion.window_in_days.into());
        });
        let answer = Answer {
            key_id: subject.arn.clone(),
            deletion_date: deletion.date.map(Timestamp),
            key_state: pending.state(scene.now),
            window: deletion.window_in_days,
        };
        Ok(Outcome::of(answer).with_elements(elements))
    }
}

impl Input {
    fn window(&self) -> u16 {
        self.window.map_or(DEFAULT_WINDOW, PendingWindowInDays::value)
    }
}

const PERMISSION: &str = "kms:ScheduleKeyDeletion";
const DEFAULT_WINDOW: u16 = 30;
