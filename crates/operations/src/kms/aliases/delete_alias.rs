//! `DeleteAlias`: takes a name away. The key stays.

use super::{AliasSubject, check_name};
use crate::kms::key_element;
use crate::operation::{Failure, Operation, Outcome, Permission, internal};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Fault;
use wire::member::AliasName;

/// The operation.
#[derive(Debug)]
pub struct DeleteAlias;

wire::input! {
    /// What it takes.
    pub struct Input {
        required alias_name: AliasName = "AliasName",
    }
}

impl Operation for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = AliasSubject;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("aliasName", input.alias_name.as_str());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        check_name(&input.alias_name)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<AliasSubject, Failure> {
        scene.existing_alias(&input.alias_name, None, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a AliasSubject) -> Vec<Permission<'a>> {
        subject.permissions(PERMISSION)
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<AliasSubject>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let (alias, key) = (subject.stored.as_ref(), subject.old.as_ref());
        let (alias, key) = (alias.ok_or_else(internal)?, key.ok_or_else(internal)?);
        scene.commit(subject, scene.changes().delete_alias(&scene.world(), alias)).await?;
        Ok(Outcome::of(()).with_elements(key_element(key)))
    }
}

const PERMISSION: &str = "kms:DeleteAlias";
