//! Who calls: the signature, the access key it names, and the user, role, root or service that the key speaks for.
//!
//! Whatever is wrong with credentials, finding it out takes the same steps: one signing key is derived by the module and one
//! signature compared, so that the time of a refusal does not tell which access keys there are.

use super::on_behalf::{for_whom, refuse_headers};
use super::{Caller, web_identity};
use crate::api::Routed;
use crate::identity::{Directory, Identity, Session, SessionPrincipal, SessionToken};
use crate::operation::internal;
use crate::{Call, Service};
use catalog::{AccessKey, AccessKeyOwner, CatalogError, Stored};
use jiff::Timestamp;
use keys::{AccountId, Region};
use module_api::{CredentialBinding, CredentialToken};
use module_client::{CallError, ModuleClient};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sigv4::{Presented, Refusal, Rules, SigningKey};
use std::sync::Arc;
use wire::{Fault, FaultKind};

/// Why a call is not authenticated.
pub struct Rejection {
    /// What the caller is told.
    pub fault: Fault,
    /// Whose access key the call claims to be signed with, if there is such a key: the attempt belongs in that account's
    /// trail.
    pub claimed: Option<Claimed>,
}

/// The credential that a call claims to come with, and where it belongs.
pub struct Claimed {
    /// The account.
    pub account: AccountId,
    /// The access key, if it is one.
    pub access_key_id: Option<String>,
    /// The region of the signature.
    pub region: Region,
}

/// Sessions whose tokens were opened before; bounded, and shared by all workers.
#[derive(Debug)]
pub struct Sessions(Cache<Box<str>, Arc<Session>, BySize>);

/// What a kept session takes, in bytes: anybody can have tokens as long as tokens may be, and as many as they like.
#[derive(Clone, Debug)]
struct BySize;

impl Weighter<Box<str>, Arc<Session>> for BySize {
    fn weight(&self, token: &Box<str>, session: &Arc<Session>) -> u64 {
        let policies = session.policies.iter().map(String::len).sum::<usize>().saturating_mul(COMPILED);
        let size = SMALLEST_SESSION.saturating_add(token.len()).saturating_add(policies);
        u64::try_from(size.saturating_add(session.padding.len())).unwrap_or(u64::MAX)
    }
}

impl Sessions {
    /// Room for so many of the usual size.
    #[must_use]
    pub fn new(sessions: usize) -> Self {
        let bytes = u64::try_from(sessions.saturating_mul(USUAL_SESSION)).unwrap_or(u64::MAX);
        Self(Cache::with_weighter(sessions, bytes, BySize))
    }

    /// Keeps a session whose credentials were proven to be the caller's.
    fn keep(&self, presented: &Presented<'_>, credentials: &Credentials) {
        if let (Credentials::Temporary(session), Some(token)) = (credentials, presented.session_token()) {
            self.0.insert(token.into(), Arc::clone(session));
        }
    }
}

/// Credentials that nobody has: what a signature is held against if the access key is none of ours.
#[derive(Debug)]
pub struct Decoy(Secret);

impl Decoy {
    /// Has the module make them.
    pub async fn new(module: &ModuleClient) -> Result<Self, CallError> {
        let binding = CredentialBinding {
            account: AccountId::INSTALLATION,
            access_key_id: "AKIAAAAAAAAAAAAAAAAA".into(),
        };
        let made = module.create_access_key_secret(&binding).await?;
        Ok(Self(Secret { binding, token: made.token }))
    }
}

/// A secret access key as the module has sealed it.
#[derive(Debug)]
struct Secret {
    binding: CredentialBinding,
    token: CredentialToken,
}

/// The credentials that a request presents.
enum Credentials {
    LongTerm(Arc<Stored<AccessKey>>),
    Temporary(Arc<Session>),
    /// None that there are.
    Unknown,
}

/// Checks the signature of a call, or the token of the one operation that is not signed.
pub async fn authenticate(service: &Service, call: &Call, routed: &Routed) -> Result<Caller, Rejection> {
    if web_identity::takes_token(routed) {
        refuse_headers(call)?;
        return Box::pin(web_identity::authenticate(service, call, routed)).await;
    }
    let rules = Rules {
        service: routed.api.service,
        accepts_region: &|region| service.settings.serves(region) || routed.api.is_signed_for(region),
        tolerance: service.settings.signature_tolerance,
        now: Timestamp::now(),
    };
    let presented = Presented::of(&call.parts, &rules)?;
    let region = presented.region().parse().map_err(|_| Refusal::UnrecognizedClient)?;
    let credentials = credentials(service, &presented).await?;
    let claimed = |fault| Rejection { fault, claimed: credentials.claimed(region) };
    verify(service, call, &presented, &credentials).await.map_err(claimed)?;
    let (identity, session) = holder(service, &credentials).await.map_err(claimed)?;
    note_use(service, routed, &credentials, region);
    refuse_user_session(session.as_deref(), routed).map_err(claimed)?;
    let caller = Caller { session, ..Caller::of(identity, presented.access_key_id().to_owned(), region) };
    for_whom(service, call, routed, &presented, caller).await.map_err(claimed)
}

async fn credentials(service: &Service, presented: &Presented<'_>) -> Result<Credentials, Rejection> {
    let Some(token) = presented.session_token() else {
        let access_key = service.catalog.reader().access_key(presented.access_key_id()).await?;
        let usable = access_key.filter(|access_key| access_key.active);
        return Ok(usable.map_or(Credentials::Unknown, Credentials::LongTerm));
    };
    let session = match service.sessions.0.get(token) {
        Some(session) => Some(session),
        None => SessionToken::open(token, &service.module)
            .await
            .map_err(|error| our_failure(&error))?
            .map(Arc::new),
    };
    let session = session.filter(|session| session.access_key_id == presented.access_key_id());
    Ok(session.map_or(Credentials::Unknown, Credentials::Temporary))
}

/// Checks the signature with the signing key of the request's scope. A key is kept for later calls once a signature has
/// proven that its scope is in use, so that nobody else can fill the memory for it.
///
/// Every refusal derives one key and compares once more, whatever the reason.
async fn verify(
    service: &Service,
    call: &Call,
    presented: &Presented<'_>,
    credentials: &Credentials,
) -> Result<(), Fault> {
    let signature = presented.signature(&call.body);
    let secret = credentials.secret();
    let kept = service.signing_keys.find(presented).filter(|_| secret.is_some());
    if signature.is_of(kept.as_deref()) {
        return Ok(());
    }
    let derived = Arc::new(derive(service, presented, secret.as_ref().unwrap_or(&service.decoy.0)).await?);
    match (signature.is_of(Some(&derived)), secret.is_some()) {
        (_, false) => Err(fault_of(&Refusal::UnrecognizedClient)),
        (false, true) => Err(fault_of(&Refusal::SignatureMismatch)),
        (true, true) => {
            service.signing_keys.keep(presented, derived);
            service.sessions.keep(presented, credentials);
            Ok(())
        }
    }
}

/// Has the module derive the signing key. The secret itself never comes here.
async fn derive(service: &Service, presented: &Presented<'_>, secret: &Secret) -> Result<SigningKey, Fault> {
    let (date, region, scope) = (presented.date(), presented.region(), presented.service());
    let bytes = service.module.derive_signing_key(&secret.token, &secret.binding, date, region, scope).await;
    bytes.map(|bytes| SigningKey::from_bytes(&bytes)).map_err(|error| our_failure(&error))
}

/// Whom the credentials speak for, now.
async fn holder(
    service: &Service,
    credentials: &Credentials,
) -> Result<(Identity, Option<Arc<Session>>), Fault> {
    let directory = directory(service);
    let unknown = || fault_of(&Refusal::UnrecognizedClient);
    match credentials {
        Credentials::LongTerm(access_key) => {
            let identity = owner(&directory, access_key).await?.ok_or_else(unknown)?;
            Ok((identity, None))
        }
        Credentials::Temporary(session) => {
            if service.clock.now() >= session.expires {
                return Err(fault_of(&Refusal::ExpiredToken));
            }
            let identity = Box::pin(directory.session(session)).await.map_err(|error| our_failure(&error))?;
            Ok((identity.ok_or_else(unknown)?, Some(Arc::clone(session))))
        }
        Credentials::Unknown => Err(unknown()),
    }
}

//= sts:GetSessionToken: its credentials call no operation of IAM unless a second factor was shown
/// Nobody has a second factor here.
fn refuse_user_session(session: Option<&Session>, routed: &Routed) -> Result<(), Fault> {
    let is_users = session.is_some_and(|session| !matches!(session.principal, SessionPrincipal::Role { .. }));
    if is_users && routed.api.service == "iam" {
        return Err(fault_of(&Refusal::UnrecognizedClient));
    }
    Ok(())
}

/// Notes that an access key was used. Temporary credentials are no access key of anybody's.
fn note_use(service: &Service, routed: &Routed, credentials: &Credentials, region: Region) {
    if let Credentials::LongTerm(access_key) = credentials {
        service.access_key_uses.note(access_key, routed.api.service, region, service.clock.now());
    }
}

async fn owner(directory: &Directory<'_>, access_key: &AccessKey) -> Result<Option<Identity>, Fault> {
    match &access_key.owner {
        AccessKeyOwner::Root => Ok(Some(directory.root(access_key.account))),
        AccessKeyOwner::Service { name } => Ok(Some(directory.service(name))),
        AccessKeyOwner::User { name, id } => {
            let user = Box::pin(directory.user(&access_key.account, name)).await;
            let user = user.map_err(|error| our_failure(&error))?;
            Ok(user.filter(|user| user.has_id(id)))
        }
    }
}

pub(super) fn directory(service: &Service) -> Directory<'_> {
    Directory { reader: service.catalog.reader(), partition: &service.settings.partition }
}

impl Credentials {
    fn secret(&self) -> Option<Secret> {
        let (account, access_key_id, token) = match self {
            Self::LongTerm(access_key) => (access_key.account, &access_key.id, &access_key.secret),
            Self::Temporary(session) => {
                (*session.principal.account(), &session.access_key_id, &session.secret)
            }
            Self::Unknown => return None,
        };
        let binding = CredentialBinding { account, access_key_id: access_key_id.as_str().into() };
        Some(Secret { binding, token: CredentialToken::from_bytes(token.as_slice()) })
    }

    fn claimed(&self, region: Region) -> Option<Claimed> {
        let (account, access_key_id) = match self {
            Self::LongTerm(access_key) => (access_key.account, &access_key.id),
            Self::Temporary(session) => (*session.principal.account(), &session.access_key_id),
            Self::Unknown => return None,
        };
        Some(Claimed { account, access_key_id: Some(access_key_id.clone()), region })
    }
}

pub(super) fn fault_of(refusal: &Refusal) -> Fault {
    let kind = FaultKind::COMMON.iter().find(|kind| kind.name() == refusal.exception());
    kind.map_or_else(internal, |kind| Fault::new(*kind, refusal.to_string()))
}

pub(super) fn our_failure(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "callers cannot be authenticated");
    internal()
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        fault_of(&refusal).into()
    }
}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        Self { fault, claimed: None }
    }
}

impl From<CatalogError> for Rejection {
    fn from(error: CatalogError) -> Self {
        our_failure(&error).into()
    }
}

/// In bytes, with its token.
const USUAL_SESSION: usize = 2048;
/// What a session takes besides texts that can be long.
const SMALLEST_SESSION: usize = 512;
/// About how many bytes a policy takes for each byte of its text, compiled and as it is.
const COMPILED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sessions_take_the_room_of_many() {
        let session = |policies: Vec<String>, padding: usize| {
            let principal = r#"{"Root":{"account":"111122223333"}}"#;
            let text = format!(
                r#"{{"principal":{principal},"access_key_id":"ASIA","secret":"","issued":0,"expires":0}}"#
            );
            let session: Session = serde_json::from_str(&text).unwrap();
            Arc::new(Session { policies, padding: "-".repeat(padding), ..session })
        };
        let kept = |session: Arc<Session>, token: usize| {
            let sessions = Sessions::new(1000);
            for number in 0..2000 {
                let token = format!("{number:0>token$}");
                sessions.0.insert(token.into(), Arc::clone(&session));
            }
            sessions.0.len()
        };
        assert!(kept(session(Vec::new(), 0), 800) >= 900);
        assert!(kept(session(Vec::new(), 2000), 4096) <= 400);
        assert!(kept(session(vec!["x".repeat(8000)], 0), 12_000) <= 20);
    }
}
