//! Whatever stands in the log of a KMS and in the records of a proxy, they are joined without a panic, and what comes of it can be told.
//!
//! The first line of an input is the file of the KMS, the others are the proxy's records.
#![no_main]

use audit::{Journal, Options};
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::Path;
use tokio::runtime::Builder;
use xks_proxy::reconcile::{Sources, reconcile};

fuzz_target!(|text: &str| {
    let folder = tempfile::tempdir().expect("there is room");
    let (kms, proxy) = (folder.path().join("events.json"), folder.path().join("audit"));
    let (events, records) = text.split_once('\n').unwrap_or((text, ""));
    fs::write(&kms, events).expect("there is room");
    keep(&proxy, records);
    let sources =
        Sources { kms: vec![kms], proxy, from: None, to: None, stores: Vec::new(), kms_keys: Vec::new() };
    match reconcile(&sources) {
        Ok(report) => {
            assert!(report.to_string().contains("differences"), "{report}");
            assert!(serde_json::to_string(&report).is_ok());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// Writes the journal of a proxy. What can be no record is not in it.
fn keep(directory: &Path, records: &str) {
    let options = Options { segment_bytes: 65_536, ..Options::default() };
    let journal = Journal::open(directory, options).expect("a new journal");
    let appender = journal.appender();
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    for record in records.lines().take(20) {
        let _ = runtime.block_on(appender.append(record.as_bytes().to_vec()));
    }
}
