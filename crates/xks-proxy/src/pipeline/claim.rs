//! Who a request is said to be from, and whether that is so. Of whoever does not prove it nothing is kept but a count.
//!
//! The id of a credential is no secret, and neither is whether there is one of that id: so an unknown one is refused before its body is read.

use super::Arrived;
use super::route::Call;
use crate::credential::Credential;
use crate::refusal::Refusal;
use crate::stores::Store;
use http_server::BodyError;
use sigv4::{DEFAULT_TOLERANCE, Presented, Rules};
use std::collections::BTreeSet;
use std::sync::Arc;
use xks_api::{ErrorName, ExternalKeyId, InvalidExternalKeyId, Operation, Target};

/// A request whose head claims a credential of its store that is good now.
pub(super) struct Claimed<'a> {
    call: Call<'a>,
    presented: Presented<'a>,
    credential: &'a Credential,
}

/// That it is known who signed a request, body and all, and what for. Only [`Claimed::prove`] makes one.
pub(super) struct Proof {
    store: Arc<Store>,
    operation: Operation,
    key: Option<Result<Box<str>, InvalidExternalKeyId>>,
    access_key_id: Box<str>,
}

/// A request of whom it is known who signed it, body and all.
pub(super) struct Proven<'a> {
    pub(super) store: &'a Arc<Store>,
    pub(super) target: Target<'a>,
    pub(super) arrived: Arrived<'a>,
    /// The id of the credential that signed it.
    pub(super) access_key_id: &'a str,
}

/// A request that nobody stands behind.
#[derive(Debug)]
pub(super) struct Unproven {
    /// In one word, for whoever counts them.
    pub(super) reason: &'static str,
    pub(super) refusal: Refusal,
}

/// All that can be said of a signature without the body.
pub(super) fn claim<'a>(
    call: Call<'a>,
    arrived: Arrived<'a>,
    regions: &BTreeSet<String>,
) -> Result<Claimed<'a>, Unproven> {
    let rules = Rules {
        service: SERVICE,
        accepts_region: &|region| regions.is_empty() || regions.contains(region),
        tolerance: DEFAULT_TOLERANCE,
        now: arrived.at,
    };
    if arrived.parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(unproven("query", "the query string is not empty"));
    }
    let presented = Presented::of(arrived.parts, &rules).map_err(|refusal| refused(&refusal))?;
    if !presented.signs("x-amz-date") {
        return Err(unproven("unsigned_header", "the header x-amz-date is not among those that are signed"));
    }
    if presented.session_token().is_some() {
        return Err(unproven(
            "session_token",
            "the signature is of temporary credentials, and no store has such",
        ));
    }
    let credential = call.store.credential(presented.access_key_id(), arrived.at);
    let credential = credential.ok_or_else(|| unproven("access_key_id", NO_CREDENTIAL))?;
    Ok(Claimed { call, presented, credential })
}

impl<'a> Claimed<'a> {
    /// Whether it is so, with the whole body.
    pub(super) fn prove(self, body: &[u8]) -> Result<Proof, Unproven> {
        let Self { call: Call { store, target }, presented, credential } = self;
        if !store.is_signed(&presented, credential, body) {
            return Err(unproven("signature", NO_CREDENTIAL));
        }
        Ok(Proof {
            store: Arc::clone(store),
            operation: target.operation,
            key: target.key.map(|key| key.map(|key| key.as_str().into())),
            access_key_id: credential.access_key_id.as_str().into(),
        })
    }
}

impl Proof {
    /// The request that it is the proof of.
    pub(super) fn of<'a>(&'a self, arrived: Arrived<'a>) -> Proven<'a> {
        let key =
            |key: &'a Result<Box<str>, _>| key.as_deref().map_err(Clone::clone).and_then(ExternalKeyId::new);
        let target =
            Target { prefix: &self.store.prefix, operation: self.operation, key: self.key.as_ref().map(key) };
        Proven { store: &self.store, target, arrived, access_key_id: &self.access_key_id }
    }
}

/// What is said of a body that could not be read, and the word for it.
pub(super) const fn without_body(error: BodyError) -> (&'static str, Refusal) {
    match error {
        BodyError::Broken => ("body_broken", Refusal::new(ErrorName::Validation, "the body broke off")),
        BodyError::NoMemory => {
            ("body_memory", Refusal::new(ErrorName::Throttling, "too many bodies are arriving at once"))
        }
        BodyError::TooLarge => (
            "body_too_large",
            Refusal::new(ErrorName::UnsupportedOperation, "the body is longer than this proxy takes"),
        ),
        BodyError::TooSlow => {
            ("body_too_slow", Refusal::new(ErrorName::Validation, "the body did not arrive in time"))
        }
    }
}

/// In our words where they say what to do, and never with what came in the header.
fn refused(refusal: &sigv4::Refusal) -> Unproven {
    use sigv4::Refusal as R;
    match refusal {
        R::Expired { .. } | R::NotYetCurrent { .. } => unproven("clock", WRONG_TIME),
        R::CredentialScope { .. } => unproven("scope", WRONG_SCOPE),
        R::HeaderNotSigned { .. } | R::HostNotSigned => unproven("unsigned_header", UNSIGNED_HEADER),
        R::MissingAuthenticationToken => unproven("unsigned", "there is no signature of Signature Version 4"),
        R::UnrecognizedClient => unproven("access_key_id", NO_CREDENTIAL),
        _ => unproven(
            "malformed",
            "the signature is not one of Signature Version 4 in one Authorization header",
        ),
    }
}

const fn unproven(reason: &'static str, message: &'static str) -> Unproven {
    Unproven { reason, refusal: Refusal::new(ErrorName::AuthenticationFailed, message) }
}

/// What KMS signs for.
const SERVICE: &str = "kms-xks-proxy";

/// Said alike of an unknown id, of a credential that is not valid now, and of a wrong signature.
const NO_CREDENTIAL: &str = "no credential of this store that is valid now made this signature: check the access key id, the secret access key, and that nothing was changed on the way";
const UNSIGNED_HEADER: &str = "host and every x-amz- header must be signed";
const WRONG_SCOPE: &str = "the credential scope must be DATE/REGION/kms-xks-proxy/aws4_request, with the date of x-amz-date and a region of this proxy";
const WRONG_TIME: &str = "the signature is more than 5 minutes away from this proxy's clock";
