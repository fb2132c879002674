//! `CreateRole`: makes a role that whoever its trust policy names may take on.

use super::{RoleElement, element, record_role, trust};
use crate::Fact;
use crate::iam::entity::{Entity, Sought};
use crate::iam::{holder, record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use std::collections::{BTreeMap, BTreeSet};
use wire::member::iam::{Arn, MaxSessionDuration, Path, PolicyDocument, RoleDescription, RoleName, Tags};

/// The operation.
#[derive(Debug)]
pub struct CreateRole;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional path: Path = "Path",
        required role_name: RoleName = "RoleName",
        required trust: PolicyDocument = "AssumeRolePolicyDocument",
        optional description: RoleDescription = "Description",
        optional max_session_duration: MaxSessionDuration = "MaxSessionDuration",
        optional boundary: Arn = "PermissionsBoundary",
        optional tags: Tags = "Tags",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required role: RoleElement = "Role",
    }
}

impl Operation for CreateRole {
    const NAME: &'static str = "CreateRole";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "path", input.path.as_ref().map(Path::as_str));
        record.string("roleName", input.role_name.as_str());
        record.string("assumeRolePolicyDocument", input.trust.as_str());
        record::text(record, "description", input.description.as_ref().map(RoleDescription::as_str));
        if let Some(duration) = input.max_session_duration {
            record.number("maxSessionDuration", duration.value().into());
        }
        record::text(record, "permissionsBoundary", input.boundary.as_ref().map(Arn::as_str));
        record::tags(record, input.tags.as_ref());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let mut facts = tags::facts(input.tags.as_ref());
        facts.extend(holder::boundary_facts(input.boundary.as_ref()));
        facts
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.to_be_made(path(input), input.role_name.as_str()).await
    }

    //= iam:CreateRole: with tags, iam:TagRole is needed too
    fn permissions<'a>(input: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        let tagging = input.tags.as_ref().filter(|tags| !tags.0.is_empty());
        let tagging = tagging.map(|_| subject.permission("iam:TagRole"));
        std::iter::once(subject.permission("iam:CreateRole")).chain(tagging).collect()
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        subject.absent()?;
        let (trust_principals, tags) = (trust(&input.trust, scene).await?, tags::of(input.tags.as_ref())?);
        scene.check_account_quota::<Role>().await?;
        let boundary = match &input.boundary {
            Some(arn) => Some(scene.boundary_policy(arn).await?),
            None => None,
        };
        let role = Role {
            account: subject.account(),
            name: subject.name().to_owned(),
            path: path(input).to_owned(),
            id: Role::new_id(),
            created: scene.now,
            description: input.description.as_ref().map_or("", RoleDescription::as_str).to_owned(),
            max_session_seconds: input.max_session_duration.map_or(HOUR, MaxSessionDuration::value),
            trust: input.trust.as_str().to_owned(),
            trust_principals,
            tags,
            attached: BTreeSet::new(),
            inline: BTreeMap::new(),
            boundary: boundary.as_ref().map(|policy| policy.arn.clone()),
        };
        let changes = scene.changes().create(&role);
        let changes = boundary.iter().fold(changes, |changes, policy| policy.kept(changes));
        scene.commit(subject, changes).await?;
        let elements = record_role(&role, scene);
        Ok(Outcome::of(Answer { role: element(&role, scene).await? }).with_elements(elements))
    }
}

fn path(input: &Input) -> &str {
    input.path.as_ref().map_or("/", Path::as_str)
}

/// How long a session of a role may be if nobody says otherwise, in seconds.
const HOUR: u32 = 3600;
