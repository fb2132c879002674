//! `UntagPolicy`: takes tags off a managed policy.

use super::SoughtPolicy;
use crate::Fact;
use crate::iam::{record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::ManagedPolicy;
use keys::KeyStates;
use wire::member::iam::{Arn, TagKey, TagKeys};

/// The operation.
#[derive(Debug)]
pub struct UntagPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
        required tag_keys: TagKeys = "TagKeys",
    }
}

impl Operation for UntagPolicy {
    const NAME: &'static str = "UntagPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
        record::texts(record, "tagKeys", input.tag_keys.0.iter().map(TagKey::as_str));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::key_facts(&input.tag_keys)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UntagPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.own()?;
        let tags = tags::without(&old.tags, &input.tag_keys)?;
        let policy = ManagedPolicy { tags, ..ManagedPolicy::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &policy)).await?;
        Ok(Outcome::of(()))
    }
}
