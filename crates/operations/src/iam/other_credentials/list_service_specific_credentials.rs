//! `ListServiceSpecificCredentials`: the credentials of a user for single services, of which there are none.

use super::Never;
use crate::iam::{oneself::Oneself, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, ServiceName, UserName};

/// The operation.
#[derive(Debug)]
pub struct ListServiceSpecificCredentials;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional user_name: UserName = "UserName",
        optional service_name: ServiceName = "ServiceName",
        optional all_users: bool = "AllUsers",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required credentials: Members<Never> = "ServiceSpecificCredentials",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListServiceSpecificCredentials {
    const NAME: &'static str = "ListServiceSpecificCredentials";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Oneself;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "userName", input.user_name.as_ref().map(UserName::as_str));
        record::text(record, "serviceName", input.service_name.as_ref().map(ServiceName::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Oneself, Failure> {
        scene.oneself(input.user_name.as_ref().map(UserName::as_str)).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Oneself) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListServiceSpecificCredentials")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Oneself>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        subject.check_there()?;
        Ok(Outcome::of(Answer { credentials: Members(Vec::new()), is_truncated: false, marker: None }))
    }
}
