//! AWS managed keys: what such a key is called, says of itself and permits. All of it follows from the service it is for.
//!
//! The owner of the account cannot change any of it. Whether a call comes through the service is decided elsewhere.

use crate::{AccountId, RESERVED_ALIAS_PREFIX, Region};

/// The alias of the AWS managed key of a service, such as `alias/aws/s3` for `s3.amazonaws.com`.
#[must_use]
pub fn aws_managed_alias(service: &str) -> String {
    format!("{RESERVED_ALIAS_PREFIX}{}", ManagedService::of(service).label)
}

/// The description of the AWS managed key of a service.
#[must_use]
pub fn aws_managed_description(service: &str) -> String {
    let ManagedService { data, .. } = ManagedService::of(service);
    format!("Default key that protects my {data} when no other key is defined")
}

/// The key policy of the AWS managed key of a service, in the white space in which AWS returns it: every principal of the
/// account may use the key through the service, and the account may allow its principals to look at it.
//= Secrets Manager, S3, EBS guides: "key policy of the AWS managed key"
#[must_use]
pub fn aws_managed_policy(partition: &str, account: &AccountId, region: &Region, service: &str) -> String {
    let via = via_service(service, region);
    let ManagedService { label, name, has_grants, .. } = ManagedService::of(service);
    let (create, revoke) =
        if has_grants { (r#""kms:CreateGrant", "#, r#", "kms:RevokeGrant""#) } else { ("", "") };
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-{label}-2",
  "Statement" : [ {{
    "Sid" : "Allow access through {name} for all principals in the account that are authorized to use {name}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", {create}"kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{via}"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*"{revoke} ],
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// What `kms:ViaService` is when a service calls in a region: `s3.eu-central-1.amazonaws.com` for `s3.amazonaws.com`.
#[must_use]
pub fn via_service(service: &str, region: &Region) -> String {
    match service.split_once('.') {
        Some((label, domain)) => format!("{label}.{region}.{domain}"),
        None => format!("{service}.{region}"),
    }
}

/// The words in which a service's key speaks of the service.
struct ManagedService {
    label: String,
    name: String,
    data: String,
    has_grants: bool,
}

impl ManagedService {
    fn of(service: &str) -> Self {
        let label = service.split('.').next().unwrap_or(service);
        let row = KNOWN.iter().find(|(known, ..)| *known == label);
        match row.copied() {
            Some((_, label, name, data, has_grants)) => {
                Self { label: label.into(), name: name.into(), data: data.into(), has_grants }
            }
            None => Self {
                label: label.into(),
                name: label.into(),
                data: format!("{label} data"),
                has_grants: true,
            },
        }
    }
}

/// First label of the service's name; its label in alias and policy; its name; what it protects; whether it uses grants.
const KNOWN: [(&str, &str, &str, &str, bool); 9] = [
    ("backup", "backup", "Backup", "Backup data", true),
    ("dynamodb", "dynamodb", "Amazon DynamoDB", "DynamoDB data", true),
    ("ec2", "ebs", "EBS", "EBS volumes", true),
    ("elasticfilesystem", "elasticfilesystem", "EFS", "EFS filesystems", true),
    ("lambda", "lambda", "Lambda", "Lambda functions", true),
    ("rds", "rds", "RDS", "RDS database volumes", true),
    ("s3", "s3", "S3", "S3 objects", false),
    ("secretsmanager", "secretsmanager", "AWS Secrets Manager", "Secrets Manager data", true),
    ("ssm", "ssm", "SSM", "SSM parameters", true),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(service: &str) -> String {
        let (account, region) = ("111122223333".parse().unwrap(), "eu-central-1".parse().unwrap());
        aws_managed_policy("aws", &account, &region, service)
    }

    #[test]
    fn the_key_of_s3_has_the_policy_that_s3_has_at_aws() {
        assert_eq!(
            policy("s3.amazonaws.com"),
            r#"{
  "Version" : "2012-10-17",
  "Id" : "auto-s3-2",
  "Statement" : [ {
    "Sid" : "Allow access through S3 for all principals in the account that are authorized to use S3",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "111122223333",
        "kms:ViaService" : "s3.eu-central-1.amazonaws.com"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::111122223333:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*" ],
    "Resource" : "*"
  } ]
}"#
        );
    }

    #[test]
    fn a_service_that_uses_grants_may_make_them_and_the_account_may_revoke_them() {
        let policy = policy("ec2.amazonaws.com");
        let use_of_key = r#""kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ]"#;
        assert!(policy.contains(use_of_key), "{policy}");
        assert!(policy.contains(r#""kms:List*", "kms:RevokeGrant" ]"#), "{policy}");
        assert!(
            policy.contains(r#""Id" : "auto-ebs-2""#) && policy.contains("ec2.eu-central-1.amazonaws.com")
        );
    }

    #[test]
    fn the_words_of_a_known_service_are_those_of_aws_and_of_another_its_own() {
        assert_eq!(aws_managed_alias("ec2.amazonaws.com"), "alias/aws/ebs");
        assert_eq!(aws_managed_alias("vault.example.org"), "alias/aws/vault");
        assert_eq!(
            aws_managed_description("s3.amazonaws.com"),
            "Default key that protects my S3 objects when no other key is defined"
        );
        assert_eq!(
            aws_managed_description("vault.example.org"),
            "Default key that protects my vault data when no other key is defined"
        );
        assert!(policy("vault.example.org").contains("vault.eu-central-1.example.org"));
    }
}
