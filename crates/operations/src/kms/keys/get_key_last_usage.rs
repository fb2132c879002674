//! `GetKeyLastUsage`: when and how a key was last used. Exact and immediate: it has every use whose call was answered before.

use crate::key_uses::last_use;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use catalog::KeyUse;
use keys::{KeyId, KeyStates};
use wire::Timestamp;
use wire::member::KeyIdText;

/// The operation.
#[derive(Debug)]
pub struct GetKeyLastUsage;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyId = "KeyId",
        required last_usage: LastUsage = "KeyLastUsage",
        required tracking_start: Timestamp = "TrackingStartDate",
        required created: Timestamp = "KeyCreationDate",
    }
}

wire::output! {
    /// The last use; empty if there was none.
    pub struct LastUsage {
        optional operation: String = "Operation",
        optional at: Timestamp = "Timestamp",
        optional event_id: String = "CloudTrailEventId",
        optional request_id: String = "KmsRequestId",
    }
}

impl Operation for GetKeyLastUsage {
    const NAME: &'static str = "GetKeyLastUsage";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
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

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let last = last_use(scene.key_uses(), scene.reader(), subject).await?;
        Ok(Outcome::of(Answer {
            key_id: subject.key.id,
            last_usage: LastUsage::of(last),
            // Uses are tracked for as long as there are keys.
            tracking_start: Timestamp(subject.key.created),
            created: Timestamp(subject.key.created),
        }))
    }
}

impl LastUsage {
    fn of(last: Option<KeyUse>) -> Self {
        let Some(KeyUse { at, operation, event_id, request_id }) = last else {
            return Self { operation: None, at: None, event_id: None, request_id: None };
        };
        Self {
            operation: Some(operation),
            at: Some(Timestamp(at)),
            event_id: Some(event_id),
            request_id: Some(request_id),
        }
    }
}

const PERMISSION: &str = "kms:GetKeyLastUsage";
