//! Data key pairs: the private key comes open and sealed, or sealed only; sealed it is a ciphertext like any other.

use crate::account::Account;
use crate::cryptography::{create, patiently, public_key};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use blackbox::{Answer, Server, base64, bytes};
use keys::DataKeyPairSpec;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const OPERATIONS: [&str; 2] = ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"];

fn generate(server: &Server, operation: &str, key: &Value, spec: &str) -> Answer {
    let input = json!({"KeyId": key, "KeyPairSpec": spec, "EncryptionContext": {"river": "nile"}});
    patiently(|| server.call(operation, &input))
}

fn decrypt(server: &Server, made: &Value, context: &Value) -> Answer {
    server.call(
        "Decrypt",
        &json!({"CiphertextBlob": made["PrivateKeyCiphertextBlob"], "EncryptionContext": context}),
    )
}

#[test]
fn a_pair_of_every_kind_opens_in_its_context_and_is_never_the_same() {
    let server = Server::start();
    let key = create(&server, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let mut seen = BTreeSet::new();
    for spec in DataKeyPairSpec::ALL.iter().filter(|spec| **spec != DataKeyPairSpec::Sm2) {
        for operation in OPERATIONS {
            let answer = generate(&server, operation, &key["Arn"], spec.name());
            let made = answer.output();
            let expected = (&key["Arn"], &json!(spec.name()), &key["CurrentKeyMaterialId"]);
            assert_eq!((&made["KeyId"], &made["KeyPairSpec"], &made["KeyMaterialId"]), expected, "{spec}");
            decrypt(&server, &made, &Value::Null).refuses_without_a_word("InvalidCiphertextException");
            let opened = decrypt(&server, &made, &json!({"river": "nile"})).output();
            if operation == OPERATIONS[0] {
                assert_eq!(opened["Plaintext"], made["PrivateKeyPlaintext"], "{spec}");
            }
            let private_key = bytes(&opened["Plaintext"]);
            // PrivateKeyInfo and SubjectPublicKeyInfo are sequences.
            assert_eq!((private_key[0], bytes(&made["PublicKey"])[0]), (0x30, 0x30), "{spec}");
            assert!(seen.insert(private_key) && seen.insert(bytes(&made["PublicKey"])), "{spec}");
            let record = server.record_of(&answer);
            let shown = json!({"keyId": key["Arn"], "keyPairSpec": spec.name(), "encryptionContext": {"river": "nile"}});
            assert_eq!(record["requestParameters"], shown);
            assert_eq!(record["additionalEventData"], json!({"keyMaterialId": key["CurrentKeyMaterialId"]}));
        }
    }
}

#[test]
fn the_public_key_is_that_of_the_private_one() {
    let server = Server::start();
    let account = Account::root_for(&server, "DeriveSharedSecret");
    let symmetric = create(&server, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let made = generate(&server, OPERATIONS[0], &symmetric["Arn"], "ECC_NIST_P256").output();
    let private_key = bytes(&made["PrivateKeyPlaintext"]);
    let private_key = PrivateKey::from_private_key_der(&ECDH_P256, &private_key).unwrap();
    let info = public_key(&server, &account.key);
    // The point is what a SubjectPublicKeyInfo ends with.
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &info[info.len() - 65..]);
    let secret = agree(&private_key, theirs, "no secret", |secret| Ok(secret.to_vec())).unwrap();
    let input =
        json!({"KeyId": account.key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": made["PublicKey"]});
    assert_eq!(account.call("DeriveSharedSecret", &input).output()["SharedSecret"], base64(&secret));
}

#[test]
fn a_pair_that_is_not_made_here_and_a_key_that_seals_nothing_are_refused() {
    let server = Server::start();
    let symmetric = create(&server, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let rsa = create(&server, "RSA_2048", "ENCRYPT_DECRYPT");
    for operation in OPERATIONS {
        generate(&server, operation, &symmetric["Arn"], "SM2")
            .refuses("UnsupportedOperationException", "KeyPairSpec SM2 is not supported.");
        let words = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.";
        generate(&server, operation, &rsa["Arn"], "ECC_NIST_P256").refuses("InvalidKeyUsageException", words);
    }
}

#[test]
fn a_condition_on_the_kind_of_pair_is_kept() {
    let server = Server::start();
    let key = create(&server, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let condition = json!({"StringEquals": {"kms:DataKeyPairSpec": "ECC_NIST_P384"}});
    let statements = json!([{"Effect": "Allow", "Action": "kms:GenerateDataKeyPair*", "Resource": "*", "Condition": condition}]);
    let user = server.create_user_with(server.root(), "Ana", &statements);
    for operation in OPERATIONS {
        let call = |spec: &str| {
            server.call_as(&user.caller, operation, &json!({"KeyId": key["Arn"], "KeyPairSpec": spec}))
        };
        assert_eq!(call("ECC_NIST_P384").status, 200);
        assert_eq!(call("ECC_NIST_P256").error(), "AccessDeniedException");
    }
}
