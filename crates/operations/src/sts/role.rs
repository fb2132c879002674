//! The role that a request wants to be: finding it, how long a session of it may be, and what it is called.

use crate::operation::{Failure, NamedKey, NamedRole, On, Permission, Subject};
use crate::pipeline::Scene;
use access::{Principal, PrincipalKind, PrincipalName};
use audit::json::Object;
use catalog::Role;
use std::sync::Arc;
use wire::member::sts::{Arn, RoleDurationSeconds};
use wire::{Fault, FaultKind};

/// A role, and whether it is a session that wants to be it.
#[derive(Debug)]
pub struct Assumption {
    /// The role.
    pub role: NamedRole,
    /// Whether the caller is a session itself.
    pub is_chained: bool,
    /// Whether the new session gets tags by who the caller is.
    pub inherits_tags: bool,
    /// Whether it gets a source identity so.
    pub inherits_source: bool,
}

impl Subject for Assumption {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }

    fn role(&self) -> Option<&NamedRole> {
        Some(&self.role)
    }
}

impl Assumption {
    //= sts:TagSession, sts:SetSourceIdentity: needed whenever a session gets tags or a source identity, inherited ones too
    /// What the caller must be allowed to do, for a request that itself gives the session tags or a source identity or not.
    pub fn permissions(&self, assume: &'static str, tags: bool, source: bool) -> Vec<Permission<'_>> {
        let tag = (tags || self.inherits_tags).then_some("sts:TagSession");
        let set_source = (source || self.inherits_source).then_some("sts:SetSourceIdentity");
        let actions = [Some(assume), tag, set_source].into_iter().flatten();
        actions.map(|action| Permission { action, on: On::Role(&self.role) }).collect()
    }
}

wire::output! {
    /// Who the caller is with the credentials.
    pub struct AssumedRoleUser {
        required id: String = "AssumedRoleId",
        required arn: String = "Arn",
    }
}

/// The role of that ARN, in whichever account. One that is not there is as one that may not be assumed.
pub async fn named(arn: &Arn, action: &'static str, scene: &Scene<'_>) -> Result<NamedRole, Failure> {
    let Ok(PrincipalName::Role { partition, account, path, name }) = arn.as_str().parse() else {
        return Err(Fault::new(FaultKind::Validation, format!("{} is invalid", arn.as_str())).into());
    };
    let role = scene.reader().find::<Role>(&account, &name).await?;
    let is_meant =
        |role: &Role| *partition == *scene.settings().partition && *role.name == *name && *role.path == *path;
    match role.filter(|role| is_meant(role)) {
        Some(role) => Ok(NamedRole { role, arn: arn.as_str().to_owned() }),
        None => Err(scene.no_such_role(arn.as_str(), account, action)),
    }
}

/// How long the session lasts.
pub fn duration(wanted: Option<RoleDurationSeconds>, role: &Role, is_chained: bool) -> Result<u32, Fault> {
    let Some(wanted) = wanted.map(RoleDurationSeconds::value) else {
        return Ok(DEFAULT_SECONDS.min(role.max_session_seconds));
    };
    if is_chained && wanted > MOST_CHAINED {
        return Err(Fault::new(FaultKind::Validation, TOO_LONG_FOR_CHAIN));
    }
    if wanted > role.max_session_seconds {
        return Err(Fault::new(FaultKind::Validation, TOO_LONG));
    }
    Ok(wanted)
}

/// What a session of a role is called.
pub fn assumed_role_user(role: &Role, session: &str, scene: &Scene<'_>) -> AssumedRoleUser {
    let kind = PrincipalKind::AssumedRole {
        path: role.path.as_str().into(),
        role: role.name.as_str().into(),
        role_id: role.id.as_str().into(),
        session: session.into(),
    };
    let principal = Principal::new(Arc::clone(&scene.settings().partition), role.account, kind);
    AssumedRoleUser { id: principal.user_id(), arn: principal.to_string() }
}

impl AssumedRoleUser {
    /// What a record shows of it.
    pub fn record(&self, elements: &mut Object<'_>) {
        elements.object("assumedRoleUser", |user| {
            user.string("assumedRoleId", &self.id);
            user.string("arn", &self.arn);
        });
    }
}

const DEFAULT_SECONDS: u32 = 3600;
const MOST_CHAINED: u32 = 3600;
const TOO_LONG: &str = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
const TOO_LONG_FOR_CHAIN: &str =
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
