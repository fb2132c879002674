//! Key material that its owner brings along: what a key takes and what it does not, once for each token, and until when.

use crate::account::{Account, PLAINTEXT, key_id};
use crate::lifecycle::until;
use crate::multi_region::Family;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use blackbox::{Answer, Caller, Server, base64, bytes, wrap};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Material for a symmetric encryption key.
pub const MATERIAL: [u8; 32] = *b"the nile is the longest of them.";
const OTHER: [u8; 32] = *b"the amazon is longer, say others";
const THIRD: [u8; 32] = *b"the yangtze is the third longest";

/// A request that imports material into a key, with a token of its own. Where none can be had it has one that is none.
pub fn request(account: &Account<'_>, key: &str, material: &[u8]) -> Value {
    request_of(account.server, &account.caller, key, material)
}

/// Imports material into a key for good, and says its id.
pub fn import(account: &Account<'_>, key: &str, material: &[u8]) -> Value {
    account.call("ImportKeyMaterial", &request(account, key, material)).output()["KeyMaterialId"].clone()
}

fn request_of(server: &Server, caller: &Caller, key: &str, material: &[u8]) -> Value {
    let asked =
        json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    let answer = server.call_as(caller, "GetParametersForImport", &asked);
    let (token, wrapped) = match answer.status {
        200 => {
            let parameters = answer.output();
            let wrapped = wrap("RSAES_OAEP_SHA_256", &bytes(&parameters["PublicKey"]), material);
            (parameters["ImportToken"].clone(), base64(&wrapped))
        }
        _ => (json!(base64(b"no token")), base64(material)),
    };
    json!({"KeyId": key, "ImportToken": token, "EncryptedKeyMaterial": wrapped,
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})
}

/// Keys of origin EXTERNAL in the first account.
struct Owner<'a> {
    server: &'a Server,
}

impl Owner<'_> {
    fn call(&self, operation: &str, input: &Value) -> Answer {
        self.server.call(operation, input)
    }

    /// A new symmetric encryption key, still without material.
    fn create(&self) -> String {
        self.create_as(json!({}))
    }

    fn create_as(&self, mut input: Value) -> String {
        input["Origin"] = json!("EXTERNAL");
        self.call("CreateKey", &input).output()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    fn request(&self, key: &str, material: &[u8]) -> Value {
        request_of(self.server, self.server.root(), key, material)
    }

    /// The same, changed by these members.
    fn request_with(&self, key: &str, material: &[u8], members: Value) -> Value {
        with(self.request(key, material), members)
    }

    /// Imports material with these members besides and says its id.
    fn import(&self, key: &str, material: &[u8], members: Value) -> Value {
        let answer = self.call("ImportKeyMaterial", &self.request_with(key, material, members)).output();
        assert_eq!(answer["KeyId"], key);
        answer["KeyMaterialId"].clone()
    }

    fn described(&self, key: &str) -> Value {
        self.call("DescribeKey", &json!({"KeyId": key})).output()["KeyMetadata"].clone()
    }

    fn state(&self, key: &str) -> Value {
        self.described(key)["KeyState"].clone()
    }

    fn encrypt(&self, key: &str) -> Value {
        let input = json!({"KeyId": key, "Plaintext": base64(PLAINTEXT)});
        self.call("Encrypt", &input).output()["CiphertextBlob"].clone()
    }

    fn decrypt(&self, ciphertext: &Value) -> Answer {
        self.call("Decrypt", &json!({"CiphertextBlob": ciphertext}))
    }

    fn opens(&self, ciphertext: &Value) {
        assert_eq!(bytes(&self.decrypt(ciphertext).output()["Plaintext"]), PLAINTEXT);
    }

    /// All materials of a key.
    fn materials(&self, key: &str) -> Value {
        let input = json!({"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
        self.call("ListKeyRotations", &input).output()["Rotations"].clone()
    }

    fn material_states(&self, key: &str) -> Value {
        let materials = self.materials(key);
        let of =
            |entry: &Value| json!([entry["KeyMaterialId"], entry["KeyMaterialState"], entry["ImportState"]]);
        materials.as_array().unwrap().iter().map(of).collect()
    }

    fn delete(&self, key: &str, material: Option<&Value>) -> Answer {
        self.call("DeleteImportedKeyMaterial", &json!({"KeyId": key, "KeyMaterialId": material}))
    }

    /// Seconds since 1970 by the service's clock.
    fn now(&self, ahead: f64) -> f64 {
        real_now() + ahead
    }
}

fn real_now() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
}

fn with(mut input: Value, members: Value) -> Value {
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    input
}

fn expiring(valid_to: f64) -> Value {
    json!({"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": valid_to})
}

fn as_new() -> Value {
    json!({"ImportType": "NEW_KEY_MATERIAL"})
}

fn pending_import(key: &str) -> String {
    format!("{key} is pending import.")
}

const INVALID_TOKEN: &str = "The request was rejected because the provided import token is invalid or is associated with a different KMS key.";
const EXPIRED_TOKEN: &str = "The request was rejected because the specified import token is expired. Use GetParametersForImport to get a new import token and public key, use the new public key to encrypt the key material, and then try the request again.";
const INCORRECT: &str = "The request was rejected because the key material in the request is, expired, invalid, or does not meet expectations.";

#[test]
fn a_symmetric_key_is_described_as_recorded_before_and_after_its_import() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let names =
        |described: &Value| described.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let before = owner.described(&key);
    assert_eq!((&before["KeyState"], &before["Enabled"]), (&json!("PendingImport"), &json!(false)));
    assert!(before.get("ExpirationModel").is_none() && before.get("CurrentKeyMaterialId").is_none());
    let plaintext = json!({"KeyId": key, "Plaintext": base64(PLAINTEXT)});
    owner.call("Encrypt", &plaintext).refuses("KMSInvalidStateException", &pending_import(&key));

    let id = owner.import(&key, &MATERIAL, json!({}));
    let after = owner.described(&key);
    let more: BTreeSet<_> = names(&after).difference(&names(&before)).cloned().collect();
    assert_eq!(more, ["CurrentKeyMaterialId", "ExpirationModel"].map(str::to_owned).into());
    assert_eq!((&after["KeyState"], &after["Enabled"]), (&json!("Enabled"), &json!(true)));
    assert_eq!(after["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
    assert_eq!(after["CurrentKeyMaterialId"], id);
    let ciphertext = owner.encrypt(&key);

    assert_eq!(owner.delete(&key, None).output(), json!({"KeyId": key, "KeyMaterialId": id}));
    let deleted = owner.described(&key);
    let more: BTreeSet<_> = names(&deleted).difference(&names(&before)).cloned().collect();
    assert_eq!(more, ["CurrentKeyMaterialId"].map(str::to_owned).into());
    assert_eq!(deleted["KeyState"], "PendingImport");
    owner.call("Encrypt", &plaintext).refuses("KMSInvalidStateException", &pending_import(&key));
    owner.decrypt(&ciphertext).refuses("KMSInvalidStateException", &pending_import(&key));
    assert_eq!(owner.delete(&key, None).output()["KeyMaterialId"], id, "it may be said again");
    assert_eq!(owner.import(&key, &MATERIAL, json!({})), id);
    owner.opens(&ciphertext);
}

#[test]
fn the_same_material_in_two_keys_has_two_ids_and_opens_nothing_of_the_other() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let [one, other] = [owner.create(), owner.create()];
    assert_ne!(owner.import(&one, &MATERIAL, json!({})), owner.import(&other, &MATERIAL, json!({})));
    let ciphertext = owner.encrypt(&one);
    let input = json!({"CiphertextBlob": ciphertext, "KeyId": other});
    assert_eq!(owner.call("Decrypt", &input).error(), "IncorrectKeyException");
}

#[test]
fn every_wrapping_algorithm_and_key_spec_that_is_offered_works() {
    let server = Server::start();
    let owner = Owner { server: &server };
    for (kind, material, public_key) in kinds() {
        let spec = kind["KeySpec"].as_str().unwrap_or("SYMMETRIC_DEFAULT").to_owned();
        for (algorithm, wrapping_spec) in ways(&spec) {
            let key = owner.create_as(kind.clone());
            let asked = json!({"KeyId": key_id(&key), "WrappingAlgorithm": algorithm, "WrappingKeySpec": wrapping_spec});
            let parameters = owner.call("GetParametersForImport", &asked).output();
            assert_eq!(parameters["KeyId"], key);
            let late = parameters["ParametersValidTo"].as_f64().unwrap() - real_now() - 86_400.0;
            assert!((-60.0..1.0).contains(&late), "{late}");
            let input = json!({"KeyId": key, "ImportToken": parameters["ImportToken"],
                "EncryptedKeyMaterial": base64(&wrap(algorithm, &bytes(&parameters["PublicKey"]), &material)),
                "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"});
            let imported = owner.call("ImportKeyMaterial", &input).output();
            let what = format!("{spec} {algorithm} {wrapping_spec}");
            assert_eq!(imported.get("KeyMaterialId").is_some(), spec == "SYMMETRIC_DEFAULT", "{what}");
            assert_eq!(owner.state(&key), "Enabled", "{what}");
            match &public_key {
                Some(public_key) => {
                    let answer = owner.call("GetPublicKey", &json!({"KeyId": key})).output();
                    assert_eq!(bytes(&answer["PublicKey"]), *public_key, "{what}");
                }
                None if spec == "SYMMETRIC_DEFAULT" => owner.opens(&owner.encrypt(&key)),
                None => {
                    let input =
                        json!({"KeyId": key, "Message": base64(PLAINTEXT), "MacAlgorithm": "HMAC_SHA_256"});
                    let mac = bytes(&owner.call("GenerateMac", &input).output()["Mac"]);
                    let own = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &material);
                    aws_lc_rs::hmac::verify(&own, PLAINTEXT, &mac).unwrap();
                }
            }
        }
    }
}

/// What CreateKey is asked for, material for such a key, and its public key.
fn kinds() -> Vec<(Value, Vec<u8>, Option<Vec<u8>>)> {
    let kind = |spec: &str, usage: &str| json!({"KeySpec": spec, "KeyUsage": usage});
    let elliptic = |spec: &str, algorithm: &'static EcdsaSigningAlgorithm| {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        (kind(spec, "SIGN_VERIFY"), private.as_ref().to_vec(), Some(public.as_ref().to_vec()))
    };
    let rsa = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap();
    let of_edwards: PublicKeyX509Der<'_> = edwards.public_key().as_der().unwrap();
    vec![
        (json!({}), MATERIAL.to_vec(), None),
        (kind("HMAC_256", "GENERATE_VERIFY_MAC"), OTHER.to_vec(), None),
        (kind("RSA_2048", "ENCRYPT_DECRYPT"), private.as_ref().to_vec(), Some(public.as_ref().to_vec())),
        elliptic("ECC_NIST_P256", &ECDSA_P256_SHA256_ASN1_SIGNING),
        elliptic("ECC_NIST_P384", &ECDSA_P384_SHA384_ASN1_SIGNING),
        elliptic("ECC_NIST_P521", &ECDSA_P521_SHA512_ASN1_SIGNING),
        elliptic("ECC_SECG_P256K1", &ECDSA_P256K1_SHA256_ASN1_SIGNING),
        (
            kind("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
            edwards.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Some(of_edwards.as_ref().to_vec()),
        ),
    ]
}

/// The wrapping algorithms for a key spec, and with which wrapping key spec each is tried: all of them with the shortest that will
/// do, and for symmetric encryption keys with all.
fn ways(spec: &str) -> Vec<(&'static str, &'static str)> {
    let direct = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
    let by_aes = ["RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"].map(|one| (one, "RSA_2048"));
    let direct_with = |wrapping_spec| direct.map(|one| (one, wrapping_spec)).to_vec();
    match spec {
        "SYMMETRIC_DEFAULT" => ["RSA_2048", "RSA_3072", "RSA_4096"].map(direct_with).concat(),
        "HMAC_256" => direct_with("RSA_2048"),
        "RSA_2048" => by_aes.to_vec(),
        "ECC_NIST_P521" => [direct_with("RSA_3072"), by_aes.to_vec()].concat(),
        _ => [direct_with("RSA_2048"), by_aes.to_vec()].concat(),
    }
}

#[test]
fn a_wrapping_that_is_not_for_the_key_is_refused_and_so_is_a_key_of_another_origin() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let symmetric = owner.create();
    let rsa = owner.create_as(json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}));
    let p521 = owner.create_as(json!({"KeySpec": "ECC_NIST_P521", "KeyUsage": "SIGN_VERIFY"}));
    let refused = |key: &str, algorithm: &str, spec: &str, message: String| {
        let input = json!({"KeyId": key, "WrappingAlgorithm": algorithm, "WrappingKeySpec": spec});
        owner.call("GetParametersForImport", &input).refuses("UnsupportedOperationException", &message);
    };
    for (key, spec, algorithms) in [
        (&symmetric, "SYMMETRIC_DEFAULT", ["RSAES_PKCS1_V1_5", "SM2PKE", "RSA_AES_KEY_WRAP_SHA_256"]),
        (&rsa, "RSA_2048", ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
    ] {
        for algorithm in algorithms {
            let message = format!("WrappingAlgorithm {algorithm} is not supported for KeySpec {spec}.");
            refused(key, algorithm, "RSA_2048", message);
        }
    }
    refused(&symmetric, "SM2PKE", "SM2", "WrappingKeySpec SM2 is not supported.".to_owned());
    let message = "WrappingAlgorithm RSAES_OAEP_SHA_256 with WrappingKeySpec RSA_2048 is not supported for KeySpec \
                   ECC_NIST_P521.";
    refused(&p521, "RSAES_OAEP_SHA_256", "RSA_2048", message.to_owned());

    let own = server.create_key();
    let message = format!("{own} origin is AWS_KMS which is not valid for this operation.");
    refused(&own, "RSAES_OAEP_SHA_256", "RSA_2048", message.clone());
    let import = with(owner.request(&symmetric, &MATERIAL), json!({"KeyId": own}));
    owner.call("ImportKeyMaterial", &import).refuses("UnsupportedOperationException", &message);
    owner.delete(&own, None).refuses("UnsupportedOperationException", &message);
    // The origin decides before the state does.
    let _ = server.call("ScheduleKeyDeletion", &json!({"KeyId": own})).output();
    refused(&own, "RSAES_OAEP_SHA_256", "RSA_2048", message);
}

#[test]
fn a_token_works_once_for_its_key_and_a_refused_call_does_not_spend_it() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let [key, other] = [owner.create(), owner.create()];
    let request = owner.request(&key, &MATERIAL);
    let import = |members: Value| owner.call("ImportKeyMaterial", &with(request.clone(), members));

    import(json!({"KeyId": other})).refuses("InvalidImportTokenException", INVALID_TOKEN);
    assert_eq!(owner.state(&other), "PendingImport");
    import(json!({"ExpirationModel": null})).refuses(
        "ValidationException",
        "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    );
    import(json!({"EncryptedKeyMaterial": base64(&[7; 256])}))
        .refuses_without_a_word("InvalidCiphertextException");
    import(json!({"ImportType": "EXISTING_KEY_MATERIAL"}))
        .refuses("IncorrectKeyMaterialException", INCORRECT);
    let mut altered = bytes(&request["ImportToken"]);
    let last = altered.len() - 1;
    altered[last] ^= 1;
    for token in [b"no token".to_vec(), altered, bytes(&request["ImportToken"])[..40].to_vec()] {
        import(json!({"ImportToken": base64(&token)})).refuses("InvalidImportTokenException", INVALID_TOKEN);
    }
    assert_eq!(owner.state(&key), "PendingImport");

    let _ = import(json!({})).output();
    assert_eq!(owner.state(&key), "Enabled");
    import(json!({})).refuses("InvalidImportTokenException", INVALID_TOKEN);
    // A token says its id and date in the clear: with others it is none.
    for place in 0..27 {
        let mut other = bytes(&request["ImportToken"]);
        other[place] ^= 1;
        let answer = import(json!({"ImportToken": base64(&other)}));
        assert!(
            ["InvalidImportTokenException", "ExpiredImportTokenException"].contains(&answer.error().as_str()),
            "byte {place}: {}",
            answer.text()
        );
    }
    server.kill();
    server.start_again();
    import(json!({})).refuses("InvalidImportTokenException", INVALID_TOKEN);
    assert_eq!(owner.state(&key), "Enabled");
}

#[test]
fn of_two_calls_with_one_token_at_the_same_time_one_succeeds() {
    let server = Server::start();
    let owner = Owner { server: &server };
    for _ in 0..3 {
        let key = owner.create();
        let request = owner.request(&key, &MATERIAL);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let calls: Vec<_> =
                (0..4).map(|_| scope.spawn(|| server.call("ImportKeyMaterial", &request))).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.refuses("InvalidImportTokenException", INVALID_TOKEN);
        }
        assert_eq!(owner.state(&key), "Enabled");
    }
}

#[test]
fn a_token_is_good_for_a_day_by_the_services_clock() {
    let server = Server::builder().dev_clock().start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let [in_time, too_late] = [owner.request(&key, &MATERIAL), owner.request(&key, &MATERIAL)];
    server.advance("23h");
    let _ = owner.call("ImportKeyMaterial", &in_time).output();
    owner.call("ImportKeyMaterial", &in_time).refuses("InvalidImportTokenException", INVALID_TOKEN);
    server.advance("61m");
    let late = owner.call("ImportKeyMaterial", &too_late);
    late.refuses("ExpiredImportTokenException", EXPIRED_TOKEN);
    // Whether it was used is remembered no longer than it is good.
    let again = owner.call("ImportKeyMaterial", &in_time);
    again.refuses("ExpiredImportTokenException", EXPIRED_TOKEN);
}

#[test]
fn material_that_the_key_does_not_take_is_incorrect() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let refused = |key: &str, material: &[u8], members: Value| {
        let request = owner.request_with(key, material, members);
        owner.call("ImportKeyMaterial", &request).refuses("IncorrectKeyMaterialException", INCORRECT);
    };
    let key = owner.create();
    for length in [0, 1, 16, 31, 33, 64] {
        if length > 0 {
            refused(&key, &vec![7; length], json!({}));
        }
    }
    let id = owner.import(&key, &MATERIAL, json!({}));
    refused(&key, &OTHER, json!({}));
    refused(&key, &OTHER, json!({"KeyMaterialId": id}));
    refused(&key, &MATERIAL, json!({"KeyMaterialId": "0".repeat(64)}));
    refused(&key, &MATERIAL, as_new());
    let _ = owner.delete(&key, None).output();
    refused(&key, &OTHER, json!({}));
    refused(&key, &OTHER, json!({"ImportType": "EXISTING_KEY_MATERIAL"}));
    assert_eq!(owner.import(&key, &MATERIAL, json!({"KeyMaterialId": id})), id);

    let hmac = owner.create_as(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}));
    refused(&hmac, &[7; 31], json!({}));
    let _ = owner.import(&hmac, &MATERIAL, json!({}));
    refused(&hmac, &OTHER, json!({}));
    let _ = owner.delete(&hmac, None).output();
    refused(&hmac, &OTHER, json!({}));
    assert_eq!(owner.state(&hmac), "PendingImport");
    let _ = owner.import(&hmac, &MATERIAL, json!({}));
    assert_eq!(owner.state(&hmac), "Enabled");
}

#[test]
fn what_does_not_go_together_is_refused_before_the_token_is_looked_at() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let request = owner.request(&key, &MATERIAL);
    let refused = |key: &str, members: Value, message: &str| {
        let input = with(with(request.clone(), json!({"KeyId": key})), members);
        owner.call("ImportKeyMaterial", &input).refuses("ValidationException", message);
    };
    let missing = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES";
    refused(&key, json!({"ExpirationModel": null}), missing);
    refused(&key, json!({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}), missing);
    refused(
        &key,
        json!({"ValidTo": real_now() + 60.0}),
        "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
    );
    for past in [0.0, -1.0, real_now() - 1.0] {
        refused(&key, expiring(past), "The validTo date must be in the future");
    }
    let year = 365.0 * 86_400.0;
    refused(&key, expiring(real_now() + year + 60.0), "The validTo date must be at most 365 days from now");
    refused(&key, expiring(1e300), "The validTo date must be at most 365 days from now");
    refused(
        &key,
        with(as_new(), json!({"KeyMaterialId": "0".repeat(64)})),
        "KeyMaterialId cannot be specified if the ImportType is NEW_KEY_MATERIAL",
    );
    let hmac = owner.create_as(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}));
    for members in [
        as_new(),
        json!({"ImportType": "EXISTING_KEY_MATERIAL"}),
        json!({"KeyMaterialDescription": "of the delta"}),
        json!({"KeyMaterialId": "0".repeat(64)}),
    ] {
        refused(
            &hmac,
            members,
            "ImportType, KeyMaterialDescription and KeyMaterialId can be specified for symmetric encryption keys only",
        );
    }
    let _ = owner.call("ImportKeyMaterial", &with(request, expiring(real_now() + year - 60.0))).output();
}

#[test]
fn material_expires_to_the_millisecond_whether_or_not_the_job_has_run() {
    let server = Server::builder().dev_clock().start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let ahead = 3600.0;
    let valid_to = (owner.now(ahead) + 3.0).floor() + 0.5;
    let id = owner.import(&key, &MATERIAL, expiring(valid_to));
    let described = owner.described(&key);
    assert_eq!(described["ExpirationModel"], "KEY_MATERIAL_EXPIRES");
    assert_eq!(described["ValidTo"].as_f64(), Some(valid_to));
    let ciphertext = owner.encrypt(&key);
    owner.opens(&ciphertext);
    server.advance("1h");
    let mut after = 0;
    while after < 3 {
        let begin = owner.now(ahead);
        let (answer, state) = (owner.decrypt(&ciphertext), owner.state(&key));
        let end = owner.now(ahead);
        if end < valid_to {
            assert_eq!((answer.status, &state), (200, &json!("Enabled")), "{end} is before {valid_to}");
        }
        if begin >= valid_to {
            answer.refuses("KMSInvalidStateException", &pending_import(&key));
            assert_eq!(state, "PendingImport");
            after += 1;
        }
    }
    let event = || server.journal().into_iter().find(|one| one["eventName"] == "DeleteExpiredKeyMaterial");
    until("the expiry is on record", || event().is_some());
    let event = event().unwrap();
    assert_eq!(event["serviceEventDetails"], json!({"keyId": key, "keyMaterialId": id}));
    assert_eq!(event["eventType"], "AwsServiceEvent");
    assert_eq!(owner.material_states(&key), json!([[id, "CURRENT", "PENDING_IMPORT"]]));
    let entry = owner.materials(&key)[0].clone();
    assert!(entry.get("ExpirationModel").is_none() && entry.get("ValidTo").is_none(), "{entry}");

    assert_eq!(owner.import(&key, &MATERIAL, json!({})), id);
    owner.opens(&ciphertext);
}

#[test]
fn what_expires_while_the_service_is_down_is_gone_when_it_is_back() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let valid_to = real_now() + 1.5;
    let id = owner.import(&key, &MATERIAL, expiring(valid_to));
    let ciphertext = owner.encrypt(&key);
    server.kill();
    until("it has expired", || real_now() > valid_to);
    server.start_again();
    owner.decrypt(&ciphertext).refuses("KMSInvalidStateException", &pending_import(&key));
    let is_recorded = |one: &Value| {
        one["eventName"] == "DeleteExpiredKeyMaterial" && one["serviceEventDetails"]["keyMaterialId"] == id
    };
    until("the expiry is on record", || server.journal().iter().any(is_recorded));
}

#[test]
fn importing_again_moves_or_ends_the_expiration() {
    let server = Server::builder().dev_clock().start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let id = owner.import(&key, &MATERIAL, expiring(real_now() + 3600.0));
    let ciphertext = owner.encrypt(&key);
    assert_eq!(owner.import(&key, &MATERIAL, expiring(real_now() + 7200.0)), id);
    server.advance("90m");
    owner.opens(&ciphertext);
    assert_eq!(owner.import(&key, &MATERIAL, json!({})), id);
    server.advance("30d");
    owner.opens(&ciphertext);
    assert!(owner.described(&key).get("ValidTo").is_none());
}

#[test]
fn a_second_material_waits_for_its_rotation_and_then_both_are_needed() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let rotate = || owner.call("RotateKeyOnDemand", &json!({"KeyId": key}));
    rotate().refuses("KMSInvalidStateException", &pending_import(&key));
    let first = owner.import(&key, &MATERIAL, json!({"KeyMaterialDescription": "the first: 1/2"}));
    let nothing = format!("No available key material pending rotation for the key: {key}.");
    rotate().refuses("KMSInvalidStateException", &nothing);

    let second = owner.import(&key, &OTHER, with(as_new(), json!({"KeyMaterialDescription": "the second"})));
    assert_eq!(owner.described(&key)["CurrentKeyMaterialId"], first);
    let waiting = json!([[first, "CURRENT", "IMPORTED"], [second, "PENDING_ROTATION", "IMPORTED"]]);
    assert_eq!(owner.material_states(&key), waiting);
    let third = owner.call("ImportKeyMaterial", &owner.request_with(&key, &THIRD, as_new()));
    let (error, message) = third.fault();
    let message = message.unwrap();
    assert_eq!(error, "KMSInvalidStateException");
    let (begin, end) = (
        "New key material (id: ",
        format!(
            ") cannot be imported into KMS key {key}, because another key material (id: {}) is pending rotation.",
            second.as_str().unwrap()
        ),
    );
    let its_id = message.strip_prefix(begin).and_then(|rest| rest.strip_suffix(&end));
    assert_eq!(its_id.unwrap_or_else(|| panic!("{message}")).len(), 64);
    assert_eq!(owner.material_states(&key), waiting);

    // What only waits can be taken away without harm, and something else imported in its place.
    assert_eq!(owner.delete(&key, Some(&second)).output(), json!({"KeyId": key, "KeyMaterialId": second}));
    assert_eq!(owner.state(&key), "Enabled");
    assert_eq!(owner.material_states(&key), json!([[first, "CURRENT", "IMPORTED"]]));
    let none = format!("Key material ID {} not found", second.as_str().unwrap());
    owner.delete(&key, Some(&second)).refuses("NotFoundException", &none);
    let third = owner.import(&key, &THIRD, as_new());

    let old = owner.encrypt(&key);
    assert_eq!(rotate().output(), json!({"KeyId": key}));
    assert_eq!(owner.described(&key)["CurrentKeyMaterialId"], third);
    assert_eq!(
        owner.material_states(&key),
        json!([[first, "NON_CURRENT", "IMPORTED"], [third, "CURRENT", "IMPORTED"]])
    );
    let new = owner.encrypt(&key);
    assert_eq!(owner.decrypt(&old).output()["KeyMaterialId"], first);
    assert_eq!(owner.decrypt(&new).output()["KeyMaterialId"], third);
    let moved = owner.call("ReEncrypt", &json!({"CiphertextBlob": old, "DestinationKeyId": key})).output();
    assert_eq!((&moved["SourceKeyMaterialId"], &moved["DestinationKeyMaterialId"]), (&first, &third));

    // One missing is enough.
    let _ = owner.delete(&key, Some(&first)).output();
    for ciphertext in [&old, &new] {
        owner.decrypt(ciphertext).refuses("KMSInvalidStateException", &pending_import(&key));
    }
    let _ = owner.delete(&key, Some(&third)).output();
    let _ = owner.import(&key, &THIRD, json!({"KeyMaterialId": third}));
    assert_eq!(owner.state(&key), "PendingImport");
    let _ = owner.import(&key, &MATERIAL, json!({}));
    [&old, &new].into_iter().for_each(|ciphertext| owner.opens(ciphertext));
    let entries = owner.materials(&key);
    assert_eq!(entries[0]["KeyMaterialDescription"], "the first: 1/2", "kept over its deletion");
    assert_eq!(entries[1].get("KeyMaterialDescription"), None);
    assert!(
        entries[0].get("RotationDate").is_none() && entries[1]["RotationType"] == "ON_DEMAND",
        "{entries}"
    );
}

#[test]
fn a_key_that_was_switched_off_is_on_when_it_is_whole_again_and_only_then() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let key = owner.create();
    let _ = owner.import(&key, &MATERIAL, json!({}));
    let _ = owner.call("DisableKey", &json!({"KeyId": key})).output();
    let _ = owner.import(&key, &MATERIAL, json!({}));
    assert_eq!(owner.state(&key), "Disabled", "nothing was missing");
    let _ = owner.delete(&key, None).output();
    assert_eq!(owner.state(&key), "PendingImport");
    owner
        .call("EnableKey", &json!({"KeyId": key}))
        .refuses("KMSInvalidStateException", &pending_import(&key));
    let _ = owner.import(&key, &MATERIAL, json!({}));
    assert_eq!(owner.state(&key), "Enabled");

    let _ = owner.call("ScheduleKeyDeletion", &json!({"KeyId": key})).output();
    let _ = owner.delete(&key, None).output();
    assert_eq!(owner.state(&key), "PendingDeletion");
    let message = format!("{key} is pending deletion.");
    let asked = json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"});
    owner.call("GetParametersForImport", &asked).refuses("KMSInvalidStateException", &message);
    let _ = owner.call("CancelKeyDeletion", &json!({"KeyId": key})).output();
    assert_eq!(owner.state(&key), "PendingImport");
    let _ = owner.import(&key, &MATERIAL, json!({}));
    assert_eq!(owner.state(&key), "Enabled");
}

#[test]
fn nothing_happens_when_what_was_never_there_is_deleted() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let key = owner.create();
    assert_eq!(owner.delete(&key, None).output(), json!({"KeyId": key}));
    assert_eq!(owner.state(&key), "PendingImport");
    assert_eq!(owner.material_states(&key), json!([]));
}

#[test]
fn a_family_takes_new_material_by_its_primary_and_rotates_when_all_have_it() {
    let server = Server::start();
    let owner = Owner { server: &server };
    let family = Family::made_by(&server, json!({"Origin": "EXTERNAL"}));
    let (home, east) = (family.home().to_owned(), "us-east-2");
    let request = |region: &str, material: &[u8], members: Value| {
        let caller = family.caller.in_region(region);
        with(request_of(&server, &caller, key_id(&family.primary), material), members)
    };
    let import = |region: &str, material: &[u8], members: Value| {
        family.send(region, "ImportKeyMaterial", &request(region, material, members))
    };
    let listed = |region: &str| {
        let input = json!({"IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
        let entries = family.call(region, "ListKeyRotations", input).output()["Rotations"].clone();
        let of =
            |entry: &Value| json!([entry["KeyMaterialId"], entry["KeyMaterialState"], entry["ImportState"]]);
        entries.as_array().unwrap().iter().map(of).collect::<Value>()
    };
    let rotate = |region: &str| family.call(region, "RotateKeyOnDemand", json!({}));
    let first = import(&home, &MATERIAL, json!({})).output()["KeyMaterialId"].clone();
    let _ = family.replicate(east);
    assert_eq!(family.state(east), "PendingImport");
    assert_eq!(import(east, &OTHER, json!({})).error(), "IncorrectKeyMaterialException");
    let primary_only = format!("{} is not a multi-region primary key.", family.arn(east));
    import(east, &OTHER, as_new()).refuses("UnsupportedOperationException", &primary_only);
    import(east, &MATERIAL, json!({"KeyMaterialDescription": "a"})).refuses(
        "ValidationException",
        "KeyMaterialDescription cannot be specified for a multi-Region replica key",
    );
    assert_eq!(import(east, &MATERIAL, json!({})).output()["KeyMaterialId"], first);
    let old = owner.encrypt(&family.primary);
    let opened = family.send(east, "Decrypt", &json!({"CiphertextBlob": old})).output();
    assert_eq!(bytes(&opened["Plaintext"]), PLAINTEXT);

    let second = import(&home, &OTHER, as_new()).output()["KeyMaterialId"].clone();
    let waiting = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";
    assert_eq!(listed(&home), json!([[first, "CURRENT", "IMPORTED"], [second, waiting, "IMPORTED"]]));
    assert_eq!(listed(east)[1][2], "PENDING_IMPORT");
    assert_eq!(family.state(east), "Enabled", "what only waits is not missed");
    let nothing = format!("No available key material pending rotation for the key: {}.", family.primary);
    rotate(&home).refuses("KMSInvalidStateException", &nothing);
    rotate(east).refuses("UnsupportedOperationException", &primary_only);

    // The primary's waiting material is taken from the whole family, a replica's from it alone.
    let _ = family.call(&home, "DeleteImportedKeyMaterial", json!({"KeyMaterialId": second})).output();
    assert_eq!(listed(east), json!([[first, "CURRENT", "IMPORTED"]]));
    let _ = import(&home, &OTHER, as_new()).output();
    assert_eq!(import(east, &OTHER, json!({})).output()["KeyMaterialId"], second);
    assert_eq!(listed(&home)[1], json!([second, "PENDING_ROTATION", "IMPORTED"]));
    let _ = rotate(&home).output();
    for region in [&*home, east] {
        let both = json!([[first, "NON_CURRENT", "IMPORTED"], [second, "CURRENT", "IMPORTED"]]);
        assert_eq!(listed(region), both, "{region}");
        let opened = family.send(region, "Decrypt", &json!({"CiphertextBlob": old})).output();
        assert_eq!(bytes(&opened["Plaintext"]), PLAINTEXT);
    }
    let new = owner.encrypt(&family.primary);
    let opened = family.send(east, "Decrypt", &json!({"CiphertextBlob": new})).output();
    assert_eq!(opened["KeyMaterialId"], second);
    let _ = family.call(east, "DeleteImportedKeyMaterial", json!({"KeyMaterialId": first})).output();
    assert_eq!([family.state(east), family.state(&home)], ["PendingImport", "Enabled"]);
}
