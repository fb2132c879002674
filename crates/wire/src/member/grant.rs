//! Members of requests about grants.

use super::EncryptionContext;
use super::list::ScalarList;
use super::text::{is_alias_character, is_word_character, texts};
use crate::NO_LIMIT;
use keys::GrantOperation;

crate::input! {
    /// What a request that relies on a grant must keep to.
    pub struct GrantConstraints {
        optional encryption_context_subset: EncryptionContext = "EncryptionContextSubset",
        optional encryption_context_equals: EncryptionContext = "EncryptionContextEquals",
        optional source_arn: GrantConstraintSourceArn = "SourceArn",
    }
}

/// What a grant permits.
pub type GrantOperations = ScalarList<GrantOperation, 0, NO_LIMIT>;

texts! {
    /// The ARN of the resource for which alone a service may use a grant.
    GrantConstraintSourceArn 20..=512, "^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$" whole is_source_arn;
    /// The id of a grant.
    GrantId 1..=128;
    /// What the creator of a grant calls it.
    GrantName 1..=256, "^[a-zA-Z0-9:/_-]+$" each is_alias_character;
    /// A principal of a grant. Whether there is such a one is found when it is resolved.
    PrincipalText 1..=256, r"^[\w+=,.@:/-]+$" each is_principal_character;
    /// A service as a principal of a grant, such as `s3.amazonaws.com`.
    ServicePrincipalText 1..=128, r"^([A-Za-z0-9\-]+)\.([A-Za-z0-9\-]+)(\.[A-Za-z0-9\-]+)+$" whole is_service_principal;
}

const fn is_principal_character(c: char) -> bool {
    is_word_character(c) || matches!(c, '+' | '=' | ',' | '.' | '@' | ':' | '/' | '-')
}

fn is_service_principal(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').count() > 2 && text.split('.').all(label)
}

fn is_source_arn(text: &str) -> bool {
    let small = |part: &str| part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let Some(rest) = text.strip_prefix("arn:aws") else { return false };
    let mut parts = rest.splitn(5, ':');
    let mut part = || parts.next().unwrap_or_default();
    let (partition, service, region, account, resource) = (part(), part(), part(), part(), part());
    small(partition)
        && small(service)
        && !service.is_empty()
        && small(region)
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && !resource.is_empty()
        && !resource.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_name_of_three_parts_or_more() {
        for name in ["s3.amazonaws.com", "a.b.c.d", "-.-.-"] {
            assert!(is_service_principal(name), "{name}");
        }
        for name in
            ["", "s3", "s3.amazonaws", "s3.amazonaws.", ".amazonaws.com", "s3..com", "s3.amazonaws.com_"]
        {
            assert!(!is_service_principal(name), "{name}");
        }
    }

    #[test]
    fn a_source_arn_names_an_account() {
        for arn in ["arn:aws:s3:eu-central-1:111122223333:bucket/x", "arn:aws-cn:s3::111122223333:a:b"] {
            assert!(is_source_arn(arn), "{arn}");
        }
        for arn in [
            "arn:aws:s3:::bucket",
            "arn:aws:s3::11112222333:bucket",
            "arn:aws:s3::111122223333:",
            "arn:aws:s3::111122223333",
            "arn:aws:S3::111122223333:bucket",
            "arn:aws:::111122223333:bucket",
            "arn:azure:s3::111122223333:bucket",
            "arn:aws:s3::111122223333:buc\nket",
        ] {
            assert!(!is_source_arn(arn), "{arn}");
        }
    }
}
