//! Signatures, MACs and shared secrets: what a key makes it also takes back, each spec with each of its algorithms; and nothing else
//! passes. Whether others agree with what is made is the interop suite's business.

use crate::account::{Account, PLAINTEXT, key_id};
use aws_lc_rs::digest;
use blackbox::{Answer, Server, base64, bytes};
use keys::{KeySpec, KeyUsage, MessageType, SigningAlgorithm};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// A new key of the first account: its metadata.
pub fn create(server: &Server, spec: &str, usage: &str) -> Value {
    let input = json!({"KeySpec": spec, "KeyUsage": usage});
    let made = patiently(|| server.call("CreateKey", &input)).output();
    made["KeyMetadata"].clone()
}

/// What a call comes to that may make RSA keys: on a busy machine it is throttled, and tried again as every SDK does.
pub fn patiently(call: impl Fn() -> Answer) -> Answer {
    let tries = std::iter::repeat_with(&call).take(4);
    let throttled = |answer: &Answer| answer.status == 400 && answer.error() == "ThrottlingException";
    tries.into_iter().find(|answer| !throttled(answer)).unwrap_or_else(call)
}

/// The ARN of such a key.
pub fn key(server: &Server, spec: &str, usage: &str) -> String {
    create(server, spec, usage)["Arn"].as_str().unwrap().to_owned()
}

/// Every spec that can be had and has that usage.
pub fn specs(usage: KeyUsage) -> impl Iterator<Item = KeySpec> {
    let all = KeySpec::ALL.iter().copied();
    all.filter(move |spec| spec.usages().contains(&usage) && *spec != KeySpec::Sm2)
}

/// What a request may hold as the message, of that type.
fn message_of(algorithm: SigningAlgorithm, message_type: MessageType) -> Vec<u8> {
    match message_type {
        MessageType::Raw => PLAINTEXT.to_vec(),
        MessageType::Digest => digest_of(algorithm, PLAINTEXT),
        MessageType::ExternalMu => vec![7; 64],
    }
}

fn digest_of(algorithm: SigningAlgorithm, message: &[u8]) -> Vec<u8> {
    let hash = match algorithm.digest_length().unwrap() {
        32 => &digest::SHA256,
        48 => &digest::SHA384,
        _ => &digest::SHA512,
    };
    digest::digest(hash, message).as_ref().to_vec()
}

fn signing(key: &str, algorithm: SigningAlgorithm, message_type: MessageType, message: &[u8]) -> Value {
    json!({"KeyId": key, "SigningAlgorithm": algorithm.name(), "MessageType": message_type.name(),
        "Message": base64(message)})
}

fn verifying(mut input: Value, signature: &[u8]) -> Value {
    input["Signature"] = json!(base64(signature));
    input
}

fn sign(server: &Server, input: &Value) -> Vec<u8> {
    bytes(&server.call("Sign", input).output()["Signature"])
}

#[test]
fn every_signing_key_verifies_what_it_signed_with_each_algorithm_and_type_of_message() {
    let server = Server::start();
    let mut tried = 0;
    for spec in specs(KeyUsage::SignVerify) {
        let key = key(&server, spec.name(), "SIGN_VERIFY");
        for (algorithm, message_type) in algorithms_and_types(spec) {
            let input = signing(&key, algorithm, message_type, &message_of(algorithm, message_type));
            let what = format!("{spec} {algorithm} {message_type}");
            let made = server.call("Sign", &input).output();
            assert_eq!(
                (&made["KeyId"], &made["SigningAlgorithm"]),
                (&json!(key), &json!(algorithm.name())),
                "{what}"
            );
            let signature = bytes(&made["Signature"]);
            let verified = server.call("Verify", &verifying(input.clone(), &signature)).output();
            let expected =
                json!({"KeyId": key, "SignatureValid": true, "SigningAlgorithm": algorithm.name()});
            assert_eq!(verified, expected, "{what}");
            let other = signing(&key, algorithm, message_type, &vec![9; 64.min(input_length(&input))]);
            let refused = server.call("Verify", &verifying(other, &signature));
            refused.refuses_without_a_word("KMSInvalidSignatureException");
            tried += 1;
        }
    }
    assert_eq!(tried, 3 * 12 + 4 * 2 + 2 + 3 * 2);
}

fn input_length(input: &Value) -> usize {
    bytes(&input["Message"]).len()
}

fn algorithms_and_types(spec: KeySpec) -> impl Iterator<Item = (SigningAlgorithm, MessageType)> {
    let algorithms = spec.signing_algorithms().iter().copied();
    algorithms.flat_map(|algorithm| algorithm.message_types().iter().map(move |one| (algorithm, *one)))
}

#[test]
fn a_message_and_its_digest_have_the_same_signatures() {
    let server = Server::start();
    for spec in [
        KeySpec::Rsa2048,
        KeySpec::EccNistP256,
        KeySpec::EccNistP384,
        KeySpec::EccNistP521,
        KeySpec::EccSecgP256k1,
    ] {
        let key = key(&server, spec.name(), "SIGN_VERIFY");
        for algorithm in spec.signing_algorithms().iter().copied() {
            let raw = signing(&key, algorithm, MessageType::Raw, PLAINTEXT);
            let digest = signing(&key, algorithm, MessageType::Digest, &digest_of(algorithm, PLAINTEXT));
            for (signed, verified) in [(&raw, &digest), (&digest, &raw)] {
                let signature = sign(&server, signed);
                let answer = server.call("Verify", &verifying(verified.clone(), &signature));
                assert_eq!(answer.status, 200, "{spec} {algorithm}: {}", answer.text());
            }
        }
    }
}

#[test]
fn a_message_and_its_mu_have_the_same_signatures_with_ml_dsa() {
    let server = Server::start();
    let algorithm = SigningAlgorithm::MlDsaShake256;
    for (spec, length) in [("ML_DSA_44", 1312), ("ML_DSA_65", 1952), ("ML_DSA_87", 2592)] {
        let key = key(&server, spec, "SIGN_VERIFY");
        let info = bytes(&server.call("GetPublicKey", &json!({"KeyId": key})).output()["PublicKey"]);
        let public_key = &info[info.len() - length..];
        //= FIPS 204: mu is the hash of the public key's hash, the empty context and the message
        let mu = shake256(&[&shake256(public_key)[..], &[0, 0], PLAINTEXT].concat());
        let raw = signing(&key, algorithm, MessageType::Raw, PLAINTEXT);
        let by_mu = signing(&key, algorithm, MessageType::ExternalMu, &mu);
        for (signed, verified) in [(&raw, &by_mu), (&by_mu, &raw)] {
            let signature = sign(&server, signed);
            let answer = server.call("Verify", &verifying(verified.clone(), &signature));
            assert_eq!(answer.status, 200, "{spec}: {}", answer.text());
        }
    }
}

/// The first 64 bytes of it, from OpenSSL.
fn shake256(message: &[u8]) -> Vec<u8> {
    let mut program = Command::new("openssl")
        .args(["dgst", "-shake256", "-xoflen", "64", "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(message).unwrap();
    let hash = program.wait_with_output().unwrap().stdout;
    assert_eq!(hash.len(), 64);
    hash
}

#[test]
fn a_signature_is_good_for_nothing_but_its_key_and_algorithm_and_in_no_other_form() {
    let server = Server::start();
    for spec in
        specs(KeyUsage::SignVerify).filter(|spec| !matches!(spec, KeySpec::Rsa3072 | KeySpec::Rsa4096))
    {
        let keys = [(); 2].map(|()| key(&server, spec.name(), "SIGN_VERIFY"));
        let algorithm = spec.signing_algorithms()[0];
        let message_type = algorithm.message_types()[0];
        let input = |key: &str| signing(key, algorithm, message_type, &message_of(algorithm, message_type));
        let signature = sign(&server, &input(&keys[0]));
        let refuses = |input: Value| {
            server.call("Verify", &input).refuses_without_a_word("KMSInvalidSignatureException");
        };
        refuses(verifying(input(&keys[1]), &signature));
        for algorithm in &spec.signing_algorithms()[1..] {
            let message = message_of(*algorithm, algorithm.message_types()[0]);
            refuses(verifying(
                signing(&keys[0], *algorithm, algorithm.message_types()[0], &message),
                &signature,
            ));
        }
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            refuses(verifying(input(&keys[0]), &changed));
        }
        for form in [
            &signature[1..],
            &signature[..signature.len() - 1],
            &[&signature[..], &[0]].concat(),
            &[0],
            &[0; 6144],
        ] {
            refuses(verifying(input(&keys[0]), form));
        }
    }
}

#[test]
fn a_digest_has_the_length_of_its_algorithm() {
    let server = Server::start();
    for spec in [
        KeySpec::Rsa2048,
        KeySpec::EccNistP256,
        KeySpec::EccNistP384,
        KeySpec::EccNistP521,
        KeySpec::EccNistEdwards25519,
    ] {
        let key = key(&server, spec.name(), "SIGN_VERIFY");
        for (algorithm, _) in algorithms_and_types(spec).filter(|(_, of)| *of == MessageType::Digest) {
            let length = algorithm.digest_length().unwrap();
            for wrong in [1, 20, length - 1, length + 1, 4096] {
                let input = signing(&key, algorithm, MessageType::Digest, &vec![1; wrong]);
                is_refused_both_ways(
                    &server,
                    &input,
                    &format!("Digest is invalid length for algorithm {algorithm}."),
                );
            }
        }
    }
    let key = key(&server, "ML_DSA_44", "SIGN_VERIFY");
    for wrong in [1, 63, 65, 4096] {
        let input = signing(&key, SigningAlgorithm::MlDsaShake256, MessageType::ExternalMu, &vec![1; wrong]);
        is_refused_both_ways(&server, &input, "Digest is invalid length for algorithm ML_DSA_SHAKE_256.");
    }
}

#[test]
fn a_message_of_a_type_that_its_algorithm_does_not_sign_is_refused() {
    let server = Server::start();
    for spec in [KeySpec::Rsa2048, KeySpec::EccNistP256, KeySpec::EccNistEdwards25519, KeySpec::MlDsa44] {
        let key = key(&server, spec.name(), "SIGN_VERIFY");
        for algorithm in spec.signing_algorithms().iter().copied() {
            let others = MessageType::ALL.iter().filter(|one| !algorithm.message_types().contains(one));
            for message_type in others {
                let input = signing(&key, algorithm, *message_type, &[1; 64]);
                let words = format!("MessageType {message_type} is not valid for algorithm {algorithm}.");
                is_refused_both_ways(&server, &input, &words);
            }
        }
    }
}

#[track_caller]
fn is_refused_both_ways(server: &Server, input: &Value, words: &str) {
    server.call("Sign", input).refuses("ValidationException", words);
    server.call("Verify", &verifying(input.clone(), &[1])).refuses("ValidationException", words);
}

#[test]
fn every_mac_key_verifies_what_it_made_and_nothing_else() {
    let server = Server::start();
    let lengths = [("224", 28), ("256", 32), ("384", 48), ("512", 64)];
    for (bits, length) in lengths {
        let keys = [(); 2].map(|()| key(&server, &format!("HMAC_{bits}"), "GENERATE_VERIFY_MAC"));
        let input = |key: &str, message: &[u8]| json!({"KeyId": key, "MacAlgorithm": format!("HMAC_SHA_{bits}"), "Message": base64(message)});
        let made = server.call("GenerateMac", &input(&keys[0], PLAINTEXT)).output();
        let mac = bytes(&made["Mac"]);
        assert_eq!(mac.len(), length);
        assert_eq!(
            made,
            server.call("GenerateMac", &input(&keys[0], PLAINTEXT)).output(),
            "a MAC is always the same"
        );
        let verify = |key: &str, message: &[u8], mac: &[u8]| {
            let mut input = input(key, message);
            input["Mac"] = json!(base64(mac));
            server.call("VerifyMac", &input)
        };
        let expected =
            json!({"KeyId": keys[0], "MacValid": true, "MacAlgorithm": format!("HMAC_SHA_{bits}")});
        assert_eq!(verify(&keys[0], PLAINTEXT, &mac).output(), expected);
        let mut changed = mac.clone();
        changed[0] ^= 1;
        let longer = [&mac[..], &[0]].concat();
        for wrong in [&changed[..], &mac[..length - 1], &mac[1..], &longer, &[0]] {
            verify(&keys[0], PLAINTEXT, wrong).refuses_without_a_word("KMSInvalidMacException");
        }
        verify(&keys[0], &PLAINTEXT[1..], &mac).refuses_without_a_word("KMSInvalidMacException");
        verify(&keys[1], PLAINTEXT, &mac).refuses_without_a_word("KMSInvalidMacException");
    }
}

#[test]
fn two_keys_agree_on_a_secret_of_the_length_of_their_curve() {
    let server = Server::start();
    let curves = [("ECC_NIST_P256", 32), ("ECC_NIST_P384", 48), ("ECC_NIST_P521", 66)];
    for (spec, length) in curves {
        let keys = [(); 3].map(|()| key(&server, spec, "KEY_AGREEMENT"));
        let [one, two, three] = [0, 1, 2].map(|at| public_key(&server, &keys[at]));
        let made = derive(&server, &keys[0], &two).output();
        assert_eq!(
            (&made["KeyId"], &made["KeyAgreementAlgorithm"], &made["KeyOrigin"]),
            (&json!(keys[0]), &json!("ECDH"), &json!("AWS_KMS"))
        );
        let secret = bytes(&made["SharedSecret"]);
        assert_eq!(secret.len(), length, "{spec}");
        assert_eq!(bytes(&derive(&server, &keys[1], &one).output()["SharedSecret"]), secret, "{spec}");
        assert_ne!(bytes(&derive(&server, &keys[0], &three).output()["SharedSecret"]), secret, "{spec}");
    }
}

#[test]
fn a_public_key_that_is_none_or_of_another_kind_shares_no_secret() {
    let server = Server::start();
    let agreeing = key(&server, "ECC_NIST_P256", "KEY_AGREEMENT");
    let own = public_key(&server, &agreeing);
    let mut off_curve = own.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    let others = [
        ("ECC_NIST_P384", "KEY_AGREEMENT"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY"),
        ("RSA_2048", "SIGN_VERIFY"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
        ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
    ];
    let mut wrong: Vec<Vec<u8>> =
        others.iter().map(|(spec, usage)| public_key(&server, &key(&server, spec, usage))).collect();
    wrong.extend([
        b"no key".to_vec(),
        vec![0],
        vec![0; 8192],
        own[1..].to_vec(),
        own[..own.len() - 1].to_vec(),
        off_curve,
    ]);
    wrong.extend([[&own[..], &[0]].concat(), own[own.len() - 65..].to_vec()]);
    for public_key in wrong {
        derive(&server, &agreeing, &public_key).refuses_without_a_word("ValidationException");
    }
}

/// The public key of a pair.
pub fn public_key(server: &Server, key: &str) -> Vec<u8> {
    bytes(&server.call("GetPublicKey", &json!({"KeyId": key})).output()["PublicKey"])
}

fn derive(server: &Server, key: &str, public_key: &[u8]) -> Answer {
    let input = json!({"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": base64(public_key)});
    server.call("DeriveSharedSecret", &input)
}

#[test]
fn a_secret_that_was_encapsulated_for_a_key_is_recovered_by_it_alone() {
    let server = Server::start();
    for (spec, length) in [("ML_KEM_512", 768), ("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)] {
        let keys = [(); 2].map(|()| key(&server, spec, "ENCAPSULATE_DECAPSULATE"));
        let made = server
            .call("Encapsulate", &json!({"KeyId": keys[0], "EncapsulationAlgorithm": "ML_KEM"}))
            .output();
        let (secret, blob) = (bytes(&made["SharedSecret"]), bytes(&made["SharedSecretCiphertextBlob"]));
        assert_eq!((secret.len(), blob.len(), &made["KeyId"]), (32, length, &json!(keys[0])), "{spec}");
        let again = server
            .call("Encapsulate", &json!({"KeyId": keys[0], "EncapsulationAlgorithm": "ML_KEM"}))
            .output();
        assert_ne!(bytes(&again["SharedSecret"]), secret, "{spec}");
        let decapsulate = |key: &str, blob: &[u8]| {
            let input = json!({"KeyId": key, "EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": base64(blob)});
            server.call("Decapsulate", &input)
        };
        let recovered = decapsulate(&keys[0], &blob).output();
        assert_eq!(
            recovered,
            json!({"KeyId": keys[0], "SharedSecret": base64(&secret), "EncapsulationAlgorithm": "ML_KEM"})
        );
        // Implicit rejection: an answer all the same, of a secret that nobody has.
        let mut changed = blob.clone();
        changed[length / 2] ^= 1;
        for (key, blob) in [(&keys[0], &changed), (&keys[1], &blob)] {
            let other = bytes(&decapsulate(key, blob).output()["SharedSecret"]);
            assert_eq!((other.len(), other == secret), (32, false), "{spec}");
        }
        for wrong in [&blob[1..], &blob[..length - 1], &[&blob[..], &[0]].concat(), &[0], &[0; 6144]] {
            decapsulate(&keys[0], wrong).refuses_without_a_word("InvalidCiphertextException");
        }
    }
}

#[test]
fn a_key_is_refused_by_its_usage_first_and_then_by_its_algorithm() {
    let server = Server::start();
    let account = Account::root(&server);
    for (spec, usage) in KINDS {
        let named = create(&server, spec, usage);
        let arn = named["Arn"].as_str().unwrap();
        for (operation, wanted, input) in requests(&account, arn) {
            let answer = server.call(operation, &input);
            if usage != wanted {
                let words = format!("{arn} key usage is {usage} which is not valid for {operation}.");
                answer.refuses("InvalidKeyUsageException", &words);
                continue;
            }
            let algorithm = input.as_object().unwrap().iter().find(|(name, _)| name.ends_with("Algorithm"));
            let algorithm = algorithm.map_or("SYMMETRIC_DEFAULT", |(_, name)| name.as_str().unwrap());
            if !algorithms(&named).contains(&algorithm.to_owned()) {
                let words = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
                answer.refuses("InvalidKeyUsageException", &words);
            }
        }
    }
}

fn algorithms(metadata: &Value) -> Vec<String> {
    let members = metadata.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("Algorithms"));
    members
        .flat_map(|(_, list)| list.as_array().unwrap())
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// A key of each kind.
const KINDS: [(&str, &str); 12] = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ("ECC_NIST_P521", "SIGN_VERIFY"),
    ("ECC_SECG_P256K1", "SIGN_VERIFY"),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
    ("HMAC_224", "GENERATE_VERIFY_MAC"),
    ("HMAC_512", "GENERATE_VERIFY_MAC"),
    ("ML_DSA_65", "SIGN_VERIFY"),
    ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
];

/// Requests for every use of a key, with algorithms that fit some keys and not others, and the usage that each wants. Their messages
/// and signatures would be refused if they were looked at.
fn requests(account: &Account<'_>, key: &str) -> Vec<(&'static str, &'static str, Value)> {
    let garbage = base64(&[0; 33]);
    let mut all = vec![];
    for algorithm in ["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"] {
        let (of, context) = ("ENCRYPT_DECRYPT", json!({"a": "b"}));
        all.push((
            "Encrypt",
            of,
            json!({"KeyId": key, "Plaintext": base64(&[0; 4096]), "EncryptionAlgorithm": algorithm,
            "EncryptionContext": context}),
        ));
        all.push((
            "ReEncrypt",
            of,
            json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": key,
            "DestinationEncryptionAlgorithm": algorithm, "DestinationEncryptionContext": context}),
        ));
        if algorithm != "SYMMETRIC_DEFAULT" {
            all.push((
                "Decrypt",
                of,
                json!({"KeyId": key, "CiphertextBlob": garbage, "EncryptionAlgorithm": algorithm}),
            ));
        }
    }
    for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        all.push((operation, "ENCRYPT_DECRYPT", json!({"KeyId": key, "KeySpec": "AES_256"})));
    }
    for operation in ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"] {
        all.push((operation, "ENCRYPT_DECRYPT", json!({"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"})));
    }
    for algorithm in SigningAlgorithm::ALL {
        let input = signing(key, *algorithm, MessageType::Digest, &[0; 33]);
        all.push(("Sign", "SIGN_VERIFY", input.clone()));
        all.push(("Verify", "SIGN_VERIFY", verifying(input, &[0])));
    }
    for bits in [224, 256, 384, 512] {
        let mut input = json!({"KeyId": key, "Message": garbage, "MacAlgorithm": format!("HMAC_SHA_{bits}")});
        all.push(("GenerateMac", "GENERATE_VERIFY_MAC", input.clone()));
        input["Mac"] = json!(garbage);
        all.push(("VerifyMac", "GENERATE_VERIFY_MAC", input));
    }
    let agreement = json!({"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": garbage});
    all.push(("DeriveSharedSecret", "KEY_AGREEMENT", agreement));
    let mut input = json!({"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"});
    all.push(("Encapsulate", "ENCAPSULATE_DECAPSULATE", input.clone()));
    input["SharedSecretCiphertextBlob"] = json!(garbage);
    all.push(("Decapsulate", "ENCAPSULATE_DECAPSULATE", input));
    all
}

#[test]
fn a_key_is_answered_by_its_arn_whichever_way_it_was_named() {
    let server = Server::start();
    let operations = [
        "Decapsulate",
        "DeriveSharedSecret",
        "Encapsulate",
        "GenerateMac",
        "GetPublicKey",
        "Sign",
        "Verify",
        "VerifyMac",
    ];
    for operation in operations {
        let account = Account::root_for(&server, operation);
        let alias_arn = crate::account::alias_arn(&account.key, &account.alias);
        for way in [key_id(&account.key), &account.alias, &alias_arn] {
            let mut input = crate::requests::minimal(operation, &account);
            input["KeyId"] = json!(way);
            assert_eq!(account.call(operation, &input).output()["KeyId"], account.key, "{operation} {way}");
        }
    }
}
