//! Who calls: the signature, the access key it names, and the account that the key speaks for.

use super::Caller;
use crate::operation::{Failure, internal};
use crate::{Call, Service};
use access::Principal;
use catalog::{AccessKey, CatalogError};
use jiff::Timestamp;
use keys::AccountId;
use module_api::{CredentialBinding, CredentialToken};
use sigv4::{Presented, Refusal, Rules, SigningKey};
use std::sync::Arc;
use wire::{Fault, FaultKind};

/// Why a call is not authenticated.
pub struct Rejection {
    /// What the caller is told.
    pub fault: Fault,
    /// The account whose access key was named, though not proven: the attempt belongs in its trail.
    pub impersonated: Option<AccountId>,
}

/// Checks the signature of a call.
pub async fn authenticate(service: &Service, call: &Call) -> Result<Caller, Rejection> {
    let rules = Rules {
        service: "kms",
        accepts_region: &|region| service.settings.serves(region),
        tolerance: service.settings.signature_tolerance,
        now: Timestamp::now(),
    };
    let presented = Presented::of(&call.parts, &rules)?;
    let access_key = service.catalog.reader().access_key(presented.access_key_id()).await?;
    // No access key of ours is temporary, so that none goes with a session token.
    let access_key = access_key.filter(|_| presented.session_token().is_none()).ok_or_else(unrecognized)?;
    let region = presented.region().parse().map_err(|_| unrecognized())?;
    let signing_key = signing_key(service, &presented, &access_key).await?;
    presented
        .verify(&call.body, &signing_key)
        .map_err(|refusal| Rejection { impersonated: Some(access_key.account), ..refusal.into() })?;
    let principal = Principal::root(&service.settings.partition, access_key.account);
    Ok(Caller { principal, access_key_id: access_key.id.clone(), region })
}

/// The signing key of the request's scope, derived by the module unless it was before. The secret itself never comes here.
async fn signing_key(
    service: &Service,
    presented: &Presented<'_>,
    access_key: &AccessKey,
) -> Result<Arc<SigningKey>, Rejection> {
    if let Some(known) = service.signing_keys.find(presented) {
        return Ok(known);
    }
    let binding =
        CredentialBinding { account: access_key.account, access_key_id: access_key.id.as_str().into() };
    let token = CredentialToken::from_bytes(access_key.secret.as_slice());
    let (date, region) = (presented.date(), presented.region());
    let derived =
        service.module.derive_signing_key(&token, &binding, date, region, presented.service()).await;
    let bytes = derived.map_err(|error| match Failure::from(error) {
        Failure::Fault(fault) => Rejection { fault, impersonated: None },
        Failure::Conflict => Rejection { fault: internal(), impersonated: None },
    })?;
    let key = Arc::new(SigningKey::from_bytes(&bytes));
    service.signing_keys.keep(presented, Arc::clone(&key));
    Ok(key)
}

fn unrecognized() -> Rejection {
    let fault =
        Fault::new(FaultKind::UnrecognizedClient, "The security token included in the request is invalid.");
    Rejection { fault, impersonated: None }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        let kind = FaultKind::ALL.iter().find(|kind| kind.name() == refusal.exception());
        let fault = kind.map_or_else(internal, |kind| Fault::new(*kind, refusal.to_string()));
        Self { fault, impersonated: None }
    }
}

impl From<CatalogError> for Rejection {
    fn from(error: CatalogError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "access keys cannot be read");
        Self { fault: internal(), impersonated: None }
    }
}
