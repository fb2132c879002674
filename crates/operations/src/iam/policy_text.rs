//! Texts of policies that IAM keeps: whether they are policies at all, and how long they count as.

use access::{Policy, PolicyKind};
use std::collections::BTreeMap;
use wire::{Fault, FaultKind};

/// Refuses what is no policy of a user, group or role.
pub fn check_identity_policy(text: &str) -> Result<(), Fault> {
    let compiled = Policy::compile(PolicyKind::Identity, text, &BTreeMap::new());
    compiled.map(|_| ()).map_err(|malformed| malformed_policy(malformed.to_string()))
}

/// What a caller is told of a text that is no policy.
pub fn malformed_policy(message: String) -> Fault {
    Fault::new(FaultKind::MalformedPolicyDocument, message)
}

//= iam quotas: white space is not counted against the size of a policy
/// How many characters of a text count against the size that policies may have.
pub fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(size("{ \"a\":\r\n\t1 }"), 7);
    }

    #[test]
    fn a_text_that_is_no_policy_is_refused() {
        let fault = check_identity_policy("{}").unwrap_err();
        assert_eq!(fault.kind(), FaultKind::MalformedPolicyDocument);
        let text =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
        check_identity_policy(text).unwrap();
    }
}
