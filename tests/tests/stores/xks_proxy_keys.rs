//! The whole road over our own proxy, with each of its key managers.

use crate::held::{Backend, CLIENT, Held, KEYS, SATURN};
use crate::store::{Store, context, until};
use crate::words;
use blackbox::{Answer, Server, base64, bytes};
use faulty_proxy::Authority;
use serde_json::{Value, json};

#[test]
fn a_key_in_a_sealed_file_does_all_that_a_key_of_kms_does() {
    lives(&Held::in_a_file());
}

#[test]
fn a_key_in_two_tokens_does_all_that_a_key_of_kms_does() {
    lives(&Held::in_tokens());
}

#[test]
fn a_key_in_a_transit_engine_does_all_that_a_key_of_kms_does() {
    lives(&Held::in_transit());
}

/// From the store that is made to the last word of the key's owner, all of it under mutual TLS.
#[track_caller]
fn lives(held: &Held) {
    let known = held.only_for_the_client();
    held.proxy.start();
    let server = held.builder(&known).start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    store.try_create_key_of("pluto").refuses("XksKeyNotFoundException", words::KEY_NOT_FOUND);
    is_used(&server, &store, &key);
    is_rotated_behind_its_id(held, &store, &key);
    is_denied_by_the_policy(held, &store);
    let blob = store.sealed(&key);
    store.disconnect();
    store.decrypt(&blob).refuses("KMSInvalidStateException", words::NOT_CONNECTED);
    store.connect();
    store.opens(&blob);
    is_taken_away_and_given_back(held, &store, &blob);
}

#[track_caller]
fn is_used(server: &Server, store: &Store<'_>, key: &str) {
    let longest = base64(&[7; 4096]);
    let input = json!({"KeyId": key, "Plaintext": longest, "EncryptionContext": context()});
    let sealed = server.call("Encrypt", &input).output()["CiphertextBlob"].clone();
    let opened = server.call("Decrypt", &json!({"CiphertextBlob": sealed, "EncryptionContext": context()}));
    assert_eq!(opened.output()["Plaintext"], longest);
    let wrong = json!({"CiphertextBlob": sealed, "EncryptionContext": {"project": "congo"}});
    server.call("Decrypt", &wrong).refuses("KMSInvalidStateException", words::CIPHERTEXT_REJECTED);

    let input = json!({"KeyId": key, "KeySpec": "AES_256"});
    let made = server.call("GenerateDataKey", &input).output();
    let opened = server.call("Decrypt", &json!({"CiphertextBlob": made["CiphertextBlob"]})).output();
    assert_eq!(opened["Plaintext"], made["Plaintext"]);
    assert_eq!(bytes(&made["Plaintext"]).len(), 32);

    let native = server.create_key();
    for (from, to) in [(native.as_str(), key), (key, native.as_str())] {
        let moved = server.call(
            "ReEncrypt",
            &json!({
                "CiphertextBlob": store.sealed(from), "SourceEncryptionContext": context(),
                "DestinationKeyId": to, "DestinationEncryptionContext": context(),
            }),
        );
        let moved = moved.output();
        assert_eq!(moved["KeyId"], to);
        store.opens(&moved["CiphertextBlob"]);
    }
}

/// The owner of a key that is in tokens does not rotate it behind its id: it is another key there.
#[track_caller]
fn is_rotated_behind_its_id(held: &Held, store: &Store<'_>, key: &str) {
    let old = store.sealed(key);
    let before = version(held, &store.encrypt(key));
    match &held.backend {
        Backend::File => held.key(&["rotate", KEYS[0]]),
        Backend::Tokens(_) => return,
        Backend::Transit(transit) => transit.change(KEYS[0], "rotate", &json!({})),
    }
    until("the new version encrypts", || version(held, &store.encrypt(key)) != before);
    store.opens(&old);
    store.opens(&store.sealed(key));
    let opened = store.decrypt(&old);
    assert_eq!(version(held, &opened), before);
}

/// The version of the key that the proxy has on record of a call.
fn version(held: &Held, answer: &Answer) -> Value {
    of_call(held, answer)["keyVersion"].clone()
}

/// The last record of the proxy of a call to the service.
fn of_call(held: &Held, answer: &Answer) -> Value {
    let id = answer.header("x-amzn-requestid").unwrap();
    let records = held.proxy.journal();
    records.into_iter().rfind(|record| record["kmsRequestId"] == id).unwrap()
}

#[track_caller]
fn is_denied_by_the_policy(held: &Held, store: &Store<'_>) {
    let saturn = store.create_key_of(SATURN);
    let denied = store.decrypt(&store.sealed(&saturn));
    denied.refuses("KMSInvalidStateException", words::ACCESS_DENIED);
    let record = of_call(held, &denied);
    assert_eq!(
        record["deniedBy"],
        json!({"policy": "policy.json", "index": 0, "sid": "SaturnStaysShut"}),
        "{record}"
    );
    assert_eq!((&record["externalKeyId"], &record["outcome"]), (&json!(SATURN), &json!("Failure")));
    assert_eq!(record["clientCertificateSubject"], CLIENT);
    assert_eq!(record["requestMetadata"]["kmsOperation"], "Decrypt");
}

#[track_caller]
fn is_taken_away_and_given_back(held: &Held, store: &Store<'_>, blob: &Value) {
    let words = match &held.backend {
        Backend::File => {
            held.key(&["disable", KEYS[0]]);
            words::KEY_NOT_ENABLED
        }
        Backend::Tokens(_) => {
            held.faults("* * removed");
            words::NO_KEY_MANAGER
        }
        Backend::Transit(transit) => {
            transit.change(KEYS[0], "soft-delete", &json!({}));
            words::KEY_NOT_ENABLED
        }
    };
    until("the key cannot be used", || store.decrypt(blob).status != 200);
    until("it is told why", || {
        store.decrypt(blob).fault() == ("KMSInvalidStateException".to_owned(), Some(words.to_owned()))
    });
    match &held.backend {
        Backend::File => held.key(&["enable", KEYS[0]]),
        Backend::Tokens(_) => held.faults(""),
        Backend::Transit(transit) => transit.change(KEYS[0], "soft-delete-restore", &json!({})),
    }
    until("the key can be used again", || store.decrypt(blob).status == 200);
    store.opens(blob);
}

#[test]
fn who_shows_no_certificate_or_that_of_another_name_is_not_let_in() {
    let held = Held::in_a_file();
    let _ = held.only_for_the_client();
    held.proxy.start();
    let strangers = Authority::new().unwrap();
    for settings in [String::new(), held.certified(&strangers, CLIENT)] {
        let server = held.builder(&settings).start();
        let made = server.call("CreateCustomKeyStore", &held.input());
        assert_eq!(made.error(), "XksProxyInvalidConfigurationException", "{settings}");
    }
}
