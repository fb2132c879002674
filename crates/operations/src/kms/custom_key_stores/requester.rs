//! Who asks a custom key store for something, as an XKS proxy is told.

use crate::pipeline::Scene;
use keystores::RequestMetadata;
use wire::arn::KeyArn;

/// Who asks, and for which key.
#[derive(Debug)]
pub struct Requester {
    request_id: String,
    principal: String,
    key_arn: String,
    via_service: Option<String>,
}

impl Requester {
    /// Whoever calls. There is no key yet if one is to be made.
    pub fn of(scene: &Scene<'_>, key: Option<&KeyArn>) -> Self {
        let caller = scene.caller;
        let via = caller.on_behalf.as_ref();
        Self {
            request_id: scene.request_id().to_string(),
            principal: caller.identity.principal.to_string(),
            key_arn: key.map(KeyArn::to_string).unwrap_or_default(),
            via_service: via.map(|via| via.endpoint(caller.region)),
        }
    }

    /// What an XKS proxy is told of that operation of theirs. Calls come by no VPC endpoint here.
    pub fn metadata<'a>(&'a self, operation: &'a str) -> RequestMetadata<'a> {
        RequestMetadata {
            operation,
            request_id: &self.request_id,
            principal: &self.principal,
            key_arn: &self.key_arn,
            via_service: self.via_service.as_deref(),
            source_vpc: None,
            source_vpce: None,
        }
    }
}
