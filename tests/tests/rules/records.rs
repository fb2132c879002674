//! What the journal says of a call: for every operation a record as agreed, and never anything secret.

use crate::account::{Account, key_id};
use crate::requests::{call_each, minimal};
use blackbox::{Model, Server, base64, bytes, record_of};
use serde_json::{Value, json};

#[test]
fn every_operation_leaves_the_record_that_was_agreed() {
    let server = Server::start();
    let mut calls = Vec::new();
    call_each(&server, |operation, account, _, answer| {
        let output = answer.output();
        let ids = [&output["KeyMetadata"]["KeyId"], &output["GrantId"], &output["CustomKeyStoreId"]];
        let made = ids.iter().find_map(|id| id.as_str()).map(str::to_owned);
        calls.push((operation, answer.clone(), stand_ins(account, made)));
    });
    let journal = server.journal();
    for (operation, answer, stand_ins) in calls {
        let record = settled(&record_of(&journal, &answer), &stand_ins);
        insta::assert_snapshot!(operation, serde_json::to_string_pretty(&record).unwrap());
    }
}

#[test]
fn no_record_holds_a_plaintext_a_ciphertext_a_token_or_a_key() {
    let server = Server::start();
    let model = Model::load();
    let mut calls = Vec::new();
    call_each(&server, |operation, _, input, answer| {
        let mut secrets = Vec::new();
        blobs(&model, model.input(operation), input, &mut secrets);
        if let Some(shape) = model.output(operation) {
            blobs(&model, shape, &answer.output(), &mut secrets);
        }
        calls.push((answer.clone(), secrets));
    });
    let journal = server.journal();
    let found: usize = calls.iter().map(|(_, secrets)| secrets.len()).sum();
    assert!(found >= 25, "only {found} secrets");
    calls.iter().for_each(|(answer, secrets)| holds_none_of(&record_of(&journal, answer), secrets));
}

#[test]
fn no_record_of_a_refused_call_holds_what_was_secret_in_it() {
    let server = Server::start();
    let account = Account::root(&server);
    let token = base64(b"a grant token that is none, but long");
    let long = base64(&[b'x'; 4097]);
    let calls = [
        ("Encrypt", json!({"KeyId": account.key, "Plaintext": long})),
        (
            "Encrypt",
            json!({"KeyId": account.key, "Plaintext": base64(b"a secret %"), "GrantTokens": [token]}),
        ),
        ("Decrypt", json!({"CiphertextBlob": account.ciphertext, "GrantTokens": vec![token.as_str(); 11]})),
        ("DescribeKey", json!({"KeyId": account.key, "GrantTokens": [token.repeat(200)]})),
        ("Decrypt", json!({"CiphertextBlob": base64(b"no ciphertext of ours"), "GrantTokens": [token]})),
        ("GenerateDataKey", json!({"KeyId": "alias/none", "KeySpec": "AES_256", "GrantTokens": [token]})),
    ];
    for (operation, input) in calls {
        let answer = account.call(operation, &input);
        let record = server.record_of(&answer);
        assert_eq!(record["errorCode"], answer.error(), "{operation}");
        assert_eq!(record["responseElements"], Value::Null);
        let secrets = [&input["Plaintext"], &input["CiphertextBlob"], &input["GrantTokens"][0]];
        holds_none_of(
            &record,
            &secrets.into_iter().filter(|secret| secret.is_string()).map(bytes).collect::<Vec<_>>(),
        );
    }
}

#[test]
fn every_refusal_of_an_authenticated_call_is_recorded_with_its_error() {
    let server = Server::start();
    let account = Account::root(&server);
    let calls = [
        ("DescribeKey", json!({}), "ValidationException"),
        ("DescribeKey", json!({"KeyId": 7}), "SerializationException"),
        ("DescribeKey", json!({"KeyId": "alias/none"}), "NotFoundException"),
        ("CancelKeyDeletion", json!({"KeyId": account.key}), "KMSInvalidStateException"),
        ("CreateKey", json!({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}), "UnsupportedOperationException"),
    ];
    for (operation, input, error) in calls {
        let answer = account.call(operation, &input);
        let record = server.record_of(&answer);
        assert_eq!((answer.error().as_str(), &record["errorCode"]), (error, &json!(error)), "{operation}");
        assert_eq!(record["errorMessage"].as_str(), answer.fault().1.as_deref(), "{operation}");
        assert_eq!((&record["eventName"], &record["responseElements"]), (&json!(operation), &Value::Null));
    }
}

#[test]
fn a_call_with_a_wrong_signature_is_recorded_in_the_account_whose_key_it_names() {
    let server = Server::start();
    let account = Account::root(&server);
    let mut forger = account.caller.clone();
    forger.secret_access_key = "a/guess/that/is/forty/characters/long/ok".to_owned();
    let answer = server.call_as(&forger, "DescribeKey", &json!({"KeyId": account.key}));
    assert_eq!(answer.error(), "InvalidSignatureException");
    let record = server.record_of(&answer);
    assert_eq!(record["errorCode"], "InvalidSignatureException");
    assert_eq!(record["recipientAccountId"], account.id);
    assert_eq!(record["userIdentity"], json!({"type": "Unknown", "accessKeyId": forger.access_key_id}));
    assert_eq!(record["awsRegion"], json!(forger.region));
}

#[test]
fn a_record_is_read_only_exactly_where_the_operation_is() {
    let server = Server::start();
    let account = Account::root(&server);
    for (operation, read_only) in
        [("Encrypt", true), ("ListKeys", true), ("TagResource", false), ("CreateKey", false)]
    {
        let answer = account.call(operation, &minimal(operation, &account));
        assert_eq!(server.record_of(&answer)["readOnly"], read_only, "{operation}");
    }
}

/// The bytes of every blob in a value.
fn blobs(model: &Model, shape: &Value, value: &Value, into: &mut Vec<Vec<u8>>) {
    match (shape["type"].as_str().unwrap(), value) {
        ("blob", Value::String(_)) => into.push(bytes(value)),
        ("structure", Value::Object(members)) => {
            for (name, value) in members {
                blobs(model, model.shape_of(&shape["members"][name]), value, into);
            }
        }
        ("list", Value::Array(elements)) => {
            elements.iter().for_each(|one| blobs(model, model.shape_of(&shape["member"]), one, into));
        }
        _ => {}
    }
}

/// Neither as they are nor in the encodings that a careless hand might use.
fn holds_none_of(record: &Value, secrets: &[Vec<u8>]) {
    let text = record.to_string();
    let squeezed = text.replace(' ', "");
    for secret in secrets {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let encoded = base64(secret);
        let url = encoded.replace('+', "-").replace('/', "_");
        let raw = String::from_utf8_lossy(secret).into_owned();
        let decimal: Vec<_> = secret.iter().map(u8::to_string).collect();
        for form in [&hex, &encoded, &url, &raw, &decimal.join(",")] {
            let form = form.trim_end_matches('=');
            assert!(!text.contains(form) && !squeezed.contains(form), "{form} in {text}");
        }
    }
}

/// Values that are others each time, and what stands for each.
fn stand_ins(account: &Account<'_>, made: Option<String>) -> Vec<(String, &'static str)> {
    let values = [
        (account.id.clone(), "111122223333"),
        (key_id(&account.key).to_owned(), "<key>"),
        (key_id(&account.other).to_owned(), "<other key>"),
        (account.caller.access_key_id.clone(), "<access key>"),
        (account.grant.clone(), "<grant>"),
    ];
    let store = Some((account.store.clone(), "<store>")).filter(|(id, _)| !id.is_empty());
    values.into_iter().chain(store).chain(made.map(|id| (id, "<what was made>"))).collect()
}

/// The record with a stand-in for everything that is another each time.
fn settled(record: &Value, stand_ins: &[(String, &str)]) -> Value {
    let text =
        stand_ins.iter().fold(record.to_string(), |text, (value, stand_in)| text.replace(value, stand_in));
    let mut record = serde_json::from_str(&text).unwrap();
    settle(&mut record);
    record
}

fn settle(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match name.as_str() {
                    "eventTime"
                    | "eventID"
                    | "requestID"
                    | "creationDate"
                    | "deletionDate"
                    | "currentKeyMaterialId"
                    | "keyMaterialId"
                    | "sourceKeyMaterialId"
                    | "destinationKeyMaterialId" => {
                        assert!(value.is_string(), "{name}: {value}");
                        *value = json!(format!("<{name}>"));
                    }
                    _ => settle(value),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(settle),
        _ => {}
    }
}
