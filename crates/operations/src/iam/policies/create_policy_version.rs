//! `CreatePolicyVersion`: gives a managed policy a further version, which comes into force if it is to be the default.

use super::{SoughtPolicy, VersionElement, checked, record_version};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{ManagedPolicy, PolicyVersion};
use keys::KeyStates;
use wire::member::iam::{Arn, PolicyDocument};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct CreatePolicyVersion;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
        required document: PolicyDocument = "PolicyDocument",
        optional set_as_default: bool = "SetAsDefault",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required version: VersionElement = "PolicyVersion",
    }
}

impl Operation for CreatePolicyVersion {
    const NAME: &'static str = "CreatePolicyVersion";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
        record.string("policyDocument", input.document.as_str());
        if let Some(set_as_default) = input.set_as_default {
            record.boolean("setAsDefault", set_as_default);
        }
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:CreatePolicyVersion")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let old = subject.own()?;
        let text = checked(&input.document)?;
        if old.versions.len() >= MOST_VERSIONS {
            return Err(Fault::new(FaultKind::LimitExceeded, TOO_MANY).into());
        }
        let mut policy = ManagedPolicy { updated: scene.now, ..ManagedPolicy::clone(old) };
        let version = PolicyVersion { number: policy.next, text, created: scene.now };
        policy.next = policy.next.saturating_add(1);
        if input.set_as_default == Some(true) {
            policy.default = version.number;
        }
        let shown = VersionElement::without_text(&version, policy.default);
        policy.versions.push(version);
        scene.commit(subject, scene.changes().replace(old, &policy)).await?;
        let elements = record_version(&shown);
        Ok(Outcome::of(Answer { version: shown }).with_elements(elements))
    }
}

//= iam quotas: 5 versions of a managed policy
const MOST_VERSIONS: usize = 5;
const TOO_MANY: &str = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
                        version.";
