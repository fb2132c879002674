//! `ListEntitiesForPolicy`: who in the account uses a managed policy, and for what.

use super::SoughtPolicy;
use crate::iam::entity::Entity;
use crate::iam::{pages, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{Attachment, Group, RecordKind, Role, User};
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Arn, EntityType, Marker, MaxItems, Path, PolicyUsage};

/// The operation.
#[derive(Debug)]
pub struct ListEntitiesForPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
        optional entity: EntityType = "EntityFilter",
        optional path_prefix: Path = "PathPrefix",
        optional usage: PolicyUsage = "PolicyUsageFilter",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required groups: Members<PolicyGroup> = "PolicyGroups",
        required users: Members<PolicyUser> = "PolicyUsers",
        required roles: Members<PolicyRole> = "PolicyRoles",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

wire::output! {
    /// A group that has the policy.
    pub struct PolicyGroup {
        required name: String = "GroupName",
        required id: String = "GroupId",
    }
}

wire::output! {
    /// A user that has the policy or is bounded by it.
    pub struct PolicyUser {
        required name: String = "UserName",
        required id: String = "UserId",
    }
}

wire::output! {
    /// A role that has the policy or is bounded by it.
    pub struct PolicyRole {
        required name: String = "RoleName",
        required id: String = "RoleId",
    }
}

impl Operation for ListEntitiesForPolicy {
    const NAME: &'static str = "ListEntitiesForPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
        record::text(record, "entityFilter", input.entity.map(EntityType::name));
        record::text(record, "pathPrefix", input.path_prefix.as_ref().map(Path::as_str));
        record::text(record, "policyUsageFilter", input.usage.map(PolicyUsage::name));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListEntitiesForPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        subject.found()?;
        let attachments = scene.reader().attachments(&scene.account(), subject.arn()).await?;
        let mut users = Vec::new();
        for attachment in attachments.iter().filter(|attachment| is_wanted(input, attachment)) {
            users.extend(user_of_policy(attachment, path_prefix(input), scene).await?);
        }
        let place = |(kind, name, _): &Used| format!("{kind}/{}", name.to_ascii_lowercase());
        // One that has the policy and is bounded by it stands in the list once.
        users.sort_by_key(place);
        users.dedup_by_key(|used| place(used));
        let page = pages::keyed("entities", users, place, input.marker.as_ref(), input.max_items)?;
        Ok(Outcome::of(answer(page)))
    }
}

/// The kind, the name and the unique id of one that uses the policy.
type Used = (RecordKind, String, String);

fn is_wanted(input: &Input, attachment: &Attachment) -> bool {
    let kind = match input.entity {
        None => true,
        Some(EntityType::Group) => attachment.kind == RecordKind::Group,
        Some(EntityType::Role) => attachment.kind == RecordKind::Role,
        Some(EntityType::User) => attachment.kind == RecordKind::User,
        Some(EntityType::AwsManagedPolicy | EntityType::LocalManagedPolicy) => false,
    };
    kind && input.usage.is_none_or(|usage| usage.name() == attachment.usage.name())
}

async fn user_of_policy(
    attachment: &Attachment,
    path_prefix: &str,
    scene: &Scene<'_>,
) -> Result<Option<Used>, Failure> {
    let name = attachment.name.as_str();
    let found = match attachment.kind {
        RecordKind::Group => path_and_id::<Group>(name, scene).await?,
        RecordKind::Role => path_and_id::<Role>(name, scene).await?,
        RecordKind::User => path_and_id::<User>(name, scene).await?,
        _ => None,
    };
    let found = found.filter(|(path, _)| path.starts_with(path_prefix));
    Ok(found.map(|(_, id)| (attachment.kind, name.to_owned(), id)))
}

async fn path_and_id<T: Entity>(name: &str, scene: &Scene<'_>) -> Result<Option<(String, String)>, Failure> {
    let found = scene.reader().find::<T>(&scene.account(), name).await?;
    Ok(found.map(|entity| (entity.path().to_owned(), entity.id().to_owned())))
}

fn answer(page: pages::Part<Used>) -> Answer {
    let is_truncated = page.is_truncated();
    let mut answer = Answer {
        groups: Members(Vec::new()),
        users: Members(Vec::new()),
        roles: Members(Vec::new()),
        is_truncated,
        marker: page.marker,
    };
    for (kind, name, id) in page.entries {
        match kind {
            RecordKind::Group => answer.groups.0.push(PolicyGroup { name, id }),
            RecordKind::Role => answer.roles.0.push(PolicyRole { name, id }),
            _ => answer.users.0.push(PolicyUser { name, id }),
        }
    }
    answer
}

fn path_prefix(input: &Input) -> &str {
    input.path_prefix.as_ref().map_or("/", Path::as_str)
}
