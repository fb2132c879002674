//! `GetAccessKeyLastUsed`: when an access key was last used, for which service and in which region.

use super::no_such_access_key;
use crate::iam::entity::Sought;
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{AccessKeyOwner, AccessKeyUse, User};
use keys::KeyStates;
use wire::IsoTimestamp;
use wire::member::iam::AccessKeyId;

/// The operation.
#[derive(Debug)]
pub struct GetAccessKeyLastUsed;

wire::input! {
    /// What it takes.
    pub struct Input {
        required access_key_id: AccessKeyId = "AccessKeyId",
    }
}

wire::output! {
    /// What it answers. An access key of root names no user.
    pub struct Answer {
        optional user_name: String = "UserName",
        required last_used: LastUsed = "AccessKeyLastUsed",
    }
}

wire::output! {
    /// The last use, if there was one.
    pub struct LastUsed {
        optional date: IsoTimestamp = "LastUsedDate",
        required service: String = "ServiceName",
        required region: String = "Region",
    }
}

/// Whose access key it is, as far as the caller's account has it.
#[derive(Debug)]
pub enum Holder {
    /// Nobody's here. Access keys of other accounts are not here.
    Nobody,
    /// The account's root's.
    Root(NamedIdentity),
    /// A user's.
    User(Sought<User>),
}

impl Subject for Holder {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Operation for GetAccessKeyLastUsed {
    const NAME: &'static str = "GetAccessKeyLastUsed";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Holder;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("accessKeyId", input.access_key_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Holder, Failure> {
        let found = scene.reader().access_key(input.access_key_id.as_str()).await?;
        let Some(access_key) = found.filter(|key| key.account == scene.account()) else {
            return Ok(Holder::Nobody);
        };
        match &access_key.owner {
            AccessKeyOwner::User { name, .. } => scene.sought(name).await.map(Holder::User),
            AccessKeyOwner::Root => Ok(Holder::Root(scene.root_identity())),
            AccessKeyOwner::Service { .. } => Ok(Holder::Nobody),
        }
    }

    /// Who asks about an access key that is not here must be allowed to ask about any.
    fn permissions<'a>(_: &Input, subject: &'a Holder) -> Vec<Permission<'a>> {
        vec![match subject {
            Holder::Nobody => Permission { action: PERMISSION, on: On::Account },
            Holder::Root(root) => Permission { action: PERMISSION, on: On::Identity(root) },
            Holder::User(user) => user.permission(PERMISSION),
        }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Holder>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let user_name = match &**subject {
            Holder::Nobody => return Err(no_such_access_key(&input.access_key_id).into()),
            Holder::Root(_) => None,
            Holder::User(user) => Some(user.found()?.name.clone()),
        };
        let last_used = last_use(input.access_key_id.as_str(), scene).await?;
        Ok(Outcome::of(Answer { user_name, last_used: LastUsed::of(last_used) }))
    }
}

/// The last use, on record or not yet.
async fn last_use(id: &str, scene: &Scene<'_>) -> Result<Option<AccessKeyUse>, Failure> {
    let on_record = scene.reader().access_key_use(id).await?.map(|known| AccessKeyUse::clone(&known));
    let noted = scene.access_key_uses().last(id);
    Ok(on_record.into_iter().chain(noted).max_by_key(|last| last.at))
}

impl LastUsed {
    fn of(last: Option<AccessKeyUse>) -> Self {
        let Some(AccessKeyUse { at, service, region }) = last else {
            return Self { date: None, service: NEVER.to_owned(), region: NEVER.to_owned() };
        };
        Self { date: Some(IsoTimestamp(at)), service, region }
    }
}

const PERMISSION: &str = "iam:GetAccessKeyLastUsed";
//= iam:GetAccessKeyLastUsed: N/A for an access key that was never used
const NEVER: &str = "N/A";
