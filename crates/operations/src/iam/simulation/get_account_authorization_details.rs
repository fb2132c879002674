//! `GetAccountAuthorizationDetails`: every user, group, role and managed policy of the account with all that is said of permissions.

use super::details::{Detail, GroupDetail, PolicyDetail, RoleDetail, UserDetail};
use crate::iam::{pages, record};
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{EntityType, EntityTypes, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct GetAccountAuthorizationDetails;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional filter: EntityTypes = "Filter",
        optional max_items: MaxItems = "MaxItems",
        optional marker: Marker = "Marker",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required users: Members<UserDetail> = "UserDetailList",
        required groups: Members<GroupDetail> = "GroupDetailList",
        required roles: Members<RoleDetail> = "RoleDetailList",
        required policies: Members<PolicyDetail> = "Policies",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for GetAccountAuthorizationDetails {
    const NAME: &'static str = "GetAccountAuthorizationDetails";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        let filter = input.filter.iter().flat_map(|filter| &filter.0);
        record::texts(record, "filter", filter.map(|kind| kind.name()));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "iam:GetAccountAuthorizationDetails", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Own>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let wants = |kind: EntityType| {
            input.filter.as_ref().is_none_or(|filter| filter.0.is_empty() || filter.0.contains(&kind))
        };
        let all = Detail::all(wants, scene).await?;
        let (marker, max_items) = (input.marker.as_ref(), input.max_items);
        let page = pages::keyed("details", all, Detail::place, marker, max_items)?;
        let mut answer = Answer {
            users: Members(Vec::new()),
            groups: Members(Vec::new()),
            roles: Members(Vec::new()),
            policies: Members(Vec::new()),
            is_truncated: page.is_truncated(),
            marker: page.marker,
        };
        for detail in &page.entries {
            match detail {
                Detail::User(user) => answer.users.0.push(UserDetail::of(user, scene)),
                Detail::Group(group) => answer.groups.0.push(GroupDetail::of(group, scene)),
                Detail::Role(role) => answer.roles.0.push(RoleDetail::of(role, scene).await?),
                Detail::Policy(policy) => answer.policies.0.push(PolicyDetail::of(policy, scene).await?),
            }
        }
        Ok(Outcome::of(answer))
    }
}
