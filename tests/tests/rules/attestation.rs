//! Answers for attested recipients: the plaintext goes to the enclave's key and to nobody else, policies can ask what was measured,
//! and whatever is wrong with a document, no plaintext leaves.

use crate::account::{Account, PLAINTEXT};
use crate::explain::explain;
use crate::requests::minimal;
use blackbox::{Answer, Attestation, Enclave, Hypervisor, Server, User, base64, bytes};
use operations::{Entry, OPERATIONS};
use serde_json::{Value, json};

/// A service that believes a hypervisor, and an enclave that runs on that.
struct World {
    server: Server,
    hypervisor: Hypervisor,
    enclave: Enclave,
}

impl World {
    fn new() -> Self {
        let hypervisor = Hypervisor::new();
        let server = Server::builder().config(&hypervisor.config()).dev_clock().start();
        Self { server, hypervisor, enclave: Enclave::new() }
    }

    /// `Recipient` with the document that the hypervisor would sign.
    fn recipient(&self, of: &Attestation) -> Value {
        recipient(&self.hypervisor.document(of))
    }

    /// A user whose only permission is one under a condition.
    fn user(&self, name: &str, action: &str, condition: &Value) -> User {
        let statements =
            json!([{"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition}]);
        self.server.create_user_with(self.server.root(), name, &statements)
    }
}

/// `Recipient` with that document.
pub fn recipient(document: &[u8]) -> Value {
    json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": base64(document)})
}

fn with(mut input: Value, recipient: Value) -> Value {
    input["Recipient"] = recipient;
    input
}

/// Whether the answer of an operation can be for somebody else.
pub fn takes_recipient(entry: &Entry) -> bool {
    (entry.input)().iter().any(|member| member.name == "Recipient")
}

fn with_recipient() -> impl Iterator<Item = &'static Entry> {
    OPERATIONS.iter().filter(|entry| takes_recipient(entry))
}

/// The members in which operations answer plaintext.
const PLAINTEXTS: [&str; 3] = ["Plaintext", "PrivateKeyPlaintext", "SharedSecret"];

/// Fails the test unless nothing of an answer could be a plaintext.
#[track_caller]
fn tells_no_plaintext(answer: &Answer) {
    let text = answer.text();
    assert!(PLAINTEXTS.iter().all(|member| !text.contains(&format!("\"{member}\":"))), "{text}");
}

#[test]
fn every_operation_that_aws_has_it_for_takes_a_recipient() {
    let names: Vec<_> = with_recipient().map(|entry| entry.name).collect();
    assert_eq!(
        names,
        ["Decrypt", "DeriveSharedSecret", "GenerateDataKey", "GenerateDataKeyPair", "GenerateRandom"]
    );
}

#[test]
fn the_plaintext_goes_to_the_enclave_and_is_not_in_the_answer() {
    let World { server, hypervisor, enclave } = &World::new();
    for Entry { name, .. } in with_recipient() {
        let account = Account::new_for(server, name);
        let document = hypervisor.document(&enclave.attestation());
        let input = with(minimal(name, &account), recipient(&document));
        let answer = account.call(name, &input);
        tells_no_plaintext(&answer);
        let output = answer.output();
        let envelope = bytes(&output["CiphertextForRecipient"]);
        assert!(envelope.starts_with(ENVELOPED), "{name}: {envelope:02x?}");
        let opened = enclave.open(&envelope).unwrap();
        is_what_was_asked_for(&account, name, &output, &opened);
        assert_ne!(Enclave::new().open(&envelope).as_ref(), Some(&opened), "{name}: others open it");
    }
}

/// Fails the test unless those bytes are what the operation would have answered in the clear.
#[track_caller]
fn is_what_was_asked_for(account: &Account<'_>, operation: &str, output: &Value, opened: &[u8]) {
    let decrypted = |member: &str| {
        let input = json!({"CiphertextBlob": output[member]});
        bytes(&account.call("Decrypt", &input).output()["Plaintext"])
    };
    match operation {
        "Decrypt" => assert_eq!(opened, PLAINTEXT),
        "DeriveSharedSecret" => {
            let secret = account.call(operation, &minimal(operation, account)).output();
            assert_eq!(opened, bytes(&secret["SharedSecret"]));
        }
        "GenerateDataKey" => assert_eq!(opened, decrypted("CiphertextBlob")),
        "GenerateDataKeyPair" => assert_eq!(opened, decrypted("PrivateKeyCiphertextBlob")),
        "GenerateRandom" => assert_eq!(opened.len(), 32),
        other => panic!("nothing is known of {other}"),
    }
}

#[test]
fn whatever_is_wrong_with_a_document_no_operation_tells_a_plaintext() {
    let World { server, hypervisor, enclave } = &World::new();
    let account = Account::root(server);
    let good = || enclave.attestation();
    let signed = |attestation: Attestation| hypervisor.document(&attestation);
    let now = good().timestamp;
    let elliptic = elliptic_public_key();
    let mut tampered = signed(good());
    let measured = tampered.windows(48).position(|window| window == [1; 48]).unwrap();
    tampered[measured] = 2;
    let long = [signed(good()), vec![0; 200_000]].concat();
    let cases = [
        (vec![1], "`COSE_Sign1` is not of the type or the length that it must have"),
        (long, "`COSE_Sign1` is not of the type or the length that it must have"),
        (tampered, "its signature is not valid"),
        (
            Hypervisor::new().document(&good()),
            "its certificate does not chain to a trusted root, or is not valid now",
        ),
        (
            signed(Attestation { timestamp: now - 330_000, ..good() }),
            "its timestamp is more than five minutes old",
        ),
        (signed(Attestation { timestamp: now + 330_000, ..good() }), "its timestamp lies in the future"),
        (signed(Attestation { public_key: None, ..good() }), "`public_key` is missing"),
        (
            signed(Attestation { public_key: Some(elliptic), ..good() }),
            "`public_key` is not an RSA public key of 2048 to 4096 bits as SubjectPublicKeyInfo in DER",
        ),
        (
            signed(Attestation { registers: vec![], ..good() }),
            "`pcrs` is not of the type or the length that it must have",
        ),
    ];
    for Entry { name, .. } in with_recipient() {
        for (document, reason) in &cases {
            let answer = account.call(name, &with(minimal(name, &account), recipient(document)));
            answer
                .refuses("ValidationException", &format!("The attestation document is not valid: {reason}."));
            tells_no_plaintext(&answer);
        }
    }
}

#[test]
fn a_recipient_without_one_of_its_members_is_refused() {
    let World { server, hypervisor, enclave } = &World::new();
    let account = Account::root(server);
    let full = recipient(&hypervisor.document(&enclave.attestation()));
    let missing = |member: &str| {
        format!(
            "1 validation error detected: Value null at 'recipient.{member}' failed to satisfy constraint: Member must not be null"
        )
    };
    for Entry { name, .. } in with_recipient() {
        for (member, shown) in [
            ("KeyEncryptionAlgorithm", "keyEncryptionAlgorithm"),
            ("AttestationDocument", "attestationDocument"),
        ] {
            let mut recipient = full.clone();
            recipient.as_object_mut().unwrap().remove(member);
            let answer = account.call(name, &with(minimal(name, &account), recipient));
            answer.refuses("ValidationException", &missing(shown));
        }
        let empty = account.call(name, &with(minimal(name, &account), json!({})));
        assert_eq!(empty.error(), "ValidationException", "{name}");
        let mut other = full.clone();
        other["KeyEncryptionAlgorithm"] = json!("RSAES_OAEP_SHA_1");
        let other = account.call(name, &with(minimal(name, &account), other));
        assert_eq!(other.error(), "ValidationException", "{name}");
    }
}

#[test]
fn a_dry_run_looks_at_the_document_too() {
    let World { server, hypervisor, enclave } = &World::new();
    let account = Account::root(server);
    let mut input = minimal("Decrypt", &account);
    input["DryRun"] = json!(true);
    let good = recipient(&hypervisor.document(&enclave.attestation()));
    assert_eq!(account.call("Decrypt", &with(input.clone(), good)).error(), "DryRunOperationException");
    assert_eq!(account.call("Decrypt", &with(input, recipient(&[1]))).error(), "ValidationException");
}

#[test]
fn a_document_is_good_for_five_minutes_of_the_services_clock() {
    let world = World::new();
    let (account, attestation) = (Account::root(&world.server), world.enclave.attestation());
    let input = with(minimal("Decrypt", &account), world.recipient(&attestation));
    for _ in 0..2 {
        let _ = account.call("Decrypt", &input).output();
    }
    world.server.advance("6m");
    assert_eq!(account.call("Decrypt", &input).error(), "ValidationException");
    let later = Attestation { timestamp: attestation.timestamp + 360_000, ..attestation };
    let _ = account.call("Decrypt", &with(minimal("Decrypt", &account), world.recipient(&later))).output();
}

#[test]
fn a_key_policy_can_let_one_image_decrypt_and_nobody_else() {
    let world = World::new();
    let account = Account::root(&world.server);
    let user = world.server.create_user(world.server.root(), "enclave");
    let policy = json!([
        {"Effect": "Allow", "Principal": {"AWS": account.root_arn()}, "NotAction": "kms:Decrypt", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:PCR0": "01".repeat(48)}}},
    ]);
    let put = json!({"KeyId": account.key, "Policy": blackbox::policy(&policy),
        "BypassPolicyLockoutSafetyCheck": true});
    let _ = account.call("PutKeyPolicy", &put).output();
    let decrypt = |input: &Value| world.server.call_as(&user.caller, "Decrypt", input);
    let good = world.enclave.attestation();
    let answer = decrypt(&with(minimal("Decrypt", &account), world.recipient(&good)));
    let envelope = bytes(&answer.output()["CiphertextForRecipient"]);
    assert_eq!(world.enclave.open(&envelope).unwrap(), PLAINTEXT);

    assert_eq!(decrypt(&minimal("Decrypt", &account)).error(), "AccessDeniedException");
    let other = Attestation { registers: vec![(0, vec![2; 48]), (1, vec![1; 48])], ..good.clone() };
    let other = decrypt(&with(minimal("Decrypt", &account), world.recipient(&other)));
    assert_eq!(other.error(), "AccessDeniedException");
    tells_no_plaintext(&other);
    let tpm = Attestation { is_nitro_tpm: true, ..good };
    let tpm = decrypt(&with(minimal("Decrypt", &account), world.recipient(&tpm)));
    assert_eq!(tpm.error(), "AccessDeniedException");
    assert_eq!(account.call("Decrypt", &minimal("Decrypt", &account)).error(), "AccessDeniedException");
}

#[test]
fn conditions_ask_for_the_image_for_registers_and_for_those_of_a_nitro_tpm() {
    let world = World::new();
    let enclave = world.enclave.attestation();
    let tpm = Attestation {
        is_nitro_tpm: true,
        registers: vec![(4, vec![5; 48]), (7, vec![0xab; 32])],
        ..enclave.clone()
    };
    let cases = [
        ("kms:RecipientAttestation:ImageSha384", "01".repeat(48), true, false),
        ("kms:RecipientAttestation:PCR0", "01".repeat(48), true, false),
        ("kms:RecipientAttestation:PCR8", "09".repeat(48), true, false),
        ("kms:RecipientAttestation:PCR15", "10".repeat(48), true, false),
        ("kms:RecipientAttestation:PCR8", "08".repeat(48), false, false),
        ("kms:RecipientAttestation:PCR16", "11".repeat(48), false, false),
        ("kms:RecipientAttestation:PCR00", "01".repeat(48), false, false),
        ("kms:RecipientAttestation:NitroTPMPCR4", "05".repeat(48), false, true),
        ("kms:RecipientAttestation:NitroTPMPCR7", "ab".repeat(32), false, true),
        ("kms:RecipientAttestation:NitroTPMPCR7", "AB".repeat(32), false, false),
    ];
    for (at, (key, value, of_enclave, of_tpm)) in cases.into_iter().enumerate() {
        let user =
            world.user(&format!("user-{at}"), "kms:GenerateRandom", &json!({"StringEquals": {key: value}}));
        let call = |input: Value| world.server.call_as(&user.caller, "GenerateRandom", &input).status == 200;
        let random = json!({"NumberOfBytes": 16});
        assert!(!call(random.clone()), "{key} without a recipient");
        assert_eq!(call(with(random.clone(), world.recipient(&enclave))), of_enclave, "{key} {value}");
        assert_eq!(call(with(random, world.recipient(&tpm))), of_tpm, "{key} {value} of a TPM");
    }
}

#[test]
fn an_explanation_can_suppose_a_measurement() {
    let world = World::new();
    let image = "01".repeat(48);
    let condition = json!({"StringEquals": {"kms:RecipientAttestation:ImageSha384": image}});
    let user = world.user("supposed", "kms:GenerateRandom", &condition);
    let decision = |entries: Value| {
        let input = json!({"Principal": user.arn, "Action": "kms:GenerateRandom", "ContextEntries": entries});
        explain(&world.server, &input)["Decision"].clone()
    };
    let given = decision(
        json!([{"ContextKeyName": "kms:RecipientAttestation:ImageSha384", "ContextKeyType": "string",
        "ContextKeyValues": [image]}]),
    );
    let not_given = decision(json!([]));
    assert_eq!((given, not_given), (json!("allowed"), json!("implicitDeny")));
}

#[test]
fn the_record_says_who_the_recipient_was_also_of_a_call_that_was_denied() {
    let world = World::new();
    let (server, enclave) = (&world.server, world.enclave.attestation());
    let account = Account::root(server);
    let answer = account
        .call("GenerateDataKey", &with(minimal("GenerateDataKey", &account), world.recipient(&enclave)));
    let material = answer.output()["KeyMaterialId"].clone();
    let expected = json!({
        "attestationDocumentModuleId": enclave.module_id,
        "attestationDocumentEnclaveImageDigest": base64(&[1; 48]),
        "attestationDocumentEnclavePCR1": base64(&[2; 48]),
        "attestationDocumentEnclavePCR2": base64(&[3; 48]),
        "attestationDocumentEnclavePCR3": base64(&[4; 48]),
        "attestationDocumentEnclavePCR4": base64(&[5; 48]),
        "attestationDocumentEnclavePCR8": base64(&[9; 48]),
    });
    let record = server.record_of(&answer);
    assert_eq!(record["additionalEventData"], json!({"keyMaterialId": material, "recipient": expected}));
    assert!(!record.to_string().contains("AttestationDocument\""), "{record}");

    let nobody = server.create_user(server.root(), "nobody");
    let random = with(json!({"NumberOfBytes": 8}), world.recipient(&enclave));
    let denied = server.record_of(&server.call_as(&nobody.caller, "GenerateRandom", &random));
    assert_eq!(denied["errorCode"], "AccessDeniedException");
    assert_eq!(denied["additionalEventData"], json!({"recipient": expected}));

    let tpm = Attestation { is_nitro_tpm: true, module_id: "i-1-tpm1".to_owned(), ..enclave };
    let answer = account.call("GenerateRandom", &with(json!({"NumberOfBytes": 8}), world.recipient(&tpm)));
    let _ = answer.output();
    let expected = json!({
        "attestationDocumentModuleId": "i-1-tpm1",
        "attestationDocumentNitroTPMPCR4": base64(&[5; 48]),
        "attestationDocumentNitroTPMPCR7": base64(&[8; 48]),
        "attestationDocumentNitroTPMPCR12": base64(&[13; 48]),
    });
    assert_eq!(server.record_of(&answer)["additionalEventData"], json!({"recipient": expected}));

    let refused = account.call("GenerateRandom", &with(json!({"NumberOfBytes": 8}), recipient(&[1])));
    assert_eq!(refused.error(), "ValidationException");
    assert_eq!(server.record_of(&refused)["additionalEventData"], Value::Null);
}

#[test]
fn without_roots_every_recipient_is_refused() {
    let server = Server::start();
    let account = Account::root(&server);
    let document = Hypervisor::new().document(&Enclave::new().attestation());
    for Entry { name, .. } in with_recipient() {
        let answer = account.call(name, &with(minimal(name, &account), recipient(&document)));
        answer.refuses("ValidationException", NO_ROOTS);
        tells_no_plaintext(&answer);
    }
}

#[test]
fn a_service_whose_roots_cannot_be_read_does_not_start() {
    let world = World::new();
    assert!(world.server.terminate().success());
    std::fs::write(world.hypervisor.roots(), "none").unwrap();
    let refused = world.server.try_start_again().unwrap_err();
    assert!(refused.contains("there is no certificate in it"), "{refused}");
    std::fs::remove_file(world.hypervisor.roots()).unwrap();
    let refused = world.server.try_start_again().unwrap_err();
    assert!(refused.contains("cannot read the roots of attestation"), "{refused}");
}

/// The public key of a pair on P-384, as SubjectPublicKeyInfo.
fn elliptic_public_key() -> Vec<u8> {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    rcgen::PublicKeyData::subject_public_key_info(&pair)
}

const NO_ROOTS: &str = "Recipient is not supported: no roots of attestation are configured.";

/// A ContentInfo of indefinite length with EnvelopedData, as AWS's begins.
const ENVELOPED: &[u8] =
    &[0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03, 0xa0, 0x80];
