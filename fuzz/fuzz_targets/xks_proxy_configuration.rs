//! No text may make the reader of the proxy's configuration panic; and whatever is wrong with it, there are words for it, with its file.
//!
//! The files that the seeds name are not there: that is one of the mistakes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;
use xks_proxy::config::Config;

fuzz_target!(|text: &str| {
    let file = FOLDER.path().join("proxy.toml");
    fs::write(&file, text).expect("there is room");
    match Config::read(&file) {
        Ok(config) => drop(format!("{config:?}")),
        Err(mistakes) => assert!(mistakes.to_string().contains("proxy.toml"), "{mistakes}"),
    }
});

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("there is room"));
