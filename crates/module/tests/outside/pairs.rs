//! Data key pairs, looked at by `openssl`.

use crate::door::{Door, symmetric};
use crate::openssl::OpenSsl;
use keys::{DataKeyPairSpec, KeyId, KeyOrigin, KeySpec};
use module_api::{Command, EncryptionContext, Key, KeyToken, Refusal, Reply};

struct Pair {
    private_key: Vec<u8>,
    ciphertext: Vec<u8>,
    public_key: Vec<u8>,
}

fn pair(reply: &Reply<'_>) -> Option<Pair> {
    match reply {
        Reply::DataKeyPair { private_key, ciphertext, public_key } => Some(Pair {
            private_key: private_key.0.to_vec(),
            ciphertext: ciphertext.0.to_vec(),
            public_key: public_key.0.to_vec(),
        }),
        _ => None,
    }
}

#[test]
fn openssl_reads_every_pair_that_it_knows_and_finds_the_same_public_key() {
    let (mut door, openssl, context) = (Door::new(), OpenSsl::new(), EncryptionContext::default());
    let key = symmetric(&mut door);
    let context = context.canonical();
    for &spec in DataKeyPairSpec::ALL.iter().filter(|spec| openssl_knows(**spec)) {
        let command = Command::GenerateDataKeyPair { key: key.key(), context, spec, recipient: None };
        let made = door.ask(&command, pair).unwrap();
        assert_eq!(openssl.public_key_of(&made.private_key), made.public_key, "{spec:?}");
        assert_eq!(door.decrypt(&key, &made.ciphertext, None), Ok(made.private_key), "{spec:?}");

        let command = Command::GenerateDataKeyPairWithoutPlaintext { key: key.key(), context, spec };
        let other = door.ask(&command, pair).unwrap();
        assert!(other.private_key.is_empty() && other.public_key != made.public_key, "{spec:?}");
        let private_key = door.decrypt(&key, &other.ciphertext, None).unwrap();
        assert_eq!(openssl.public_key_of(&private_key), other.public_key, "{spec:?}");
    }
}

/// OpenSSL knows ML-KEM from 3.5 on.
fn openssl_knows(spec: DataKeyPairSpec) -> bool {
    !matches!(
        spec,
        DataKeyPairSpec::Sm2
            | DataKeyPairSpec::MlKem512
            | DataKeyPairSpec::MlKem768
            | DataKeyPairSpec::MlKem1024
    )
}

#[test]
fn pairs_for_key_encapsulation_fit_under_a_symmetric_key_too() {
    let (mut door, context) = (Door::new(), EncryptionContext::default());
    let (key, context) = (symmetric(&mut door), context.canonical());
    for spec in [DataKeyPairSpec::MlKem512, DataKeyPairSpec::MlKem768, DataKeyPairSpec::MlKem1024] {
        let command = Command::GenerateDataKeyPair { key: key.key(), context, spec, recipient: None };
        let made = door.ask(&command, pair).unwrap();
        assert!(made.private_key.starts_with(&[0x30]) && made.public_key.starts_with(&[0x30]), "{spec:?}");
        assert_eq!(door.decrypt(&key, &made.ciphertext, None), Ok(made.private_key), "{spec:?}");
    }
}

#[test]
fn no_pair_is_made_of_sm2_nor_under_a_key_that_does_not_open_or_encrypt() {
    let (mut door, context) = (Door::new(), EncryptionContext::default());
    let (key, context) = (symmetric(&mut door), context.canonical());
    let forged = KeyToken::from_bytes(vec![7; 98]);
    let hmac = door.generate(&crate::door::new_key(KeySpec::Hmac256, KeyOrigin::AwsKms)).unwrap();
    let rsa = door.generate(&crate::door::new_key(KeySpec::Rsa2048, KeyOrigin::AwsKms)).unwrap();
    for (key, spec, refusal) in [
        (key.key(), DataKeyPairSpec::Sm2, Refusal::Unsupported),
        (Key::new(&forged, &key.binding), DataKeyPairSpec::Rsa2048, Refusal::TokenRefused),
        (hmac.key(), DataKeyPairSpec::Rsa2048, Refusal::Unsupported),
        (rsa.key(), DataKeyPairSpec::Rsa2048, Refusal::Unsupported),
    ] {
        let command = Command::GenerateDataKeyPairWithoutPlaintext { key, context, spec };
        assert_eq!(door.ask(&command, pair).err(), Some(refusal), "{spec:?}");
    }
}

#[test]
fn a_multi_region_key_is_rebound_with_the_same_material_and_no_other_key_is() {
    let mut door = Door::new();
    let elsewhere = "eu-west-1".parse().unwrap();
    for spec in [KeySpec::SymmetricDefault, KeySpec::Rsa2048, KeySpec::EccNistP384, KeySpec::MlDsa44] {
        let mut new = crate::door::new_key(spec, KeyOrigin::AwsKms);
        let single = door.generate(&new).unwrap();
        assert_eq!(door.rebind(&single, elsewhere).err(), Some(Refusal::Unsupported), "{spec:?}");

        new.key_id = KeyId::multi_region([1; 16]);
        let made = door.generate(&new).unwrap();
        let replica = door.rebind(&made, elsewhere).unwrap();
        assert_eq!(replica.binding, module_api::Binding { region: elsewhere, ..made.binding.clone() });
        assert_eq!(replica.public_key, made.public_key);
        if spec == KeySpec::SymmetricDefault {
            let blob = door.encrypt(&made, b"text").unwrap();
            assert_eq!(door.decrypt(&replica, &blob, None), Ok(b"text".to_vec()));
        }
        let mixed = Command::Rebind { key: Key::new(&made.token, &replica.binding), region: elsewhere };
        assert_eq!(door.ask(&mixed, |_| Some(())), Err(Refusal::TokenRefused));
        let forged = KeyToken::from_bytes(vec![1; replica.token.as_bytes().len()]);
        let forged = Command::Rebind { key: Key::new(&forged, &made.binding), region: elsewhere };
        assert_eq!(door.ask(&forged, |_| Some(())), Err(Refusal::TokenRefused));
    }
}
