//! Tokens of SoftHSM with keys in them, and the key manager of them.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::programs::program;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::{Session as TokenSession, UserType};
use cryptoki::types::{AuthPin, Date};
use key_manager::{Encrypted, ExternalKeyId, KeyManager, Sealed, Session, Trouble};
use key_manager_pkcs11::{Pkcs11KeyManager, Settings};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Tokens, and the library that injects faults in front of them.
pub struct Rig {
    directory: TempDir,
    tokens: Vec<String>,
}

/// A key that an owner puts into a token: the same value in each.
#[derive(Clone, Debug)]
pub struct Key {
    pub label: &'static str,
    pub kind: &'static str,
    pub length: usize,
    pub value: u8,
    pub uses: &'static str,
    pub last_day: &'static str,
}

/// A key manager, and a session of it.
pub struct Opened {
    _key_manager: Pkcs11KeyManager,
    pub session: Rc<dyn Session>,
}

impl Rig {
    /// Tokens with those labels, all with those keys and the test key.
    pub fn with(tokens: &[&str], keys: &[Key]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let this = Self { directory, tokens: tokens.iter().map(|&token| token.to_owned()).collect() };
        fs::create_dir(this.path("tokens")).unwrap();
        let configuration =
            format!("directories.tokendir = {}\nlog.level = ERROR\n", this.path("tokens").display());
        fs::write(this.path("softhsm2.conf"), configuration).unwrap();
        fs::write(this.path("pin"), format!("{PIN}\n")).unwrap();
        for token in tokens {
            this.make_token(token);
        }
        for token in tokens {
            this.put(token, keys);
            this.put(token, &[Key::aes("health", 7)]);
        }
        this
    }

    /// Puts keys into a token. A library reads its environment when it is loaded, so that is done by a process of its own.
    pub fn put(&self, token: &str, keys: &[Key]) {
        let keys: Vec<_> = keys.iter().map(Key::to_line).collect();
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "rig::what_an_owner_puts_into_a_token_is_in_it", "--nocapture"])
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .env(TOKEN, token)
            .env(KEYS, keys.join("\n"))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }

    pub fn settings(&self) -> Settings {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        Settings {
            library: program("libfaulty_pkcs11.so"),
            tokens: self.tokens.clone(),
            pin_file: self.path("pin"),
            sessions: NonZeroUsize::new(4).unwrap(),
            test_key: "health".to_owned(),
            // A busy machine takes longer than an HSM.
            try_timeout: Duration::from_millis(500),
            timeout: Duration::from_secs(2),
            environment: BTreeMap::from([
                ("SOFTHSM2_CONF".to_owned(), text(self.path("softhsm2.conf"))),
                ("FAULTY_PKCS11_FAULTS".to_owned(), text(self.path("faults"))),
                ("FAULTY_PKCS11_CALLS".to_owned(), text(self.path("calls"))),
            ]),
            aws_sample_metadata: None,
        }
    }

    /// With the times that are the default.
    pub fn quick_settings(&self) -> Settings {
        let (try_timeout, timeout) = (Duration::from_millis(100), Duration::from_millis(200));
        Settings { try_timeout, timeout, ..self.settings() }
    }

    /// Opens the key manager for one worker.
    pub fn open(&self) -> Opened {
        self.open_with(self.settings())
    }

    pub fn open_with(&self, settings: Settings) -> Opened {
        let key_manager = Pkcs11KeyManager::open(settings, program("cardea-pkcs11"), 1).unwrap();
        let session = key_manager.session(0);
        Opened { _key_manager: key_manager, session }
    }

    /// Switches these faults on, and all others off.
    pub fn faults(&self, lines: &str) {
        fs::write(self.path("faults.new"), lines).unwrap();
        fs::rename(self.path("faults.new"), self.path("faults")).unwrap();
    }

    /// The calls of the library so far, in their order.
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The process of that token, if it is there.
    pub fn process(&self, token: &str) -> Option<i32> {
        let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        processes
            .map(|entry| entry.path())
            .find(|process| is_of(process, token))
            .and_then(|process| process.file_name()?.to_str()?.parse().ok())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn make_token(&self, label: &str) {
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "87654321"])
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .output()
            .expect(HOW_TO_INSTALL);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

impl Opened {
    pub async fn encrypt(&self, key: &str) -> Result<Encrypted, Trouble> {
        self.session.encrypt(ExternalKeyId::new(key).unwrap(), TEXT, DATA).await
    }

    pub async fn decrypt(&self, key: &str, encrypted: &Encrypted) -> Result<Vec<u8>, Trouble> {
        let Encrypted { ciphertext, iv, tag, metadata, .. } = encrypted;
        let sealed = Sealed { ciphertext, iv, tag, metadata };
        let decrypted = self.session.decrypt(ExternalKeyId::new(key).unwrap(), sealed, DATA).await;
        decrypted.map(|decrypted| decrypted.plaintext.to_vec())
    }

    /// Encrypts and decrypts until it succeeds, as when tokens have just been started.
    pub async fn until_it_works(&self, key: &str) {
        eventually(async || match self.encrypt(key).await {
            Ok(encrypted) => self.decrypt(key, &encrypted).await.is_ok_and(|text| text == TEXT),
            Err(_) => false,
        })
        .await;
    }

    /// Until every token has done something.
    pub async fn until_all_work(&self) {
        eventually(async || {
            let health = self.session.health().await;
            health.members.iter().all(|member| member.status == key_manager::HealthStatus::Active)
        })
        .await;
    }
}

impl Key {
    pub const fn aes(label: &'static str, value: u8) -> Self {
        Self { label, kind: "AES", length: 32, value, uses: "ENCRYPT DECRYPT", last_day: "" }
    }

    fn to_line(&self) -> String {
        let Self { label, kind, length, value, uses, last_day } = self;
        format!("{label}\t{kind}\t{length}\t{value}\t{uses}\t{last_day}")
    }
}

/// Waits until it is so, for as long as a busy machine may need.
pub async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(30), "it did not become so");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether that is the process of a token, started by this one. Each test is a process.
fn is_of(process: &Path, token: &str) -> bool {
    let arguments = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    let is_child = parent.and_then(|parent| parent.trim().parse().ok()) == Some(std::process::id());
    is_child && arguments.split('\0').any(|argument| argument == token)
}

#[test]
fn what_an_owner_puts_into_a_token_is_in_it() {
    let (Ok(token), Ok(keys)) = (std::env::var(TOKEN), std::env::var(KEYS)) else {
        let rig = Rig::with(&["one"], &[Key { last_day: "2020-02-29", ..Key::aes("key", 1) }]);
        let shown = Command::new("softhsm2-util")
            .arg("--show-slots")
            .env("SOFTHSM2_CONF", rig.path("softhsm2.conf"))
            .output()
            .unwrap();
        return assert!(String::from_utf8_lossy(&shown.stdout).contains("one"));
    };
    let session = session(&token);
    for line in keys.lines() {
        let template = template(line);
        let made = session.create_object(&template).unwrap();
        let types: Vec<_> = template.iter().map(Attribute::attribute_type).collect();
        let kept = session.get_attributes(made, &types[..2]).unwrap();
        assert_eq!(kept, template[..2]);
    }
}

fn session(token: &str) -> TokenSession {
    let library = Pkcs11::new(SOFTHSM).unwrap();
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let mut slots = library.get_slots_with_initialized_token().unwrap();
    slots.retain(|slot| library.get_token_info(*slot).unwrap().label() == token);
    let session = library.open_rw_session(slots.remove(0)).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN.to_owned()))).unwrap();
    session
}

fn template(line: &str) -> Vec<Attribute> {
    let [label, kind, length, value, uses, last_day] =
        line.split('\t').collect::<Vec<_>>().try_into().unwrap();
    let kind = match kind {
        "AES" => KeyType::AES,
        _ => KeyType::GENERIC_SECRET,
    };
    let mut template = vec![
        Attribute::Label(label.into()),
        Attribute::KeyType(kind),
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Token(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(uses.contains("ENCRYPT")),
        Attribute::Decrypt(uses.contains("DECRYPT")),
        Attribute::Value(vec![value.parse().unwrap(); length.parse().unwrap()]),
    ];
    if let [year, month, day] = *last_day.split('-').collect::<Vec<_>>() {
        let last = Date::new_from_str_slice(year, month, day).unwrap();
        // SoftHSM cannot read the dates of private objects itself.
        template.extend([Attribute::Private(false), Attribute::EndDate(last)]);
    }
    template
}

pub const TEXT: &[u8] = b"a plaintext";
pub const DATA: &[u8] = b"additional data";
pub const PIN: &str = "1234567";
const TOKEN: &str = "PUT_INTO_TOKEN";
const KEYS: &str = "PUT_KEYS";
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
const HOW_TO_INSTALL: &str = "these tests take SoftHSM 2: `apt-get install softhsm2`";
