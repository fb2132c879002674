//! What becomes of keys, as requests see it.

use crate::support::{PASSPHRASE, Place, decrypt, encrypt, id, passphrase, session, write_private};
use key_manager::{HealthStatus, Trouble};
use key_manager_software::{Error, KeyStore, Overwrite, Refusal, SoftwareKeyManager};
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;

#[test]
fn after_a_rotation_the_new_version_encrypts_and_the_old_ones_still_open() {
    let place = Place::with_keys(&["key"]);
    let mut encrypted = Vec::new();
    for version in 1..=3 {
        let manager = place.serve();
        let one = encrypt(&session(&manager), "key", b"text").unwrap();
        assert_eq!(one.key_version, Some(version.to_string()));
        encrypted.push(one);
        place.store.rotate(id("key"), version).unwrap();
    }
    let manager = place.serve();
    for one in &encrypted {
        assert_eq!(decrypt(&session(&manager), "key", one).unwrap(), b"text");
    }
}

#[test]
fn what_a_destroyed_version_encrypted_does_not_open_and_all_else_does() {
    let place = Place::with_keys(&["key"]);
    let old = encrypt(&session(&place.serve()), "key", b"old").unwrap();
    place.store.rotate(id("key"), 2).unwrap();
    let new = encrypt(&session(&place.serve()), "key", b"new").unwrap();
    place.store.destroy_version(id("key"), 1).unwrap();
    let manager = place.serve();
    assert_eq!(decrypt(&session(&manager), "key", &old), Err(Trouble::Disabled));
    assert_eq!(decrypt(&session(&manager), "key", &new).unwrap(), b"new");
}

#[test]
fn a_destroyed_key_is_not_found_and_its_id_not_given_again() {
    let place = Place::with_keys(&["key"]);
    place.store.disable(id("key")).unwrap();
    place.store.destroy(id("key")).unwrap();
    assert_eq!(encrypt(&session(&place.serve()), "key", b"").unwrap_err(), Trouble::KeyNotFound);
    let again = place.store.create_key(id("key"), key_manager_software::Usage::EncryptDecrypt, 5);
    assert!(matches!(again, Err(Error::Refused(Refusal::IdSpent(_)))), "{again:?}");
}

#[test]
fn a_new_store_is_private_and_takes_no_others_place() {
    let place = Place::new();
    let mode = |name: &str| place.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("keys"), 0o600);
    assert!(matches!(place.store.create(), Err(Error::Exists(_))));
    place.store.create_key(id("key"), key_manager_software::Usage::Encrypt, 1).unwrap();
    assert_eq!((mode("keys"), mode("keys.lock")), (0o600, 0o600));
    assert!(!place.path("keys.new").exists());
}

#[test]
fn no_change_of_several_writers_is_lost() {
    let place = Place::with_keys(&["key"]);
    let (writers, rounds) = (4, 8);
    let begin = Barrier::new(writers);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (place, begin) = (&place, &begin);
            scope.spawn(move || {
                let store = KeyStore::new(&place.settings());
                begin.wait();
                for round in 0..rounds {
                    let name = format!("key-{writer}-{round}");
                    store.create_key(id(&name), key_manager_software::Usage::EncryptDecrypt, 1).unwrap();
                    store.rotate(id("key"), 1).unwrap();
                }
            });
        }
    });
    let content = place.store.read().unwrap();
    assert_eq!(content.keys().iter().len(), 1 + writers * rounds);
    assert_eq!(content.keys().find("key").unwrap().versions.len(), 1 + writers * rounds);
    assert_eq!(usize::try_from(content.generation()).unwrap(), 2 + 2 * writers * rounds);
}

#[test]
fn a_changed_passphrase_opens_and_the_former_one_does_not() {
    let place = Place::with_keys(&["key"]);
    let before = encrypt(&session(&place.serve()), "key", b"text").unwrap();
    place.store.change_protector(&passphrase("another, longer passphrase")).unwrap();
    let refused = SoftwareKeyManager::open(&place.settings()).unwrap_err();
    assert!(matches!(refused, Error::WrongProtector { .. }), "{refused}");
    write_private(&place.path("passphrase"), "another, longer passphrase");
    let manager = place.serve();
    assert_eq!(decrypt(&session(&manager), "key", &before).unwrap(), b"text");
    let health = crate::support::now(session(&manager).health());
    assert_eq!(health.members[0].status, HealthStatus::Active);
    assert!(health.members[0].model.ends_with("format 1, 1 keys"), "{health:?}");
}

#[test]
fn a_backup_is_restored_and_no_change_is_undone_unless_that_is_wanted() {
    let place = Place::with_keys(&["one"]);
    let encrypted = encrypt(&session(&place.serve()), "one", b"text").unwrap();
    let backup = place.path("backup");
    assert_eq!(place.store.back_up(&backup).unwrap().generation(), 2);
    assert!(matches!(place.store.back_up(&backup), Err(Error::Exists(_))));
    assert!(!place.path("backup.new").exists());
    assert!(matches!(place.store.restore(&backup, Overwrite::No), Err(Error::Exists(_))));
    assert_eq!(place.store.restore(&backup, Overwrite::Older).unwrap().generation(), 3);
    place.store.disable(id("one")).unwrap();
    let refused = place.store.restore(&backup, Overwrite::Older);
    assert!(matches!(refused, Err(Error::Older { backup: 2, .. })), "{refused:?}");
    assert_eq!(place.store.restore(&backup, Overwrite::EvenNewer).unwrap().generation(), 5);
    assert_eq!(decrypt(&session(&place.serve()), "one", &encrypted).unwrap(), b"text");
    std::fs::remove_file(place.path("keys")).unwrap();
    assert_eq!(place.store.restore(&backup, Overwrite::No).unwrap().generation(), 3);
}

#[test]
fn a_damaged_store_or_another_one_is_overwritten_only_on_purpose_and_never_by_a_damaged_backup() {
    let (place, other) = (Place::with_keys(&["one"]), Place::with_keys(&["two"]));
    let (backup, foreign) = (place.path("backup"), place.path("foreign"));
    place.store.back_up(&backup).unwrap();
    other.store.back_up(&foreign).unwrap();
    assert!(matches!(place.store.restore(&foreign, Overwrite::Older), Err(Error::Older { .. })));
    let mut damaged = std::fs::read(place.path("keys")).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(place.path("keys"), &damaged).unwrap();
    assert!(matches!(place.store.restore(&backup, Overwrite::Older), Err(Error::Older { .. })));
    write_private(&place.path("broken"), PASSPHRASE);
    assert!(matches!(
        place.store.restore(&place.path("broken"), Overwrite::EvenNewer),
        Err(Error::Damaged(_))
    ));
    assert_eq!(std::fs::read(place.path("keys")).unwrap(), damaged);
    place.store.restore(&backup, Overwrite::EvenNewer).unwrap();
    assert!(place.store.read().unwrap().keys().find("one").is_some());
}
