//! Envelopes for recipients, opened by `openssl cms`.

use crate::door::{Door, bytes, new_key, symmetric};
use crate::openssl::OpenSsl;
use keys::{DataKeyPairSpec, KeyOrigin, KeySpec, KeyUsage};
use module_api::{Bytes, Command, EncryptionContext, NewKey, Recipient, Refusal, Reply};

struct Enclave {
    openssl: OpenSsl,
    private_key: Vec<u8>,
    public_key: Vec<u8>,
}

impl Enclave {
    fn new(bits: usize) -> Self {
        let openssl = OpenSsl::new();
        let private_key = openssl.private_key(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"));
        let public_key = openssl.public_key_of(&private_key);
        Self { openssl, private_key, public_key }
    }

    fn recipient(&self) -> Option<Recipient<'_>> {
        Some(Recipient(Bytes(&self.public_key)))
    }

    fn open(&self, envelope: &[u8]) -> Vec<u8> {
        self.openssl.write("envelope", envelope);
        self.openssl.write("enclave.der", &self.private_key);
        self.openssl.run("cms -decrypt -inform DER -in envelope -inkey enclave.der -keyform DER -binary")
    }
}

#[test]
fn a_plaintext_of_every_length_reaches_its_recipient() {
    let (mut door, enclave) = (Door::new(), Enclave::new(2048));
    let key = symmetric(&mut door);
    for length in [1, 15, 16, 17, 111, 112, 127, 128, 255, 256, 4096] {
        let plaintext: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let blob = door.encrypt(&key, &plaintext).unwrap();
        let envelope = door.decrypt(&key, &blob, Some(&enclave.public_key)).unwrap();
        assert!(!envelope.windows(8).any(|part| plaintext.windows(8).next() == Some(part)));
        assert_eq!(enclave.open(&envelope), plaintext, "{length} bytes");
    }
}

#[test]
fn recipients_have_keys_of_2048_3072_or_4096_bits() {
    let mut door = Door::new();
    for bits in [2048, 3072, 4096] {
        let enclave = Enclave::new(bits);
        let random = Command::GenerateRandom { number_of_bytes: 32, recipient: enclave.recipient() };
        let envelope = door.ask(&random, bytes).unwrap();
        assert_eq!(enclave.open(&envelope).len(), 32);
    }
}

#[test]
fn a_recipient_with_another_key_is_refused() {
    let (mut door, openssl) = (Door::new(), OpenSsl::new());
    for arguments in [
        "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
        "-algorithm RSA -pkeyopt rsa_keygen_bits:5120",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "-algorithm ED25519",
    ] {
        let public_key = openssl.public_key_of(&openssl.private_key(arguments));
        let recipient = Some(Recipient(Bytes(&public_key)));
        let random = door.ask(&Command::GenerateRandom { number_of_bytes: 32, recipient }, bytes);
        assert_eq!(random, Err(Refusal::InvalidPublicKey), "{arguments}");
    }
}

#[test]
fn a_data_key_reaches_its_recipient_and_is_encrypted_as_well() {
    let (mut door, enclave) = (Door::new(), Enclave::new(2048));
    let (key, context) = (symmetric(&mut door), EncryptionContext::default());
    let command = Command::GenerateDataKey {
        key: key.key(),
        context: context.canonical(),
        number_of_bytes: 32,
        recipient: enclave.recipient(),
    };
    let (envelope, blob) = door
        .ask(&command, |reply| match reply {
            Reply::DataKey { plaintext, ciphertext } => Some((plaintext.0.to_vec(), ciphertext.0.to_vec())),
            _ => None,
        })
        .unwrap();
    assert_eq!(enclave.open(&envelope), door.decrypt(&key, &blob, None).unwrap());
}

#[test]
fn the_private_key_of_a_pair_reaches_its_recipient_and_is_encrypted_as_well() {
    let (mut door, enclave) = (Door::new(), Enclave::new(2048));
    let (key, context) = (symmetric(&mut door), EncryptionContext::default());
    let command = Command::GenerateDataKeyPair {
        key: key.key(),
        context: context.canonical(),
        spec: DataKeyPairSpec::Rsa4096,
        recipient: enclave.recipient(),
    };
    let (envelope, blob, public_key) = door
        .ask(&command, |reply| match reply {
            Reply::DataKeyPair { private_key, ciphertext, public_key } => {
                Some((private_key.0.to_vec(), ciphertext.0.to_vec(), public_key.0.to_vec()))
            }
            _ => None,
        })
        .unwrap();
    let private_key = enclave.open(&envelope);
    assert_eq!(private_key, door.decrypt(&key, &blob, None).unwrap());
    assert_eq!(enclave.openssl.public_key_of(&private_key), public_key);
}

#[test]
fn a_shared_secret_reaches_its_recipient() {
    let (mut door, enclave) = (Door::new(), Enclave::new(2048));
    let key = new_key(KeySpec::EccNistP256, KeyOrigin::AwsKms);
    let key = door.generate(&NewKey { usage: KeyUsage::KeyAgreement, ..key }).unwrap();
    let openssl = &enclave.openssl;
    let peer = openssl.private_key("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let peer_public_key = openssl.public_key_of(&peer);
    let command = Command::DeriveSharedSecret {
        key: key.key(),
        public_key: Bytes(&peer_public_key),
        recipient: enclave.recipient(),
    };
    let envelope = door.ask(&command, bytes).unwrap();
    openssl.write("peer.der", &peer);
    openssl.write("ours.der", &key.public_key);
    let secret = openssl.run("pkeyutl -derive -keyform DER -inkey peer.der -peerform DER -peerkey ours.der");
    assert_eq!(enclave.open(&envelope), secret);
}
