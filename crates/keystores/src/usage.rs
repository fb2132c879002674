//! A use of a key in a custom key store: which key, bound to what, and for whom.

use aws_lc_rs::digest::{SHA256, digest};
use keys::KeyPlace;
use module_api::CanonicalContext;
use module_api::blob::Header;

/// A use of a key in a custom key store.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    /// The key and its native backing key, as the ciphertext will say or says.
    pub header: Header,
    /// Where the key is.
    pub place: &'a KeyPlace,
    /// The encryption context.
    pub context: CanonicalContext<'a>,
    /// For whom.
    pub request: RequestMetadata<'a>,
}

/// What an XKS proxy is told of the request: `requestMetadata`.
#[derive(Clone, Copy, Debug)]
pub struct RequestMetadata<'a> {
    /// The KMS API, such as `Encrypt`, or `KmsHealthCheck`.
    pub operation: &'a str,
    /// The id of the request that the caller sees.
    pub request_id: &'a str,
    /// The caller's ARN, or `AWS Internal`.
    pub principal: &'a str,
    /// The ARN of the KMS key; empty when there is none yet.
    pub key_arn: &'a str,
    /// The service that calls on behalf of somebody, as `kms:ViaService` has it.
    pub via_service: Option<&'a str>,
    /// The VPC that the request came from.
    pub source_vpc: Option<&'a str>,
    /// The VPC endpoint that it came by.
    pub source_vpce: Option<&'a str>,
}

impl Usage<'_> {
    /// What the store's ciphertext is bound to: the key, its material, and a digest of the context.
    ///
    /// The digest, so that the longest context fits into what every store takes. The context itself is bound inside.
    #[must_use]
    pub fn additional_data(&self) -> Vec<u8> {
        let digest = digest(&SHA256, self.context.as_bytes());
        [self.header.encode().as_slice(), digest.as_ref()].concat()
    }
}
