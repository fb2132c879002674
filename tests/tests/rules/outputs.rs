//! What answers hold: exactly the fields that AWS was recorded to answer, of the types that the model says.

use crate::account::{Account, alias_arn, key_id};
use crate::requests::{call_each, minimal};
use blackbox::{Model, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The fields of each answer and no others. From AWS's recorded answers; members that the
/// model has won since are in it.
fn fields(operation: &str) -> &'static [&'static str] {
    match operation {
        "CancelKeyDeletion" => &["KeyId"],
        "ConnectCustomKeyStore"
        | "DeleteCustomKeyStore"
        | "DisconnectCustomKeyStore"
        | "UpdateCustomKeyStore" => &[],
        "CreateCustomKeyStore" => &["CustomKeyStoreId"],
        "CreateGrant" => &["GrantId", "GrantToken"],
        "CreateKey" | "DescribeKey" => &["KeyMetadata"],
        "Decrypt" => &["EncryptionAlgorithm", "KeyId", "KeyMaterialId", "Plaintext"],
        "Decapsulate" => &["EncapsulationAlgorithm", "KeyId", "SharedSecret"],
        "DeleteImportedKeyMaterial" | "ImportKeyMaterial" => &["KeyId", "KeyMaterialId"],
        "DescribeCustomKeyStores" => &["CustomKeyStores", "Truncated"],
        "DeriveSharedSecret" => &["KeyAgreementAlgorithm", "KeyId", "KeyOrigin", "SharedSecret"],
        "Encapsulate" => &["EncapsulationAlgorithm", "KeyId", "SharedSecret", "SharedSecretCiphertextBlob"],
        "Encrypt" => &["CiphertextBlob", "EncryptionAlgorithm", "KeyId"],
        "GenerateDataKey" => &["CiphertextBlob", "KeyId", "KeyMaterialId", "Plaintext"],
        "GenerateDataKeyWithoutPlaintext" => &["CiphertextBlob", "KeyId", "KeyMaterialId"],
        "GenerateDataKeyPair" => &[
            "KeyId",
            "KeyMaterialId",
            "KeyPairSpec",
            "PrivateKeyCiphertextBlob",
            "PrivateKeyPlaintext",
            "PublicKey",
        ],
        "GenerateDataKeyPairWithoutPlaintext" => {
            &["KeyId", "KeyMaterialId", "KeyPairSpec", "PrivateKeyCiphertextBlob", "PublicKey"]
        }
        "GenerateMac" => &["KeyId", "Mac", "MacAlgorithm"],
        "GenerateRandom" => &["Plaintext"],
        "GetKeyLastUsage" => &["KeyCreationDate", "KeyId", "KeyLastUsage", "TrackingStartDate"],
        "GetKeyPolicy" => &["Policy", "PolicyName"],
        "GetKeyRotationStatus" => &["KeyId", "KeyRotationEnabled"],
        "GetParametersForImport" => &["ImportToken", "KeyId", "ParametersValidTo", "PublicKey"],
        "GetPublicKey" => {
            &["CustomerMasterKeySpec", "KeyId", "KeySpec", "KeyUsage", "PublicKey", "SigningAlgorithms"]
        }
        "ListAliases" => &["Aliases", "Truncated"],
        "ListGrants" | "ListRetirableGrants" => &["Grants", "Truncated"],
        "ListKeyPolicies" => &["PolicyNames", "Truncated"],
        "ListKeyRotations" => &["Rotations", "Truncated"],
        "ListKeys" => &["Keys", "Truncated"],
        "ListResourceTags" => &["Tags", "Truncated"],
        "ReEncrypt" => &[
            "CiphertextBlob",
            "DestinationEncryptionAlgorithm",
            "DestinationKeyMaterialId",
            "KeyId",
            "SourceEncryptionAlgorithm",
            "SourceKeyId",
            "SourceKeyMaterialId",
        ],
        "Sign" => &["KeyId", "Signature", "SigningAlgorithm"],
        "Verify" => &["KeyId", "SignatureValid", "SigningAlgorithm"],
        "VerifyMac" => &["KeyId", "MacAlgorithm", "MacValid"],
        "RotateKeyOnDemand" => &["KeyId"],
        "ReplicateKey" => &["ReplicaKeyMetadata", "ReplicaPolicy"],
        "ScheduleKeyDeletion" => &["DeletionDate", "KeyId", "KeyState", "PendingWindowInDays"],
        "CreateAlias"
        | "DeleteAlias"
        | "DisableKey"
        | "DisableKeyRotation"
        | "EnableKey"
        | "EnableKeyRotation"
        | "PutKeyPolicy"
        | "RetireGrant"
        | "RevokeGrant"
        | "TagResource"
        | "UntagResource"
        | "UpdateAlias"
        | "UpdateKeyDescription"
        | "UpdatePrimaryRegion" => &[],
        other => panic!("nothing says what {other} answers: add it here"),
    }
}

const METADATA: &[&str] = &[
    "AWSAccountId",
    "Arn",
    "CreationDate",
    "CurrentKeyMaterialId",
    "CustomerMasterKeySpec",
    "Description",
    "Enabled",
    "EncryptionAlgorithms",
    "KeyId",
    "KeyManager",
    "KeySpec",
    "KeyState",
    "KeyUsage",
    "MultiRegion",
    "Origin",
];

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn set(names: &[&'static str]) -> BTreeSet<&'static str> {
    names.iter().copied().collect()
}

#[test]
fn every_answer_has_exactly_the_recorded_fields_and_conforms_to_the_model() {
    let server = Server::start();
    let model = Model::load();
    call_each(&server, |operation, _, _, answer| {
        let output = answer.output();
        assert_eq!(names(&output), set(fields(operation)), "{operation}");
        match model.output(operation) {
            Some(shape) => {
                assert!(!answer.body.is_empty(), "{operation} answers with no body at all");
                assert_eq!(model.departures(shape, &output), Vec::<String>::new(), "{operation}");
            }
            None => assert!(answer.body.is_empty(), "{operation}"),
        }
    });
}

#[test]
fn every_answer_has_the_headers_of_the_protocol() {
    let server = Server::start();
    let mut ids = BTreeSet::new();
    call_each(&server, |operation, account, _, answer| {
        let refused = account.call(
            operation,
            &json!({"KeyId": 1, "AliasName": 1, "Limit": "1", "NumberOfBytes": "1", "CiphertextBlob": 1}),
        );
        for answer in [answer, &refused] {
            let header = |name: &str| answer.header(name).unwrap_or_else(|| panic!("{operation}: no {name}"));
            let id = header("x-amzn-requestid");
            assert!(id.len() == 36 && id.bytes().filter(|byte| *byte == b'-').count() == 4, "{id}");
            assert!(ids.insert(id.to_owned()), "{id} twice");
            assert_eq!(header("content-type"), "application/x-amz-json-1.1", "{operation}");
            assert_eq!(header("content-length"), answer.body.len().to_string(), "{operation}");
            let _ = header("date");
        }
    });
}

#[test]
fn a_keys_metadata_is_as_recorded_in_every_state() {
    let server = Server::start();
    let account = Account::root(&server);
    let described =
        |key: &str| account.call("DescribeKey", &json!({"KeyId": key})).output()["KeyMetadata"].clone();
    let made = account.call("CreateKey", &json!({})).output()["KeyMetadata"].clone();
    let arn = made["Arn"].as_str().unwrap().to_owned();
    assert_eq!(names(&made), set(METADATA));
    assert_eq!(made, described(&arn), "DescribeKey says what CreateKey said");
    for (name, value) in [
        ("AWSAccountId", json!(account.id)),
        ("CustomerMasterKeySpec", json!("SYMMETRIC_DEFAULT")),
        ("Description", json!("")),
        ("Enabled", json!(true)),
        ("EncryptionAlgorithms", json!(["SYMMETRIC_DEFAULT"])),
        ("KeyId", json!(key_id(&arn))),
        ("KeyManager", json!("CUSTOMER")),
        ("KeySpec", json!("SYMMETRIC_DEFAULT")),
        ("KeyState", json!("Enabled")),
        ("KeyUsage", json!("ENCRYPT_DECRYPT")),
        ("MultiRegion", json!(false)),
        ("Origin", json!("AWS_KMS")),
    ] {
        assert_eq!(made[name], value, "{name}");
    }
    let region = &account.caller.region;
    assert_eq!(arn, format!("arn:aws:kms:{region}:{}:key/{}", account.id, key_id(&arn)));
    let material = made["CurrentKeyMaterialId"].as_str().unwrap();
    assert!(
        material.len() == 64 && material.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    );

    account.enter(&arn, "Disabled");
    let disabled = described(&arn);
    assert_eq!((names(&disabled), &disabled["Enabled"]), (set(METADATA), &json!(false)));
    account.enter(&arn, "PendingDeletion");
    let pending = described(&arn);
    let with_date: Vec<_> = METADATA.iter().copied().chain(["DeletionDate"]).collect();
    assert_eq!((names(&pending), &pending["Enabled"]), (set(&with_date), &json!(false)));
}

#[test]
fn a_key_is_answered_by_its_arn_whichever_way_it_was_named() {
    let server = Server::start();
    let account = Account::root(&server);
    let ways = [
        account.key.clone(),
        key_id(&account.key).to_owned(),
        account.alias.clone(),
        alias_arn(&account.key, &account.alias),
    ];
    for way in &ways {
        for operation in ["Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
            let mut input = minimal(operation, &account);
            input["KeyId"] = json!(way);
            assert_eq!(account.call(operation, &input).output()["KeyId"], account.key, "{operation} {way}");
        }
        let decrypt = json!({"CiphertextBlob": account.ciphertext, "KeyId": way});
        assert_eq!(account.call("Decrypt", &decrypt).output()["KeyId"], account.key, "{way}");
        let re_encrypt = json!({"CiphertextBlob": account.ciphertext, "SourceKeyId": way, "DestinationKeyId": account.other});
        let answer = account.call("ReEncrypt", &re_encrypt).output();
        assert_eq!((&answer["SourceKeyId"], &answer["KeyId"]), (&json!(account.key), &json!(account.other)));
        let described = account.call("DescribeKey", &json!({"KeyId": way})).output();
        assert_eq!(described["KeyMetadata"]["KeyId"], key_id(&account.key), "{way}");
    }
}

#[test]
fn list_entries_have_exactly_the_recorded_fields() {
    let server = Server::start();
    let account = Account::root(&server);
    let keys = account.call("ListKeys", &json!({})).output();
    assert_eq!(names(&keys["Keys"][0]), set(&["KeyArn", "KeyId"]));
    let aliases = account.call("ListAliases", &json!({})).output();
    let entry = &aliases["Aliases"][0];
    assert_eq!(
        names(entry),
        set(&["AliasArn", "AliasName", "CreationDate", "LastUpdatedDate", "TargetKeyId"])
    );
    assert_eq!(entry["TargetKeyId"], key_id(&account.key));
    assert_eq!(entry["AliasArn"], alias_arn(&account.key, &account.alias));
    let tags = account.call("ListResourceTags", &json!({"KeyId": account.key})).output();
    assert_eq!(tags, json!({"Tags": [{"TagKey": "team", "TagValue": "delta"}], "Truncated": false}));
    let policies = account.call("ListKeyPolicies", &json!({"KeyId": account.key})).output();
    assert_eq!(policies, json!({"PolicyNames": ["default"], "Truncated": false}));
}

#[test]
fn data_keys_and_random_bytes_have_the_length_asked_for_and_are_never_the_same() {
    let server = Server::start();
    let account = Account::root(&server);
    let asked = [
        (json!({"KeySpec": "AES_128"}), 16),
        (json!({"KeySpec": "AES_256"}), 32),
        (json!({"NumberOfBytes": 1024}), 1024),
    ];
    let mut seen = BTreeSet::new();
    for (mut input, length) in asked {
        input["KeyId"] = json!(account.key);
        for _ in 0..2 {
            let answer = account.call("GenerateDataKey", &input).output();
            let plaintext = blackbox::bytes(&answer["Plaintext"]);
            assert_eq!(plaintext.len(), length);
            let decrypted =
                account.call("Decrypt", &json!({"CiphertextBlob": answer["CiphertextBlob"]})).output();
            assert_eq!(blackbox::bytes(&decrypted["Plaintext"]), plaintext);
            assert!(seen.insert(plaintext));
        }
        let sealed = account.call("GenerateDataKeyWithoutPlaintext", &input).output();
        let opened = account.call("Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]})).output();
        assert_eq!(blackbox::bytes(&opened["Plaintext"]).len(), length);
    }
    for length in [1_u64, 2, 1023, 1024] {
        let random = account.call("GenerateRandom", &json!({"NumberOfBytes": length})).output();
        assert_eq!(blackbox::bytes(&random["Plaintext"]).len() as u64, length);
    }
}
