//! No bytes may make the reader of a key store file panic, neither what stands outside of its seal nor what is inside; and what it takes
//! holds nothing that no key store has.
#![no_main]

use key_manager_software::{parse, parse_body};
use libfuzzer_sys::fuzz_target;
use xks_api::ExternalKeyId;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = parse(bytes) {
        assert!(file.head.protected.data.len() < bytes.len());
    }
    let Ok(keys) = parse_body(bytes) else { return };
    for (id, key) in keys.iter() {
        assert!(ExternalKeyId::new(id).is_ok());
        // Only of a key that is destroyed nothing may be left.
        let Some(found) = keys.find(id) else { continue };
        let (number, newest) = found.newest().expect("a key has a version");
        assert!(!newest.is_destroyed() && key.version(number).is_some() && key.version(number + 1).is_none());
    }
});
