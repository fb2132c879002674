//! `ListAccessKeys`: the access keys of a user, or of the caller itself, without their secrets.

use crate::iam::oneself::Oneself;
use crate::iam::{pages, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::{ExistingUserName, Marker, MaxItems};
use wire::{IsoTimestamp, Members};

/// The operation.
#[derive(Debug)]
pub struct ListAccessKeys;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional user_name: ExistingUserName = "UserName",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required access_keys: Members<AccessKeyMetadata> = "AccessKeyMetadata",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

wire::output! {
    /// An access key in the list. One of root names no user.
    pub struct AccessKeyMetadata {
        optional user_name: String = "UserName",
        required id: String = "AccessKeyId",
        required status: &'static str = "Status",
        required created: IsoTimestamp = "CreateDate",
    }
}

impl Operation for ListAccessKeys {
    const NAME: &'static str = "ListAccessKeys";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Oneself;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "userName", input.user_name.as_ref().map(ExistingUserName::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Oneself, Failure> {
        scene.oneself(input.user_name.as_ref().map(ExistingUserName::as_str)).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Oneself) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListAccessKeys")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Oneself>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let ids = subject.access_key_ids(scene).await?;
        let page = pages::part("access-keys", ids, input.marker.as_ref(), input.max_items)?;
        let user_name = subject.name()?;
        let mut access_keys = Members(Vec::new());
        for access_key in scene.access_keys(&page.entries).await? {
            access_keys.0.push(AccessKeyMetadata {
                user_name: user_name.map(str::to_owned),
                id: access_key.id.clone(),
                status: super::status(access_key.active),
                created: IsoTimestamp(access_key.created),
            });
        }
        Ok(Outcome::of(Answer { access_keys, is_truncated: page.is_truncated(), marker: page.marker }))
    }
}
