//! What conditions may ask about a request to the proxy. Nothing but what the KMS told, the connection and the time: a condition key that
//! has no arm here is refused in a policy.

use super::Asked;
use access::{ConditionKey, Facts, Values};

/// A request as the policy language sees it.
#[derive(Debug)]
pub(super) struct Known<'a>(pub(super) &'a Asked<'a>);

impl Facts for Known<'_> {
    fn find(&self, key: ConditionKey, _suffix: &str) -> Values<'_> {
        let Asked { metadata, peer, at, .. } = self.0;
        let (arn, service) = self.principal();
        match key {
            ConditionKey::CurrentTime => at.to_string().into(),
            ConditionKey::EpochTime => at.as_second().to_string().into(),
            ConditionKey::KmsViaService => metadata.kms_via_service.as_deref().into(),
            ConditionKey::PrincipalAccount => arn.and_then(account).into(),
            ConditionKey::PrincipalArn => arn.into(),
            ConditionKey::PrincipalIsAwsService => {
                metadata.aws_principal_arn.as_ref().map(|_| service.is_some()).into()
            }
            ConditionKey::PrincipalServiceName => service.into(),
            // The proxy speaks nothing but TLS.
            ConditionKey::SecureTransport => true.into(),
            ConditionKey::SourceIp => peer.map(|peer| peer.to_canonical().to_string()).into(),
            ConditionKey::SourceVpc => metadata.aws_source_vpc.as_deref().into(),
            ConditionKey::SourceVpce => metadata.aws_source_vpce.as_deref().into(),
            _ => Values::Absent,
        }
    }

    fn other(&self, name: &str) -> Values<'_> {
        match name {
            "xks:externalkeyid" => self.0.external_key.into(),
            "xks:operation" => self.0.operation.as_str().into(),
            _ => Values::Absent,
        }
    }
}

impl Known<'_> {
    /// The ARN of whoever asked, or what a service calls itself, `AWS Internal` too.
    fn principal(&self) -> (Option<&str>, Option<&str>) {
        match self.0.metadata.aws_principal_arn.as_deref() {
            Some(arn) if arn.starts_with("arn:") => (Some(arn), None),
            service => (None, service),
        }
    }
}

/// The account of an ARN.
fn account(arn: &str) -> Option<&str> {
    let account = arn.split(':').nth(4)?;
    let is_one = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then_some(account)
}
