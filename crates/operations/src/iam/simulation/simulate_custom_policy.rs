//! `SimulateCustomPolicy`: what given policies would decide, without anybody having them.

use super::simulator::{Simulated, boundary, given, invalid};
use super::{Answer, Asked, nobody};
use crate::iam::record;
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use access::Authority;
use audit::json::Object;
use keys::KeyStates;
use std::collections::BTreeMap;
use wire::Fault;
use wire::member::iam::{
    ActionName, ActionNames, ContextEntries, Marker, MaxItems, OrganizationPolicies, PolicyDocument,
    PolicyInputs, ResourceHandlingOption, ResourceName, ResourceNames,
};

/// The operation.
#[derive(Debug)]
pub struct SimulateCustomPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policies: PolicyInputs = "PolicyInputList",
        optional boundaries: PolicyInputs = "PermissionsBoundaryPolicyInputList",
        optional organization: OrganizationPolicies = "OrderedOrganizationPolicyInputList",
        required actions: ActionNames = "ActionNames",
        optional resources: ResourceNames = "ResourceArns",
        optional resource_policy: PolicyDocument = "ResourcePolicy",
        optional resource_owner: ResourceName = "ResourceOwner",
        optional caller: ResourceName = "CallerArn",
        optional entries: ContextEntries = "ContextEntries",
        optional handling: ResourceHandlingOption = "ResourceHandlingOption",
        optional max_items: MaxItems = "MaxItems",
        optional marker: Marker = "Marker",
    }
}

impl Operation for SimulateCustomPolicy {
    const NAME: &'static str = "SimulateCustomPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::texts(record, "policyInputList", input.policies.0.iter().map(PolicyDocument::as_str));
        record::texts(record, "actionNames", input.actions.0.iter().map(ActionName::as_str));
        let resources = input.resources.iter().flat_map(|resources| &resources.0);
        record::texts(record, "resourceArns", resources.map(ResourceName::as_str));
        record::text(record, "callerArn", input.caller.as_ref().map(ResourceName::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        let given = input.organization.as_ref().is_some_and(|organization| !organization.0.is_empty());
        if given {
            Err(invalid("Policies of an organization cannot be simulated here.".into()))
        } else {
            Ok(())
        }
    }

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "iam:SimulateCustomPolicy", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Own>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let principal = super::caller(input.caller.as_ref(), scene)?.unwrap_or_else(|| nobody(scene));
        let authority = Authority {
            identity: given("PolicyInputList", &input.policies)?,
            boundary: boundary(input.boundaries.as_ref())?,
            session: None,
        };
        asked(input)
            .answer(&Simulated { principal, authority, tags: BTreeMap::new() }, scene)
            .await
            .map(Outcome::of)
    }
}

const fn asked(input: &Input) -> Asked<'_> {
    Asked {
        actions: &input.actions,
        resources: input.resources.as_ref(),
        resource_policy: input.resource_policy.as_ref(),
        resource_owner: input.resource_owner.as_ref(),
        entries: input.entries.as_ref(),
        marker: input.marker.as_ref(),
        max_items: input.max_items,
    }
}
