//! The key policy that a key has unless its owner gives it another.

use crate::AccountId;

/// The default key policy of an account's keys, in the white space in which AWS returns it.
#[must_use]
pub fn default_policy(partition: &str, account: &AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}
