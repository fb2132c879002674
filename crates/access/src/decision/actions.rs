//! The actions on keys, and for each who may be let in: another account, the holder of a grant.

use keys::GrantOperation;

/// An action of KMS on one key, as policies name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAction {
    /// Its full name, such as `kms:Encrypt`.
    pub name: &'static str,
    /// Whether the owner of the key can let another account do it.
    pub cross_account: bool,
    /// What a grant must list to allow it. None: no grant allows it.
    pub grantable: Option<GrantOperation>,
}

impl KeyAction {
    /// The action of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<&'static Self> {
        KEY_ACTIONS.iter().find(|action| action.name == name)
    }

    const fn of_owner(name: &'static str) -> Self {
        Self { name, cross_account: false, grantable: None }
    }

    const fn shared(name: &'static str) -> Self {
        Self { name, cross_account: true, grantable: None }
    }

    const fn granted(name: &'static str, operation: GrantOperation) -> Self {
        Self { name, cross_account: true, grantable: Some(operation) }
    }
}

/// Every one of them, in alphabetical order.
pub const KEY_ACTIONS: &[KeyAction] = &[
    KeyAction::of_owner("kms:CancelKeyDeletion"),
    KeyAction::of_owner("kms:CreateAlias"),
    KeyAction::granted("kms:CreateGrant", GrantOperation::CreateGrant),
    KeyAction::granted("kms:Decapsulate", GrantOperation::Decapsulate),
    KeyAction::granted("kms:Decrypt", GrantOperation::Decrypt),
    KeyAction::of_owner("kms:DeleteAlias"),
    KeyAction::of_owner("kms:DeleteImportedKeyMaterial"),
    KeyAction::granted("kms:DeriveSharedSecret", GrantOperation::DeriveSharedSecret),
    KeyAction::granted("kms:DescribeKey", GrantOperation::DescribeKey),
    KeyAction::of_owner("kms:DisableKey"),
    KeyAction::of_owner("kms:DisableKeyRotation"),
    KeyAction::of_owner("kms:EnableKey"),
    KeyAction::of_owner("kms:EnableKeyRotation"),
    KeyAction::granted("kms:Encapsulate", GrantOperation::Encapsulate),
    KeyAction::granted("kms:Encrypt", GrantOperation::Encrypt),
    KeyAction::granted("kms:GenerateDataKey", GrantOperation::GenerateDataKey),
    KeyAction::granted("kms:GenerateDataKeyPair", GrantOperation::GenerateDataKeyPair),
    KeyAction::granted(
        "kms:GenerateDataKeyPairWithoutPlaintext",
        GrantOperation::GenerateDataKeyPairWithoutPlaintext,
    ),
    KeyAction::granted(
        "kms:GenerateDataKeyWithoutPlaintext",
        GrantOperation::GenerateDataKeyWithoutPlaintext,
    ),
    KeyAction::granted("kms:GenerateMac", GrantOperation::GenerateMac),
    KeyAction::of_owner("kms:GetKeyLastUsage"),
    KeyAction::of_owner("kms:GetKeyPolicy"),
    KeyAction::shared("kms:GetKeyRotationStatus"),
    KeyAction::of_owner("kms:GetParametersForImport"),
    KeyAction::granted("kms:GetPublicKey", GrantOperation::GetPublicKey),
    KeyAction::of_owner("kms:ImportKeyMaterial"),
    KeyAction::shared("kms:ListGrants"),
    KeyAction::of_owner("kms:ListKeyPolicies"),
    KeyAction::of_owner("kms:ListKeyRotations"),
    KeyAction::of_owner("kms:ListResourceTags"),
    KeyAction::of_owner("kms:PutKeyPolicy"),
    KeyAction::granted("kms:ReEncryptFrom", GrantOperation::ReEncryptFrom),
    KeyAction::granted("kms:ReEncryptTo", GrantOperation::ReEncryptTo),
    KeyAction::of_owner("kms:ReplicateKey"),
    KeyAction::granted("kms:RetireGrant", GrantOperation::RetireGrant),
    KeyAction::shared("kms:RevokeGrant"),
    KeyAction::of_owner("kms:RotateKeyOnDemand"),
    KeyAction::of_owner("kms:ScheduleKeyDeletion"),
    KeyAction::granted("kms:Sign", GrantOperation::Sign),
    KeyAction::of_owner("kms:TagResource"),
    KeyAction::of_owner("kms:UntagResource"),
    KeyAction::of_owner("kms:UpdateAlias"),
    KeyAction::of_owner("kms:UpdateKeyDescription"),
    KeyAction::of_owner("kms:UpdatePrimaryRegion"),
    KeyAction::granted("kms:Verify", GrantOperation::Verify),
    KeyAction::granted("kms:VerifyMac", GrantOperation::VerifyMac),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_a_grant_is_one_action_of_that_name() {
        for operation in GrantOperation::ALL {
            let action = KeyAction::of_name(&format!("kms:{operation}")).unwrap();
            assert_eq!(action.grantable, Some(*operation));
            assert!(action.cross_account, "{operation}");
        }
        let grantable = KEY_ACTIONS.iter().filter(|action| action.grantable.is_some()).count();
        assert_eq!(grantable, GrantOperation::ALL.len());
    }

    #[test]
    fn the_list_is_in_order_and_names_nothing_twice() {
        assert!(KEY_ACTIONS.is_sorted_by(|one, next| one.name < next.name));
    }
}
