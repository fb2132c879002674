//! Web identities: the token of an OpenID Connect provider is the credential of the one operation that takes it, which nobody signs.
//!
//! No token gets into a record, a log or an error.

use super::Caller;
use super::authenticate::{Claimed, Rejection};
use crate::api::Routed;
use crate::identity::{Identity, claim_name};
use crate::sts::WebIdentityInput;
use crate::{Call, Service};
use access::{Authority, Principal, PrincipalKind, PrincipalName};
use catalog::{OidcProvider, Stored};
use jiff::Timestamp;
use keys::AccountId;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Fault, FaultKind};

/// What a provider vouches for.
#[derive(Debug)]
pub struct WebIdentity {
    /// The ARN of the provider.
    pub provider: String,
    /// What it says of the caller.
    pub claims: oidc::Claims,
}

impl WebIdentity {
    /// The claim that the condition key of that name asks for.
    #[must_use]
    pub fn claim(&self, key: &str) -> &[String] {
        claim_name(&self.provider, key).map_or(&[], |name| self.claims.values(name))
    }
}

/// Whether it is the operation that takes a token for a credential.
pub fn takes_token(routed: &Routed) -> bool {
    routed.api.service == "sts" && routed.entry.name == crate::sts::WITH_WEB_IDENTITY
}

/// Verifies the token of a call. The provider is one of the account of the role that is wanted.
pub async fn authenticate(service: &Service, call: &Call, routed: &Routed) -> Result<Caller, Rejection> {
    let input: WebIdentityInput = routed.parse(call)?;
    let account = account_of(input.role_arn.as_str())?;
    let token = input.token.expose();
    let issuer = oidc::issuer_of(token).ok_or_else(|| refused(NOT_A_JWT))?;
    let provider = provider(service, &account, &issuer).await?;
    let region = service.settings.default_region;
    let claimed =
        |fault| Rejection { fault, claimed: Some(Claimed { account, access_key_id: None, region }) };
    let asked = oidc::Provider {
        url: &provider.url,
        client_ids: &provider.client_ids,
        thumbprints: &provider.thumbprints,
    };
    let claims = service.issuers.verify(&asked, token, Timestamp::now()).await;
    let claims = claims.and_then(with_bounded_subject).map_err(|rejection| claimed(fault_of(&rejection)))?;
    let partition = &service.settings.partition;
    let provider = format!("arn:{partition}:iam::{account}:oidc-provider/{}", provider.url);
    let kind = PrincipalKind::Federated {
        provider: provider.as_str().into(),
        subject: claims.subject.as_str().into(),
    };
    let identity = Identity {
        principal: Principal::new(Arc::clone(partition), account, kind),
        authority: Authority::default(),
        tags: BTreeMap::new(),
    };
    Ok(Caller {
        web_identity: Some(WebIdentity { provider, claims }),
        ..Caller::of(identity, String::new(), region)
    })
}

fn account_of(role_arn: &str) -> Result<AccountId, Fault> {
    match role_arn.parse() {
        Ok(PrincipalName::Role { account, .. }) => Ok(account),
        _ => Err(Fault::new(FaultKind::Validation, "Request ARN is invalid")),
    }
}

async fn provider(
    service: &Service,
    account: &AccountId,
    issuer: &str,
) -> Result<Arc<Stored<OidcProvider>>, Rejection> {
    let found = match issuer.strip_prefix("https://") {
        Some(url) => service.catalog.reader().find::<OidcProvider>(account, url).await?,
        None => None,
    };
    let unknown =
        || refused(format!("No OpenIDConnect provider found in your account for {}", shortened(issuer)));
    Ok(found.ok_or_else(unknown)?)
}

//= sts:AssumeRoleWithWebIdentity SubjectFromWebIdentityToken: 6 to 255 characters
/// The subject goes into session tokens and records, which have to stay of a bounded size.
fn with_bounded_subject(claims: oidc::Claims) -> Result<oidc::Claims, oidc::Rejection> {
    if claims.subject.chars().count() > LONGEST_SUBJECT {
        return Err(oidc::Rejection::Malformed("its claim `sub` is too long".to_owned()));
    }
    Ok(claims)
}

/// AWS's error for a token that is not accepted.
fn fault_of(rejection: &oidc::Rejection) -> Fault {
    use oidc::Rejection;
    match rejection {
        Rejection::Expired { expired, now } => {
            let (now, expired) = (now.as_second(), expired.as_second());
            let message = format!(
                "Token expired: current date/time {now} must be before the expiration date/time {expired}"
            );
            Fault::new(FaultKind::ExpiredIdentityToken, message)
        }
        Rejection::IssuerUnreachable(_) => {
            tracing::warn!(error = %rejection, "an OIDC provider could not be asked");
            Fault::new(FaultKind::IdpCommunicationError, UNREACHABLE)
        }
        Rejection::IssuerUnusable(_) => {
            tracing::warn!(error = %rejection, "an OIDC provider could not be asked");
            refused(NO_KEY)
        }
        Rejection::UnknownKey { .. } => refused(NO_KEY),
        Rejection::NotYetValid { .. } => Fault::new(FaultKind::IdpRejectedClaim, NOT_YET),
        Rejection::WrongAudience(_) => refused("Incorrect token audience"),
        Rejection::WrongIssuer(issuer) => {
            refused(format!("No OpenIDConnect provider found in your account for {}", shortened(issuer)))
        }
        Rejection::BadSignature => refused("Invalid signature on the web identity token"),
        Rejection::AlgorithmNotAllowed(_) => {
            refused("The signature algorithm of the web identity token is not supported")
        }
        Rejection::Malformed(_) => refused(NOT_A_JWT),
    }
}

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(FaultKind::InvalidIdentityToken, message)
}

/// An issuer's address as it is told back: nobody has vouched for it yet.
fn shortened(issuer: &str) -> String {
    issuer.chars().filter(|c| !c.is_control()).take(LONGEST_SUBJECT).collect()
}

const LONGEST_SUBJECT: usize = 255;

const NOT_A_JWT: &str =
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference \
                      AssumeRoleWithWebIdentity documentation for requirements";
const NOT_YET: &str = "The web identity token is not valid yet";
const UNREACHABLE: &str = "The identity provider that was asked to verify the web identity token could not be reached. \
                           You can retry the request.";
