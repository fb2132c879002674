//! Files that are no key store, or not as they were.

use crate::support::{Place, passphrase, write_private};
use key_manager_software::{Error, KeyStore, SoftwareKeyManager};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_byte_changed_anywhere_is_refused() {
    let place = Place::with_keys(&["key"]);
    let good = std::fs::read(place.path("keys")).unwrap();
    // Within the id of the store and what the protector made of the file key, every try takes as long as a passphrase: a few of them.
    let is_slow = |at: &usize| (8..24).contains(at) || (35..35 + 84).contains(at);
    let places = (0..good.len()).filter(|at| !is_slow(at) || at % 20 == 0);
    for at in places {
        let mut changed = good.clone();
        changed[at] ^= 0x10;
        std::fs::write(place.path("keys"), changed).unwrap();
        let refused = place.store.read().unwrap_err();
        let is_told = matches!(
            refused,
            Error::Damaged(_) | Error::WrongProtector { .. } | Error::OtherProtector { .. }
        );
        assert!(is_told, "byte {at}: {refused}");
    }
    std::fs::write(place.path("keys"), good).unwrap();
    place.store.read().unwrap();
}

#[test]
fn a_file_that_others_can_read_is_refused_and_so_is_its_passphrase() {
    let place = Place::new();
    for (file, mode) in [("keys", 0o640), ("keys", 0o604), ("keys", 0o620), ("passphrase", 0o644)] {
        std::fs::set_permissions(place.path(file), Permissions::from_mode(mode)).unwrap();
        let refused = SoftwareKeyManager::open(&place.settings()).unwrap_err();
        assert!(matches!(refused, Error::TooOpen { mode: told, .. } if told == mode), "{refused}");
        std::fs::set_permissions(place.path(file), Permissions::from_mode(0o600)).unwrap();
    }
    SoftwareKeyManager::open(&place.settings()).unwrap();
}

#[test]
fn a_wrong_passphrase_is_told_and_so_is_a_file_that_is_not_there() {
    let place = Place::new();
    let store = KeyStore::at(place.path("keys"), passphrase("correct horse battery stapl"));
    let refused = store.read().unwrap_err();
    assert!(refused.to_string().contains("wrong passphrase"), "{refused}");
    let store = KeyStore::at(place.path("nothing"), passphrase("correct horse battery staple"));
    assert!(matches!(store.read(), Err(Error::Io { .. })));
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let place = Place::new();
    let pipe = place.path("pipe");
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap();
    assert!(made.success());
    let refused = KeyStore::at(pipe, passphrase("correct horse battery staple")).read().unwrap_err();
    assert!(refused.to_string().contains("no regular file"), "{refused}");
    write_private(&place.path("empty"), "");
    let refused = KeyStore::at(place.path("empty"), passphrase("correct horse battery staple")).read();
    assert!(matches!(refused, Err(Error::Damaged(_))));
}
