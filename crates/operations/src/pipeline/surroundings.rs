//! What is known of a call when its permission is weighed: the values of the condition keys that policies can ask for.

use super::recipient::Recipient;
use super::scene::Caller;
use super::{Scene, WebIdentity};
use crate::fact::value_named;
use crate::key_uses::last_use;
use crate::kms::grants::Constraints;
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Permission};
use crate::{Call, Fact};
use access::{ConditionKey, Facts, PrincipalKind, Values};
use keys::{Key, Moment, MultiRegionKeyType, Region, Tags};
use std::borrow::Cow;
use std::cell::Cell;
use wire::arn::KeyArn;

/// A call's facts.
#[derive(Debug)]
pub struct Surroundings<'a> {
    caller: &'a Caller,
    call: &'a Call,
    now: Moment,
    /// Where it is to happen.
    region: Region,
    request: Vec<Fact<'a>>,
    key: Option<&'a NamedKey>,
    /// Whether a key is what it is about, be it one that is still to be made.
    is_on_key: bool,
    identity: Option<&'a NamedIdentity>,
    tags: Option<&'a Tags>,
    /// The aliases of the key, if a policy asks for them.
    aliases: Vec<String>,
    /// For how many whole days the key was not used, if the action is one that asks for it.
    unused_days: Option<String>,
    /// How many bytes of values policies were told so far.
    told: Cell<usize>,
}

impl<'a> Surroundings<'a> {
    /// Gathers them. Reads nothing but what a policy asks for.
    pub(in crate::pipeline) async fn of<'s: 'a>(
        scene: &'a Scene<'s>,
        permission: &Permission<'a>,
    ) -> Result<Self, Failure> {
        let (key, tags) = match permission.on {
            On::Key(named) => (Some(named), Some(&named.key.tags)),
            On::Grant(named) => (Some(&named.key), Some(&named.key.key.tags)),
            On::Role(named) => (None, Some(&named.role.tags)),
            On::Identity(named) => (None, Some(&named.tags)),
            // What a replica shares with its primary is known of it; tags are not among that.
            On::Replica(named, _) => (Some(named), None),
            On::Account | On::Alias(_) => (None, None),
        };
        let identity = match permission.on {
            On::Identity(named) => Some(named),
            _ => None,
        };
        let is_on_key = matches!(permission.on, On::Key(_) | On::Grant(_));
        Ok(Self {
            caller: scene.caller,
            call: scene.call,
            now: scene.now,
            region: region_of(&permission.on, scene.caller),
            request: request_of(scene, permission),
            key,
            is_on_key,
            identity,
            tags,
            aliases: aliases_of(scene, key.filter(|_| is_on_key)).await?,
            unused_days: unused_days(scene, key, permission.action).await?,
            told: Cell::default(),
        })
    }

    /// Those of a key that this request is about to make: there is nothing of it but what the request says, and its tags.
    pub(in crate::pipeline) fn of_new_key<'s: 'a>(
        scene: &'a Scene<'s>,
        action: &str,
        (arn, tags): (&'a KeyArn, &'a Tags),
    ) -> Self {
        let mut request = scene.facts(action);
        request.push(Fact::text(ConditionKey::ResourceAccount, arn.account.as_str()));
        Self {
            caller: scene.caller,
            call: scene.call,
            now: scene.now,
            region: arn.region,
            request,
            key: None,
            is_on_key: true,
            identity: None,
            tags: Some(tags),
            aliases: Vec::new(),
            unused_days: None,
            told: Cell::default(),
        }
    }

    /// Whether policies have asked for so much that nothing they say counts any more. They can repeat long values of a request
    /// thousands of times, and the service must not be kept busy so.
    pub(in crate::pipeline) fn are_exhausted(&self) -> bool {
        self.told.get() > MOST_TOLD
    }

    fn of_principal(&self, key: ConditionKey, suffix: &str) -> Option<Values<'_>> {
        let identity = &self.caller.identity;
        let principal = &identity.principal;
        Some(match key {
            ConditionKey::PrincipalArn => principal.principal_arn().into(),
            ConditionKey::KmsCallerAccount if !self.is_on_key => Values::Absent,
            ConditionKey::PrincipalAccount | ConditionKey::KmsCallerAccount => {
                principal.account().as_str().into()
            }
            ConditionKey::PrincipalType => principal_type(principal.kind()).into(),
            ConditionKey::PrincipalIsAwsService => {
                matches!(principal.kind(), PrincipalKind::Service { .. }).into()
            }
            ConditionKey::PrincipalServiceName => service_name(principal.kind()).into(),
            ConditionKey::PrincipalServiceNamesList => {
                let names = service_name(principal.kind()).map(|name| vec![Cow::Borrowed(name)]);
                names.map_or(Values::Absent, Values::Many)
            }
            ConditionKey::PrincipalTag => {
                let tag = identity.tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(suffix));
                tag.map(|(_, value)| value.as_str()).into()
            }
            ConditionKey::UserId => principal.user_id().into(),
            ConditionKey::UserName => match principal.kind() {
                PrincipalKind::User { name, .. } => name.as_ref().into(),
                _ => Values::Absent,
            },
            _ => return None,
        })
    }

    fn of_session(&self, key: ConditionKey) -> Option<Values<'_>> {
        let session = self.caller.session.as_deref();
        Some(match key {
            ConditionKey::TokenIssueTime => session.map(|session| iso(session.issued)).into(),
            // Nobody has a second factor here; long-term credentials say nothing of it, as in AWS.
            ConditionKey::MultiFactorAuthPresent => session.map(|_| "false").into(),
            ConditionKey::SourceIdentity => {
                session.and_then(|session| session.source_identity.as_deref()).into()
            }
            ConditionKey::FederatedProvider => self.caller.provider().into(),
            _ => return None,
        })
    }

    fn of_call(&self, key: ConditionKey) -> Option<Values<'_>> {
        let via = self.caller.on_behalf.as_ref();
        Some(match key {
            ConditionKey::CurrentTime => iso(self.now).into(),
            ConditionKey::EpochTime => self.now.as_seconds().to_string().into(),
            ConditionKey::RequestedRegion => self.region.as_str().into(),
            ConditionKey::SecureTransport => self.call.tls.is_some().into(),
            ConditionKey::UserAgent => self.call.header("user-agent").into(),
            ConditionKey::Referer => self.call.header("referer").into(),
            // Of a service's call the address is the service's and says nothing of whom it calls for.
            ConditionKey::SourceIp if via.is_some() => Values::Absent,
            ConditionKey::SourceIp => self.call.source.to_canonical().to_string().into(),
            ConditionKey::ViaAwsService => via.is_some().into(),
            ConditionKey::CalledVia => {
                via.map_or(Values::Absent, |via| Values::Many(vec![Cow::Borrowed(via.service.as_str())]))
            }
            ConditionKey::CalledViaFirst | ConditionKey::CalledViaLast => {
                via.map(|via| via.service.as_str()).into()
            }
            ConditionKey::KmsViaService if !self.is_on_key => Values::Absent,
            ConditionKey::KmsViaService => via.map(|via| via.endpoint(self.region)).into(),
            ConditionKey::SourceArn => self.caller.source_arn.as_deref().into(),
            ConditionKey::SourceAccount => self.caller.source_account.as_deref().into(),
            _ => return None,
        })
    }

    fn of_resource(&self, key: ConditionKey, suffix: &str) -> Option<Values<'_>> {
        if let (Some(identity), ConditionKey::IamPermissionsBoundary) = (self.identity, key) {
            return Some(identity.boundary.as_deref().into());
        }
        if matches!(key, ConditionKey::ResourceTag | ConditionKey::IamResourceTag) {
            let tags = self.tags.into_iter().flat_map(Tags::iter);
            let pairs = tags.map(|tag| (tag.key.as_str(), tag.value.as_str()));
            return Some(value_named(pairs, suffix).into());
        }
        let named = self.key?;
        let record: &Key = &named.key;
        Some(match key {
            ConditionKey::ResourceAccount => record.account.as_str().into(),
            ConditionKey::KmsKeySpec | ConditionKey::KmsCustomerMasterKeySpec => record.spec.name().into(),
            ConditionKey::KmsKeyUsage | ConditionKey::KmsCustomerMasterKeyUsage => record.usage.name().into(),
            ConditionKey::KmsKeyOrigin => record.origin.name().into(),
            ConditionKey::KmsMultiRegion => record.id.is_multi_region().into(),
            ConditionKey::KmsMultiRegionKeyType => {
                record.multi_region_key_type().map(MultiRegionKeyType::name).into()
            }
            ConditionKey::KmsRequestAlias => named.named.alias.as_deref().into(),
            ConditionKey::KmsResourceAliases => {
                Values::Many(self.aliases.iter().map(|alias| Cow::Borrowed(alias.as_str())).collect())
            }
            ConditionKey::KmsTrailingDaysWithoutKeyUsage => self.unused_days.as_deref().into(),
            ConditionKey::KmsReEncryptOnSameKey => named.named.is_both.map_or(Values::Absent, Into::into),
            _ => return None,
        })
    }
}

impl Facts for Surroundings<'_> {
    /// What the request itself says comes first: of a key to be made there is nothing else.
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        if self.are_exhausted() {
            return Values::Absent;
        }
        let of_request = self.request.iter().find_map(|fact| fact.find(key, suffix));
        let found = of_request
            .or_else(|| self.of_call(key))
            .or_else(|| self.of_principal(key, suffix))
            .or_else(|| self.of_session(key))
            .or_else(|| self.of_resource(key, suffix))
            .unwrap_or(Values::Absent);
        let size: usize = found.as_slice().iter().map(|value| value.len()).sum();
        self.told.set(self.told.get().saturating_add(size));
        found
    }

    /// What an OIDC provider said of a caller, such as `accounts.example.com:sub`.
    fn other(&self, name: &str) -> Values<'_> {
        match self.caller.claim(name) {
            [] => Values::Absent,
            [value] => value.as_str().into(),
            values => Values::Many(values.iter().map(|value| Cow::Borrowed(value.as_str())).collect()),
        }
    }
}

/// The region in which it is to happen.
const fn region_of(on: &On<'_>, caller: &Caller) -> Region {
    match on {
        On::Key(named) => named.arn.region,
        On::Replica(_, region) => *region,
        _ => caller.region,
    }
}

/// What the request says, and what comes along with it.
fn request_of<'a, 's: 'a>(scene: &'a Scene<'s>, permission: &Permission<'a>) -> Vec<Fact<'a>> {
    let mut request: Vec<Fact<'a>> = scene.facts(permission.action);
    request.extend(facts_about_grants(scene.caller, permission));
    request.extend(scene.caller.web_identity.iter().flat_map(WebIdentity::facts));
    request.extend(scene.recipient.into_iter().flat_map(Recipient::facts));
    request
}

/// What grants have to do with a call, besides what the request says of them.
fn facts_about_grants<'a>(caller: &Caller, permission: &Permission<'a>) -> Vec<Fact<'a>> {
    let mut facts = match permission.on {
        On::Grant(named) => Constraints::of(&named.grant.constraints).context_facts(),
        _ => Vec::new(),
    };
    if FOR_AWS_RESOURCES.contains(&permission.action) {
        facts.push(Fact::flag(ConditionKey::KmsGrantIsForAwsResource, caller.on_behalf.is_some()));
    }
    facts
}

fn asks_for_aliases(caller: &Caller) -> bool {
    let authority = &caller.identity.authority;
    let session = authority.session.iter().flatten();
    let mut policies = authority.identity.iter().chain(&authority.boundary).chain(session);
    policies.any(|attached| attached.policy.asks_for(ConditionKey::KmsResourceAliases))
}

/// The aliases of a key, if a policy asks for them.
async fn aliases_of(scene: &Scene<'_>, key: Option<&NamedKey>) -> Result<Vec<String>, Failure> {
    let Some(named) = key.filter(|_| asks_for_aliases(scene.caller)) else { return Ok(Vec::new()) };
    let address = named.address();
    let page = Box::pin(scene.reader().aliases_of_key(&address, None, MOST_ALIASES)).await?;
    Ok(page.entries.iter().map(|alias| alias.name.clone()).collect())
}

/// For how many whole days a key was not used, if the action is one that asks for it.
//= kms:TrailingDaysWithoutKeyUsage: since the last successful use, or since the key was made
async fn unused_days(
    scene: &Scene<'_>,
    key: Option<&NamedKey>,
    action: &str,
) -> Result<Option<String>, Failure> {
    let Some(named) = key.filter(|_| AFTER_THE_LAST_USE.contains(&action)) else { return Ok(None) };
    let last = Box::pin(last_use(scene.key_uses(), scene.reader(), named)).await?;
    let since = last.map_or(named.key.created, |last| last.at);
    let seconds = scene.now.as_seconds().saturating_sub(since.as_seconds()).max(0);
    Ok(Some((seconds / SECONDS_A_DAY).to_string()))
}

/// The name of a service that calls for itself.
const fn service_name(kind: &PrincipalKind) -> Option<&str> {
    match kind {
        PrincipalKind::Service { name } => Some(name),
        _ => None,
    }
}

//= iam: aws:PrincipalType
const fn principal_type(kind: &PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Root => "Account",
        PrincipalKind::User { .. } => "User",
        PrincipalKind::AssumedRole { .. } => "AssumedRole",
        PrincipalKind::Federated { .. } => "FederatedUser",
        PrincipalKind::Service { .. } => "Service",
    }
}

fn iso(moment: Moment) -> String {
    let timestamp = jiff::Timestamp::from_second(moment.as_seconds()).unwrap_or_default();
    timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The actions that can be about a grant which an integrated service wants for a resource of its own.
const FOR_AWS_RESOURCES: [&str; 3] = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];

/// The actions for which it counts how long a key was not used.
const AFTER_THE_LAST_USE: [&str; 2] = ["kms:DisableKey", "kms:ScheduleKeyDeletion"];

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// In bytes; thousands of times what policies ask for that mean well.
const MOST_TOLD: usize = 4 << 20;

/// More than a key can have.
const MOST_ALIASES: usize = 1000;
