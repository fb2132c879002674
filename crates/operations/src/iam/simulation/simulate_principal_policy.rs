//! `SimulatePrincipalPolicy`: what a user's, a group's or a role's policies would decide.

use super::simulator::{Simulated, boundary, given};
use super::{Answer, Asked, SoughtSource};
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use access::Attached;
use audit::json::Object;
use keys::KeyStates;
use std::collections::BTreeMap;
use wire::member::iam::{
    ActionName, ActionNames, Arn, ContextEntries, Marker, MaxItems, PolicyDocument, PolicyExclusions,
    PolicyIdentifier, PolicyInputs, PolicyType, ResourceHandlingOption, ResourceName, ResourceNames,
};

/// The operation.
#[derive(Debug)]
pub struct SimulatePrincipalPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required source: Arn = "PolicySourceArn",
        optional policies: PolicyInputs = "PolicyInputList",
        optional boundaries: PolicyInputs = "PermissionsBoundaryPolicyInputList",
        optional exclusions: PolicyExclusions = "PolicyExclusionList",
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

impl Operation for SimulatePrincipalPolicy {
    const NAME: &'static str = "SimulatePrincipalPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtSource;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policySourceArn", input.source.as_str());
        let policies = input.policies.iter().flat_map(|policies| &policies.0);
        record::texts(record, "policyInputList", policies.map(PolicyDocument::as_str));
        record::texts(record, "actionNames", input.actions.0.iter().map(ActionName::as_str));
        let resources = input.resources.iter().flat_map(|resources| &resources.0);
        record::texts(record, "resourceArns", resources.map(ResourceName::as_str));
        record::text(record, "callerArn", input.caller.as_ref().map(ResourceName::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtSource, Failure> {
        scene.sought_source(&input.source).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtSource) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:SimulatePrincipalPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtSource>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let mut simulated = subject.simulated(scene)?;
        let caller = super::caller(input.caller.as_ref(), scene)?;
        if let Some(other) = caller.filter(|caller| caller.to_string() != simulated.principal.to_string()) {
            (simulated.principal, simulated.tags) = (other, BTreeMap::new());
        }
        for excluded in input.exclusions.iter().flat_map(|exclusions| &exclusions.0) {
            leave_out(excluded, &mut simulated);
        }
        if let Some(policies) = &input.policies {
            simulated.authority.identity.extend(given("PolicyInputList", policies)?);
        }
        if let Some(boundary) = boundary(input.boundaries.as_ref())? {
            simulated.authority.boundary = Some(boundary);
        }
        asked(input).answer(&simulated, scene).await.map(Outcome::of)
    }
}

/// Leaves out a policy that the simulation is to do without.
fn leave_out(excluded: &PolicyIdentifier, simulated: &mut Simulated) {
    let inline = excluded.inline_policy.as_ref();
    let inline = inline.map(|of| format!("{}/{}", of.attachment_name.as_str(), of.policy_name.as_str()));
    let named = excluded.policy_arn.as_ref().map(Arn::as_str).or(inline.as_deref());
    let is_meant = |attached: &Attached| named == Some(attached.name.as_ref());
    if excluded.kind != Some(PolicyType::PermissionBoundary) {
        simulated.authority.identity.retain(|attached| !is_meant(attached));
    } else if named.is_none() || simulated.authority.boundary.as_ref().is_some_and(is_meant) {
        simulated.authority.boundary = None;
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
