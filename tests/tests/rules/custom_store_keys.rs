//! Keys in custom key stores that are connected: to a real XKS proxy, and to a cluster of SoftHSM's tokens.

use crate::lifecycle::until;
use blackbox::{Answer, Enclave, Hypervisor, Server, SoftHsm, base64, bytes};
use faulty_proxy::{Api, Credential, ErrorName, ExternalKey, Fault, Proxy, Scope, Setup};
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::process::Command;
use tempfile::TempDir;

#[test]
fn what_a_key_in_a_store_encrypts_only_the_store_and_the_service_together_decrypt() {
    let stores = Stores::connected();
    let server = &stores.server;
    let native = server.create_key();
    for (key, kind) in [(stores.external_key(Setup::KEY), 1), (stores.hsm_key(), 2)] {
        let context = json!({"purpose": "test"});
        let sealed = server
            .call("Encrypt", &json!({"KeyId": key, "Plaintext": PLAINTEXT, "EncryptionContext": context}))
            .output();
        assert_eq!(bytes(&sealed["CiphertextBlob"])[..2], [2, kind]);
        let open = json!({"CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context});
        let opened = server.call("Decrypt", &open).output();
        let expected =
            json!({"KeyId": key, "Plaintext": PLAINTEXT, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"});
        assert_eq!(opened, expected, "no material id is told of a key in a store");

        for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
            let made = server.call(operation, &json!({"KeyId": key, "KeySpec": "AES_256"})).output();
            assert!(made.get("KeyMaterialId").is_none());
            let opened = server.call("Decrypt", &json!({"CiphertextBlob": made["CiphertextBlob"]})).output();
            assert_eq!(bytes(&opened["Plaintext"]).len(), 32);
            assert!(made.get("Plaintext").is_none_or(|plaintext| *plaintext == opened["Plaintext"]));
        }

        let there = re_encrypt(server, &encrypt(server, &native), &key);
        assert_eq!((&there["SourceKeyId"], &there["KeyId"]), (&json!(native), &json!(key)));
        assert!(there["SourceKeyMaterialId"].is_string() && there.get("DestinationKeyMaterialId").is_none());
        let again = re_encrypt(server, &there["CiphertextBlob"], &key);
        let back = re_encrypt(server, &again["CiphertextBlob"], &native);
        let opened = server.call("Decrypt", &json!({"CiphertextBlob": back["CiphertextBlob"]})).output();
        assert_eq!((&opened["KeyId"], &opened["Plaintext"]), (&json!(native), &json!(PLAINTEXT)));
    }
    let seen = stores.proxy.requests();
    assert!(seen.iter().all(|request| request.signature.is_ok()));
    let plain = PLAINTEXT.trim_end_matches('=').as_bytes();
    let shows = |body: &[u8]| body.windows(plain.len()).any(|window| window == plain);
    assert!(!seen.iter().any(|request| shows(&request.body)), "the proxy saw a plaintext");
}

#[test]
fn a_key_in_a_store_is_described_with_its_store_and_its_key_there() {
    let stores = Stores::connected();
    let external = stores.described(&stores.external_key(Setup::KEY));
    assert_eq!(external["Origin"], "EXTERNAL_KEY_STORE");
    assert_eq!(external["CustomKeyStoreId"], stores.xks);
    assert_eq!(external["XksKeyConfiguration"], json!({"Id": Setup::KEY}));
    let hsm = stores.described(&stores.hsm_key());
    assert_eq!(hsm["Origin"], "AWS_CLOUDHSM");
    assert_eq!(hsm["CustomKeyStoreId"], stores.hsm());
    assert_eq!(hsm["CloudHsmClusterId"], SoftHsm::CLUSTER_ID);
    assert!(external.get("CloudHsmClusterId").is_none() && hsm.get("XksKeyConfiguration").is_none());
    for metadata in [external, hsm] {
        assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("Enabled"), &json!(true)));
        assert!(metadata.get("CurrentKeyMaterialId").is_none());
    }
}

#[test]
fn records_say_which_key_of_which_store_was_used_also_of_a_use_that_failed() {
    let stores = Stores::connected();
    let server = &stores.server;
    let made = server.call("CreateKey", &stores.external(Setup::KEY));
    let in_store = json!({"customKeyStoreId": stores.xks, "xksKeyId": Setup::KEY});
    let record = server.record_of(&made);
    assert_eq!(record["additionalEventData"], in_store);
    let metadata = &record["responseElements"]["keyMetadata"];
    assert_eq!(metadata["customKeyStoreId"], stores.xks);
    assert_eq!(metadata["xksKeyConfiguration"], json!({"id": Setup::KEY}));

    let key = arn(&made);
    let input = json!({"KeyId": key, "Plaintext": PLAINTEXT});
    let sealed = server.call("Encrypt", &input);
    assert_eq!(server.record_of(&sealed)["additionalEventData"], in_store);
    stores.proxy.inject(Fault::error(ErrorName::AccessDenied), Scope::next(Api::Encrypt, 1));
    let refused = server.call("Encrypt", &input);
    let record = server.record_of(&refused);
    assert_eq!(record["errorCode"], "KMSInvalidStateException");
    assert_eq!(record["additionalEventData"], in_store);

    let native = server.create_key();
    let moved = json!({"CiphertextBlob": encrypt(server, &native), "DestinationKeyId": key});
    let data = server.record_of(&server.call("ReEncrypt", &moved))["additionalEventData"].clone();
    assert!(data["sourceKeyMaterialId"].is_string());
    assert_eq!(data["destinationCustomKeyStoreId"], stores.xks);
    assert_eq!(data["destinationXksKeyId"], Setup::KEY);

    let made = server.call("CreateKey", &stores.in_cluster());
    let record = server.record_of(&made);
    assert_eq!(record["additionalEventData"]["customKeyStoreId"], stores.hsm());
    let backing = record["additionalEventData"]["backingKey"].as_str().unwrap();
    let backing: Value = serde_json::from_str(backing).unwrap();
    let used = server.call("Encrypt", &json!({"KeyId": arn(&made), "Plaintext": PLAINTEXT}));
    let data = json!({"customKeyStoreId": stores.hsm(), "backingKeyId": backing["backingKeyId"]});
    assert_eq!(server.record_of(&used)["additionalEventData"], data);
}

#[test]
fn an_external_key_is_free_again_when_the_key_that_has_it_is_gone_and_not_before() {
    let stores = Stores::connected();
    let server = &stores.server;
    let key = stores.external_key(Setup::KEY);
    let blob = encrypt(server, &key);
    let _ = server.call("ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": 7})).output();
    let again = || server.call("CreateKey", &stores.external(Setup::KEY));
    assert_eq!(
        again().error(),
        "XksKeyAlreadyInUseException",
        "a key that waits for its deletion has it still"
    );
    stores.proxy.forget_requests();
    server.advance("8d");
    until("the key is deleted", || server.call("DescribeKey", &json!({"KeyId": key})).status != 200);
    assert!(stores.proxy.requests().is_empty(), "nothing is done to an external key");
    let next = arn(&again());
    // Its new key opens nothing of the old one.
    let mut forged = bytes(&blob);
    forged[14..63].copy_from_slice(&bytes(&encrypt(server, &next))[14..63]);
    server
        .call("Decrypt", &json!({"CiphertextBlob": base64(&forged)}))
        .refuses("KMSInvalidStateException", REJECTED);
}

#[test]
fn of_two_keys_that_want_the_same_external_key_at_once_one_is_made_and_others_do_not_wait_for_each_other() {
    let stores = Stores::connected();
    let server = &stores.server;
    for name in 0..8 {
        stores.proxy.keys().put(&format!("key-{name}"), ExternalKey::new());
    }
    let inputs: Vec<_> = (0..16).map(|number| stores.external(&format!("key-{}", number / 2))).collect();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let calls: Vec<_> =
            inputs.iter().map(|input| scope.spawn(|| server.call("CreateKey", input))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status != 200);
    assert_eq!(made, 8);
    refused.for_each(|answer| assert_eq!(answer.error(), "XksKeyAlreadyInUseException"));
}

#[test]
fn what_does_not_go_with_a_custom_key_store_is_refused_before_the_store_is_asked() {
    let stores = Stores::connected();
    let (server, xks, hsm) = (&stores.server, stores.xks.as_str(), stores.hsm());
    stores.proxy.forget_requests();
    let external = |more: Value| with(&stores.external(Setup::KEY), &more);
    let in_cluster = |more: Value| with(&stores.in_cluster(), &more);
    let refused = [
        (json!({"Origin": "AWS_CLOUDHSM"}), "ValidationException"),
        (json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": xks}), "ValidationException"),
        (json!({"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": Setup::KEY}), "ValidationException"),
        (json!({"CustomKeyStoreId": hsm}), "ValidationException"),
        (json!({"Origin": "EXTERNAL", "CustomKeyStoreId": hsm}), "ValidationException"),
        (external(json!({"CustomKeyStoreId": hsm})), "ValidationException"),
        (in_cluster(json!({"CustomKeyStoreId": xks})), "ValidationException"),
        (in_cluster(json!({"XksKeyId": "a"})), "ValidationException"),
        (in_cluster(json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"})), "ValidationException"),
        (external(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})), "ValidationException"),
        (external(json!({"MultiRegion": true})), "UnsupportedOperationException"),
        (in_cluster(json!({"MultiRegion": true})), "UnsupportedOperationException"),
        (external(json!({"CustomKeyStoreId": "cks-0123456789abcdef0"})), "CustomKeyStoreNotFoundException"),
        (in_cluster(json!({"CustomKeyStoreId": "what"})), "CustomKeyStoreNotFoundException"),
    ];
    for (input, error) in refused {
        assert_eq!(server.call("CreateKey", &input).error(), error, "{input}");
    }
    assert_eq!(stores.proxy.requests().len(), 0);
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"], json!([]));
}

#[test]
fn what_keys_in_custom_key_stores_cannot_do_is_refused_while_they_are_connected_too() {
    let stores = Stores::connected();
    let server = &stores.server;
    let keys = [(stores.external_key(Setup::KEY), "EXTERNAL_KEY_STORE"), (stores.hsm_key(), "AWS_CLOUDHSM")];
    for (key, origin) in keys {
        let words = format!("{key} origin is {origin} which is not valid for this operation.");
        let token = base64(&[1; 64]);
        for (operation, more) in [
            ("DisableKeyRotation", json!({})),
            ("EnableKeyRotation", json!({})),
            ("GenerateDataKeyPair", json!({"KeyPairSpec": "ECC_NIST_P256"})),
            ("GenerateDataKeyPairWithoutPlaintext", json!({"KeyPairSpec": "ECC_NIST_P256"})),
            ("GetKeyRotationStatus", json!({})),
            ("ListKeyRotations", json!({})),
            ("RotateKeyOnDemand", json!({})),
            ("DeleteImportedKeyMaterial", json!({})),
            (
                "GetParametersForImport",
                json!({"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
            ),
            (
                "ImportKeyMaterial",
                json!({"ImportToken": token, "EncryptedKeyMaterial": token, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}),
            ),
            ("ReplicateKey", json!({"ReplicaRegion": "eu-west-1"})),
            ("UpdatePrimaryRegion", json!({"PrimaryRegion": "eu-west-1"})),
        ] {
            let input = with(&json!({"KeyId": key}), &more);
            let answer = server.call(operation, &input);
            assert_eq!(answer.error(), "UnsupportedOperationException", "{operation}: {}", answer.text());
            answer.refuses("UnsupportedOperationException", &words);
        }
    }
}

#[test]
fn keys_are_unavailable_while_their_store_is_disconnected_and_as_before_when_it_is_connected_again() {
    let stores = Stores::connected();
    let server = &stores.server;
    for (store, key, no_backend) in [
        (
            stores.xks.as_str(),
            stores.external_key(Setup::KEY),
            "its external key store proxy. Connect the external key store",
        ),
        (stores.hsm(), stores.hsm_key(), "its CloudHSM cluster. Connect the custom key store"),
    ] {
        let (blob, named) = (encrypt(server, &key), json!({"KeyId": key}));
        let store_id = json!({"CustomKeyStoreId": store});
        let _ = server.call("DisconnectCustomKeyStore", &store_id).output();
        let metadata = stores.described(&key);
        assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("Unavailable"), &json!(false)));
        let words = format!(
            "This KMS key is in a custom key store that is not connected to {no_backend} and try the request again."
        );
        let open = json!({"CiphertextBlob": blob});
        server.call("Decrypt", &open).refuses("KMSInvalidStateException", &words);
        let origin = metadata["Origin"].as_str().unwrap();
        let new = json!({"Origin": origin, "CustomKeyStoreId": store, "XksKeyId": "another"});
        let new = if store == stores.xks { new } else { stores.in_cluster() };
        server.call("CreateKey", &new).refuses("CustomKeyStoreInvalidStateException", &words);
        let _ = server.call("DisableKey", &named);
        assert_eq!(stores.described(&key)["KeyState"], "Unavailable");
        let _ = server.call("ScheduleKeyDeletion", &named).output();
        assert_eq!(stores.described(&key)["KeyState"], "PendingDeletion");
        let _ = server.call("CancelKeyDeletion", &named).output();
        assert_eq!(stores.described(&key)["KeyState"], "Unavailable");

        connect(server, store);
        assert_eq!(stores.described(&key)["KeyState"], "Disabled");
        let _ = server.call("EnableKey", &named);
        assert_eq!(server.call("Decrypt", &open).output()["Plaintext"], PLAINTEXT);
    }
}

#[test]
fn a_dry_run_does_not_ask_the_store() {
    let stores = Stores::connected();
    let server = &stores.server;
    let key = stores.external_key(Setup::KEY);
    let blob = encrypt(server, &key);
    let before = stores.proxy.counters().requests;
    for (operation, input) in [
        ("Encrypt", json!({"KeyId": key, "Plaintext": PLAINTEXT})),
        ("Decrypt", json!({"CiphertextBlob": blob})),
        ("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"})),
        ("GenerateDataKeyWithoutPlaintext", json!({"KeyId": key, "KeySpec": "AES_256"})),
        ("ReEncrypt", json!({"CiphertextBlob": blob, "DestinationKeyId": key})),
    ] {
        let answer = server.call(operation, &with(&input, &json!({"DryRun": true})));
        assert_eq!(answer.error(), "DryRunOperationException", "{operation}");
    }
    assert_eq!(stores.proxy.counters().requests, before);
}

#[test]
fn a_blob_of_the_other_version_or_kind_or_a_changed_one_is_an_invalid_ciphertext() {
    let stores = Stores::connected();
    let server = &stores.server;
    let (native, external, hsm) = (server.create_key(), stores.external_key(Setup::KEY), stores.hsm_key());
    let blobs = [&native, &external, &hsm].map(|key| bytes(&encrypt(server, key)));
    stores.proxy.forget_requests();
    // Each names its own key and is of another version or kind than that makes.
    for (at, key) in [&native, &external, &hsm].into_iter().enumerate() {
        for other in blobs.iter().filter(|other| **other != blobs[at]) {
            let mut forged = other.clone();
            forged[2..63].copy_from_slice(&blobs[at][2..63]);
            let input = json!({"CiphertextBlob": base64(&forged), "KeyId": key});
            server.call("Decrypt", &input).refuses_without_a_word("InvalidCiphertextException");
        }
    }
    assert_eq!(stores.proxy.requests().len(), 0);
    let mut changed = blobs[2].clone();
    *changed.last_mut().unwrap() ^= 1;
    let input = json!({"CiphertextBlob": base64(&changed)});
    server.call("Decrypt", &input).refuses_without_a_word("InvalidCiphertextException");
    let mut changed = blobs[1].clone();
    *changed.last_mut().unwrap() ^= 1;
    server
        .call("Decrypt", &json!({"CiphertextBlob": base64(&changed)}))
        .refuses("KMSInvalidStateException", REJECTED);
}

#[test]
fn a_recipient_gets_what_a_key_in_a_store_made() {
    let hypervisor = Hypervisor::new();
    let stores = Stores::connected_with(&hypervisor.config());
    let (server, enclave) = (&stores.server, Enclave::new());
    let key = stores.external_key(Setup::KEY);
    let attestation = base64(&hypervisor.document(&enclave.attestation()));
    let recipient =
        json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": attestation});
    let input = json!({"KeyId": key, "KeySpec": "AES_256", "Recipient": recipient});
    let made = server.call("GenerateDataKey", &input).output();
    assert!(made.get("Plaintext").is_none());
    let plaintext = enclave.open(&bytes(&made["CiphertextForRecipient"])).unwrap();
    let opened = server.call("Decrypt", &json!({"CiphertextBlob": made["CiphertextBlob"]})).output();
    assert_eq!(bytes(&opened["Plaintext"]), plaintext);
    let random = json!({"NumberOfBytes": 8, "CustomKeyStoreId": stores.hsm(), "Recipient": recipient});
    assert_eq!(server.call("GenerateRandom", &random).error(), "UnsupportedOperationException");
}

#[test]
fn random_bytes_come_from_a_connected_cluster_and_from_no_external_key_store() {
    let stores = Stores::connected();
    let server = &stores.server;
    let of = |store: &str| json!({"NumberOfBytes": 32, "CustomKeyStoreId": store});
    let random = || server.call("GenerateRandom", &of(stores.hsm())).output()["Plaintext"].clone();
    let (one, other) = (random(), random());
    assert_eq!((bytes(&one).len(), one == other), (32, false));
    assert_eq!(server.call("GenerateRandom", &of(&stores.xks)).error(), "UnsupportedOperationException");
    let _ = server.call("DisconnectCustomKeyStore", &json!({"CustomKeyStoreId": stores.hsm()})).output();
    let refused = server.call("GenerateRandom", &of(stores.hsm())).error();
    assert_eq!(refused, "CustomKeyStoreInvalidStateException");
}

#[test]
fn a_deleted_key_is_destroyed_in_all_members_of_its_cluster_and_the_journal_says_so() {
    let stores = Stores::connected();
    let server = &stores.server;
    let key = stores.hsm_key();
    let members = stores.cluster.members();
    let there: Vec<usize> = members.iter().map(|member| stores.secret_keys(member)).collect();
    let _ = server.call("ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": 7})).output();
    server.advance("8d");
    let deletion = || server.journal().into_iter().find(|record| record["eventName"] == "DeleteKey");
    until("the deletion is on record", || deletion().is_some());
    let data = deletion().unwrap()["additionalEventData"].clone();
    assert_eq!(
        (&data["customKeyStoreId"], &data["clusterId"]),
        (&json!(stores.hsm()), &json!(SoftHsm::CLUSTER_ID))
    );
    let parsed = |name: &str| serde_json::from_str::<Value>(data[name].as_str().unwrap()).unwrap();
    let status = &parsed("backingKeysDeletionStatus")[0];
    assert_eq!(status["backingKeyId"], parsed("backingKeys")[0]["backingKeyId"]);
    assert_eq!(status["deletionStatus"], "SUCCESS");
    for (member, there) in members.iter().zip(there) {
        assert_eq!(status["members"][member], "DESTROYED");
        assert_eq!(stores.secret_keys(member), there - 1, "{member}");
    }
}

#[test]
fn the_deletion_of_a_key_does_not_wait_for_a_store_that_is_disconnected_and_says_that_it_did_not_reach_it() {
    let stores = Stores::connected();
    let server = &stores.server;
    let key = stores.hsm_key();
    let _ = server.call("DisconnectCustomKeyStore", &json!({"CustomKeyStoreId": stores.hsm()})).output();
    let _ = server.call("ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": 7})).output();
    server.advance("8d");
    let deletion = || server.journal().into_iter().find(|record| record["eventName"] == "DeleteKey");
    until("the deletion is on record", || deletion().is_some());
    let status = deletion().unwrap()["additionalEventData"]["backingKeysDeletionStatus"].clone();
    assert!(status.as_str().unwrap().contains(r#""deletionStatus":"FAILURE""#), "{status}");
}

#[test]
fn nothing_of_a_key_that_could_not_be_kept_stays_in_the_cluster() {
    let stores = Stores::connected_with("[service]\nkeys_per_region = 1\n");
    let server = &stores.server;
    let _ = stores.hsm_key();
    let members = stores.cluster.members();
    let before: Vec<usize> = members.iter().map(|member| stores.secret_keys(member)).collect();
    assert_eq!(server.call("CreateKey", &stores.in_cluster()).error(), "LimitExceededException");
    let after: Vec<usize> = members.iter().map(|member| stores.secret_keys(member)).collect();
    assert_eq!(before, after);
}

#[test]
fn a_key_that_is_in_no_member_of_its_cluster_any_more_is_unavailable_and_stays_on_record() {
    // A cluster that copies its keys itself: of others we have copies, which only the members can read.
    let stores = Stores::of(SoftHsm::of_tokens(&["only"]), "", "synchronises = true\n");
    let server = &stores.server;
    let (key, other) = (stores.hsm_key(), stores.hsm_key());
    let blob = encrypt(server, &key);
    let id = stores.backing_key(&key);
    for member in stores.cluster.members() {
        let _ = stores.pkcs11_tool(member, &["--delete-object", "--type", "secrkey", "--id", &id]);
    }
    let open = json!({"CiphertextBlob": blob});
    until("it is known that the key is gone", || {
        let _ = server.call("Decrypt", &open);
        stores.described(&key)["KeyState"] == "Unavailable"
    });
    server.call("Decrypt", &open).refuses("KMSInvalidStateException", KEY_MISSING);
    assert_eq!(stores.described(&other)["KeyState"], "Enabled");
    let _ = server.call("UpdateKeyDescription", &json!({"KeyId": key, "Description": "gone"}));
    assert_eq!(stores.described(&key)["Description"], "gone");
}

/// A service with a connected store of each kind, and what is behind them. That of the cluster is made when it is first needed.
struct Stores {
    server: Server,
    proxy: Proxy,
    cluster: SoftHsm,
    xks: String,
    hsm: OnceCell<String>,
    _files: TempDir,
}

impl Stores {
    fn connected() -> Self {
        Self::connected_with("")
    }

    fn connected_with(config: &str) -> Self {
        Self::of(SoftHsm::two_tokens(), config, "")
    }

    /// With that configuration, and more of it that is the cluster's.
    fn of(cluster: SoftHsm, config: &str, of_cluster: &str) -> Self {
        let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
        let files = tempfile::tempdir().unwrap();
        let authority = files.path().join("ca.pem");
        std::fs::write(&authority, proxy.ca_pem()).unwrap();
        let trust = format!("[xks]\nextra_ca_files = [{authority:?}]\n");
        let server = Server::builder()
            .dev_clock()
            .config(config)
            .more_config(&trust)
            .hsm_cluster(&cluster)
            .more_config(of_cluster)
            .start();
        let xks = created(
            &server,
            &json!({"CustomKeyStoreName": "external", "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
                "XksProxyConnectivity": "PUBLIC_ENDPOINT", "XksProxyUriEndpoint": proxy.endpoint(),
                "XksProxyUriPath": "/kms/xks/v1", "XksProxyAuthenticationCredential":
                {"AccessKeyId": Credential::EXAMPLE_ID, "RawSecretAccessKey": Credential::EXAMPLE_SECRET}}),
        );
        connect(&server, &xks);
        Self { server, proxy, cluster, xks, hsm: OnceCell::new(), _files: files }
    }

    /// The id of the store of the cluster.
    fn hsm(&self) -> &str {
        self.hsm.get_or_init(|| {
            let id = created(
                &self.server,
                &json!({"CustomKeyStoreName": "cluster", "CloudHsmClusterId": SoftHsm::CLUSTER_ID,
                    "KeyStorePassword": SoftHsm::PIN, "TrustAnchorCertificate": self.cluster.trust_anchor}),
            );
            connect(&self.server, &id);
            id
        })
    }

    /// What CreateKey is asked for a key of that external key.
    fn external(&self, name: &str) -> Value {
        json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": self.xks, "XksKeyId": name})
    }

    /// What it is asked for a key in the cluster.
    fn in_cluster(&self) -> Value {
        json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": self.hsm()})
    }

    fn external_key(&self, name: &str) -> String {
        arn(&self.server.call("CreateKey", &self.external(name)))
    }

    fn hsm_key(&self) -> String {
        arn(&self.server.call("CreateKey", &self.in_cluster()))
    }

    fn described(&self, key: &str) -> Value {
        self.server.call("DescribeKey", &json!({"KeyId": key})).output()["KeyMetadata"].clone()
    }

    /// The id of the objects of a key in the cluster, as its records have it.
    fn backing_key(&self, key: &str) -> String {
        let used = self.server.call("Encrypt", &json!({"KeyId": key, "Plaintext": PLAINTEXT}));
        let data = self.server.record_of(&used)["additionalEventData"].clone();
        data["backingKeyId"].as_str().unwrap().to_owned()
    }

    /// How many secret keys a member has, as another program sees them.
    fn secret_keys(&self, member: &str) -> usize {
        let objects = self.pkcs11_tool(member, &["--list-objects", "--type", "secrkey"]);
        objects.matches("Secret Key Object").count()
    }

    /// What another program does in a member.
    fn pkcs11_tool(&self, member: &str, arguments: &[&str]) -> String {
        let mut tool = Command::new("pkcs11-tool");
        tool.arg("--module").arg(SoftHsm::library()).args(["--token-label", member, "--login"]);
        tool.args(["--pin", SoftHsm::PIN]).args(arguments);
        let output = tool.env("SOFTHSM2_CONF", self.cluster.configuration()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn created(server: &Server, input: &Value) -> String {
    let made = server.call("CreateCustomKeyStore", input).output();
    made["CustomKeyStoreId"].as_str().unwrap().to_owned()
}

fn connect(server: &Server, store: &str) {
    let named = json!({"CustomKeyStoreId": store});
    until("the store is disconnected", || state(server, &named) == "DISCONNECTED");
    let _ = server.call("ConnectCustomKeyStore", &named).output();
    until("the store is connected", || state(server, &named) == "CONNECTED");
}

fn state(server: &Server, store: &Value) -> String {
    let found = server.call("DescribeCustomKeyStores", store).output();
    found["CustomKeyStores"][0]["ConnectionState"].as_str().unwrap().to_owned()
}

fn arn(made: &Answer) -> String {
    made.output()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

fn encrypt(server: &Server, key: &str) -> Value {
    let input = json!({"KeyId": key, "Plaintext": PLAINTEXT});
    server.call("Encrypt", &input).output()["CiphertextBlob"].clone()
}

fn re_encrypt(server: &Server, blob: &Value, to: &str) -> Value {
    server.call("ReEncrypt", &json!({"CiphertextBlob": blob, "DestinationKeyId": to})).output()
}

fn with(input: &Value, more: &Value) -> Value {
    let mut both = input.clone();
    let members = more.as_object().unwrap();
    members.iter().for_each(|(name, value)| both[name] = value.clone());
    both
}

const PLAINTEXT: &str = "YSBwbGFpbnRleHQgdGhhdCBub2JvZHkgc2Vlcw==";
//= custom-key-stores: wire messages, M3
const REJECTED: &str = "The external key store proxy rejected the request because the specified ciphertext or encryption context is corrupted, missing, or otherwise invalid.";
const KEY_MISSING: &str =
    "The key material of this KMS key is not in your CloudHSM cluster. Verify that nobody has deleted it.";
