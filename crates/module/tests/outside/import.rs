//! Key material that its owner makes and wraps with `openssl`.

use crate::door::{Door, Parameters, new_key};
use crate::openssl::OpenSsl;
use keys::{
    EncryptionAlgorithm, KeyId, KeyOrigin, KeySpec, KeyUsage, MacAlgorithm, MessageType, SigningAlgorithm,
    WrappingAlgorithm, WrappingKeySpec,
};
use module_api::{Bytes, Command, EncryptionContext, NewKey, Refusal, Reply};

const EVERY_SPEC: [WrappingKeySpec; 3] =
    [WrappingKeySpec::Rsa2048, WrappingKeySpec::Rsa3072, WrappingKeySpec::Rsa4096];

fn key(spec: KeySpec) -> NewKey {
    new_key(spec, KeyOrigin::External)
}

struct Owner {
    door: Door,
    openssl: OpenSsl,
    parameters: Parameters,
    key: NewKey,
    algorithm: WrappingAlgorithm,
}

impl Owner {
    fn new(spec: KeySpec, algorithm: WrappingAlgorithm) -> Self {
        let (mut door, key) = (Door::new(), key(spec));
        let parameters = door.begin(&key, algorithm, WrappingKeySpec::Rsa2048).unwrap();
        Self { door, openssl: OpenSsl::new(), parameters, key, algorithm }
    }

    fn wrap(&self, material: &[u8]) -> Vec<u8> {
        self.openssl.wrap(self.algorithm, &self.parameters.public_key, material)
    }

    fn hand_in(&mut self, wrapped: &[u8]) -> Result<crate::door::Made, Refusal> {
        self.door.import(&self.key, &self.parameters.token, wrapped)
    }

    fn import(&mut self, material: &[u8]) -> Result<crate::door::Made, Refusal> {
        let wrapped = self.wrap(material);
        self.hand_in(&wrapped)
    }
}

#[test]
fn a_symmetric_key_is_the_same_under_every_wrapping() {
    let (mut door, openssl) = (Door::new(), OpenSsl::new());
    let (key, material) = (key(KeySpec::SymmetricDefault), [0x42; 32]);
    let mut made: Vec<crate::door::Made> = Vec::new();
    for algorithm in [WrappingAlgorithm::RsaesOaepSha1, WrappingAlgorithm::RsaesOaepSha256] {
        for spec in EVERY_SPEC {
            let parameters = door.begin(&key, algorithm, spec).unwrap();
            assert!(parameters.token.len() <= 2500, "{} bytes", parameters.token.len());
            let wrapped = openssl.wrap(algorithm, &parameters.public_key, &material);
            made.push(door.import(&key, &parameters.token, &wrapped).unwrap());
        }
    }
    assert!(made.iter().all(|each| each.binding == made[0].binding && each.public_key.is_empty()));
    let blob = door.encrypt(&made[0], b"text").unwrap();
    assert_eq!(door.decrypt(&made[5], &blob, None), Ok(b"text".to_vec()));
}

#[test]
fn a_symmetric_key_has_exactly_32_bytes() {
    let mut owner = Owner::new(KeySpec::SymmetricDefault, WrappingAlgorithm::RsaesOaepSha256);
    assert!(owner.import(&[7; 32]).is_ok());
    for length in [1, 16, 31, 33, 64] {
        assert_eq!(owner.import(&vec![7; length]).err(), Some(Refusal::IncorrectKeyMaterial), "{length}");
    }
}

#[test]
fn an_hmac_key_has_exactly_the_bytes_of_its_spec_and_makes_the_macs_of_openssl() {
    for (spec, length, algorithm, hash) in [
        (KeySpec::Hmac224, 28, MacAlgorithm::HmacSha224, "sha224"),
        (KeySpec::Hmac256, 32, MacAlgorithm::HmacSha256, "sha256"),
        (KeySpec::Hmac384, 48, MacAlgorithm::HmacSha384, "sha384"),
        (KeySpec::Hmac512, 64, MacAlgorithm::HmacSha512, "sha512"),
    ] {
        let mut owner = Owner::new(spec, WrappingAlgorithm::RsaesOaepSha1);
        for wrong in [length - 1, length + 1, 128] {
            assert_eq!(owner.import(&vec![0x6b; wrong]).err(), Some(Refusal::IncorrectKeyMaterial));
        }
        let made = owner.import(&vec![0x6b; length]).unwrap();
        owner.openssl.write("message", b"message");
        let digits = "6b".repeat(length);
        let expected =
            owner.openssl.run(&format!("dgst -{hash} -mac HMAC -macopt hexkey:{digits} -binary message"));
        let command = Command::GenerateMac { key: made.key(), algorithm, message: Bytes(b"message") };
        let mac = owner.door.ask(&command, |reply| match reply {
            Reply::Mac(mac) => Some(mac.0.to_vec()),
            _ => None,
        });
        assert_eq!(mac, Ok(expected), "{spec:?}");
    }
}

#[test]
fn rsa_private_keys_come_in_under_key_wrap_and_decrypt_what_openssl_encrypts() {
    for (spec, bits) in [(KeySpec::Rsa2048, 2048), (KeySpec::Rsa3072, 3072), (KeySpec::Rsa4096, 4096)] {
        for algorithm in [WrappingAlgorithm::RsaAesKeyWrapSha1, WrappingAlgorithm::RsaAesKeyWrapSha256] {
            let mut owner = Owner::new(spec, algorithm);
            let private_key =
                owner.openssl.private_key(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"));
            let made = owner.import(&private_key).unwrap();
            assert_eq!(made.public_key, owner.openssl.public_key_of(&private_key), "{spec:?}");
            owner.openssl.write("wrapping.der", &made.public_key);
            let ciphertext = owner.openssl.oaep("sha256", b"text");
            let context = EncryptionContext::default();
            let command = Command::Decrypt {
                key: made.key(),
                algorithm: EncryptionAlgorithm::RsaesOaepSha256,
                context: context.canonical(),
                blob: Bytes(&ciphertext),
                recipient: None,
            };
            assert_eq!(owner.door.ask(&command, crate::door::bytes), Ok(b"text".to_vec()), "{spec:?}");
        }
    }
}

#[test]
fn private_keys_of_curves_come_in_under_every_algorithm_and_sign() {
    for (spec, arguments, signing) in [
        (KeySpec::EccNistP256, "EC -pkeyopt ec_paramgen_curve:P-256", SigningAlgorithm::EcdsaSha256),
        (KeySpec::EccNistP384, "EC -pkeyopt ec_paramgen_curve:P-384", SigningAlgorithm::EcdsaSha384),
        (KeySpec::EccNistP521, "EC -pkeyopt ec_paramgen_curve:P-521", SigningAlgorithm::EcdsaSha512),
        (KeySpec::EccSecgP256k1, "EC -pkeyopt ec_paramgen_curve:secp256k1", SigningAlgorithm::EcdsaSha256),
        (KeySpec::EccNistEdwards25519, "ED25519", SigningAlgorithm::Ed25519Sha512),
    ] {
        for &algorithm in spec.wrapping_algorithms() {
            let mut owner = Owner::new(spec, algorithm);
            let private_key = owner.openssl.private_key(&format!("-algorithm {arguments}"));
            if spec == KeySpec::EccNistP521 {
                // Its private key is too long for RSAES-OAEP with 2048 bits.
                owner.parameters = owner.door.begin(&owner.key, algorithm, WrappingKeySpec::Rsa3072).unwrap();
            }
            let made = owner.import(&private_key).unwrap();
            assert_eq!(made.public_key, owner.openssl.public_key_of(&private_key), "{spec:?}");
            let command = Command::Sign {
                key: made.key(),
                algorithm: signing,
                message_type: MessageType::Raw,
                message: Bytes(b"message"),
            };
            let signature = owner.door.ask(&command, crate::door::bytes).unwrap();
            verify(&owner.openssl, spec, &made.public_key, &signature);
        }
    }
}

fn verify(openssl: &OpenSsl, spec: KeySpec, public_key: &[u8], signature: &[u8]) {
    openssl.write("public.der", public_key);
    openssl.write("signature", signature);
    openssl.write("message", b"message");
    let digest = match spec {
        KeySpec::EccNistP384 => "-digest sha384",
        KeySpec::EccNistP521 => "-digest sha512",
        KeySpec::EccNistEdwards25519 => "",
        _ => "-digest sha256",
    };
    openssl.run(&format!(
        "pkeyutl -verify -rawin {digest} -pubin -keyform DER -inkey public.der -in message -sigfile signature"
    ));
}

#[test]
fn the_same_key_in_another_encoding_has_the_same_material_id() {
    let mut owner = Owner::new(KeySpec::EccNistP256, WrappingAlgorithm::RsaAesKeyWrapSha256);
    let openssl = &owner.openssl;
    let whole = openssl.private_key("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    openssl.write("whole.der", &whole);
    openssl.run("ec -inform DER -in whole.der -no_public -outform DER -out bare.sec1");
    let bare = openssl.run("pkcs8 -topk8 -nocrypt -inform DER -in bare.sec1 -outform DER");
    assert!(bare.len() < whole.len());
    let (one, other) = (owner.import(&whole).unwrap(), owner.import(&bare).unwrap());
    assert_eq!((one.binding, one.public_key), (other.binding, other.public_key));
}

#[test]
fn the_same_material_in_another_key_has_another_id() {
    let mut owner = Owner::new(KeySpec::SymmetricDefault, WrappingAlgorithm::RsaesOaepSha256);
    let one = owner.import(&[7; 32]).unwrap();
    owner.key.key_id = KeyId::single_region([2; 16]);
    owner.parameters = owner.door.begin(&owner.key, owner.algorithm, WrappingKeySpec::Rsa2048).unwrap();
    assert_ne!(owner.import(&[7; 32]).unwrap().binding.material_id, one.binding.material_id);
}

#[test]
fn private_keys_that_are_not_of_the_spec_are_incorrect() {
    let p256 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
    let wrong = [
        (KeySpec::Rsa2048, "-algorithm RSA -pkeyopt rsa_keygen_bits:3072"),
        (KeySpec::Rsa3072, "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
        (KeySpec::Rsa2048, "-algorithm RSA -pkeyopt rsa_keygen_bits:1024"),
        (KeySpec::Rsa2048, "-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3"),
        (KeySpec::Rsa2048, "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048"),
        (KeySpec::Rsa2048, p256),
        (KeySpec::EccNistP256, "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
        (KeySpec::EccNistP256, "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1"),
        (KeySpec::EccSecgP256k1, p256),
        (
            KeySpec::EccNistP256,
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        ),
        (KeySpec::EccNistP256, "-algorithm ED25519"),
        (KeySpec::EccNistEdwards25519, "-algorithm X25519"),
        (KeySpec::EccNistEdwards25519, p256),
    ];
    for (spec, arguments) in wrong {
        let mut owner = Owner::new(spec, WrappingAlgorithm::RsaAesKeyWrapSha256);
        let material = owner.openssl.private_key(arguments);
        assert_eq!(
            owner.import(&material).err(),
            Some(Refusal::IncorrectKeyMaterial),
            "{spec:?} {arguments}"
        );
    }
}

#[test]
fn what_is_no_private_key_or_has_something_behind_it_is_incorrect() {
    for (spec, arguments) in [
        (KeySpec::Rsa2048, "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
        (KeySpec::EccNistP384, "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
        (KeySpec::EccNistEdwards25519, "-algorithm ED25519"),
    ] {
        let mut owner = Owner::new(spec, WrappingAlgorithm::RsaAesKeyWrapSha1);
        let good = owner.openssl.private_key(arguments);
        let public_key = owner.openssl.public_key_of(&good);
        let behind = [good.as_slice(), &[0]].concat();
        let cut = &good[..good.len() - 1];
        for wrong in [&public_key, behind.as_slice(), cut, b"no key", &[0x42; 32]] {
            assert_eq!(owner.import(wrong).err(), Some(Refusal::IncorrectKeyMaterial), "{spec:?}");
        }
        assert!(owner.import(&good).is_ok());
    }
}

/// One refusal, whatever it is that was changed.
#[test]
fn wrapped_material_that_was_changed_cut_or_lengthened_does_not_unwrap() {
    for (spec, algorithm, material) in [
        (KeySpec::SymmetricDefault, WrappingAlgorithm::RsaesOaepSha256, vec![7; 32]),
        (KeySpec::EccNistEdwards25519, WrappingAlgorithm::RsaAesKeyWrapSha256, Vec::new()),
    ] {
        let mut owner = Owner::new(spec, algorithm);
        let material =
            if material.is_empty() { owner.openssl.private_key("-algorithm ED25519") } else { material };
        let wrapped = owner.wrap(&material);
        assert!(owner.hand_in(&wrapped).is_ok());
        let places = (0..wrapped.len()).filter(|at| at % 7 == 0 || at % 256 < 2 || wrapped.len() - at < 3);
        for at in places {
            let mut changed = wrapped.clone();
            changed[at] ^= 0x10;
            assert_eq!(
                owner.hand_in(&changed).err(),
                Some(Refusal::InvalidCiphertext),
                "{algorithm:?}, {at}"
            );
        }
        let longer = [wrapped.as_slice(), &[0; 8]].concat();
        let shorter = &wrapped[..wrapped.len() - 8];
        let both = [&[0], wrapped.as_slice()].concat();
        for wrong in [&longer, shorter, &both, &[][..], &[0; 255], &[0xff; 256], &[0; 6144], &[0; 6145]] {
            assert_eq!(owner.hand_in(wrong).err(), Some(Refusal::InvalidCiphertext), "{} bytes", wrong.len());
        }
    }
}

#[test]
fn the_key_that_wraps_private_keys_has_256_bits() {
    let mut owner = Owner::new(KeySpec::EccNistP256, WrappingAlgorithm::RsaAesKeyWrapSha256);
    let private_key = owner.openssl.private_key("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    owner.openssl.write("wrapping.der", &owner.parameters.public_key);
    for (length, right) in [(32, true), (24, false), (16, false)] {
        let aes_key = vec![9; length];
        let wrapped =
            [owner.openssl.oaep("sha256", &aes_key), owner.openssl.key_wrap(&aes_key, &private_key)].concat();
        let imported = owner.hand_in(&wrapped).err();
        assert_eq!(imported, (!right).then_some(Refusal::InvalidCiphertext), "{length}");
    }
}

#[test]
fn material_wrapped_by_another_algorithm_or_for_another_pair_does_not_unwrap() {
    let mut owner = Owner::new(KeySpec::SymmetricDefault, WrappingAlgorithm::RsaesOaepSha256);
    let public_key = owner.parameters.public_key.clone();
    let other = owner.openssl.wrap(WrappingAlgorithm::RsaesOaepSha1, &public_key, &[7; 32]);
    assert_eq!(owner.hand_in(&other).err(), Some(Refusal::InvalidCiphertext));
    let wrapped = owner.wrap(&[7; 32]);
    owner.parameters = owner.door.begin(&owner.key, owner.algorithm, WrappingKeySpec::Rsa2048).unwrap();
    assert_eq!(owner.hand_in(&wrapped).err(), Some(Refusal::InvalidCiphertext));
}

#[test]
fn an_import_token_is_for_one_key_and_cannot_be_changed() {
    let mut owner = Owner::new(KeySpec::SymmetricDefault, WrappingAlgorithm::RsaesOaepSha256);
    let (wrapped, key) = (owner.wrap(&[7; 32]), owner.key.clone());
    let others = [
        NewKey { account: "123456789013".parse().unwrap(), ..key.clone() },
        NewKey { region: "eu-west-1".parse().unwrap(), ..key.clone() },
        NewKey { key_id: KeyId::single_region([2; 16]), ..key.clone() },
        NewKey { key_id: KeyId::multi_region([1; 16]), ..key.clone() },
        NewKey { spec: KeySpec::Hmac256, usage: KeyUsage::GenerateVerifyMac, ..key.clone() },
    ];
    for other in others {
        owner.key = other;
        assert_eq!(owner.hand_in(&wrapped).err(), Some(Refusal::InvalidImportToken), "{:?}", owner.key);
    }
    owner.key = key;
    let token = owner.parameters.token.clone();
    for at in (0..token.len()).filter(|at| at % 5 == 0 || *at < 100 || token.len() - at < 20) {
        owner.parameters.token = token.clone();
        owner.parameters.token[at] ^= 1;
        assert_eq!(owner.hand_in(&wrapped).err(), Some(Refusal::InvalidImportToken), "byte {at}");
    }
    owner.parameters.token = token;
    // It is used as often as its time allows.
    assert!(owner.hand_in(&wrapped).is_ok() && owner.hand_in(&wrapped).is_ok());
}

#[test]
fn only_external_keys_are_imported_and_only_others_made_and_each_in_its_own_way() {
    let mut door = Door::new();
    let spec = WrappingKeySpec::Rsa2048;
    for (key, algorithm) in [
        (new_key(KeySpec::SymmetricDefault, KeyOrigin::AwsKms), WrappingAlgorithm::RsaesOaepSha256),
        (key(KeySpec::SymmetricDefault), WrappingAlgorithm::RsaAesKeyWrapSha256),
        (key(KeySpec::SymmetricDefault), WrappingAlgorithm::RsaesPkcs1V15),
        (key(KeySpec::SymmetricDefault), WrappingAlgorithm::Sm2Pke),
        (key(KeySpec::Rsa2048), WrappingAlgorithm::RsaesOaepSha256),
        (key(KeySpec::MlDsa44), WrappingAlgorithm::RsaAesKeyWrapSha256),
        (key(KeySpec::MlKem768), WrappingAlgorithm::RsaesOaepSha256),
        (key(KeySpec::Sm2), WrappingAlgorithm::Sm2Pke),
        (
            NewKey { usage: KeyUsage::SignVerify, ..key(KeySpec::SymmetricDefault) },
            WrappingAlgorithm::RsaesOaepSha256,
        ),
    ] {
        assert_eq!(
            door.begin(&key, algorithm, spec).err(),
            Some(Refusal::Unsupported),
            "{key:?} {algorithm:?}"
        );
    }
    let (symmetric, algorithm) = (key(KeySpec::SymmetricDefault), WrappingAlgorithm::RsaesOaepSha256);
    let begun = door.begin(&symmetric, algorithm, WrappingKeySpec::Sm2);
    assert_eq!(begun.err(), Some(Refusal::Unsupported));
    assert_eq!(door.generate(&symmetric).err(), Some(Refusal::Unsupported));
}
