//! External keys that do not suit, that change behind their ids, and that more than one KMS key is made of. Nothing is lost: what was
//! encrypted decrypts again as soon as the external key is as it was.

use crate::proxied::{KEYS, OTHER_PATH, PATH, Proxied};
use crate::store::{Store, context};
use crate::words;
use blackbox::{base64, bytes};
use faulty_proxy::{Api, ExternalKey, Fault, Scope};
use serde_json::json;

#[test]
fn an_external_key_of_a_wrong_size_usage_or_status_is_not_taken() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let (mut small, mut disabled) = (ExternalKey::new(), ExternalKey::new());
    small.spec = "AES_128".into();
    disabled.enabled = false;
    for (key, words) in [
        (
            small,
            "The key spec of the external key must be AES_256. The key spec of specified external key is AES_128.",
        ),
        (
            ExternalKey::for_usage(&["ENCRYPT", "WRAP"]),
            "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is ENCRYPT, WRAP.",
        ),
        (
            ExternalKey::for_usage(&["DECRYPT"]),
            "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is DECRYPT.",
        ),
        (
            disabled,
            "The status of the external key must be ENABLED. The status of specified external key is DISABLED.",
        ),
    ] {
        proxied.proxy.keys().put("odd", key);
        store.try_create_key_of("odd").refuses("XksKeyInvalidConfigurationException", words);
    }
    store.try_create_key_of("nowhere").refuses("XksKeyNotFoundException", words::KEY_NOT_FOUND);
    proxied.proxy.keys().put("odd", ExternalKey::for_usage(&["WRAP", "DECRYPT", "SIGN", "ENCRYPT"]));
    store.opens(&store.sealed(&store.create_key_of("odd")));
    let long = "a".repeat(128);
    proxied.proxy.keys().put(&long, ExternalKey::new());
    store.opens(&store.sealed(&store.create_key_of(&long)));
}

#[test]
fn an_external_key_that_is_disabled_or_deleted_fails_as_documented_and_its_return_is_enough() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    let keys = proxied.proxy.keys();
    keys.change(KEYS[0], |key| key.enabled = false).unwrap();
    store.decrypt(&blob).refuses("KMSInvalidStateException", words::KEY_NOT_ENABLED);
    store.encrypt(&key).refuses("KMSInvalidStateException", words::KEY_NOT_ENABLED);
    assert_eq!(store.key_state(&key), "Enabled", "of the external key's state DescribeKey knows nothing");
    keys.change(KEYS[0], |key| key.enabled = true).unwrap();
    store.opens(&blob);
    let former = keys.delete(KEYS[0]).unwrap();
    store.decrypt(&blob).refuses("KMSInvalidStateException", words::KEY_NOT_FOUND);
    store.encrypt(&key).refuses("KMSInvalidStateException", words::KEY_NOT_FOUND);
    keys.put(KEYS[0], ExternalKey::new());
    store.decrypt(&blob).refuses("KMSInvalidStateException", words::CIPHERTEXT_REJECTED);
    keys.put(KEYS[0], former);
    store.opens(&blob);
    keys.change(KEYS[0], |key| key.usage = vec!["DECRYPT".into()]).unwrap();
    store.encrypt(&key).refuses("KMSInvalidStateException", words::USAGE_NOT_SUPPORTED);
    store.opens(&blob);
}

#[test]
fn what_was_encrypted_before_the_external_key_was_rotated_still_opens_and_new_calls_use_the_new_version() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let mut blobs = vec![store.sealed(&key)];
    for version in 2..=4 {
        proxied.proxy.keys().change(KEYS[0], ExternalKey::rotate).unwrap();
        blobs.push(store.sealed(&key));
        let named = format!("key_version={version}");
        assert!(bytes(&blobs[version - 1]).windows(named.len()).any(|part| part == named.as_bytes()));
        blobs.iter().for_each(|blob| store.opens(blob));
    }
    proxied.proxy.keys().change(KEYS[0], |key| key.long_vectors = true).unwrap();
    blobs.push(store.sealed(&key));
    blobs.iter().for_each(|blob| store.opens(blob));
}

#[test]
fn both_the_kms_key_and_the_external_key_must_be_enabled() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    let _ = server.call("DisableKey", &json!({"KeyId": key})).output();
    proxied.proxy.forget_requests();
    assert_eq!(store.decrypt(&blob).error(), "DisabledException");
    assert!(proxied.proxy.requests().is_empty(), "the proxy was asked");
    let _ = server.call("EnableKey", &json!({"KeyId": key})).output();
    store.opens(&blob);
}

#[test]
fn two_keys_of_one_store_never_share_an_external_key_and_those_of_two_stores_open_nothing_of_each_other() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    assert_eq!(store.try_create_key_of(KEYS[0]).error(), "XksKeyAlreadyInUseException");
    store.schedule_deletion(&key);
    assert_eq!(store.try_create_key_of(KEYS[0]).error(), "XksKeyAlreadyInUseException");
    let _ = server.call("CancelKeyDeletion", &json!({"KeyId": key})).output();
    let _ = server.call("EnableKey", &json!({"KeyId": key})).output();

    let second = Store::create(&server, &proxied.input("second", OTHER_PATH));
    second.connect();
    let stranger = server.create_account();
    let elsewhere = Store::create_as(&server, &stranger, &proxied.input("first", PATH));
    elsewhere.connect();
    for other in [&second, &elsewhere] {
        let twin = other.create_key_of(KEYS[0]);
        let (mine, theirs) = (store.sealed(&key), other.sealed(&twin));
        let forged = with_key_id(&bytes(&mine), &key, &twin);
        for blob in [base64(&forged), base64(&with_key_id(&bytes(&theirs), &twin, &key))] {
            let input = json!({"CiphertextBlob": blob, "EncryptionContext": context()});
            for owner in [&store.caller, &other.caller] {
                let refused = server.call_as(owner, "Decrypt", &input);
                assert!(refused.status == 400, "{}", refused.text());
            }
        }
        let input = json!({"CiphertextBlob": mine, "KeyId": twin, "EncryptionContext": context()});
        assert_eq!(server.call_as(&other.caller, "Decrypt", &input).error(), "IncorrectKeyException");
        store.opens(&mine);
        other.opens(&theirs);
    }
    // The same with a proxy that opens whatever it is given would be the owner's own fault; that of one who opens nothing is not.
    proxied.proxy.inject(Fault::WrongPlaintext, Scope::next(Api::Decrypt, 1));
    store.decrypt(&store.sealed(&key)).refuses("KMSInvalidStateException", words::CIPHERTEXT_INSIDE_REJECTED);
}

#[test]
fn a_blob_whose_context_or_any_part_is_another_does_not_open() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = bytes(&store.sealed(&key));
    for at in (0..blob.len()).step_by(7) {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        let refused = store.decrypt(&json!(base64(&changed)));
        assert_eq!(refused.status, 400, "byte {at}: {}", refused.text());
    }
    let other = json!({"CiphertextBlob": base64(&blob), "EncryptionContext": {"project": "sudd"}});
    server.call("Decrypt", &other).refuses("KMSInvalidStateException", words::CIPHERTEXT_REJECTED);
    store.opens(&json!(base64(&blob)));
}

/// The same bytes, with the id of one key where that of the other was.
#[track_caller]
fn with_key_id(blob: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (id_of(from), id_of(to));
    let at = blob.windows(from.len()).position(|part| part == from).unwrap();
    [&blob[..at], &to, &blob[at + from.len()..]].concat()
}

fn id_of(arn: &str) -> Vec<u8> {
    let digits: String = arn.rsplit('/').next().unwrap().chars().filter(|letter| *letter != '-').collect();
    u128::from_str_radix(&digits, 16).unwrap().to_be_bytes().to_vec()
}
