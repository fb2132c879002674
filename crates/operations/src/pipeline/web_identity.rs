//! Web identities: the token of an OpenID Connect provider is the credential of the one operation that takes it, which nobody signs.
//!
//! No token gets into a record, a log or an error.

use super::Caller;
use super::authenticate::{Claimed, Rejection};
use crate::api::Routed;
use crate::identity::{Identity, claim_name};
use crate::sts::WebIdentityInput;
use crate::{Call, Fact, Service};
use access::{Authority, ConditionKey, Principal, PrincipalKind, PrincipalName};
use catalog::{OidcProvider, Stored};
use jiff::Timestamp;
use keys::{AccountId, Tag, Tags};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wire::{Fault, FaultKind};

/// What a provider vouches for.
#[derive(Debug)]
pub struct WebIdentity {
    /// The ARN of the provider.
    pub provider: String,
    /// What it says of the caller.
    pub claims: oidc::Claims,
    /// What it says of the session that the caller is to get.
    pub asserted: Asserted,
}

/// What a provider says of a session, in claims that are made for it.
#[derive(Clone, Debug, Default)]
pub struct Asserted {
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The keys of those that are transitive.
    pub transitive: BTreeSet<String>,
    /// Its source identity.
    pub source_identity: Option<String>,
}

impl WebIdentity {
    /// The claim that the condition key of that name asks for.
    #[must_use]
    pub fn claim(&self, key: &str) -> &[String] {
        claim_name(&self.provider, key).map_or(&[], |name| self.claims.values(name))
    }

    /// What conditions may look at in what the provider says of the session.
    pub fn facts(&self) -> Vec<Fact<'_>> {
        let Asserted { tags, transitive, source_identity } = &self.asserted;
        let source = source_identity.as_deref();
        let mut facts: Vec<_> =
            source.map(|source| Fact::text(ConditionKey::StsSourceIdentity, source)).into_iter().collect();
        if !tags.is_empty() {
            facts.push(Fact::pairs(ConditionKey::RequestTag, tags));
            facts.push(Fact::texts(ConditionKey::TagKeys, tags.keys().map(|key| key.as_str().into())));
        }
        if !transitive.is_empty() {
            let keys = transitive.iter().map(|key| key.as_str().into());
            facts.push(Fact::texts(ConditionKey::StsTransitiveTagKeys, keys));
        }
        facts
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
    let asserted = asserted(&claims).ok_or_else(|| claimed(refused(NO_SUCH_SESSION)))?;
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
        web_identity: Some(WebIdentity { provider, claims, asserted }),
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

//= iam: `https://aws.amazon.com/tags` holds `principal_tags`, a list of one value each, and `transitive_tag_keys`;
//= `https://aws.amazon.com/source_identity` is a text
/// What the claims say of the session; `None` if no session can be so.
fn asserted(claims: &oidc::Claims) -> Option<Asserted> {
    let mut asserted = Asserted::default();
    if let Some(source) = claims.claim(SOURCE_IDENTITY) {
        asserted.source_identity = Some(source.as_str().filter(|text| is_source_identity(text))?.to_owned());
    }
    let Some(tags) = claims.claim(TAGS) else { return Some(asserted) };
    for (key, value) in tags.get("principal_tags").map_or(Some(&Map::new()), Value::as_object)? {
        let value = value.as_str().or_else(|| one_of(value.as_array()?)?.as_str())?;
        let is_new = !asserted.tags.keys().any(|other| other.to_lowercase() == key.to_lowercase());
        let fits = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
        (is_new && fits).then(|| asserted.tags.insert(key.clone(), value.to_owned()))?;
    }
    for key in tags.get("transitive_tag_keys").map_or(Some(&Vec::new()), Value::as_array)? {
        asserted.transitive.insert(asserted.tags.get_key_value(key.as_str()?)?.0.clone());
    }
    let listed = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
    Tags::default().with(asserted.tags.iter().map(listed).collect()).ok()?;
    Some(asserted)
}

fn one_of(list: &[Value]) -> Option<&Value> {
    match list {
        [one] => Some(one),
        _ => None,
    }
}

//= sts:AssumeRole SourceIdentity: 2 to 64 characters, `[\w+=,.@-]*`
fn is_source_identity(text: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (2..=64).contains(&text.len()) && text.chars().all(is_fit)
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

const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";
const NO_SUCH_SESSION: &str =
    "The session tags or the source identity in the web identity token are not valid";

const LONGEST_SUBJECT: usize = 255;

const NOT_A_JWT: &str =
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference \
                      AssumeRoleWithWebIdentity documentation for requirements";
const NOT_YET: &str = "The web identity token is not valid yet";
const UNREACHABLE: &str = "The identity provider that was asked to verify the web identity token could not be reached. \
                           You can retry the request.";
