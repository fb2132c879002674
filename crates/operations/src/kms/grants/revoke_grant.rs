//! `RevokeGrant`: takes a grant away. Who may is said by the key policy, as for any operation on the key.

use super::grant_id;
use crate::kms::key_element;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Naming, Scene, no_such_grant};
use audit::json::Object;
use catalog::Stored;
use keys::{Grant, KeyStates};
use std::sync::Arc;
use wire::Fault;
use wire::member::{GrantId, KeyIdText};

/// The operation.
#[derive(Debug)]
pub struct RevokeGrant;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required grant_id: GrantId = "GrantId",
        optional dry_run: bool = "DryRun",
    }
}

/// A key, and the grant on it that is named. That there is none is told only to whoever may revoke grants.
#[derive(Debug)]
pub struct Revoked {
    key: NamedKey,
    grant: Option<Arc<Stored<Grant>>>,
}

impl Subject for Revoked {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.key)
    }
}

impl Operation for RevokeGrant {
    const NAME: &'static str = "RevokeGrant";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Revoked;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("grantId", input.grant_id.as_str());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        grant_id(&input.grant_id).map(|_| ())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Revoked, Failure> {
        let key = scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await?;
        let grant = scene.reader().grant(&key.address(), &grant_id(&input.grant_id)?).await?;
        Ok(Revoked { key, grant })
    }

    fn permissions<'a>(_: &Input, subject: &'a Revoked) -> Vec<Permission<'a>> {
        vec![subject.key.permission(PERMISSION)]
    }

    fn fit(input: &Input, subject: &Revoked) -> Result<(), Fault> {
        subject.found(input).map(|_| ())
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Revoked>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let grant = subject.found(input)?;
        scene.commit(subject, scene.changes().delete_grant(&subject.key.address(), grant)).await?;
        Ok(Outcome::of(()).with_elements(key_element(&subject.key)))
    }
}

impl Revoked {
    fn found(&self, input: &Input) -> Result<&Arc<Stored<Grant>>, Fault> {
        self.grant.as_ref().ok_or_else(|| no_such_grant(input.grant_id.as_str()))
    }
}

const PERMISSION: &str = "kms:RevokeGrant";
