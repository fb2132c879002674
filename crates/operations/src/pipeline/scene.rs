//! What an operation sees while it runs: who calls, when, and what can be reached with which right.

use super::Authorized;
use crate::operation::Failure;
use crate::{Call, Service};
use access::Principal;
use catalog::{Author, Changes, Reader, World};
use keys::{Moment, Region};
use module_client::ModuleClient;
use std::sync::Arc;
use wire::arn::AliasArn;

/// An authenticated caller.
#[derive(Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// The access key that signed.
    pub access_key_id: String,
    /// The region that the signature names: the one the request is for.
    pub region: Region,
}

/// The surroundings of one call.
#[derive(Debug)]
pub struct Scene<'a> {
    service: &'a Service,
    pub(in crate::pipeline) call: &'a Call,
    /// Who calls.
    pub caller: Caller,
    /// When, by the service's clock.
    pub now: Moment,
}

impl<'a> Scene<'a> {
    pub(in crate::pipeline) fn new(service: &'a Service, call: &'a Call, caller: Caller) -> Self {
        Self { service, call, caller, now: service.clock.now() }
    }

    /// The records.
    pub fn reader(&self) -> &'a Reader {
        self.service.catalog.reader()
    }

    /// What the configuration says.
    pub fn settings(&self) -> &'a crate::Settings {
        &self.service.settings
    }

    /// The security module, for whoever may use what the subject is.
    pub const fn module<S>(&self, _: &Authorized<S>) -> &'a ModuleClient {
        &self.service.module
    }

    /// No change yet, on behalf of the caller.
    pub fn changes(&self) -> Changes {
        Changes::by(Author {
            principal: self.caller.principal.to_string(),
            request_id: self.call.ids.request.to_string(),
            at: self.now,
        })
    }

    /// Makes the changes, for whoever may change what the subject is.
    pub async fn commit<S>(&self, _: &Authorized<S>, changes: Changes) -> Result<(), Failure> {
        Ok(self.service.catalog.commit(changes).await?)
    }

    /// The caller's account in the region of the request.
    pub fn world(&self) -> World {
        World { account: *self.caller.principal.account(), region: self.caller.region }
    }

    /// The ARN of an alias of the caller's account in the region of the request.
    pub fn alias_arn(&self, name: &str) -> AliasArn {
        let World { account, region } = self.world();
        AliasArn { partition: self.partition(), region, account, name: name.into() }
    }

    pub(in crate::pipeline) const fn service(&self) -> &'a Service {
        self.service
    }

    fn partition(&self) -> Arc<str> {
        Arc::clone(&self.service.settings.partition)
    }
}
