//! Keys of every spec and usage: how they are made and described, and what GetPublicKey says of them.

use crate::account::{Account, key_id};
use crate::cryptography::{create, key, patiently, public_key};
use blackbox::{Model, Server, bytes};
use keys::{KeySpec, KeyUsage};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The member that lists the algorithms of a usage, and what it lists for a spec.
fn algorithms(spec: KeySpec, usage: KeyUsage) -> (&'static str, Vec<&'static str>) {
    let rsa_signatures: Vec<_> = ["PKCS1_V1_5", "PSS"]
        .into_iter()
        .flat_map(|padding| [256, 384, 512].map(|bits| format!("RSASSA_{padding}_SHA_{bits}")))
        .map(|name| &*name.leak())
        .collect();
    match (usage, spec.name()) {
        (KeyUsage::EncapsulateDecapsulate, _) => ("EncapsulationAlgorithms", vec!["ML_KEM"]),
        (KeyUsage::EncryptDecrypt, "SYMMETRIC_DEFAULT") => {
            ("EncryptionAlgorithms", vec!["SYMMETRIC_DEFAULT"])
        }
        (KeyUsage::EncryptDecrypt, _) => {
            ("EncryptionAlgorithms", vec!["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
        }
        (KeyUsage::GenerateVerifyMac, name) => {
            ("MacAlgorithms", vec![&*name.replace("HMAC", "HMAC_SHA").leak()])
        }
        (KeyUsage::KeyAgreement, _) => ("KeyAgreementAlgorithms", vec!["ECDH"]),
        (KeyUsage::SignVerify, "ECC_NIST_P384") => ("SigningAlgorithms", vec!["ECDSA_SHA_384"]),
        (KeyUsage::SignVerify, "ECC_NIST_P521") => ("SigningAlgorithms", vec!["ECDSA_SHA_512"]),
        (KeyUsage::SignVerify, "ECC_NIST_EDWARDS25519") => {
            ("SigningAlgorithms", vec!["ED25519_SHA_512", "ED25519_PH_SHA_512"])
        }
        (KeyUsage::SignVerify, name) if name.starts_with("ML_DSA") => {
            ("SigningAlgorithms", vec!["ML_DSA_SHAKE_256"])
        }
        (KeyUsage::SignVerify, name) if name.starts_with("RSA") => ("SigningAlgorithms", rsa_signatures),
        (KeyUsage::SignVerify, _) => ("SigningAlgorithms", vec!["ECDSA_SHA_256"]),
    }
}

fn each_kind() -> impl Iterator<Item = (KeySpec, KeyUsage)> {
    let specs = KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::Sm2);
    specs.flat_map(|spec| spec.usages().iter().map(move |usage| (spec, *usage)))
}

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const OF_EVERY_KEY: [&str; 13] = [
    "AWSAccountId",
    "Arn",
    "CreationDate",
    "CustomerMasterKeySpec",
    "Description",
    "Enabled",
    "KeyId",
    "KeyManager",
    "KeySpec",
    "KeyState",
    "KeyUsage",
    "MultiRegion",
    "Origin",
];

#[test]
fn a_key_of_every_spec_and_usage_is_described_as_recorded() {
    let server = Server::start();
    let model = Model::load();
    let mut made = BTreeSet::new();
    for (spec, usage) in each_kind() {
        let input = json!({"KeySpec": spec.name(), "KeyUsage": usage.name()});
        let answer = patiently(|| server.call("CreateKey", &input));
        let metadata = &answer.output()["KeyMetadata"];
        let (member, names) = algorithms(spec, usage);
        let mut expected: BTreeSet<&str> = OF_EVERY_KEY.iter().copied().chain([member]).collect();
        expected.extend((spec == KeySpec::SymmetricDefault).then_some("CurrentKeyMaterialId"));
        assert_eq!(members(metadata), expected, "{spec} {usage}");
        assert_eq!(metadata[member], json!(names), "{spec} {usage}");
        let said = [
            &metadata["KeySpec"],
            &metadata["CustomerMasterKeySpec"],
            &metadata["KeyUsage"],
            &metadata["KeyState"],
        ];
        assert_eq!(said, [&json!(spec.name()), &json!(spec.name()), &json!(usage.name()), &json!("Enabled")]);
        let described = server.call("DescribeKey", &json!({"KeyId": metadata["KeyId"]})).output();
        assert_eq!(&described["KeyMetadata"], metadata, "{spec} {usage}");
        let departures = model.departures(model.output("DescribeKey").unwrap(), &described);
        // The old enumeration lacks the new specs, which are answered all the same.
        let departures: Vec<_> =
            departures.iter().filter(|what| !what.contains("CustomerMasterKeySpec")).collect();
        assert!(departures.is_empty(), "{spec} {usage}: {departures:?}");
        let shown = &server.record_of(&answer)["responseElements"]["keyMetadata"];
        let shown_member = member.replacen(|first: char| first.is_uppercase(), &first_letter(member), 1);
        assert_eq!(
            (&shown[&shown_member], &shown["keySpec"]),
            (&json!(names), &json!(spec.name())),
            "{spec} {usage}"
        );
        assert!(made.insert(metadata["KeyId"].to_string()));
    }
    assert_eq!(made.len(), 25);
}

fn first_letter(name: &str) -> String {
    name.chars().take(1).collect::<String>().to_lowercase()
}

#[test]
fn the_old_name_of_the_spec_does_for_old_specs() {
    let server = Server::start();
    let old = |spec: &str| {
        server.call("CreateKey", &json!({"CustomerMasterKeySpec": spec, "KeyUsage": "SIGN_VERIFY"}))
    };
    assert_eq!(old("ECC_NIST_P256").output()["KeyMetadata"]["KeySpec"], "ECC_NIST_P256");
    for new in ["ML_DSA_44", "ECC_NIST_EDWARDS25519"] {
        let words = old(new).fault().1.unwrap();
        assert!(words.starts_with(&format!(
            "1 validation error detected: Value '{new}' at 'customerMasterKeySpec' failed to satisfy constraint"
        )), "{words}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let server = Server::start();
    for (spec, usage) in
        KeySpec::ALL.iter().flat_map(|spec| KeyUsage::ALL.iter().map(move |usage| (spec, usage)))
    {
        let answer = || server.call("CreateKey", &json!({"KeySpec": spec.name(), "KeyUsage": usage.name()}));
        if *spec == KeySpec::Sm2 {
            answer().refuses("UnsupportedOperationException", "KeySpec SM2 is not supported.");
        } else if !spec.usages().contains(usage) {
            answer().refuses(
                "ValidationException",
                &format!("KeyUsage {usage} is not compatible with KeySpec {spec}"),
            );
        }
    }
    for spec in KeySpec::ALL.iter().filter(|spec| !matches!(spec, KeySpec::Sm2 | KeySpec::SymmetricDefault)) {
        let words =
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
        server.call("CreateKey", &json!({"KeySpec": spec.name()})).refuses("ValidationException", words);
    }
    for spec in ["ML_DSA_44", "ML_KEM_768"] {
        let usage = if spec == "ML_DSA_44" { "SIGN_VERIFY" } else { "ENCAPSULATE_DECAPSULATE" };
        let input = json!({"KeySpec": spec, "KeyUsage": usage, "Origin": "EXTERNAL"});
        let words = format!("KeySpec {spec} is not supported for Origin EXTERNAL");
        server.call("CreateKey", &input).refuses("ValidationException", &words);
    }
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"], json!([]));
}

#[test]
fn a_key_whose_material_is_to_be_imported_waits_for_it() {
    let server = Server::start();
    for (spec, usage) in each_kind().filter(|(spec, _)| !spec.wrapping_algorithms().is_empty()) {
        let input = json!({"KeySpec": spec.name(), "KeyUsage": usage.name(), "Origin": "EXTERNAL"});
        let metadata = server.call("CreateKey", &input).output()["KeyMetadata"].clone();
        let expected: BTreeSet<&str> =
            OF_EVERY_KEY.iter().copied().chain([algorithms(spec, usage).0]).collect();
        assert_eq!(members(&metadata), expected, "{spec} {usage}");
        let said = [&metadata["KeyState"], &metadata["Enabled"], &metadata["Origin"]];
        assert_eq!(said, [&json!("PendingImport"), &json!(false), &json!("EXTERNAL")], "{spec} {usage}");
        let arn = metadata["Arn"].as_str().unwrap();
        let answer = server.call("GetPublicKey", &json!({"KeyId": arn}));
        match spec.is_asymmetric() {
            true => answer.refuses("KMSInvalidStateException", &format!("{arn} is pending import.")),
            false => answer.refuses_without_a_word("UnsupportedOperationException"),
        }
    }
}

#[test]
fn a_multi_region_key_has_an_id_that_says_so_and_is_the_primary_of_a_family() {
    let server = Server::start();
    for (spec, usage) in [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ] {
        let input = json!({"KeySpec": spec, "KeyUsage": usage, "MultiRegion": true});
        let answer = server.call("CreateKey", &input);
        let metadata = answer.output()["KeyMetadata"].clone();
        let id = metadata["KeyId"].as_str().unwrap();
        let digits = id.strip_prefix("mrk-").unwrap();
        assert!(digits.len() == 32 && digits.chars().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        let region = server.root().region.clone();
        assert_eq!(metadata["MultiRegion"], true);
        assert_eq!(
            metadata["MultiRegionConfiguration"],
            json!({"MultiRegionKeyType": "PRIMARY", "ReplicaKeys": [],
            "PrimaryKey": {"Arn": metadata["Arn"], "Region": region}})
        );
        let shown = &server.record_of(&answer)["responseElements"]["keyMetadata"]["multiRegionConfiguration"];
        assert_eq!(
            *shown,
            json!({"multiRegionKeyType": "PRIMARY", "replicaKeys": [],
            "primaryKey": {"arn": metadata["Arn"], "region": region}})
        );
    }
    let single = create(&server, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    assert_eq!((&single["MultiRegion"], single.get("MultiRegionConfiguration")), (&json!(false), None));
}

#[test]
fn the_public_key_of_every_pair_is_told_with_what_it_is_for() {
    let server = Server::start();
    for (spec, usage) in each_kind() {
        let arn = key(&server, spec.name(), usage.name());
        let answer = server.call("GetPublicKey", &json!({"KeyId": key_id(&arn)}));
        if !spec.is_asymmetric() {
            answer.refuses_without_a_word("UnsupportedOperationException");
            continue;
        }
        let told = answer.output();
        let (member, names) = algorithms(spec, usage);
        let expected: BTreeSet<&str> =
            ["CustomerMasterKeySpec", "KeyId", "KeySpec", "KeyUsage", "PublicKey", member].into();
        assert_eq!(members(&told), expected, "{spec} {usage}");
        let said = [
            &told["KeyId"],
            &told["KeySpec"],
            &told["CustomerMasterKeySpec"],
            &told["KeyUsage"],
            &told[member],
        ];
        let wanted = [json!(arn), json!(spec.name()), json!(spec.name()), json!(usage.name()), json!(names)];
        assert_eq!(said, wanted.each_ref(), "{spec} {usage}");
        let length = bytes(&told["PublicKey"]).len();
        assert_eq!(length, length_of_info(spec), "{spec} {usage}");
        assert_eq!(server.record_of(&answer)["requestParameters"], json!({"keyId": key_id(&arn)}));
    }
}

/// The bytes of a SubjectPublicKeyInfo.
fn length_of_info(spec: KeySpec) -> usize {
    match spec.name() {
        "RSA_2048" => 294,
        "RSA_3072" => 422,
        "RSA_4096" => 550,
        "ECC_NIST_P256" => 91,
        "ECC_SECG_P256K1" => 88,
        "ECC_NIST_P384" => 120,
        "ECC_NIST_P521" => 158,
        "ECC_NIST_EDWARDS25519" => 44,
        "ML_DSA_44" => 1334,
        "ML_DSA_65" => 1974,
        "ML_DSA_87" => 2614,
        "ML_KEM_512" => 822,
        "ML_KEM_768" => 1206,
        "ML_KEM_1024" => 1590,
        other => panic!("nothing is known of {other}"),
    }
}

#[test]
fn a_disabled_key_still_tells_its_public_key_and_one_that_waits_for_its_deletion_does_not() {
    let server = Server::start();
    let account = Account::root_for(&server, "GetPublicKey");
    let told = public_key(&server, &account.key);
    account.enter(&account.key, "Disabled");
    assert_eq!(public_key(&server, &account.key), told);
    account.enter(&account.key, "PendingDeletion");
    let words = format!("{} is pending deletion.", account.key);
    server.call("GetPublicKey", &json!({"KeyId": account.key})).refuses("KMSInvalidStateException", &words);
}

#[test]
fn an_imported_pair_tells_its_public_key_although_its_material_was_taken_away() {
    let server = Server::start();
    let account = Account::root(&server);
    let pair = json!({"KeyId": account.key, "KeyPairSpec": "ECC_NIST_P256"});
    let pair = account.call("GenerateDataKeyPair", &pair).output();
    let input = json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"});
    let key = account.call("CreateKey", &input).output()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let _ = crate::import::import(&account, &key, &bytes(&pair["PrivateKeyPlaintext"]));
    assert_eq!(public_key(&server, &key), bytes(&pair["PublicKey"]));
    let _ = account.call("DeleteImportedKeyMaterial", &json!({"KeyId": key})).output();
    assert_eq!(account.state(&key), "PendingImport");
    assert_eq!(public_key(&server, &key), bytes(&pair["PublicKey"]));
    let input = json!({"KeyId": key, "Message": "AQ==", "SigningAlgorithm": "ECDSA_SHA_256"});
    let words = format!("{key} is pending import.");
    account.call("Sign", &input).refuses("KMSInvalidStateException", &words);
}
