//! What policies would decide, what they ask for, and what an account has of them. Nothing here changes anything.

mod context_keys;
mod details;
mod get_account_authorization_details;
mod get_account_summary;
mod get_context_keys_for_custom_policy;
mod get_context_keys_for_principal_policy;
mod list_account_aliases;
mod simulate_custom_policy;
mod simulate_principal_policy;
mod simulator;
mod source;

pub use get_account_authorization_details::GetAccountAuthorizationDetails;
pub use get_account_summary::GetAccountSummary;
pub use get_context_keys_for_custom_policy::GetContextKeysForCustomPolicy;
pub use get_context_keys_for_principal_policy::GetContextKeysForPrincipalPolicy;
pub use list_account_aliases::ListAccountAliases;
pub use simulate_custom_policy::SimulateCustomPolicy;
pub use simulate_principal_policy::SimulatePrincipalPolicy;
pub use simulator::check_values;

use super::pages::part;
use crate::operation::Failure;
use crate::pipeline::Scene;
use access::{Principal, PrincipalKind, PrincipalName};
use keys::AccountId;
use simulator::{Circumstances, EvaluationResult, Simulated, invalid, simulate};
use source::SoughtSource;
use wire::member::iam::{
    ActionNames, ContextEntries, Marker, MaxItems, PolicyDocument, ResourceName, ResourceNames,
};
use wire::{Fault, Members};

wire::output! {
    /// What a simulation answers.
    pub struct Answer {
        required results: Members<EvaluationResult> = "EvaluationResults",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

/// What every simulation is asked, whoever's policies it simulates.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    actions: &'a ActionNames,
    resources: Option<&'a ResourceNames>,
    resource_policy: Option<&'a PolicyDocument>,
    resource_owner: Option<&'a ResourceName>,
    entries: Option<&'a ContextEntries>,
    marker: Option<&'a Marker>,
    max_items: Option<MaxItems>,
}

impl Asked<'_> {
    async fn answer(&self, simulated: &Simulated, scene: &Scene<'_>) -> Result<Answer, Failure> {
        if self.resource_policy.is_some() && simulated.is_nobody() {
            return Err(invalid("CallerArn is required if ResourcePolicy is given.".into()).into());
        }
        let resources = self.resources.map_or(&[][..], |resources| &resources.0);
        if self.actions.0.len().saturating_mul(resources.len().max(1)) > MOST_DECISIONS {
            return Err(invalid(format!(
                "No more than {MOST_DECISIONS} decisions can be simulated at once."
            ))
            .into());
        }
        check_values(self.entries).map_err(invalid)?;
        let circumstances = Circumstances {
            entries: self.entries,
            resource_policy: self.resource_policy,
            owner: self.owner()?.unwrap_or(*simulated.principal.account()),
            now: scene.now,
        };
        let page = part("simulation", &self.actions.0, self.marker, self.max_items)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        let results = simulate(simulated, &circumstances, page.entries, resources).await?;
        Ok(Answer { results: Members(results), is_truncated, marker })
    }

    fn owner(&self) -> Result<Option<AccountId>, Fault> {
        let Some(owner) = self.resource_owner.map(ResourceName::as_str) else { return Ok(None) };
        match owner.parse() {
            Ok(PrincipalName::Account { account, .. }) => Ok(Some(account)),
            _ => Err(invalid(format!("ResourceOwner is not the ARN of an account: {owner}"))),
        }
    }
}

/// The user of that ARN as the caller of a simulation. It is not looked up: whoever may simulate may not for that reason know
/// the tags and the unique id of every user.
fn caller(asked: Option<&ResourceName>, scene: &Scene<'_>) -> Result<Option<Principal>, Fault> {
    let Some(asked) = asked.map(ResourceName::as_str) else { return Ok(None) };
    let Ok(PrincipalName::User { account, path, name, .. }) = asked.parse() else {
        return Err(invalid(format!("CallerArn is not the ARN of a user: {asked}")));
    };
    let kind = PrincipalKind::User { path, name, id: "".into() };
    Ok(Some(Principal::new(scene.partition(), account, kind)))
}

/// A user of the caller's account whom no policy means.
fn nobody(scene: &Scene<'_>) -> Principal {
    let kind = PrincipalKind::User { path: "/".into(), name: "".into(), id: "".into() };
    Principal::new(scene.partition(), scene.account(), kind)
}

/// So many take less than a tenth of a second.
const MOST_DECISIONS: usize = 1000;
