//! Every condition key that the service knows: one row each. What has no row is asked for by its name.

use std::fmt;

/// What a key's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A time.
    Date,
    /// An address of version 4 or 6.
    IpAddress,
    /// A number.
    Numeric,
    /// Text.
    String,
}

/// In which requests a key may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriers {
    /// In requests for any action.
    All,
    /// In those for these actions.
    Actions(&'static [&'static str]),
    /// In those for any action of KMS on one key.
    OnKey,
    /// In those, and in those for these actions.
    OnKeyAnd(&'static [&'static str]),
}

/// A condition key and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub key: ConditionKey,
    /// Its name as AWS spells it. Of a key with a suffix what precedes that, separator included.
    pub name: &'static str,
    /// Whether its name goes on, with a tag's key for instance.
    pub has_suffix: bool,
    /// What its values are.
    pub value_type: ValueType,
    /// Whether it may have several values.
    pub is_multivalued: bool,
    /// Where it is.
    pub carriers: Carriers,
}

/// How many values a key has: the fourth column below.
const ONE: bool = false;
const MANY: bool = true;

macro_rules! condition_keys {
    ($($key:ident $name:literal $value_type:ident $many:ident $carriers:expr;)+) => {
        /// A condition key that the service knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ConditionKey {$(
            #[doc = concat!("`", $name, "`")]
            $key,
        )+}

        impl ConditionKey {
            /// All of them.
            pub const TABLE: &'static [Row] = &[$(
                Row {
                    key: Self::$key,
                    name: $name,
                    has_suffix: ends_open($name),
                    value_type: ValueType::$value_type,
                    is_multivalued: $many,
                    carriers: $carriers,
                },
            )+];

            /// Its name as AWS spells it; of a key with a suffix what precedes that.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$key => $name,)+
                }
            }
        }
    };
}

use Carriers::{Actions, All, OnKey, OnKeyAnd};

condition_keys! {
    CalledVia "aws:CalledVia" String MANY All;
    CalledViaFirst "aws:CalledViaFirst" String ONE All;
    CalledViaLast "aws:CalledViaLast" String ONE All;
    CurrentTime "aws:CurrentTime" Date ONE All;
    EpochTime "aws:EpochTime" Date ONE All;
    FederatedProvider "aws:FederatedProvider" String ONE All;
    MultiFactorAuthAge "aws:MultiFactorAuthAge" Numeric ONE All;
    MultiFactorAuthPresent "aws:MultiFactorAuthPresent" Bool ONE All;
    PrincipalAccount "aws:PrincipalAccount" String ONE All;
    PrincipalArn "aws:PrincipalArn" Arn ONE All;
    PrincipalIsAwsService "aws:PrincipalIsAWSService" Bool ONE All;
    PrincipalOrgId "aws:PrincipalOrgID" String ONE All;
    PrincipalOrgPaths "aws:PrincipalOrgPaths" String MANY All;
    PrincipalServiceName "aws:PrincipalServiceName" String ONE All;
    PrincipalServiceNamesList "aws:PrincipalServiceNamesList" String MANY All;
    PrincipalTag "aws:PrincipalTag/" String ONE All;
    PrincipalType "aws:PrincipalType" String ONE All;
    Referer "aws:Referer" String ONE All;
    RequestTag "aws:RequestTag/" String ONE Actions(TAGGING);
    RequestedRegion "aws:RequestedRegion" String ONE All;
    ResourceAccount "aws:ResourceAccount" String ONE All;
    ResourceOrgId "aws:ResourceOrgID" String ONE All;
    ResourceOrgPaths "aws:ResourceOrgPaths" String MANY All;
    ResourceTag "aws:ResourceTag/" String ONE All;
    SecureTransport "aws:SecureTransport" Bool ONE All;
    SourceAccount "aws:SourceAccount" String ONE All;
    SourceArn "aws:SourceArn" Arn ONE All;
    SourceIdentity "aws:SourceIdentity" String ONE All;
    SourceIp "aws:SourceIp" IpAddress ONE All;
    SourceOrgId "aws:SourceOrgID" String ONE All;
    SourceOrgPaths "aws:SourceOrgPaths" String MANY All;
    SourceVpc "aws:SourceVpc" String ONE All;
    SourceVpce "aws:SourceVpce" String ONE All;
    TagKeys "aws:TagKeys" String MANY Actions(TAGGING_AND_UNTAGGING);
    TokenIssueTime "aws:TokenIssueTime" Date ONE All;
    UserAgent "aws:UserAgent" String ONE All;
    UserId "aws:userid" String ONE All;
    UserName "aws:username" String ONE All;
    ViaAwsService "aws:ViaAWSService" Bool ONE All;
    VpcSourceIp "aws:VpcSourceIp" IpAddress ONE All;

    IamPermissionsBoundary "iam:PermissionsBoundary" Arn ONE Actions(&[
        "iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:CreateRole", "iam:CreateUser", "iam:DeleteRolePermissionsBoundary",
        "iam:DeleteRolePolicy", "iam:DeleteUserPermissionsBoundary", "iam:DeleteUserPolicy", "iam:DetachRolePolicy",
        "iam:DetachUserPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary",
        "iam:PutUserPolicy",
    ]);
    IamPolicyArn "iam:PolicyARN" Arn ONE Actions(&[
        "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:DetachGroupPolicy", "iam:DetachRolePolicy",
        "iam:DetachUserPolicy",
    ]);
    IamResourceTag "iam:ResourceTag/" String ONE All;

    KmsBypassPolicyLockoutSafetyCheck "kms:BypassPolicyLockoutSafetyCheck" Bool ONE
        Actions(&["kms:CreateKey", "kms:PutKeyPolicy"]);
    KmsCallerAccount "kms:CallerAccount" String ONE OnKey;
    KmsCustomerMasterKeySpec "kms:CustomerMasterKeySpec" String ONE OnKeyAnd(&["kms:CreateKey"]);
    KmsCustomerMasterKeyUsage "kms:CustomerMasterKeyUsage" String ONE OnKeyAnd(&["kms:CreateKey"]);
    KmsDataKeyPairSpec "kms:DataKeyPairSpec" String ONE Actions(DATA_KEY_PAIRS);
    KmsEncryptionAlgorithm "kms:EncryptionAlgorithm" String ONE Actions(ENCRYPTION);
    KmsEncryptionContext "kms:EncryptionContext:" String ONE Actions(WITH_CONTEXT);
    KmsEncryptionContextKeys "kms:EncryptionContextKeys" String MANY Actions(WITH_CONTEXT);
    KmsExpirationModel "kms:ExpirationModel" String ONE Actions(&["kms:ImportKeyMaterial"]);
    KmsGrantConstraintSourceArn "kms:GrantConstraintSourceArn" Arn ONE Actions(&["kms:CreateGrant"]);
    KmsGrantConstraintType "kms:GrantConstraintType" String ONE Actions(&["kms:CreateGrant", "kms:RetireGrant"]);
    KmsGrantIsForAwsResource "kms:GrantIsForAWSResource" Bool ONE
        Actions(&["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]);
    KmsGrantOperations "kms:GrantOperations" String MANY Actions(&["kms:CreateGrant"]);
    KmsGranteePrincipal "kms:GranteePrincipal" String ONE Actions(&["kms:CreateGrant"]);
    KmsGranteeServicePrincipal "kms:GranteeServicePrincipal" String ONE Actions(&["kms:CreateGrant"]);
    KmsKeyAgreementAlgorithm "kms:KeyAgreementAlgorithm" String ONE Actions(&["kms:DeriveSharedSecret"]);
    KmsKeyOrigin "kms:KeyOrigin" String ONE OnKeyAnd(&["kms:CreateKey"]);
    KmsKeySpec "kms:KeySpec" String ONE OnKeyAnd(&["kms:CreateKey"]);
    KmsKeyUsage "kms:KeyUsage" String ONE OnKeyAnd(&["kms:CreateKey"]);
    KmsMacAlgorithm "kms:MacAlgorithm" String ONE Actions(&["kms:GenerateMac", "kms:VerifyMac"]);
    KmsMessageType "kms:MessageType" String ONE Actions(&["kms:Sign", "kms:Verify"]);
    KmsMultiRegion "kms:MultiRegion" Bool ONE OnKeyAnd(&["kms:CreateKey"]);
    KmsMultiRegionKeyType "kms:MultiRegionKeyType" String ONE OnKeyAnd(&["kms:CreateKey"]);
    KmsPrimaryRegion "kms:PrimaryRegion" String ONE Actions(&["kms:UpdatePrimaryRegion"]);
    KmsReEncryptOnSameKey "kms:ReEncryptOnSameKey" Bool ONE Actions(&["kms:ReEncryptFrom", "kms:ReEncryptTo"]);
    KmsRecipientAttestationImageSha384 "kms:RecipientAttestation:ImageSha384" String ONE Actions(WITH_RECIPIENT);
    KmsRecipientAttestationNitroTpmPcr "kms:RecipientAttestation:NitroTPMPCR" String ONE Actions(WITH_RECIPIENT);
    KmsRecipientAttestationPcr "kms:RecipientAttestation:PCR" String ONE Actions(WITH_RECIPIENT);
    KmsReplicaRegion "kms:ReplicaRegion" String ONE Actions(&["kms:ReplicateKey"]);
    KmsRequestAlias "kms:RequestAlias" String ONE Actions(WITH_ALIAS);
    KmsResourceAliases "kms:ResourceAliases" String MANY OnKey;
    KmsRetiringPrincipal "kms:RetiringPrincipal" String ONE Actions(&["kms:CreateGrant"]);
    KmsRetiringServicePrincipal "kms:RetiringServicePrincipal" String ONE Actions(&["kms:CreateGrant"]);
    KmsRotationPeriodInDays "kms:RotationPeriodInDays" Numeric ONE Actions(&["kms:EnableKeyRotation"]);
    KmsScheduleKeyDeletionPendingWindowInDays "kms:ScheduleKeyDeletionPendingWindowInDays" Numeric ONE
        Actions(&["kms:ScheduleKeyDeletion"]);
    KmsSigningAlgorithm "kms:SigningAlgorithm" String ONE Actions(&["kms:Sign", "kms:Verify"]);
    KmsTrailingDaysWithoutKeyUsage "kms:TrailingDaysWithoutKeyUsage" Numeric ONE
        Actions(&["kms:DisableKey", "kms:ScheduleKeyDeletion"]);
    KmsValidTo "kms:ValidTo" Date ONE Actions(&["kms:ImportKeyMaterial"]);
    KmsViaService "kms:ViaService" String ONE OnKey;
    KmsWrappingAlgorithm "kms:WrappingAlgorithm" String ONE Actions(&["kms:GetParametersForImport"]);
    KmsWrappingKeySpec "kms:WrappingKeySpec" String ONE Actions(&["kms:GetParametersForImport"]);

    StsExternalId "sts:ExternalId" String ONE Actions(&["sts:AssumeRole"]);
    StsRoleSessionName "sts:RoleSessionName" String ONE Actions(ASSUMING);
    StsSourceIdentity "sts:SourceIdentity" String ONE Actions(ASSUMING);
    StsTransitiveTagKeys "sts:TransitiveTagKeys" String MANY Actions(ASSUMING);
}

impl Carriers {
    /// Whether a request for that action may have the key. `on_key`: the action is one of KMS, on one key.
    #[must_use]
    pub fn carry(&self, action: &str, on_key: bool) -> bool {
        match self {
            All => true,
            Actions(actions) => actions.contains(&action),
            OnKey => on_key,
            OnKeyAnd(actions) => on_key || actions.contains(&action),
        }
    }
}

impl ConditionKey {
    /// The key of that name and its suffix. Names compare without case; a key that wants a suffix must have one.
    #[must_use]
    pub fn named(name: &str) -> Option<(Self, &str)> {
        Self::TABLE.iter().find_map(|row| {
            let (start, suffix) = name.split_at_checked(row.name.len())?;
            let fits = start.eq_ignore_ascii_case(row.name) && row.has_suffix != suffix.is_empty();
            fits.then_some((row.key, suffix))
        })
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a suffix follows that name.
const fn ends_open(name: &str) -> bool {
    matches!(name.as_bytes(), [.., b'/' | b':'] | [.., b'P', b'C', b'R'])
}

const ASSUMING: &[&str] = &["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"];

const DATA_KEY_PAIRS: &[&str] = &["kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext"];

const ENCRYPTION: &[&str] = &[
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

const TAGGING: &[&str] = &[
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:TagOpenIDConnectProvider",
    "iam:TagPolicy",
    "iam:TagRole",
    "iam:TagUser",
    "kms:CreateKey",
    "kms:ReplicateKey",
    "kms:TagResource",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
];

const TAGGING_AND_UNTAGGING: &[&str] = &[
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:TagOpenIDConnectProvider",
    "iam:TagPolicy",
    "iam:TagRole",
    "iam:TagUser",
    "iam:UntagOpenIDConnectProvider",
    "iam:UntagPolicy",
    "iam:UntagRole",
    "iam:UntagUser",
    "kms:CreateKey",
    "kms:ReplicateKey",
    "kms:TagResource",
    "kms:UntagResource",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
];

const WITH_ALIAS: &[&str] = &[
    "kms:Decapsulate",
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:DescribeKey",
    "kms:Encapsulate",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateMac",
    "kms:GetPublicKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:Sign",
    "kms:Verify",
    "kms:VerifyMac",
];

const WITH_CONTEXT: &[&str] = &[
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RetireGrant",
];

const WITH_RECIPIENT: &[&str] = &[
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateRandom",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_key_is_found_by_its_name_in_any_case() {
        for row in ConditionKey::TABLE {
            let suffix = if row.has_suffix { "Cost Center" } else { "" };
            let name = format!("{}{suffix}", row.name.to_uppercase());
            assert_eq!(ConditionKey::named(&name), Some((row.key, suffix)), "{name}");
        }
    }

    #[test]
    fn no_two_rows_answer_to_one_name() {
        for row in ConditionKey::TABLE {
            let name = format!("{}{}", row.name, if row.has_suffix { "4" } else { "" });
            let answering = ConditionKey::TABLE.iter().filter(|other| {
                let is_start =
                    name.get(..other.name.len()).is_some_and(|start| start.eq_ignore_ascii_case(other.name));
                is_start && other.has_suffix != (name.len() == other.name.len())
            });
            assert_eq!(answering.count(), 1, "{name}");
        }
    }

    #[test]
    fn a_key_with_a_suffix_needs_one_and_others_may_not_have_one() {
        for name in [
            "aws:RequestTag/",
            "aws:RequestTag",
            "kms:EncryptionContext:",
            "kms:EncryptionContext",
            "kms:KeySpecial",
            "kms:",
            "",
        ] {
            assert_eq!(ConditionKey::named(name), None, "{name}");
        }
    }

    #[test]
    fn the_lists_of_actions_are_in_order_and_name_nothing_twice() {
        for row in ConditionKey::TABLE {
            if let Actions(actions) | OnKeyAnd(actions) = row.carriers {
                let in_order: BTreeSet<&&str> = actions.iter().collect();
                assert!(in_order.into_iter().eq(actions), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_key_is_in_the_requests_that_the_table_says() {
        let carry = |key: ConditionKey, action, on_key| {
            let row = ConditionKey::TABLE.iter().find(|row| row.key == key).unwrap();
            row.carriers.carry(action, on_key)
        };
        assert!(carry(ConditionKey::KmsKeySpec, "kms:CreateKey", false));
        assert!(carry(ConditionKey::KmsKeySpec, "kms:Encrypt", true));
        assert!(!carry(ConditionKey::KmsKeySpec, "kms:ListKeys", false));
        assert!(carry(ConditionKey::KmsCallerAccount, "kms:Encrypt", true));
        assert!(!carry(ConditionKey::KmsCallerAccount, "kms:CreateKey", false));
        assert!(carry(ConditionKey::KmsSigningAlgorithm, "kms:Sign", true));
        assert!(!carry(ConditionKey::KmsSigningAlgorithm, "kms:Encrypt", true));
        assert!(carry(ConditionKey::CurrentTime, "iam:ListUsers", false));
    }
}
