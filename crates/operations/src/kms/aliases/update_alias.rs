//! `UpdateAlias`: points an alias at another key of the same kind.

use super::{AliasSubject, check_name, check_target};
use crate::kms::key_element;
use crate::operation::{Failure, Operation, Outcome, Permission, internal};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::{Alias, KeySpec, KeyStates};
use wire::member::{AliasName, KeyIdText};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct UpdateAlias;

wire::input! {
    /// What it takes.
    pub struct Input {
        required alias_name: AliasName = "AliasName",
        required target: KeyIdText = "TargetKeyId",
    }
}

impl Operation for UpdateAlias {
    const NAME: &'static str = "UpdateAlias";
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
        scene.existing_alias(&input.alias_name, Some(new), PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a AliasSubject) -> Vec<Permission<'a>> {
        subject.permissions(PERMISSION)
    }

    //= kms:UpdateAlias the current and new KMS key must be the same type, and they must have the same key usage
    fn fit(_: &Input, subject: &AliasSubject) -> Result<(), Fault> {
        let (Some(old), Some(new)) = (&subject.old, &subject.new) else { return Ok(()) };
        let usages = (old.key.usage, new.key.usage);
        let kinds = (kind(old.key.spec), kind(new.key.spec));
        let (property, from, to) = match (usages, kinds) {
            ((old, new), _) if old != new => ("with key usage ", old.name(), new.name()),
            (_, (old, new)) if old != new => ("of the kind ", old, new),
            _ => return Ok(()),
        };
        let arn = &subject.arn;
        let message =
            format!("Alias {arn} cannot be changed from a CMK {property}{from} to a CMK {property}{to}");
        Err(Fault::new(FaultKind::Validation, message))
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<AliasSubject>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let (target, old) = (subject.new.as_ref(), subject.stored.as_ref());
        let (target, old) = (target.ok_or_else(internal)?, old.ok_or_else(internal)?);
        if old.target != target.key.id {
            scene.check_quota(target).await?;
        }
        let moved = Alias { target: target.key.id, updated: scene.now, ..Alias::clone(old) };
        let changes = scene.changes().replace_alias(&scene.world(), old, &moved).touch_key(&target.key);
        scene.commit(subject, changes).await?;
        Ok(Outcome::of(()).with_elements(key_element(target)))
    }
}

/// Symmetric and asymmetric keys can have the same usage.
const fn kind(spec: KeySpec) -> &'static str {
    if spec.is_asymmetric() { "asymmetric" } else { "symmetric" }
}

const PERMISSION: &str = "kms:UpdateAlias";
