//! File keys that a security module or a token seals, with the real programs.

use crate::programs::program;
use crate::support::{Place, decrypt, encrypt, id, session, write_private};
use key_manager_software::{
    Error, KeyStore, ModuleProtector, Pkcs11Protector, Protector, ProtectorKind, ProtectorSettings, Settings,
    SoftwareKeyManager, Usage,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

#[test]
fn a_store_under_a_security_module_opens_with_that_module_only() {
    let directory = tempfile::tempdir().unwrap();
    let settings = under_a_module(directory.path(), "one");
    serves(&settings, ProtectorKind::Module);
    // Another module, with a domain key of its own.
    let other = under_a_module(directory.path(), "other");
    let elsewhere = Settings { file: directory.path().join("elsewhere"), ..other.clone() };
    KeyStore::new(&elsewhere).create().unwrap();
    let refused = SoftwareKeyManager::open(&other).unwrap_err();
    assert!(refused.to_string().contains("wrong module"), "{refused}");
    // None at all is not made when a store is opened.
    let refused = SoftwareKeyManager::open(&under_a_module(directory.path(), "none")).unwrap_err();
    assert!(matches!(refused, Error::Protector { .. }), "{refused}");
    assert!(!directory.path().join("none.seal").exists());
}

#[test]
fn a_store_under_a_key_of_a_token_opens_with_that_key_only() {
    let hsm = Token::new();
    hsm.make_key("01", "store");
    hsm.make_key("02", "other");
    let settings = hsm.settings("store");
    serves(&settings, ProtectorKind::Pkcs11);
    let refused = SoftwareKeyManager::open(&hsm.settings("other")).unwrap_err();
    assert!(matches!(refused, Error::WrongProtector { .. }), "{refused}");
    let refused = SoftwareKeyManager::open(&hsm.settings("none")).unwrap_err();
    assert!(refused.to_string().contains("the token has no such key"), "{refused}");
    write_private(&hsm.path("pin"), "7654321");
    let refused = SoftwareKeyManager::open(&settings).unwrap_err();
    assert!(refused.to_string().contains("PIN"), "{refused}");
}

#[test]
fn a_store_moves_from_a_passphrase_to_a_module() {
    let place = Place::with_keys(&["key"]);
    let encrypted = encrypt(&session(&place.serve()), "key", b"text").unwrap();
    let settings = Settings { file: place.path("keys"), ..under_a_module(&place.path(""), "one") };
    place.store.change_protector(&Protector::new(&settings.protector)).unwrap();
    let refused = SoftwareKeyManager::open(&place.settings()).unwrap_err();
    assert!(matches!(refused, Error::OtherProtector { .. }), "{refused}");
    let manager = SoftwareKeyManager::open(&settings).unwrap();
    assert_eq!(decrypt(&session(&manager), "key", &encrypted).unwrap(), b"text");
}

fn serves(settings: &Settings, kind: ProtectorKind) {
    let store = KeyStore::new(settings);
    assert_eq!(store.create().unwrap().protector(), kind);
    store.create_key(id("key"), Usage::EncryptDecrypt, 1).unwrap();
    let encrypted = {
        let manager = SoftwareKeyManager::open(settings).unwrap();
        encrypt(&session(&manager), "key", b"text").unwrap()
    };
    let manager = SoftwareKeyManager::open(settings).unwrap();
    assert_eq!(decrypt(&session(&manager), "key", &encrypted).unwrap(), b"text");
}

fn under_a_module(directory: &Path, name: &str) -> Settings {
    let protector = ProtectorSettings::Module(ModuleProtector {
        seal_file: directory.join(format!("{name}.seal")),
        domain_file: directory.join(format!("{name}.domain")),
        program: Some(program("cardea-module")),
    });
    Settings { file: directory.join("keys"), protector }
}

/// A token of SoftHSM.
struct Token {
    directory: TempDir,
}

impl Token {
    fn new() -> Self {
        let this = Self { directory: tempfile::tempdir().unwrap() };
        std::fs::create_dir(this.path("tokens")).unwrap();
        let configuration = format!("directories.tokendir = {}\n", this.path("tokens").display());
        std::fs::write(this.path("softhsm2.conf"), configuration).unwrap();
        write_private(&this.path("pin"), "1234567\n");
        this.run(
            "softhsm2-util",
            &["--init-token", "--free", "--label", "token", "--pin", "1234567", "--so-pin", "87654321"],
        );
        this
    }

    fn make_key(&self, number: &str, label: &str) {
        let library = library();
        let library = library.to_str().unwrap();
        let what = ["--keygen", "--key-type", "AES:32", "--label", label, "--id", number, "--sensitive"];
        let login = ["--module", library, "--token-label", "token", "--login", "--pin", "1234567"];
        self.run("pkcs11-tool", &[&login[..], &what].concat());
    }

    fn settings(&self, key: &str) -> Settings {
        let configuration = self.path("softhsm2.conf").to_str().unwrap().to_owned();
        let protector = ProtectorSettings::Pkcs11(Pkcs11Protector {
            library: library(),
            token: "token".into(),
            pin_file: self.path("pin"),
            key: key.into(),
            environment: BTreeMap::from([("SOFTHSM2_CONF".to_owned(), configuration)]),
            program: Some(program("cardea-pkcs11")),
        });
        Settings { file: self.path("keys"), protector }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        let done = command.args(arguments).env("SOFTHSM2_CONF", self.path("softhsm2.conf")).output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn library() -> PathBuf {
    let named = std::env::var_os("SOFTHSM2_LIBRARY").map(PathBuf::from);
    named.unwrap_or_else(|| "/usr/lib/softhsm/libsofthsm2.so".into())
}
