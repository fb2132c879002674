//! The smallest valid request of every operation. An operation without one fails all the ratchets.

use crate::account::{Account, key_id};
use blackbox::{Answer, Server, base64};
use operations::OPERATIONS;
use serde_json::{Value, json};

/// The smallest valid request of an operation, about the account's key, which must be of the kind that the operation is for.
pub fn minimal(operation: &str, account: &Account<'_>) -> Value {
    let Account { key, other, alias, ciphertext, grant, store, .. } = account;
    let message = base64(crate::account::PLAINTEXT);
    match operation {
        "CancelKeyDeletion"
        | "DeleteImportedKeyMaterial"
        | "DescribeKey"
        | "DisableKey"
        | "DisableKeyRotation"
        | "EnableKey"
        | "EnableKeyRotation"
        | "GetKeyLastUsage"
        | "GetKeyPolicy"
        | "GetKeyRotationStatus"
        | "GetPublicKey"
        | "ListAliases"
        | "ListGrants"
        | "ListKeyPolicies"
        | "ListKeyRotations"
        | "ListResourceTags"
        | "RotateKeyOnDemand"
        | "ScheduleKeyDeletion" => json!({"KeyId": key}),
        "CreateAlias" => json!({"AliasName": format!("alias/new/{}", key_id(key)), "TargetKeyId": key}),
        "CreateGrant" => {
            json!({"KeyId": key, "GranteePrincipal": account.root_arn(), "Operations": ["Decrypt", "DescribeKey"]})
        }
        "ConnectCustomKeyStore"
        | "DeleteCustomKeyStore"
        | "DescribeCustomKeyStores"
        | "DisconnectCustomKeyStore" => json!({"CustomKeyStoreId": store}),
        "CreateCustomKeyStore" => crate::custom_key_stores::new_store(),
        "CreateKey" | "ListKeys" => json!({}),
        "Decrypt" => json!({"CiphertextBlob": ciphertext}),
        "Decapsulate" => {
            json!({"KeyId": key, "SharedSecretCiphertextBlob": ciphertext, "EncapsulationAlgorithm": "ML_KEM"})
        }
        "DeleteAlias" => json!({"AliasName": alias}),
        "DeriveSharedSecret" => {
            json!({"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": ciphertext})
        }
        "Encapsulate" => json!({"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}),
        "Encrypt" => json!({"KeyId": key, "Plaintext": message}),
        "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => json!({"KeyId": key, "KeySpec": "AES_256"}),
        "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
            json!({"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"})
        }
        "GenerateMac" => json!({"KeyId": key, "Message": message, "MacAlgorithm": "HMAC_SHA_256"}),
        "GenerateRandom" => json!({"NumberOfBytes": 32}),
        "GetParametersForImport" => {
            json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})
        }
        "ImportKeyMaterial" => crate::import::request(account, key, &crate::import::MATERIAL),
        "ListRetirableGrants" => json!({"RetiringPrincipal": account.root_arn()}),
        "PutKeyPolicy" => json!({"KeyId": key, "Policy": POLICY}),
        "ReEncrypt" => json!({"CiphertextBlob": ciphertext, "DestinationKeyId": other}),
        "ReplicateKey" => json!({"KeyId": key, "ReplicaRegion": "ap-south-1"}),
        "RetireGrant" | "RevokeGrant" => json!({"KeyId": key, "GrantId": grant}),
        "Sign" => json!({"KeyId": key, "Message": message, "SigningAlgorithm": "ECDSA_SHA_256"}),
        "TagResource" => json!({"KeyId": key, "Tags": [{"TagKey": "river", "TagValue": "nile"}]}),
        "UntagResource" => json!({"KeyId": key, "TagKeys": ["team"]}),
        "UpdateAlias" => json!({"AliasName": alias, "TargetKeyId": key}),
        "UpdateCustomKeyStore" => {
            json!({"CustomKeyStoreId": store, "NewCustomKeyStoreName": format!("the delta's {store}")})
        }
        "UpdateKeyDescription" => json!({"KeyId": key, "Description": "of the delta"}),
        "UpdatePrimaryRegion" => json!({"KeyId": key, "PrimaryRegion": crate::account::REPLICA}),
        "Verify" => {
            json!({"KeyId": key, "Message": message, "Signature": ciphertext, "SigningAlgorithm": "ECDSA_SHA_256"})
        }
        "VerifyMac" => {
            json!({"KeyId": key, "Message": message, "Mac": ciphertext, "MacAlgorithm": "HMAC_SHA_256"})
        }
        other => panic!("there is no minimal request for {other}: add it here"),
    }
}

/// The key state in which an operation's minimal request succeeds.
pub fn state_for(operation: &str) -> &'static str {
    if operation == "CancelKeyDeletion" { "PendingDeletion" } else { "Enabled" }
}

/// Calls every operation once, each on an account of its own in which it succeeds.
pub fn call_each(server: &Server, mut look: impl FnMut(&'static str, &Account<'_>, &Value, &Answer)) {
    for entry in OPERATIONS {
        let account = Account::new_for(server, entry.name);
        account.enter(&account.key, state_for(entry.name));
        let input = minimal(entry.name, &account);
        look(entry.name, &account, &input, &account.call(entry.name, &input));
    }
}

/// A policy that says something of its own.
pub const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}"#;
