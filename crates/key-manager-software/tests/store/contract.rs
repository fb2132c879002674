//! The contract of key managers.

use crate::support::{Place, id, now, session};
use key_manager::contract::{self, Bench};
use key_manager_software::Usage;

#[test]
fn the_contract_of_key_managers_holds() {
    let place = Place::with_keys(&["key", "other", "disabled"]);
    place.store.disable(id("disabled")).unwrap();
    place.store.create_key(id("encrypts"), Usage::Encrypt, 1).unwrap();
    place.store.create_key(id("decrypts"), Usage::Decrypt, 1).unwrap();
    // Its numbers and those of its neighbours must not be mistaken for each other.
    place.store.rotate(id("key"), 2).unwrap();
    place.store.rotate(id("key"), 3).unwrap();
    let manager = place.serve();
    now(contract::run(&Bench {
        session: session(&manager),
        key: "key".into(),
        other_key: "other".into(),
        unknown_key: "unknown".into(),
        disabled_key: Some("disabled".into()),
        encrypt_only_key: Some("encrypts".into()),
        decrypt_only_key: Some("decrypts".into()),
    }));
}
