//! Who calls: the signature, the access key it names, and the account that the key speaks for.

use super::Caller;
use crate::operation::internal;
use crate::{Call, Service};
use access::Principal;
use catalog::{AccessKey, CatalogError};
use jiff::Timestamp;
use module_api::{CredentialBinding, CredentialToken};
use sigv4::{Presented, Refusal, Rules, SigningKey};
use std::sync::Arc;
use wire::{Fault, FaultKind};

/// Why a call is not authenticated.
pub struct Rejection {
    /// What the caller is told.
    pub fault: Fault,
    /// Whoever the call claims to be from, if there is such an access key: the attempt belongs in that account's trail.
    pub claimed: Option<Caller>,
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
    let access_key = access_key.filter(|_| presented.session_token().is_none());
    let access_key = access_key.ok_or(Refusal::UnrecognizedClient)?;
    let region = presented.region().parse().map_err(|_| Refusal::UnrecognizedClient)?;
    let principal = Principal::root(Arc::clone(&service.settings.partition), access_key.account);
    let caller = Caller { principal, access_key_id: access_key.id.clone(), region };
    match verify(service, call, &presented, &access_key).await {
        Ok(()) => Ok(caller),
        Err(fault) => Err(Rejection { fault, claimed: Some(caller) }),
    }
}

/// Checks the signature with the signing key of the request's scope. A key is kept for later calls once a signature has
/// proven that its scope is in use, so that nobody else can fill the memory for it.
async fn verify(
    service: &Service,
    call: &Call,
    presented: &Presented<'_>,
    access_key: &AccessKey,
) -> Result<(), Fault> {
    if let Some(known) = service.signing_keys.find(presented) {
        return presented.verify(&call.body, &known).map_err(|refusal| fault_of(&refusal));
    }
    let derived = Arc::new(derive(service, presented, access_key).await?);
    presented.verify(&call.body, &derived).map_err(|refusal| fault_of(&refusal))?;
    service.signing_keys.keep(presented, derived);
    Ok(())
}

/// Has the module derive the signing key. The secret itself never comes here.
async fn derive(
    service: &Service,
    presented: &Presented<'_>,
    access_key: &AccessKey,
) -> Result<SigningKey, Fault> {
    let binding =
        CredentialBinding { account: access_key.account, access_key_id: access_key.id.as_str().into() };
    let token = CredentialToken::from_bytes(access_key.secret.as_slice());
    let (date, region) = (presented.date(), presented.region());
    let bytes = service.module.derive_signing_key(&token, &binding, date, region, presented.service()).await;
    bytes.map(|bytes| SigningKey::from_bytes(&bytes)).map_err(|error| our_failure(&error))
}

fn fault_of(refusal: &Refusal) -> Fault {
    let kind = FaultKind::ALL.iter().find(|kind| kind.name() == refusal.exception());
    kind.map_or_else(internal, |kind| Fault::new(*kind, refusal.to_string()))
}

fn our_failure(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "callers cannot be authenticated");
    internal()
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self { fault: fault_of(&refusal), claimed: None }
    }
}

impl From<CatalogError> for Rejection {
    fn from(error: CatalogError) -> Self {
        Self { fault: our_failure(&error), claimed: None }
    }
}
