//! No operation works on what another account owns, whether it is named by its ARN or found in a ciphertext; and the
//! caller learns nothing of it, not even whether it exists.

use crate::account::Account;
use crate::requests::{minimal, state_for};
use blackbox::{Answer, Server, record_of};
use operations::OPERATIONS;
use serde_json::{Value, json};

/// What a caller of another account is told when it repeats the owner's request.
enum Told {
    /// That it may not do this.
    Denied(&'static str),
    /// That it may not do this on the owner, whom it named itself.
    DeniedAbout(&'static str),
    /// That its own account has no such thing.
    NotFound,
    /// That its own account has no such store.
    NoSuchStore,
    /// Nothing special: the request is about the caller's own account.
    NothingOfTheOwners,
}

fn told(operation: &str) -> Told {
    match operation {
        "CancelKeyDeletion" => Told::Denied("kms:CancelKeyDeletion"),
        "CreateAlias" => Told::Denied("kms:CreateAlias"),
        "CreateGrant" => Told::Denied("kms:CreateGrant"),
        "ConnectCustomKeyStore"
        | "DeleteCustomKeyStore"
        | "DescribeCustomKeyStores"
        | "DisconnectCustomKeyStore"
        | "UpdateCustomKeyStore" => Told::NoSuchStore,
        "CreateCustomKeyStore" | "CreateKey" | "GenerateRandom" | "ListKeys" => Told::NothingOfTheOwners,
        "Decapsulate" => Told::Denied("kms:Decapsulate"),
        "Decrypt" => Told::Denied("kms:Decrypt"),
        "DeleteAlias" => Told::NotFound,
        "DeleteImportedKeyMaterial" => Told::Denied("kms:DeleteImportedKeyMaterial"),
        "DeriveSharedSecret" => Told::Denied("kms:DeriveSharedSecret"),
        "DescribeKey" => Told::Denied("kms:DescribeKey"),
        "DisableKey" => Told::Denied("kms:DisableKey"),
        "DisableKeyRotation" => Told::Denied("kms:DisableKeyRotation"),
        "EnableKey" => Told::Denied("kms:EnableKey"),
        "EnableKeyRotation" => Told::Denied("kms:EnableKeyRotation"),
        "Encapsulate" => Told::Denied("kms:Encapsulate"),
        "Encrypt" => Told::Denied("kms:Encrypt"),
        "GenerateDataKey" => Told::Denied("kms:GenerateDataKey"),
        "GenerateDataKeyPair" => Told::Denied("kms:GenerateDataKeyPair"),
        "GenerateDataKeyPairWithoutPlaintext" => Told::Denied("kms:GenerateDataKeyPairWithoutPlaintext"),
        "GenerateDataKeyWithoutPlaintext" => Told::Denied("kms:GenerateDataKeyWithoutPlaintext"),
        "GenerateMac" => Told::Denied("kms:GenerateMac"),
        "GetKeyLastUsage" => Told::Denied("kms:GetKeyLastUsage"),
        "GetKeyPolicy" => Told::Denied("kms:GetKeyPolicy"),
        "GetKeyRotationStatus" => Told::Denied("kms:GetKeyRotationStatus"),
        "GetParametersForImport" => Told::Denied("kms:GetParametersForImport"),
        "GetPublicKey" => Told::Denied("kms:GetPublicKey"),
        "ImportKeyMaterial" => Told::Denied("kms:ImportKeyMaterial"),
        "ListAliases" => Told::Denied("kms:ListAliases"),
        "ListGrants" => Told::Denied("kms:ListGrants"),
        "ListKeyPolicies" => Told::Denied("kms:ListKeyPolicies"),
        "ListKeyRotations" => Told::Denied("kms:ListKeyRotations"),
        "ListResourceTags" => Told::Denied("kms:ListResourceTags"),
        "ListRetirableGrants" => Told::DeniedAbout("kms:ListRetirableGrants"),
        "PutKeyPolicy" => Told::Denied("kms:PutKeyPolicy"),
        "ReEncrypt" => Told::Denied("kms:ReEncryptFrom"),
        "ReplicateKey" => Told::Denied("kms:ReplicateKey"),
        "RetireGrant" => Told::Denied("kms:RetireGrant"),
        "RevokeGrant" => Told::Denied("kms:RevokeGrant"),
        "RotateKeyOnDemand" => Told::Denied("kms:RotateKeyOnDemand"),
        "ScheduleKeyDeletion" => Told::Denied("kms:ScheduleKeyDeletion"),
        "Sign" => Told::Denied("kms:Sign"),
        "TagResource" => Told::Denied("kms:TagResource"),
        "UntagResource" => Told::Denied("kms:UntagResource"),
        "UpdateAlias" => Told::Denied("kms:UpdateAlias"),
        "UpdateKeyDescription" => Told::Denied("kms:UpdateKeyDescription"),
        "UpdatePrimaryRegion" => Told::Denied("kms:UpdatePrimaryRegion"),
        "Verify" => Told::Denied("kms:Verify"),
        "VerifyMac" => Told::Denied("kms:VerifyMac"),
        other => panic!("nothing says what a stranger is told by {other}: add it here"),
    }
}

#[test]
fn every_operation_is_denied_to_another_account_and_changes_nothing() {
    let server = Server::start();
    let stranger = Account::new(&server);
    for entry in OPERATIONS {
        let owner = Account::new_for(&server, entry.name);
        owner.enter(&owner.key, state_for(entry.name));
        let before = owner.everything();
        let answer = stranger.call(entry.name, &minimal(entry.name, &owner));
        match told(entry.name) {
            Told::Denied(action) => answer.denies(&stranger.denial(action)),
            Told::DeniedAbout(action) => answer.denies(&format!(
                "User: {} is not authorized to perform: {action} on resource: {} because no identity-based policy \
                 allows the {action} action",
                stranger.root_arn(),
                owner.root_arn()
            )),
            Told::NotFound => assert_eq!(answer.error(), "NotFoundException", "{}", entry.name),
            Told::NoSuchStore => {
                assert_eq!(answer.error(), "CustomKeyStoreNotFoundException", "{}", entry.name);
            }
            Told::NothingOfTheOwners => {
                let text = answer.output().to_string();
                assert!(!text.contains(&owner.id), "{} shows {text}", entry.name);
            }
        }
        assert_eq!(owner.everything(), before, "{} changed something", entry.name);
    }
}

#[test]
fn a_stranger_cannot_tell_whether_a_key_exists_neither_from_the_answer_nor_from_its_own_record() {
    let server = Server::start();
    let stranger = Account::new(&server);
    let mut pairs = Vec::new();
    for entry in OPERATIONS {
        let owner = Account::new_for(&server, entry.name);
        let there = minimal(entry.name, &owner);
        let not_there: Value =
            serde_json::from_str(&there.to_string().replace(&owner.key, &nowhere(&owner.key))).unwrap();
        if !matches!(told(entry.name), Told::Denied(_)) || not_there == there {
            continue;
        }
        let answers = [&there, &not_there].map(|input| stranger.call(entry.name, input));
        are_alike(&stranger, &answers, entry.name);
        pairs.push((entry.name, answers));
    }
    let journal = server.journal();
    for (operation, answers) in pairs {
        let words = answers[0].fault().1;
        let [seen, unseen] = answers.map(|answer| record_of(&journal, &answer));
        assert_eq!(
            seen["errorMessage"].as_str(),
            words.as_deref(),
            "{operation}: the words, and no encoded message"
        );
        for member in ["resources", "errorCode", "errorMessage", "responseElements", "additionalEventData"] {
            assert_eq!(seen[member], unseen[member], "{operation}: {member}");
        }
    }
}

#[test]
fn a_second_mistake_in_a_request_does_not_tell_whether_a_strangers_key_exists() {
    let server = Server::start();
    let (owner, stranger) = (Account::new(&server), Account::new(&server));
    let nothing = nowhere(&stranger.key);
    let garbage = blackbox::base64(b"no ciphertext");
    let mut pairs = Vec::new();
    let with = |key: &str| {
        [
            ("UpdateAlias", json!({"AliasName": "alias/none", "TargetKeyId": key})),
            ("CreateAlias", json!({"AliasName": stranger.alias, "TargetKeyId": key})),
            (
                "ReEncrypt",
                json!({"CiphertextBlob": stranger.ciphertext, "SourceKeyId": key, "DestinationKeyId": nothing}),
            ),
            (
                "ReEncrypt",
                json!({"CiphertextBlob": stranger.ciphertext, "SourceKeyId": nothing, "DestinationKeyId": key}),
            ),
            ("ReEncrypt", json!({"CiphertextBlob": garbage, "DestinationKeyId": key})),
            ("Decrypt", json!({"CiphertextBlob": garbage, "KeyId": key})),
            ("Decrypt", json!({"CiphertextBlob": stranger.ciphertext, "KeyId": key})),
            ("Encrypt", json!({"KeyId": key, "Plaintext": "AQ==", "EncryptionAlgorithm": "SM2PKE"})),
            ("Encrypt", json!({"KeyId": key, "Plaintext": "AQ==", "GrantTokens": ["none"]})),
            ("GetKeyPolicy", json!({"KeyId": key, "PolicyName": "other"})),
            ("PutKeyPolicy", json!({"KeyId": key, "Policy": "{"})),
            ("ListAliases", json!({"KeyId": key, "Marker": "x"})),
            ("CancelKeyDeletion", json!({"KeyId": key})),
        ]
    };
    for ((operation, there), (_, not_there)) in with(&owner.key).into_iter().zip(with(&nowhere(&owner.key))) {
        let answers = [&there, &not_there].map(|input| stranger.call(operation, input));
        are_alike(&stranger, &answers, &format!("{operation} {there}"));
        pairs.push((operation, there, answers));
    }
    let journal = server.journal();
    for (operation, there, answers) in pairs {
        let [seen, unseen] = answers.map(|answer| record_of(&journal, &answer)["resources"].clone());
        assert_eq!(seen, unseen, "{operation} {there}");
    }
}

#[test]
fn what_is_ones_own_in_a_request_does_not_open_what_is_not() {
    let server = Server::start();
    let (owner, stranger) = (Account::new(&server), Account::new(&server));
    let before = owner.everything();
    for key in [owner.key.clone(), nowhere(&owner.key)] {
        let calls = [
            (
                "ReEncrypt",
                json!({"CiphertextBlob": stranger.ciphertext, "DestinationKeyId": key}),
                "kms:ReEncryptTo",
            ),
            ("UpdateAlias", json!({"AliasName": stranger.alias, "TargetKeyId": key}), "kms:UpdateAlias"),
            ("CreateAlias", json!({"AliasName": "alias/of/theirs", "TargetKeyId": key}), "kms:CreateAlias"),
        ];
        for (operation, input, action) in calls {
            let answer = stranger.call(operation, &input);
            answer.denies(&stranger.denial(action));
            assert_eq!(server.record_of(&answer)["resources"], json!([]), "{operation} {key}");
        }
    }
    assert_eq!(owner.everything(), before);
}

#[test]
fn an_alias_arn_of_another_account_tells_nothing() {
    let server = Server::start();
    let (owner, stranger) = (Account::new(&server), Account::new(&server));
    for alias in [owner.alias.as_str(), "alias/none"] {
        let arn = crate::account::alias_arn(&owner.key, alias);
        let answer = stranger.call("DescribeKey", &json!({"KeyId": arn}));
        answer.denies(&stranger.denial("kms:DescribeKey"));
        assert_eq!(server.record_of(&answer)["resources"], json!([]), "{alias}");
    }
}

#[test]
fn two_accounts_never_see_each_others_keys_aliases_or_lists() {
    let server = Server::start();
    let (one, two) = (Account::new(&server), Account::new(&server));
    for (mine, theirs) in [(&one, &two), (&two, &one)] {
        let everything = mine.everything().to_string();
        assert!(everything.contains(&mine.key) && everything.contains(&mine.alias));
        for foreign in [&theirs.id, &theirs.alias, crate::account::key_id(&theirs.other)] {
            assert!(!everything.contains(foreign), "{foreign} in {everything}");
        }
        let by_name = mine.call("DescribeKey", &json!({"KeyId": theirs.alias}));
        assert_eq!(by_name.error(), "NotFoundException");
        let by_id = mine.call("DescribeKey", &json!({"KeyId": crate::account::key_id(&theirs.key)}));
        assert_eq!(by_id.error(), "NotFoundException");
    }
}

#[test]
fn every_operation_is_refused_without_a_signature() {
    let server = Server::start();
    for entry in OPERATIONS {
        let account = Account::new_for(&server, entry.name);
        let before = account.everything();
        let request = server.request(entry.name, minimal(entry.name, &account).to_string());
        let answer = server.send(&request);
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (400, "MissingAuthenticationTokenException"),
            "{}",
            entry.name
        );
        assert_eq!(account.everything(), before, "{}", entry.name);
    }
}

/// Fails unless two answers tell a stranger the same, also by the messages that came with them: these are as long, and say the
/// same once they are decoded.
#[track_caller]
fn are_alike(stranger: &Account<'_>, answers: &[Answer; 2], what: &str) {
    let [there, not_there] = answers;
    assert_eq!(there.fault(), not_there.fault(), "{what}");
    assert_eq!((there.status, there.body.len()), (not_there.status, not_there.body.len()), "{what}");
    if there.error() != "AccessDeniedException" {
        return assert_eq!(there.text(), not_there.text(), "{what}");
    }
    let [seen, unseen] = [there, not_there].map(|answer| decoded(stranger, answer));
    assert_eq!(seen, unseen, "{what}");
}

/// What the message says that came with a denial.
fn decoded(account: &Account<'_>, answer: &Answer) -> Value {
    let encoded = answer.encoded_message();
    let parameters = [("EncodedMessage", encoded.as_str())];
    let decoded = account.server.sts_as(&account.caller, "DecodeAuthorizationMessage", &parameters).output();
    serde_json::from_str(decoded["DecodedMessage"].as_str().unwrap()).unwrap()
}

/// The ARN of a key that is not there.
fn nowhere(key: &str) -> String {
    format!("{}/00000000-0000-4000-8000-000000000000", key.rsplit_once('/').unwrap().0)
}
