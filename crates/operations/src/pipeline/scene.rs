//! What an operation sees while it runs: who calls, when, and what can be reached with which right.

use super::recipient::Recipient;
use super::{Authorized, WebIdentity};
use crate::identity::{Directory, Identity, Session};
use crate::operation::Failure;
use crate::{AccessKeyUses, Call, Fact, KeyUses, Service};
use catalog::{Author, Changes, Reader, World};
use keys::{Moment, Region, via_service};
use keystores::KeyStores;
use module_client::ModuleClient;
use std::sync::Arc;
use wire::arn::AliasArn;
use wire::member::GrantTokens;

/// An authenticated caller.
#[derive(Debug)]
pub struct Caller {
    /// Who it is, and what its side allows.
    pub identity: Identity,
    /// The access key that signed; empty if the caller came with a web identity.
    pub access_key_id: String,
    /// The region that the signature names: the one the request is for.
    pub region: Region,
    /// The session, if the access key is a temporary one.
    pub session: Option<Arc<Session>>,
    /// What a provider vouches for, if the caller came with a web identity.
    pub web_identity: Option<WebIdentity>,
    /// The integrated service that calls on behalf of the caller.
    pub on_behalf: Option<OnBehalf>,
    /// The resource for which a service calls.
    pub source_arn: Option<String>,
    /// The account of that resource.
    pub source_account: Option<String>,
}

impl Caller {
    /// Somebody who does not call, but of whom it is asked what would be if.
    #[must_use]
    pub const fn supposed(identity: Identity, region: Region) -> Self {
        Self::of(identity, String::new(), region)
    }

    /// Whoever signed with that access key, for that region.
    #[must_use]
    pub const fn of(identity: Identity, access_key_id: String, region: Region) -> Self {
        Self {
            identity,
            access_key_id,
            region,
            session: None,
            web_identity: None,
            on_behalf: None,
            source_arn: None,
            source_account: None,
        }
    }

    /// The ARN of the OIDC provider by which the caller came, now or when its session was made.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        let of_session = self.session.as_ref().and_then(|session| session.federated.as_ref());
        let now = self.web_identity.as_ref().map(|identity| identity.provider.as_str());
        now.or_else(|| of_session.map(|federated| federated.provider.as_str()))
    }

    /// What that provider says of the caller, by the name of a condition key in lower case.
    #[must_use]
    pub fn claim(&self, key: &str) -> &[String] {
        let of_session = self.session.as_ref().and_then(|session| session.federated.as_ref());
        match &self.web_identity {
            Some(identity) => identity.claim(key),
            None => of_session.map_or(&[], |federated| federated.claim(key)),
        }
    }
}

/// The integrated service that calls on behalf of somebody.
#[derive(Clone, Debug)]
pub struct OnBehalf {
    /// Its name, such as `s3.amazonaws.com`.
    pub service: String,
}

impl OnBehalf {
    /// What `kms:ViaService` says of it, such as `s3.eu-central-1.amazonaws.com`.
    #[must_use]
    pub fn endpoint(&self, region: Region) -> String {
        via_service(&self.service, &region)
    }
}

/// The surroundings of one call.
pub struct Scene<'a> {
    service: &'a Service,
    pub(in crate::pipeline) call: &'a Call,
    /// Who calls.
    pub caller: &'a Caller,
    /// When, by the service's clock.
    pub now: Moment,
    /// For whom the plaintext in the answer is, if not for the caller.
    pub(in crate::pipeline) recipient: Option<&'a Recipient>,
    asked: Option<Asked<'a>>,
}

/// What of the request is weighed with every permission.
#[derive(Clone, Copy)]
struct Asked<'a> {
    facts: &'a dyn Fn(&str) -> Vec<Fact<'a>>,
    grant_tokens: Option<&'a GrantTokens>,
}

impl<'a> Scene<'a> {
    pub(in crate::pipeline) fn new(service: &'a Service, call: &'a Call, caller: &'a Caller) -> Self {
        Self { service, call, caller, now: service.clock.now(), recipient: None, asked: None }
    }

    /// The same for a request that says so much to conditions, brings along these grant tokens and wants its answer to be for that
    /// recipient.
    pub(in crate::pipeline) fn asking<'b>(
        &self,
        facts: &'b dyn Fn(&str) -> Vec<Fact<'b>>,
        grant_tokens: Option<&'b GrantTokens>,
        recipient: Option<&'b Recipient>,
    ) -> Scene<'b>
    where
        'a: 'b,
    {
        let asked = Some(Asked { facts, grant_tokens });
        Scene { service: self.service, call: self.call, caller: self.caller, now: self.now, recipient, asked }
    }

    /// The same as if that caller said so much to conditions, at that time.
    pub(in crate::pipeline) fn supposing<'b>(
        &self,
        caller: &'b Caller,
        facts: &'b dyn Fn(&str) -> Vec<Fact<'b>>,
        time: Option<Moment>,
    ) -> Scene<'b>
    where
        'a: 'b,
    {
        let asked = Some(Asked { facts, grant_tokens: None });
        let now = time.unwrap_or(self.now);
        Scene { service: self.service, call: self.call, caller, now, recipient: None, asked }
    }

    /// What conditions on that action may look at in the request.
    pub(in crate::pipeline) fn facts(&self, action: &str) -> Vec<Fact<'a>> {
        self.asked.map(|asked| (asked.facts)(action)).unwrap_or_default()
    }

    /// The grant tokens that the request brings along.
    pub fn grant_tokens(&self) -> Option<&'a GrantTokens> {
        self.asked.and_then(|asked| asked.grant_tokens)
    }

    /// The records.
    pub fn reader(&self) -> &'a Reader {
        self.service.catalog.reader()
    }

    /// Users, roles and what their side allows.
    pub fn directory(&self) -> Directory<'a> {
        Directory { reader: self.reader(), partition: &self.service.settings.partition }
    }

    /// What the configuration says.
    pub fn settings(&self) -> &'a crate::Settings {
        &self.service.settings
    }

    /// The security module, for whoever may use what the subject is.
    pub const fn module<S>(&self, _: &Authorized<S>) -> &'a ModuleClient {
        &self.service.module
    }

    /// The custom key stores, for whoever may use what the subject is.
    pub const fn key_stores<S>(&self, _: &Authorized<S>) -> &'a KeyStores {
        &self.service.key_stores
    }

    /// Has this node forget what was derived from an access key, for whoever may change it.
    pub fn forget_signing_keys<S>(&self, _: &Authorized<S>, access_key_id: &str) {
        self.service.signing_keys.forget(access_key_id);
    }

    /// When access keys were last used, as far as it is not on record yet.
    pub fn access_key_uses(&self) -> &'a AccessKeyUses {
        &self.service.access_key_uses
    }

    /// When keys were last used, as far as it is not on record yet.
    pub fn key_uses(&self) -> &'a KeyUses {
        &self.service.key_uses
    }

    /// The id of the request that the caller sees.
    pub const fn request_id(&self) -> uuid::Uuid {
        self.call.ids.request
    }

    /// No change yet, on behalf of the caller.
    pub fn changes(&self) -> Changes {
        Changes::by(Author {
            principal: self.caller.identity.principal.to_string(),
            request_id: self.request_id().to_string(),
            at: self.now,
        })
    }

    /// Makes the changes, for whoever may change what the subject is.
    pub async fn commit<S>(&self, _: &Authorized<S>, changes: Changes) -> Result<(), Failure> {
        Ok(self.service.catalog.commit(changes).await?)
    }

    /// All that the service works with, for whoever may do to the subject what is also done to keys by the service itself.
    pub const fn service_for<S>(&self, _: &Authorized<S>) -> &'a Service {
        self.service
    }

    /// Has the jobs look at once for what is to be done next to the subject.
    pub fn ring<S>(&self, _: &Authorized<S>) {
        self.service.bell.ring();
    }

    /// Has somebody see at once to the connections of the custom key stores.
    pub fn ring_for_connections<S>(&self, _: &Authorized<S>) {
        self.service.connections_bell.ring();
    }

    /// The caller's account in the region of the request.
    pub fn world(&self) -> World {
        World { account: *self.caller.identity.principal.account(), region: self.caller.region }
    }

    /// The ARN of an alias of the caller's account in the region of the request.
    pub fn alias_arn(&self, name: &str) -> AliasArn {
        let World { account, region } = self.world();
        AliasArn { partition: self.partition(), region, account, name: name.into() }
    }

    pub(in crate::pipeline) const fn service(&self) -> &'a Service {
        self.service
    }

    /// The partition in ARNs.
    pub fn partition(&self) -> Arc<str> {
        Arc::clone(&self.service.settings.partition)
    }
}

impl std::fmt::Debug for Scene<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scene({:?})", self.caller)
    }
}
