//! Encryption with RSA keys: ciphertexts that say nothing of their key, with a limit for each algorithm, bound to no context; alone
//! and in every combination with symmetric keys.

use crate::account::{Account, PLAINTEXT, key_id};
use crate::cryptography::{create, key};
use blackbox::{Answer, Server, base64, bytes};
use serde_json::{Value, json};

const ALGORITHMS: [&str; 2] = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const NO_CONTEXT: &str =
    "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.";

fn encrypt(server: &Server, key: &str, algorithm: &str, plaintext: &[u8]) -> Answer {
    let input = json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "Plaintext": base64(plaintext)});
    server.call("Encrypt", &input)
}

fn decrypt(server: &Server, key: &str, algorithm: &str, blob: &[u8]) -> Answer {
    let input = json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "CiphertextBlob": base64(blob)});
    server.call("Decrypt", &input)
}

fn sealed(server: &Server, key: &str, algorithm: &str, plaintext: &[u8]) -> Vec<u8> {
    bytes(&encrypt(server, key, algorithm, plaintext).output()["CiphertextBlob"])
}

#[test]
fn a_plaintext_of_any_size_up_to_the_limit_comes_back_and_one_above_is_refused() {
    let server = Server::start();
    for (spec, length, limits) in
        [("RSA_2048", 256, [214, 190]), ("RSA_3072", 384, [342, 318]), ("RSA_4096", 512, [470, 446])]
    {
        let key = key(&server, spec, "ENCRYPT_DECRYPT");
        for (algorithm, limit) in ALGORITHMS.into_iter().zip(limits) {
            for size in [1, 32, limit] {
                let plaintext: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
                let made = encrypt(&server, &key, algorithm, &plaintext).output();
                let blob = bytes(&made["CiphertextBlob"]);
                assert_eq!(
                    made,
                    json!({"CiphertextBlob": base64(&blob), "KeyId": key, "EncryptionAlgorithm": algorithm})
                );
                assert_eq!(blob.len(), length, "{spec} {algorithm}");
                assert_ne!(sealed(&server, &key, algorithm, &plaintext), blob, "no two are alike");
                let opened = decrypt(&server, &key, algorithm, &blob).output();
                let expected =
                    json!({"Plaintext": base64(&plaintext), "KeyId": key, "EncryptionAlgorithm": algorithm});
                assert_eq!(opened, expected, "{spec} {algorithm}");
            }
            for size in [limit + 1, 1184, 4096] {
                let words = format!(
                    "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {limit} bytes."
                );
                encrypt(&server, &key, algorithm, &vec![1; size]).refuses("ValidationException", &words);
            }
        }
    }
}

#[test]
fn what_does_not_open_is_refused_without_a_word() {
    let server = Server::start();
    let account = Account::root(&server);
    let [one, two] = [(); 2].map(|()| key(&server, "RSA_2048", "ENCRYPT_DECRYPT"));
    for (algorithm, other) in ALGORITHMS.into_iter().zip(ALGORITHMS.into_iter().rev()) {
        let blob = sealed(&server, &one, algorithm, PLAINTEXT);
        let refuses = |answer: Answer| answer.refuses_without_a_word("InvalidCiphertextException");
        refuses(decrypt(&server, &one, other, &blob));
        refuses(decrypt(&server, &two, algorithm, &blob));
        for at in [0, 100, 255] {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            refuses(decrypt(&server, &one, algorithm, &changed));
        }
        let of_symmetric_key = bytes(&json!(account.ciphertext));
        for wrong in [
            &blob[1..],
            &blob[..255],
            &[&blob[..], &[0]].concat(),
            &[0],
            &[255; 256],
            &[0; 6144],
            &of_symmetric_key,
        ] {
            refuses(decrypt(&server, &one, algorithm, wrong));
        }
        // As if it were a symmetric key's, it is none either, whichever key is named.
        for key in [&one, &account.key] {
            refuses(decrypt(&server, key, "SYMMETRIC_DEFAULT", &blob));
        }
        refuses(server.call("Decrypt", &json!({"CiphertextBlob": base64(&blob)})));
    }
}

#[test]
fn a_symmetric_ciphertext_beside_an_asymmetric_key_is_of_an_incorrect_key() {
    let server = Server::start();
    let account = Account::root(&server);
    let key = key(&server, "RSA_2048", "ENCRYPT_DECRYPT");
    let input = json!({"KeyId": key, "CiphertextBlob": account.ciphertext});
    assert_eq!(server.call("Decrypt", &input).error(), "IncorrectKeyException");
}

#[test]
fn the_key_must_be_named_for_the_ciphertext_does_not_name_it() {
    let server = Server::start();
    let account = Account::root(&server);
    let key = key(&server, "RSA_2048", "ENCRYPT_DECRYPT");
    for algorithm in ALGORITHMS {
        let blob = base64(&sealed(&server, &key, algorithm, PLAINTEXT));
        let input = json!({"CiphertextBlob": blob, "EncryptionAlgorithm": algorithm});
        let words = format!("KeyId is required with the algorithm {algorithm}.");
        server.call("Decrypt", &input).refuses("ValidationException", &words);
        let input = json!({"CiphertextBlob": blob, "SourceEncryptionAlgorithm": algorithm, "DestinationKeyId": account.key});
        let words = format!("SourceKeyId is required with the algorithm {algorithm}.");
        server.call("ReEncrypt", &input).refuses("ValidationException", &words);
        for way in [key_id(&key), &key] {
            assert_eq!(
                bytes(&decrypt(&server, way, algorithm, &bytes(&json!(blob))).output()["Plaintext"]),
                PLAINTEXT
            );
        }
    }
}

#[test]
fn there_is_no_context_and_an_empty_one_is_none() {
    let server = Server::start();
    let account = Account::root(&server);
    let (key, algorithm) = (key(&server, "RSA_2048", "ENCRYPT_DECRYPT"), "RSAES_OAEP_SHA_256");
    let blob = base64(&sealed(&server, &key, algorithm, PLAINTEXT));
    let requests = [
        (
            "Encrypt",
            "EncryptionContext",
            json!({"KeyId": key, "Plaintext": "AQ==", "EncryptionAlgorithm": algorithm}),
        ),
        (
            "Decrypt",
            "EncryptionContext",
            json!({"KeyId": key, "CiphertextBlob": blob, "EncryptionAlgorithm": algorithm}),
        ),
        (
            "ReEncrypt",
            "SourceEncryptionContext",
            json!({"SourceKeyId": key, "CiphertextBlob": blob,
            "SourceEncryptionAlgorithm": algorithm, "DestinationKeyId": account.key}),
        ),
        (
            "ReEncrypt",
            "DestinationEncryptionContext",
            json!({"CiphertextBlob": account.ciphertext,
            "DestinationKeyId": key, "DestinationEncryptionAlgorithm": algorithm}),
        ),
    ];
    for (operation, member, mut input) in requests {
        input[member] = json!({"river": "nile"});
        server.call(operation, &input).refuses("ValidationException", NO_CONTEXT);
        input[member] = json!({});
        assert_eq!(server.call(operation, &input).status, 200, "{operation} {member}");
    }
}

#[test]
fn a_context_that_is_not_bound_meets_no_condition() {
    let server = Server::start();
    let key = key(&server, "RSA_2048", "ENCRYPT_DECRYPT");
    let condition = json!({"StringEquals": {"kms:EncryptionContext:river": "nile"}});
    let user = server.create_user_with(
        server.root(),
        "Ana",
        &json!([{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition}]),
    );
    let input = json!({"KeyId": key, "Plaintext": "AQ==", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "EncryptionContext": {"river": "nile"}});
    assert_eq!(server.call_as(&user.caller, "Encrypt", &input).error(), "AccessDeniedException");
}

#[test]
fn re_encryption_goes_from_every_kind_of_key_to_every_other() {
    let server = Server::start();
    let symmetric = || (create(&server, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), "SYMMETRIC_DEFAULT");
    let keys = || {
        let asymmetric =
            ALGORITHMS.map(|algorithm| (create(&server, "RSA_2048", "ENCRYPT_DECRYPT"), algorithm));
        [symmetric()].into_iter().chain(asymmetric).collect::<Vec<_>>()
    };
    let (sources, destinations) = (keys(), keys());
    for (source, from) in &sources {
        for (destination, to) in &destinations {
            let [source_key, destination_key] = [source, destination].map(|key| key["Arn"].as_str().unwrap());
            let blob = sealed(&server, source_key, from, PLAINTEXT);
            let input = json!({"CiphertextBlob": base64(&blob), "SourceKeyId": source_key, "SourceEncryptionAlgorithm": from,
                "DestinationKeyId": destination_key, "DestinationEncryptionAlgorithm": to});
            let answer = server.call("ReEncrypt", &input);
            let mut made = answer.output();
            let moved = bytes(&made["CiphertextBlob"]);
            assert_eq!(
                bytes(&decrypt(&server, destination_key, to, &moved).output()["Plaintext"]),
                PLAINTEXT
            );
            drop(made.as_object_mut().unwrap().remove("CiphertextBlob"));
            assert_eq!(made, expected(source, from, destination, to), "{from} to {to}");
            let told = server.record_of(&answer)["additionalEventData"].clone();
            let materials = [("sourceKeyMaterialId", source), ("destinationKeyMaterialId", destination)];
            for (name, key) in materials {
                assert_eq!(told[name], key["CurrentKeyMaterialId"], "{from} to {to}: {name}");
            }
        }
    }
}

/// What a re-encryption answers besides the ciphertext: key material is told of symmetric keys only.
fn expected(source: &Value, from: &str, destination: &Value, to: &str) -> Value {
    let mut answer = json!({"SourceKeyId": source["Arn"], "KeyId": destination["Arn"], "SourceEncryptionAlgorithm": from,
        "DestinationEncryptionAlgorithm": to});
    for (member, key) in [("SourceKeyMaterialId", source), ("DestinationKeyMaterialId", destination)] {
        if key["CurrentKeyMaterialId"].is_string() {
            answer[member] = key["CurrentKeyMaterialId"].clone();
        }
    }
    answer
}

#[test]
fn what_is_too_large_for_its_new_key_is_refused() {
    let server = Server::start();
    let account = Account::root(&server);
    let key = key(&server, "RSA_2048", "ENCRYPT_DECRYPT");
    for (algorithm, limit) in ALGORITHMS.into_iter().zip([214, 190]) {
        let re_encrypt = |size: usize| {
            let blob = account.encrypt(&account.key, &vec![7; size]);
            let input = json!({"CiphertextBlob": blob, "DestinationKeyId": key, "DestinationEncryptionAlgorithm": algorithm});
            server.call("ReEncrypt", &input)
        };
        assert_eq!(re_encrypt(limit).status, 200);
        let words = format!(
            "Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {limit} bytes."
        );
        for size in [limit + 1, 4096] {
            re_encrypt(size).refuses("ValidationException", &words);
        }
    }
}

#[test]
fn the_record_names_the_algorithm_and_no_key_material() {
    let server = Server::start();
    let (key, algorithm) = (key(&server, "RSA_2048", "ENCRYPT_DECRYPT"), "RSAES_OAEP_SHA_1");
    let made = encrypt(&server, &key, algorithm, PLAINTEXT);
    let opened = decrypt(&server, &key, algorithm, &bytes(&made.output()["CiphertextBlob"]));
    assert_eq!(bytes(&opened.output()["Plaintext"]), PLAINTEXT);
    for answer in [made, opened] {
        let record = server.record_of(&answer);
        assert_eq!(record["requestParameters"], json!({"keyId": key, "encryptionAlgorithm": algorithm}));
        assert!(record.get("additionalEventData").is_none_or(Value::is_null), "{record}");
        assert_eq!(record["resources"][0]["ARN"], key);
    }
}

#[test]
fn a_dry_run_may_pass_over_the_ciphertext_if_it_names_the_key() {
    let server = Server::start();
    let account = Account::root(&server);
    let (key, algorithm) = (key(&server, "RSA_2048", "ENCRYPT_DECRYPT"), "RSAES_OAEP_SHA_1");
    let ignoring = json!({"DryRun": true, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]});
    let decrypt = json!({"KeyId": key, "EncryptionAlgorithm": algorithm});
    let re_encrypt =
        json!({"SourceKeyId": key, "SourceEncryptionAlgorithm": algorithm, "DestinationKeyId": account.key});
    for (operation, mut input) in [("Decrypt", decrypt), ("ReEncrypt", re_encrypt)] {
        input.as_object_mut().unwrap().extend(ignoring.as_object().unwrap().clone());
        assert_eq!(server.call(operation, &input).error(), "DryRunOperationException");
    }
}
