//! `ListGrants`: the grants on a key.

use super::entry::{Answer, LIST};
use super::principals::named;
use super::{grant_id, invalid};
use crate::identity::Existing;
use crate::kms::{pages, record_number, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use access::PrincipalKind;
use audit::json::Object;
use catalog::Page;
use keys::{Grant, KeyStates};
use wire::Fault;
use wire::member::{GrantId, KeyIdText, Limit, Marker, PrincipalText, ServicePrincipalText};

/// The operation.
#[derive(Debug)]
pub struct ListGrants;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
        required key_id: KeyIdText = "KeyId",
        optional grant_id: GrantId = "GrantId",
        optional grantee: PrincipalText = "GranteePrincipal",
        optional grantee_service: ServicePrincipalText = "GranteeServicePrincipal",
    }
}

impl Operation for ListGrants {
    const NAME: &'static str = "ListGrants";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_text(record, "grantId", input.grant_id.as_ref().map(GrantId::as_str));
        record_text(record, "granteePrincipal", input.grantee.as_ref().map(PrincipalText::as_str));
        let service = input.grantee_service.as_ref().map(ServicePrincipalText::as_str);
        record_text(record, "granteeServicePrincipal", service);
        record_number(record, "limit", input.limit.map(Limit::value));
        record_text(record, "marker", input.marker.as_ref().map(Marker::as_str));
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        input.grant_id.as_ref().map_or(Ok(()), |id| grant_id(id).map(|_| ()))?;
        if input.grantee.is_some() && input.grantee_service.is_some() {
            return Err(invalid(TWO_GRANTEES));
        }
        match &input.grantee {
            Some(text) if text.as_str().starts_with("arn:") => named(text).map(|_| ()),
            _ => Ok(()),
        }
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let Page { entries, next } = page(input, subject, scene).await?;
        let address = subject.address();
        let grants: Vec<_> = entries.into_iter().map(|grant| (address.clone(), grant)).collect();
        Ok(Outcome::of(Answer::of(&grants, next, scene).await?))
    }
}

async fn page(input: &Input, key: &NamedKey, scene: &Scene<'_>) -> Result<Page<Grant>, Failure> {
    let (reader, address) = (scene.reader(), key.address());
    let after = pages::after(LIST, input.marker.as_ref())?;
    let limit = pages::limit(input.limit, 50, 100);
    let wanted = wanted(input, scene).await?;
    if let Some(id) = &input.grant_id {
        let found = reader.grant(&address, &grant_id(id)?).await?;
        let entries = found.iter().map(|grant| Grant::clone(grant)).filter(|grant| wanted.includes(grant));
        return Ok(Page { entries: entries.collect(), next: None });
    }
    match wanted {
        Wanted::All => {
            let Page { entries, next } = reader.grants(&address, after, limit).await?;
            Ok(Page { entries: entries.iter().map(|grant| Grant::clone(grant)).collect(), next })
        }
        Wanted::Nobodys => Ok(Page { entries: Vec::new(), next: None }),
        Wanted::To(grantee) => Ok(cut(&reader.grants_to(&address, &grantee).await?, after, limit)),
    }
}

/// Whose grants are asked for.
enum Wanted {
    All,
    /// Those of somebody whom there is not.
    Nobodys,
    /// Those of whoever is known by that.
    To(String),
}

impl Wanted {
    fn includes(&self, grant: &Grant) -> bool {
        match self {
            Self::All => true,
            Self::Nobodys => false,
            Self::To(grantee) => grant.grantee.identity() == grantee,
        }
    }
}

/// An ARN means whoever has it now; who is gone is found by the unique id that is shown in its place.
async fn wanted(input: &Input, scene: &Scene<'_>) -> Result<Wanted, Failure> {
    if let Some(service) = &input.grantee_service {
        check_is_caller(service, scene)?;
        return Ok(Wanted::To(service.as_str().to_owned()));
    }
    let Some(text) = &input.grantee else { return Ok(Wanted::All) };
    let Ok(name) = named(text) else { return Ok(Wanted::To(text.as_str().to_owned())) };
    let existing = scene.directory().existing(&name).await?;
    let known_by = |existing: Existing| Wanted::To(existing.id.unwrap_or_else(|| name.to_string()));
    Ok(existing.map_or(Wanted::Nobodys, known_by))
}

/// The page of a list in memory that begins after that grant.
fn cut(grants: &[Grant], after: Option<&str>, limit: usize) -> Page<Grant> {
    let is_later = |grant: &&Grant| after.is_none_or(|after| grant.id.to_string().as_str() > after);
    let mut later = grants.iter().filter(is_later);
    let entries: Vec<_> = later.by_ref().take(limit).cloned().collect();
    let next = later.next().and(entries.last()).map(|last| last.id.to_string());
    Page { entries, next }
}

//= kms:ListGrants: this filter is only usable by callers in a service principal
pub(super) fn check_is_caller(service: &ServicePrincipalText, scene: &Scene<'_>) -> Result<(), Fault> {
    match scene.caller.identity.principal.kind() {
        PrincipalKind::Service { name } if **name == *service.as_str() => Ok(()),
        _ => Err(invalid(NOT_A_SERVICE)),
    }
}

const PERMISSION: &str = "kms:ListGrants";
const TWO_GRANTEES: &str =
    "You can specify either GranteePrincipal or GranteeServicePrincipal, but not both.";
const NOT_A_SERVICE: &str = "Only a service principal can list grants by its own service principal.";
