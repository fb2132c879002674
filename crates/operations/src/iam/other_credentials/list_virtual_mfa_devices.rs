//! `ListVirtualMFADevices`: the virtual MFA devices of the account, which has none.

use super::Never;
use crate::iam::record;
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{AssignmentStatus, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct ListVirtualMfaDevices;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional status: AssignmentStatus = "AssignmentStatus",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required devices: Members<Never> = "VirtualMFADevices",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListVirtualMfaDevices {
    const NAME: &'static str = "ListVirtualMFADevices";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "assignmentStatus", input.status.map(AssignmentStatus::name));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "iam:ListVirtualMFADevices", on: On::Account }]
    }

    async fn execute(_: &Input, _: &Authorized<Own>, _: &Scene<'_>) -> Result<Outcome<Answer>, Failure> {
        Ok(Outcome::of(Answer { devices: Members(Vec::new()), is_truncated: false, marker: None }))
    }
}
