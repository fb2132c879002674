//! A proxy that serves a store while its file changes.

use crate::support::{Place, decrypt, encrypt, eventually, id, now, passphrase, session, write_private};
use key_manager::{HealthStatus, Session, Trouble};
use std::rc::Rc;

#[test]
fn a_rotation_a_new_key_and_a_disabled_one_are_served_without_a_restart() {
    let place = Place::with_keys(&["key"]);
    let manager = place.serve();
    let session = session(&manager);
    let old = encrypt(&session, "key", b"old").unwrap();
    place.store.rotate(id("key"), 2).unwrap();
    eventually("version 2 encrypts", || version(&session) == Some("2".to_owned()));
    assert_eq!(decrypt(&session, "key", &old).unwrap(), b"old");
    place.store.create_key(id("new"), key_manager_software::Usage::EncryptDecrypt, 3).unwrap();
    eventually("the new key is there", || encrypt(&session, "new", b"").is_ok());
    place.store.disable(id("key")).unwrap();
    eventually("the key is disabled", || decrypt(&session, "key", &old) == Err(Trouble::Disabled));
    place.store.enable(id("key")).unwrap();
    eventually("the key is enabled", || decrypt(&session, "key", &old).is_ok());
}

#[test]
fn a_broken_file_is_kept_out_and_told_by_health_until_it_is_good_again() {
    let place = Place::with_keys(&["key"]);
    let manager = place.serve();
    let session = session(&manager);
    let good = std::fs::read(place.path("keys")).unwrap();
    let breaks: [fn(&Place, &[u8]); 4] = [
        |place, good| std::fs::write(place.path("keys"), &good[..good.len() - 1]).unwrap(),
        |place, _| std::fs::write(place.path("keys"), b"").unwrap(),
        |place, _| std::fs::remove_file(place.path("keys")).unwrap(),
        |place, _| std::fs::create_dir(place.path("keys")).unwrap(),
    ];
    for (number, break_it) in breaks.into_iter().enumerate() {
        break_it(&place, &good);
        eventually("health tells it", || status(&session) == HealthStatus::Degraded);
        assert!(encrypt(&session, "key", b"text").is_ok(), "break {number}");
        let _ = std::fs::remove_dir(place.path("keys"));
        if number != 2 {
            write_private(&place.path("keys.good"), "");
            std::fs::write(place.path("keys.good"), &good).unwrap();
            std::fs::rename(place.path("keys.good"), place.path("keys")).unwrap();
            eventually("health tells that it is good", || status(&session) == HealthStatus::Active);
        }
    }
}

#[test]
fn an_older_file_and_another_store_wait_for_a_restart_but_what_is_restored_is_served() {
    let (place, other) = (Place::with_keys(&["key"]), Place::with_keys(&["key"]));
    place.store.back_up(&place.path("backup")).unwrap();
    place.store.rotate(id("key"), 2).unwrap();
    let manager = place.serve();
    let session = session(&manager);
    for wrong in [place.path("backup"), other.path("keys")] {
        std::fs::copy(wrong, place.path("keys.other")).unwrap();
        std::fs::rename(place.path("keys"), place.path("keys.kept")).unwrap();
        std::fs::rename(place.path("keys.other"), place.path("keys")).unwrap();
        eventually("health tells it", || status(&session) == HealthStatus::Degraded);
        assert_eq!(version(&session), Some("2".to_owned()));
        std::fs::rename(place.path("keys.kept"), place.path("keys")).unwrap();
        eventually("health tells that it is good", || status(&session) == HealthStatus::Active);
    }
    let restored = place.store.restore(&place.path("backup"), key_manager_software::Overwrite::EvenNewer);
    assert_eq!(restored.unwrap().generation(), 4);
    eventually("version 1 encrypts", || version(&session) == Some("1".to_owned()));
}

#[test]
fn a_changed_passphrase_is_taken_once_the_file_with_it_is_put_right() {
    let place = Place::with_keys(&["key"]);
    let manager = place.serve();
    let session = session(&manager);
    place.store.change_protector(&passphrase("another, longer passphrase")).unwrap();
    eventually("health tells it", || status(&session) == HealthStatus::Degraded);
    write_private(&place.path("passphrase"), "another, longer passphrase\n");
    eventually("health tells that it is good", || status(&session) == HealthStatus::Active);
    key_manager_software::KeyStore::new(&place.settings()).rotate(id("key"), 5).unwrap();
    eventually("version 2 encrypts", || version(&session) == Some("2".to_owned()));
}

fn version(session: &Rc<dyn Session>) -> Option<String> {
    encrypt(session, "key", b"").unwrap().key_version
}

fn status(session: &Rc<dyn Session>) -> HealthStatus {
    now(session.health()).members[0].status
}
