//! A key store in a directory of its own, and the short ways to what is asked of it.

use key_manager::{Decrypted, Encrypted, ExternalKeyId, KeyManager, Sealed, Session, Trouble};
use key_manager_software::{
    KeyStore, Passphrase, Protector, ProtectorSettings, Settings, SoftwareKeyManager, Usage,
};
use std::fs::Permissions;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A key store under a passphrase, without keys.
pub struct Place {
    directory: TempDir,
    pub store: KeyStore,
}

impl Place {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        write_private(&directory.path().join("passphrase"), PASSPHRASE);
        let store = KeyStore::new(&settings(directory.path()));
        store.create().unwrap();
        Self { directory, store }
    }

    pub fn with_keys(ids: &[&str]) -> Self {
        let place = Self::new();
        ids.iter().for_each(|one| drop(place.store.create_key(id(one), Usage::EncryptDecrypt, 1).unwrap()));
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn settings(&self) -> Settings {
        settings(self.directory.path())
    }

    pub fn serve(&self) -> SoftwareKeyManager {
        SoftwareKeyManager::open(&self.settings()).unwrap()
    }
}

fn settings(directory: &Path) -> Settings {
    let protector = ProtectorSettings::PassphraseFile(directory.join("passphrase"));
    Settings { file: directory.join("keys"), protector }
}

pub fn passphrase(text: &str) -> Protector {
    Protector::Passphrase(Passphrase::given(text.to_owned().into()))
}

pub fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

pub fn id(text: &str) -> ExternalKeyId<'_> {
    ExternalKeyId::new(text).unwrap()
}

/// This key manager never waits.
pub fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

pub fn session(manager: &SoftwareKeyManager) -> Rc<dyn Session> {
    manager.session(0)
}

pub fn encrypt(session: &Rc<dyn Session>, key: &str, text: &[u8]) -> Result<Encrypted, Trouble> {
    now(session.encrypt(id(key), text, b"data"))
}

pub fn decrypt(session: &Rc<dyn Session>, key: &str, encrypted: &Encrypted) -> Result<Vec<u8>, Trouble> {
    let Encrypted { ciphertext, iv, tag, metadata, .. } = encrypted;
    let opened = now(session.decrypt(id(key), Sealed { ciphertext, iv, tag, metadata }, b"data"));
    opened.map(|Decrypted { plaintext, .. }| plaintext.to_vec())
}

/// Waits for what another thread will have done. There is no signal of it: it is what callers see, too.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not so in a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub const PASSPHRASE: &str = "correct horse battery staple\n";
