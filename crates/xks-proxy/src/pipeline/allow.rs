//! The second layer of authorization: what the store's policies say.

use super::Refused;
use super::claim::Proven;
use super::parse::{Parsed, Request};
use crate::policy::Asked;
use crate::refusal::Refusal;
use crate::stores::Store;
use std::sync::Arc;
use xks_api::{ErrorName, ExternalKeyId};

/// A call that may be made. Only [`allow`] makes one.
pub(super) struct Allowed<'a> {
    store: &'a Arc<Store>,
    request: &'a Request<'a>,
    key: Option<ExternalKeyId<'a>>,
}

impl<'a> Allowed<'a> {
    pub(super) const fn store(&self) -> &'a Arc<Store> {
        self.store
    }

    pub(super) const fn request(&self) -> &'a Request<'a> {
        self.request
    }

    pub(super) const fn key(&self) -> Option<ExternalKeyId<'a>> {
        self.key
    }
}

/// Asks the policies. They themselves say nothing of GetHealthStatus.
pub(super) fn allow<'a>(proven: &'a Proven<'_>, parsed: &'a Parsed<'_>) -> Result<Allowed<'a>, Refused<'a>> {
    let key = parsed.key()?;
    let asked = Asked {
        operation: proven.target.operation,
        external_key: key.map_or("", ExternalKeyId::as_str),
        metadata: parsed.metadata(),
        peer: Some(proven.arrived.source),
        at: proven.arrived.at,
    };
    let verdict = proven.store.policies.decide(&asked);
    if verdict.allowed {
        return Ok(Allowed { store: proven.store, request: &parsed.request, key });
    }
    let refusal =
        Refusal::new(ErrorName::AccessDenied, "the proxy's own policy denies it; its audit journal says why");
    let refusal = if verdict.by.is_some() { refusal } else { refusal.because(BY_DEFAULT) };
    Err(Refused { refusal, denied_by: verdict.by })
}

const BY_DEFAULT: &str = "no statement allows it, and the store's default is to deny";
