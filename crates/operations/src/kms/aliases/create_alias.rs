//! `CreateAlias`: gives a key a name.

use super::{AliasSubject, check_name, check_target};
use crate::kms::key_element;
use crate::operation::{Failure, Operation, Outcome, Permission, internal};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::{Alias, KeyStates};
use wire::member::{AliasName, KeyIdText};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct CreateAlias;

wire::input! {
    /// What it takes.
    pub struct Input {
        required alias_name: AliasName = "AliasName",
        required target: KeyIdText = "TargetKeyId",
    }
}

impl Operation for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::NotAwaitingDeletion;
    type Input = Input;
    type Output = ();
    type Subject = AliasSubject;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("aliasName", input.alias_name.as_str());
        record.string("targetKeyId", input.target.as_str());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        check_name(&input.alias_name)?;
        check_target(&input.target)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<AliasSubject, Failure> {
        let new = scene.alias_target(&input.target, PERMISSION).await?;
        let stored = scene.own_alias(&input.alias_name).await?;
        Ok(AliasSubject {
            arn: scene.alias_arn(input.alias_name.as_str()),
            stored,
            old: None,
            new: Some(new),
        })
    }

    fn permissions<'a>(_: &Input, subject: &'a AliasSubject) -> Vec<Permission<'a>> {
        subject.permissions(PERMISSION)
    }

    fn fit(_: &Input, subject: &AliasSubject) -> Result<(), Fault> {
        if subject.stored.is_none() {
            return Ok(());
        }
        let message = format!("An alias with the name {} already exists", subject.arn);
        Err(Fault::new(FaultKind::AlreadyExists, message))
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<AliasSubject>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let target = subject.new.as_ref().ok_or_else(internal)?;
        scene.check_quota(target).await?;
        let name = input.alias_name.as_str().to_owned();
        let alias = Alias { name, target: target.key.id, created: scene.now, updated: scene.now };
        let changes = scene.changes().create_alias(&scene.world(), &alias).touch_key(&target.key);
        scene.commit(subject, changes).await?;
        Ok(Outcome::of(()).with_elements(key_element(target)))
    }
}

const PERMISSION: &str = "kms:CreateAlias";
