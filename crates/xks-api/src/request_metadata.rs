//! `requestMetadata`: what the caller tells of the request that it serves.

use serde::Deserialize;
use std::borrow::Cow;

/// Who asked KMS for what. Fields that nobody has heard of are passed over, and no field's shape is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestMetadata<'a> {
    /// The caller's ARN, a service principal, or `AWS Internal`. Required but for GetHealthStatus.
    #[serde(borrow)]
    pub aws_principal_arn: Option<Cow<'a, str>>,
    /// The VPC that the request came from.
    #[serde(borrow)]
    pub aws_source_vpc: Option<Cow<'a, str>>,
    /// The VPC endpoint that it came by.
    #[serde(borrow)]
    pub aws_source_vpce: Option<Cow<'a, str>>,
    /// The ARN of the KMS key. Required for Encrypt and Decrypt.
    #[serde(borrow)]
    pub kms_key_arn: Option<Cow<'a, str>>,
    /// The KMS API, such as `GenerateDataKey`. Required. May be one that nobody has heard of.
    #[serde(borrow)]
    pub kms_operation: Option<Cow<'a, str>>,
    /// The id of the request to KMS, opaque. Required.
    #[serde(borrow)]
    pub kms_request_id: Option<Cow<'a, str>>,
    /// The service that asked KMS on behalf of somebody.
    #[serde(borrow)]
    pub kms_via_service: Option<Cow<'a, str>>,
}
