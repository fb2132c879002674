//! What a door must do with keys of every spec.

use super::{Door, Made, ciphertext, context, make, new_key, refused};
use keys::{
    DataKeyPairSpec, EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, MessageType, SigningAlgorithm,
};
use module_api::{Bytes, Command, EncryptionContext, NewKey, Refusal, Reply};

/// Runs this part of the suite.
pub fn hold(door: &mut impl Door) {
    let keys = Keys::make(door);
    a_key_does_what_its_spec_and_usage_say_and_nothing_else(door, &keys);
    what_is_signed_verifies_under_its_key_alone(door, &keys);
    a_mac_is_genuine_only_whole_and_of_its_message(door, &keys);
    two_owners_derive_the_same_secret(door, &keys);
    a_public_key_that_does_not_fit_derives_nothing(door, &keys);
    an_encapsulated_secret_comes_back(door, &keys);
    a_plaintext_is_re_encrypted_between_every_two_algorithms(door, &keys);
    rsa_takes_no_context_and_no_plaintext_that_is_too_long(door, &keys);
    a_public_key_is_told_of_pairs_alone(door, &keys);
}

/// One key for every spec and usage, but SM2; and one more of the quick ones.
struct Keys {
    made: Vec<Made>,
    others: Vec<Made>,
}

impl Keys {
    fn make(door: &mut impl Door) -> Self {
        let (mut made, mut others) = (Vec::new(), Vec::new());
        for &spec in KeySpec::ALL.iter().filter(|spec| **spec != KeySpec::Sm2) {
            for &usage in spec.usages() {
                made.push(make(door, NewKey { spec, usage, ..new_key(1) }));
                if spec != KeySpec::Rsa3072 && spec != KeySpec::Rsa4096 {
                    others.push(make(door, NewKey { spec, usage, ..new_key(1) }));
                }
            }
        }
        Self { made, others }
    }

    fn of_usage(&self, usage: KeyUsage) -> impl Iterator<Item = &Made> {
        self.made.iter().filter(move |made| made.binding.usage == usage)
    }

    fn other(&self, made: &Made) -> Option<&Made> {
        let (spec, usage) = (made.binding.spec, made.binding.usage);
        self.others.iter().find(|other| other.binding.spec == spec && other.binding.usage == usage)
    }
}

fn a_key_does_what_its_spec_and_usage_say_and_nothing_else(door: &mut impl Door, keys: &Keys) {
    let none = EncryptionContext::default();
    for made in &keys.made {
        let (spec, usage) = (made.binding.spec, made.binding.usage);
        for (command, fits) in commands(made, &none) {
            let unsupported = refused(door, &command) == Some(Refusal::Unsupported);
            assert_eq!(unsupported, !fits, "{spec:?} for {usage:?}: {command:?}");
        }
    }
}

/// Every command with that key, and whether spec and usage allow it.
fn commands<'a>(made: &'a Made, none: &'a EncryptionContext) -> Vec<(Command<'a>, bool)> {
    let (spec, usage) = (made.binding.spec, made.binding.usage);
    let (key, context, bytes) = (|| made.key(), none.canonical(), Bytes(&[7; 64]));
    let symmetric = spec == KeySpec::SymmetricDefault;
    let (agrees, encapsulates) = (usage == KeyUsage::KeyAgreement, usage == KeyUsage::EncapsulateDecapsulate);
    let recipient = None;
    let mut commands = vec![
        (Command::DeriveSharedSecret { key: key(), public_key: bytes, recipient }, agrees),
        (Command::Encapsulate { key: key() }, encapsulates),
        (Command::Decapsulate { key: key(), ciphertext: bytes }, encapsulates),
        (Command::GenerateDataKey { key: key(), context, number_of_bytes: 32, recipient }, symmetric),
        (Command::GenerateDataKeyWithoutPlaintext { key: key(), context, number_of_bytes: 32 }, symmetric),
        (Command::PublicKey { key: key() }, spec.is_asymmetric()),
    ];
    let pair = DataKeyPairSpec::EccNistP256;
    commands.push((Command::GenerateDataKeyPair { key: key(), context, spec: pair, recipient }, symmetric));
    commands
        .push((Command::GenerateDataKeyPairWithoutPlaintext { key: key(), context, spec: pair }, symmetric));
    for &algorithm in EncryptionAlgorithm::ALL {
        let fits = usage == KeyUsage::EncryptDecrypt && spec.encryption_algorithms().contains(&algorithm);
        commands.push((Command::Encrypt { key: key(), algorithm, context, plaintext: bytes }, fits));
        commands.push((Command::Decrypt { key: key(), algorithm, context, blob: bytes, recipient }, fits));
    }
    for &algorithm in MacAlgorithm::ALL {
        let fits = spec.mac_algorithms().contains(&algorithm);
        commands.push((Command::GenerateMac { key: key(), algorithm, message: bytes }, fits));
        commands.push((Command::VerifyMac { key: key(), algorithm, message: bytes, mac: bytes }, fits));
    }
    commands.extend(signing_commands(made));
    commands
}

fn signing_commands(made: &Made) -> Vec<(Command<'_>, bool)> {
    let (spec, usage) = (made.binding.spec, made.binding.usage);
    let (message, signature) = (Bytes(&[7; 64]), Bytes(&[7; 64]));
    let mut commands = Vec::new();
    for &algorithm in SigningAlgorithm::ALL {
        for &message_type in MessageType::ALL {
            let fits = usage == KeyUsage::SignVerify
                && spec.signing_algorithms().contains(&algorithm)
                && types(algorithm).contains(&message_type);
            let key = made.key();
            commands.push((Command::Sign { key: key.clone(), algorithm, message_type, message }, fits));
            commands.push((Command::Verify { key, algorithm, message_type, message, signature }, fits));
        }
    }
    commands
}

fn types(algorithm: SigningAlgorithm) -> &'static [MessageType] {
    match algorithm {
        SigningAlgorithm::Ed25519Sha512 => &[MessageType::Raw],
        SigningAlgorithm::Ed25519PhSha512 => &[MessageType::Digest],
        SigningAlgorithm::MlDsaShake256 => &[MessageType::Raw, MessageType::ExternalMu],
        _ => &[MessageType::Raw, MessageType::Digest],
    }
}

fn what_is_signed_verifies_under_its_key_alone(door: &mut impl Door, keys: &Keys) {
    for made in keys.of_usage(KeyUsage::SignVerify) {
        for &algorithm in made.binding.spec.signing_algorithms() {
            for &message_type in types(algorithm) {
                let length = if message_type == MessageType::Raw {
                    100
                } else {
                    algorithm.digest_length().unwrap_or(64)
                };
                let message = vec![7; length];
                let signature = sign(door, made, algorithm, message_type, &message);
                let mut verified = |made: &Made, message: &[u8], signature: &[u8]| {
                    verify(door, made, algorithm, message_type, message, signature)
                };
                assert_eq!(verified(made, &message, &signature), None, "{algorithm:?} {message_type:?}");
                let invalid = Some(Refusal::InvalidSignature);
                assert_eq!(verified(made, &vec![8; length], &signature), invalid);
                assert_eq!(verified(made, &message, &signature[1..]), invalid);
                assert_eq!(verified(made, &message, &[&signature[..], &[0]].concat()), invalid);
                assert_eq!(verified(made, &message, &[]), invalid);
                if let Some(other) = keys.other(made) {
                    assert_eq!(verified(other, &message, &signature), invalid, "{algorithm:?}");
                }
            }
        }
    }
}

fn a_mac_is_genuine_only_whole_and_of_its_message(door: &mut impl Door, keys: &Keys) {
    for (made, length) in keys.of_usage(KeyUsage::GenerateVerifyMac).zip([28, 32, 48, 64]) {
        let [algorithm] = *made.binding.spec.mac_algorithms() else { panic!("{:?}", made.binding) };
        let message = Bytes(b"message");
        let mac =
            door.answer(&Command::GenerateMac { key: made.key(), algorithm, message }, |reply| match reply {
                Reply::Mac(mac) => mac.0.to_vec(),
                other => panic!("{other:?}"),
            });
        assert_eq!(mac.len(), length);
        let mut verified = |made: &Made, message: &[u8], mac: &[u8]| {
            let (key, message, mac) = (made.key(), Bytes(message), Bytes(mac));
            refused(door, &Command::VerifyMac { key, algorithm, message, mac })
        };
        assert_eq!(verified(made, b"message", &mac), None);
        let invalid = Some(Refusal::InvalidMac);
        assert_eq!(verified(made, b"massage", &mac), invalid);
        assert_eq!(verified(keys.other(made).unwrap(), b"message", &mac), invalid);
        for part in 0..length {
            assert_eq!(verified(made, b"message", &mac[..part]), invalid);
        }
    }
}

fn two_owners_derive_the_same_secret(door: &mut impl Door, keys: &Keys) {
    for (made, length) in keys.of_usage(KeyUsage::KeyAgreement).zip([32, 48, 66]) {
        let other = keys.other(made).unwrap();
        let (its, others) = (public_key(door, made), public_key(door, other));
        let secret = derive(door, made, &others).unwrap();
        assert_eq!(secret.len(), length);
        assert_eq!(derive(door, other, &its).unwrap(), secret);
        assert_ne!(derive(door, made, &its).unwrap(), secret);
    }
}

fn a_public_key_that_does_not_fit_derives_nothing(door: &mut impl Door, keys: &Keys) {
    for made in keys.of_usage(KeyUsage::KeyAgreement) {
        let right = public_key(door, made);
        let mut off_the_curve = right.clone();
        *off_the_curve.last_mut().unwrap() ^= 1;
        let mut wrong = vec![Vec::new(), b"key".to_vec(), off_the_curve, [&right[..], &[0]].concat()];
        for foreign in keys.made.iter().filter(|other| other.binding.spec.is_asymmetric()) {
            if foreign.binding.spec != made.binding.spec {
                wrong.push(public_key(door, foreign));
            }
        }
        for wrong in wrong {
            assert_eq!(derive(door, made, &wrong), Err(Refusal::InvalidPublicKey), "{wrong:02x?}");
        }
    }
}

fn an_encapsulated_secret_comes_back(door: &mut impl Door, keys: &Keys) {
    for (made, length) in keys.of_usage(KeyUsage::EncapsulateDecapsulate).zip([768, 1088, 1568]) {
        let (secret, ciphertext) =
            door.answer(&Command::Encapsulate { key: made.key() }, |reply| match reply {
                Reply::Encapsulated { shared_secret, ciphertext } => {
                    (shared_secret.0.to_vec(), ciphertext.0.to_vec())
                }
                other => panic!("{other:?}"),
            });
        assert_eq!((secret.len(), ciphertext.len()), (32, length));
        assert_eq!(decapsulate(door, made, &ciphertext).unwrap(), secret);
        assert_ne!(decapsulate(door, keys.other(made).unwrap(), &ciphertext).unwrap(), secret);
        let cut = decapsulate(door, made, &ciphertext[1..]);
        assert_eq!(cut, Err(Refusal::InvalidCiphertext));
    }
}

fn a_plaintext_is_re_encrypted_between_every_two_algorithms(door: &mut impl Door, keys: &Keys) {
    let none = context(&[]);
    let ways: Vec<(&Made, EncryptionAlgorithm)> = keys
        .of_usage(KeyUsage::EncryptDecrypt)
        .flat_map(|made| made.binding.spec.encryption_algorithms().iter().map(move |way| (made, *way)))
        .collect();
    assert_eq!(ways.len(), 7);
    for &(source, source_algorithm) in &ways {
        let plaintext = Bytes(b"a plaintext");
        let (key, algorithm) = (source.key(), source_algorithm);
        let encrypt = Command::Encrypt { key, algorithm, context: none.canonical(), plaintext };
        let blob = ciphertext(door, &encrypt).unwrap();
        for &(destination, destination_algorithm) in &ways {
            let command = Command::ReEncrypt {
                source: source.key(),
                source_algorithm,
                source_context: none.canonical(),
                blob: Bytes(&blob),
                destination: destination.key(),
                destination_algorithm,
                destination_context: none.canonical(),
            };
            let again = ciphertext(door, &command).unwrap();
            assert_eq!(decrypt(door, destination, destination_algorithm, &again).unwrap(), b"a plaintext");
            if (destination.binding.spec, destination_algorithm) != (source.binding.spec, source_algorithm) {
                let wrong = decrypt(door, source, source_algorithm, &again);
                assert_eq!(wrong, Err(Refusal::InvalidCiphertext));
            }
        }
    }
}

fn rsa_takes_no_context_and_no_plaintext_that_is_too_long(door: &mut impl Door, keys: &Keys) {
    let (none, some) = (context(&[]), context(&[("a", "1")]));
    let algorithm = EncryptionAlgorithm::RsaesOaepSha256;
    let rsa = |made: &&Made| made.binding.spec.encryption_algorithms().contains(&algorithm);
    for (made, longest) in keys.of_usage(KeyUsage::EncryptDecrypt).filter(rsa).zip([190, 318, 446]) {
        let plaintext = vec![7; longest + 1];
        let mut encrypt = |context: &EncryptionContext, plaintext: &[u8]| {
            let (key, context, plaintext) = (made.key(), context.canonical(), Bytes(plaintext));
            ciphertext(door, &Command::Encrypt { key, algorithm, context, plaintext })
        };
        assert_eq!(encrypt(&none, &plaintext), Err(Refusal::TooLarge));
        assert_eq!(encrypt(&some, &plaintext[1..]), Err(Refusal::Malformed));
        let blob = encrypt(&none, &plaintext[1..]).unwrap();
        assert_eq!(decrypt(door, made, algorithm, &blob).unwrap(), plaintext[1..]);
        for wrong in [&blob[1..], &[&blob[..], &[0]].concat(), &vec![0xff; blob.len()]] {
            assert_eq!(decrypt(door, made, algorithm, wrong), Err(Refusal::InvalidCiphertext));
        }
        let with_the_other_hash = decrypt(door, made, EncryptionAlgorithm::RsaesOaepSha1, &blob);
        assert_eq!(with_the_other_hash, Err(Refusal::InvalidCiphertext));
    }
}

/// The one that came with the new key is the one that is told later.
fn a_public_key_is_told_of_pairs_alone(door: &mut impl Door, keys: &Keys) {
    for made in &keys.made {
        assert_eq!(made.public_key.is_empty(), !made.binding.spec.is_asymmetric());
        if made.binding.spec.is_asymmetric() {
            assert_eq!(public_key(door, made), made.public_key, "{:?}", made.binding.spec);
        }
    }
}

fn sign(
    door: &mut impl Door,
    made: &Made,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
) -> Vec<u8> {
    let command = Command::Sign { key: made.key(), algorithm, message_type, message: Bytes(message) };
    door.answer(&command, |reply| match reply {
        Reply::Signature(signature) => signature.0.to_vec(),
        other => panic!("{other:?}"),
    })
}

fn verify(
    door: &mut impl Door,
    made: &Made,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
    signature: &[u8],
) -> Option<Refusal> {
    let (message, signature) = (Bytes(message), Bytes(signature));
    refused(door, &Command::Verify { key: made.key(), algorithm, message_type, message, signature })
}

fn decrypt(
    door: &mut impl Door,
    made: &Made,
    algorithm: EncryptionAlgorithm,
    blob: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let none = context(&[]);
    let (key, context, blob) = (made.key(), none.canonical(), Bytes(blob));
    door.answer(&Command::Decrypt { key, algorithm, context, blob, recipient: None }, |reply| match reply {
        Reply::Plaintext(plaintext) => Ok(plaintext.0.to_vec()),
        Reply::Refused(refusal) => Err(*refusal),
        other => panic!("{other:?}"),
    })
}

fn public_key(door: &mut impl Door, made: &Made) -> Vec<u8> {
    door.answer(&Command::PublicKey { key: made.key() }, |reply| match reply {
        Reply::PublicKey(public_key) => public_key.0.to_vec(),
        other => panic!("{other:?}"),
    })
}

fn derive(door: &mut impl Door, made: &Made, public_key: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (key, public_key) = (made.key(), Bytes(public_key));
    secret(door, &Command::DeriveSharedSecret { key, public_key, recipient: None })
}

fn decapsulate(door: &mut impl Door, made: &Made, ciphertext: &[u8]) -> Result<Vec<u8>, Refusal> {
    secret(door, &Command::Decapsulate { key: made.key(), ciphertext: Bytes(ciphertext) })
}

fn secret(door: &mut impl Door, command: &Command<'_>) -> Result<Vec<u8>, Refusal> {
    door.answer(command, |reply| match reply {
        Reply::SharedSecret(secret) => Ok(secret.0.to_vec()),
        Reply::Refused(refusal) => Err(*refusal),
        other => panic!("{other:?}"),
    })
}
