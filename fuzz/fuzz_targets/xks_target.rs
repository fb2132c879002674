//! Whatever a path says, its reader does not panic, and what it reads from it is what stands there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xks_api::{API_PATH, ExternalKeyId, Target};

fuzz_target!(|path: &str| {
    if let Ok(id) = ExternalKeyId::new(path) {
        assert!(path.len() <= 128 && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'));
        assert_eq!(id.as_str(), path);
    }
    let Some(Target { prefix, operation, key }) = Target::of(path) else { return };
    let behind = match key {
        None => operation.path(""),
        Some(Ok(id)) => operation.path(id.as_str()),
        Some(Err(_)) => return,
    };
    assert_eq!(path, format!("{prefix}{API_PATH}{behind}"));
});
