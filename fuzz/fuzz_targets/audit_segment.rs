//! No bytes may make the journal's reader panic, and what it opens after a crash it must be able to go on with.
#![no_main]

use std::fs;

use audit::{Journal, JournalError, Options, records, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|segment: &[u8]| {
    let directory = std::env::temp_dir().join(format!("audit-segment-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("journal-00000000000000000001.jsonl"), segment).unwrap();
    let verified = verify(&directory);
    let read = records(&directory).unwrap().filter(Result::is_ok).count() as u64;
    let opened = Journal::open(&directory, Options { segment_bytes: 64 * 1024 });
    match verified {
        Ok(report) => {
            assert_eq!(read, report.records);
            assert_eq!(opened.unwrap().opened_at(), report.head);
            assert_eq!(verify(&directory).unwrap().torn_tail, None);
        }
        Err(JournalError::Damaged { .. }) => assert_eq!(read, 0),
        Err(other) => panic!("{other}"),
    }
});
