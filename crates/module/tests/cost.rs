//! What the engine costs, one command after another on one thread
//! (`cargo test --profile dist -p module --test cost -- --ignored --nocapture`).

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use keys::{KeyId, KeyOrigin, KeySpec, KeyUsage, MessageType};
use module::{Arena, Domain, Engine};
use module_api::{Bytes, Command, EncryptionContext, Key, KeyToken, NewKey, Reply};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
#[ignore = "takes figures, which only an optimised build has"]
fn operations_per_second_of_every_algorithm() {
    for &spec in KeySpec::ALL.iter().filter(|spec| **spec != KeySpec::Sm2) {
        for &usage in spec.usages() {
            let (mut warm, mut cold) = (Bench::new(spec, usage, 64), Bench::new(spec, usage, 1));
            warm.measure("making a key", Bench::make);
            cold.measure("opening a key", Bench::open_in_turn);
            warm.measure_what_it_does();
        }
    }
}

/// What opened keys take of the memory that is not theirs in the arena: the figures behind their weights.
#[test]
#[ignore = "takes figures, one process for each"]
fn memory_of_an_opened_key() {
    let spec = KeySpec::of_name(&std::env::var("CARDEA_SPEC").unwrap()).unwrap();
    for &usage in spec.usages() {
        let mut bench = Bench::new(spec, usage, 1 << 20);
        let keys: Vec<_> = (0..COUNT).map(|_| bench.make_key()).collect();
        let before = resident();
        keys.iter().for_each(|made| bench.use_once(made));
        println!("{} for {}: {} bytes", spec.name(), usage.name(), (resident() - before) / COUNT);
    }
}

type Made = (KeyToken, module_api::Binding);

struct Bench {
    engine: Engine,
    new: NewKey,
    pair: [Made; 2],
}

impl Bench {
    fn new(spec: KeySpec, usage: KeyUsage, cached_keys: usize) -> Self {
        let mut engine = engine(cached_keys);
        let new = NewKey {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: KeyId::single_region([1; 16]),
            spec,
            usage,
            origin: KeyOrigin::AwsKms,
        };
        let pair = [make(&mut engine, &new), make(&mut engine, &new)];
        Self { engine, new, pair }
    }

    fn make_key(&mut self) -> Made {
        make(&mut self.engine, &self.new)
    }

    fn make(&mut self) {
        self.make_key();
    }

    fn measure_what_it_does(&mut self) {
        let (made, none) = (self.pair[0].clone(), EncryptionContext::default());
        let (key, context) = (|| Key::new(&made.0, &made.1), none.canonical());
        match self.new.usage {
            KeyUsage::EncryptDecrypt => {
                for &algorithm in self.new.spec.encryption_algorithms() {
                    let plaintext = Bytes(&[7; 32]);
                    let encrypt = Command::Encrypt { key: key(), algorithm, context, plaintext };
                    let blob = self.time(&format!("Encrypt {}", algorithm.name()), &encrypt);
                    let (blob, recipient) = (Bytes(&blob), None);
                    let decrypt = Command::Decrypt { key: key(), algorithm, context, blob, recipient };
                    self.time(&format!("Decrypt {}", algorithm.name()), &decrypt);
                }
            }
            KeyUsage::SignVerify => {
                for &algorithm in self.new.spec.signing_algorithms() {
                    let length = algorithm.digest_length().unwrap_or(32);
                    let raw = algorithm.digest_length().is_none();
                    let message_type = if raw { MessageType::Raw } else { MessageType::Digest };
                    let message = vec![7; length];
                    let message = Bytes(&message);
                    let sign = Command::Sign { key: key(), algorithm, message_type, message };
                    let signature = self.time(&format!("Sign {}", algorithm.name()), &sign);
                    let signature = Bytes(&signature);
                    let verify = Command::Verify { key: key(), algorithm, message_type, message, signature };
                    self.time(&format!("Verify {}", algorithm.name()), &verify);
                }
            }
            KeyUsage::GenerateVerifyMac => {
                for &algorithm in self.new.spec.mac_algorithms() {
                    let message = Bytes(&[7; 32]);
                    self.time("GenerateMac", &Command::GenerateMac { key: key(), algorithm, message });
                }
            }
            KeyUsage::KeyAgreement => {
                let public_key = answered(&mut self.engine, &Command::PublicKey { key: key() });
                let public_key = Bytes(&public_key);
                let derive = Command::DeriveSharedSecret { key: key(), public_key, recipient: None };
                self.time("DeriveSharedSecret", &derive);
            }
            KeyUsage::EncapsulateDecapsulate => {
                let encapsulated = self.time("Encapsulate", &Command::Encapsulate { key: key() });
                let ciphertext = Bytes(&encapsulated);
                self.time("Decapsulate", &Command::Decapsulate { key: key(), ciphertext });
            }
        }
    }

    fn time(&mut self, what: &str, command: &Command<'_>) -> Vec<u8> {
        let answer = answered(&mut self.engine, command);
        self.measure(what, |this| drop(answered(&mut this.engine, command)));
        answer
    }

    fn measure(&mut self, what: &str, mut step: impl FnMut(&mut Self)) {
        let (start, mut count) = (Instant::now(), 0_u32);
        while start.elapsed() < LONG_ENOUGH {
            step(self);
            count += 1;
        }
        let each = start.elapsed() / count;
        let per_second = Duration::from_secs(1).as_nanos() / each.as_nanos().max(1);
        let (spec, usage) = (self.new.spec.name(), self.new.usage.name());
        println!("{spec:22} {usage:24} {what:34} {per_second:>8} a second, {each:?} each");
    }

    /// With room for one key, each of the two puts the other out.
    fn open_in_turn(&mut self) {
        self.use_once(&self.pair[0].clone());
        self.pair.swap(0, 1);
    }

    /// The least that opens a key.
    fn use_once(&mut self, (token, binding): &Made) {
        let (key, none) = (Key::new(token, binding), EncryptionContext::default());
        let command = if self.new.spec.is_asymmetric() {
            Command::PublicKey { key }
        } else if let [algorithm] = *self.new.spec.mac_algorithms() {
            Command::GenerateMac { key, algorithm, message: Bytes(&[7; 32]) }
        } else {
            let algorithm = keys::EncryptionAlgorithm::SymmetricDefault;
            Command::Encrypt { key, algorithm, context: none.canonical(), plaintext: Bytes(&[7; 32]) }
        };
        answered(&mut self.engine, &command);
    }
}

fn make(engine: &mut Engine, new: &NewKey) -> Made {
    engine.answer(&Command::GenerateKey { key: Cow::Borrowed(new) }, |reply| match reply {
        Reply::Key { token, material_id, .. } => {
            (KeyToken::from_bytes(token.0), new.with_material(*material_id))
        }
        other => panic!("{other:?}"),
    })
}

/// What the next command wants of this one's answer.
fn answered(engine: &mut Engine, command: &Command<'_>) -> Vec<u8> {
    engine.answer(command, |reply| match reply {
        Reply::Ciphertext(bytes)
        | Reply::Mac(bytes)
        | Reply::Plaintext(bytes)
        | Reply::PublicKey(bytes)
        | Reply::SharedSecret(bytes)
        | Reply::Signature(bytes)
        | Reply::Encapsulated { ciphertext: bytes, .. } => bytes.0.to_vec(),
        Reply::Verified => Vec::new(),
        other => panic!("{other:?}"),
    })
}

fn engine(cached_keys: usize) -> Engine {
    let arena = Arena::new(Engine::places(cached_keys.min(4096)) + 8).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (seal, domain) = (directory.path().join("seal"), directory.path().join("domain"));
    let domain = Domain::load(&seal, &domain, true, &arena).unwrap();
    Engine::new(Arc::new(domain), cached_keys).unwrap()
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

const LONG_ENOUGH: Duration = Duration::from_millis(150);
const COUNT: usize = 400;
