//! `ListRetirableGrants`: the grants, on whosever keys, that a principal of the caller's account may retire.
//!
//! What it is allowed on is that principal, not the keys.

use super::entry::{Answer, LIST};
use super::invalid;
use super::list_grants::check_is_caller;
use super::principals::{Party, named};
use crate::kms::{pages, record_number, record_text};
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Scene};
use access::PrincipalName;
use audit::json::Object;
use keys::{AccountId, Grant, KeyStates, Tags};
use wire::Fault;
use wire::member::{Limit, Marker, PrincipalText, ServicePrincipalText};

/// The operation.
#[derive(Debug)]
pub struct ListRetirableGrants;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
        optional retiring: PrincipalText = "RetiringPrincipal",
        optional retiring_service: ServicePrincipalText = "RetiringServicePrincipal",
    }
}

/// Whose grants are listed.
#[derive(Debug)]
pub enum Retiring {
    /// Those of a user, a role, a session or an account.
    Principal(NamedIdentity),
    /// The calling service's own: there is nothing to be allowed.
    Service,
}

impl Subject for Retiring {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Operation for ListRetirableGrants {
    const NAME: &'static str = "ListRetirableGrants";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Retiring;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record_text(record, "retiringPrincipal", input.retiring.as_ref().map(PrincipalText::as_str));
        let service = input.retiring_service.as_ref().map(ServicePrincipalText::as_str);
        record_text(record, "retiringServicePrincipal", service);
        record_number(record, "limit", input.limit.map(Limit::value));
        record_text(record, "marker", input.marker.as_ref().map(Marker::as_str));
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        input.party().map(|_| ())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Retiring, Failure> {
        match input.party()? {
            Party::Service(service) => {
                check_is_caller(service, scene)?;
                Ok(Retiring::Service)
            }
            Party::Arn(text) => {
                let name = named(text)?;
                let (arn, account) = (name.to_string(), account_of(&name).unwrap_or(scene.world().account));
                Ok(Retiring::Principal(NamedIdentity { arn, account, tags: Tags::default(), boundary: None }))
            }
        }
    }

    fn permissions<'a>(_: &Input, subject: &'a Retiring) -> Vec<Permission<'a>> {
        match subject {
            Retiring::Principal(named) => {
                vec![Permission { action: "kms:ListRetirableGrants", on: On::Identity(named) }]
            }
            Retiring::Service => Vec::new(),
        }
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Retiring>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let party = input.party()?;
        let principal = party.find(&scene.directory()).await??;
        let after = pages::after(LIST, input.marker.as_ref())?;
        let limit = pages::limit(input.limit, 50, 100);
        let page = scene.reader().retirable(principal.identity(), &scene.caller.region, after, limit).await?;
        let grants: Vec<_> =
            page.entries.into_iter().map(|(key, grant)| (key, Grant::clone(&grant))).collect();
        Ok(Outcome::of(Answer::of(&grants, page.next, scene).await?))
    }
}

impl Input {
    fn party(&self) -> Result<Party<'_>, Fault> {
        let party = Party::of(self.retiring.as_ref(), self.retiring_service.as_ref(), EITHER)?;
        party.ok_or_else(|| invalid(EITHER))
    }
}

const fn account_of(name: &PrincipalName) -> Option<AccountId> {
    match name {
        PrincipalName::Account { account, .. }
        | PrincipalName::Role { account, .. }
        | PrincipalName::Session { account, .. }
        | PrincipalName::User { account, .. } => Some(*account),
        PrincipalName::Anyone | PrincipalName::Federated(_) | PrincipalName::Service(_) => None,
    }
}

const EITHER: &str = "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.";
