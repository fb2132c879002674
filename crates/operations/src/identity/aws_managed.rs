//! The managed policies that are there from the start, as AWS has them: `arn:aws:iam::aws:policy/…`.

use access::{Attached, Policy, PolicyKind};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A policy that nobody made and nobody can change.
#[derive(Clone, Copy, Debug)]
pub struct AwsManagedPolicy {
    /// The last part of its ARN.
    pub name: &'static str,
    /// Its unique id.
    pub id: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them.
#[must_use]
pub const fn aws_managed() -> &'static [AwsManagedPolicy] {
    POLICIES
}

/// The policy of that ARN, if it is one of these.
#[must_use]
pub fn aws_managed_policy(arn: &str) -> Option<&'static AwsManagedPolicy> {
    let (partition, name) = arn.strip_prefix("arn:")?.split_once(":iam::aws:policy/")?;
    // One policy has one ARN: a condition on it must not be passed by under another.
    if partition.contains(':') {
        return None;
    }
    POLICIES.iter().find(|policy| policy.name == name)
}

/// The same, compiled.
pub(super) fn attached(arn: &str) -> Option<Attached> {
    let name = aws_managed_policy(arn)?.name;
    let compiled = COMPILED.iter().find(|(of, _)| *of == name)?;
    Some(Attached { name: arn.into(), policy: Arc::clone(&compiled.1) })
}

static COMPILED: LazyLock<Vec<(&str, Arc<Policy>)>> = LazyLock::new(|| {
    let compile = |policy: &AwsManagedPolicy| {
        let compiled = Policy::compile(PolicyKind::Identity, policy.text, &BTreeMap::new()).ok()?;
        Some((policy.name, Arc::new(compiled)))
    };
    POLICIES.iter().filter_map(compile).collect()
});

const POLICIES: &[AwsManagedPolicy] = &[
    AwsManagedPolicy {
        name: "AdministratorAccess",
        id: "ANPAIWMBCKSKIEE64ZLYK",
        description: "Provides full access to AWS services and resources.",
        text: r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*"
        }
    ]
}"#,
    },
    AwsManagedPolicy {
        name: "AWSKeyManagementServicePowerUser",
        id: "ANPAJNPP7PPPPMJRV2SA4",
        description: "Provides access to AWS Key Management Service (KMS).",
        text: r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "kms:CreateAlias",
                "kms:CreateKey",
                "kms:DeleteAlias",
                "kms:Describe*",
                "kms:GenerateRandom",
                "kms:Get*",
                "kms:List*",
                "kms:TagResource",
                "kms:UntagResource",
                "iam:ListGroups",
                "iam:ListRoles",
                "iam:ListUsers"
            ],
            "Resource": "*"
        }
    ]
}"#,
    },
    AwsManagedPolicy {
        name: "IAMFullAccess",
        id: "ANPAI7XKCFMBPM3QQRRVQ",
        description: "Provides full access to IAM.",
        text: r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "iam:*",
            "Resource": "*"
        }
    ]
}"#,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_arn_and_compiles() {
        for policy in aws_managed() {
            assert!(
                attached(&format!("arn:aws:iam::aws:policy/{}", policy.name)).is_some(),
                "{}",
                policy.name
            );
        }
        for other in [
            "arn:aws:iam::111122223333:policy/AdministratorAccess",
            "arn:aws:iam:x:iam::aws:policy/AdministratorAccess",
            "aws:iam::aws:policy/AdministratorAccess",
        ] {
            assert!(attached(other).is_none(), "{other}");
        }
    }
}
