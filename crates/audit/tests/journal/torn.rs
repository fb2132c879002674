//! A last batch that a crash tore, in every way it can: the journal opens, what was acknowledged before is whole, and it goes on.

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::common::{SHORT, append_together, counts, record, run, segments};
use audit::{Journal, verify};

/// A journal of a batch `kept` and a last batch of three records that are `length` long, its only segment's text, and where the last
/// batch lies in it, padding and all.
fn journal(length: usize) -> (tempfile::TempDir, Vec<u8>, Range<usize>) {
    let line = |id: &str| format!("{{\"requestID\":\"{id:length$}\"}}").into_bytes();
    loop {
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal::open(directory.path(), SHORT).unwrap();
        let appender = journal.appender();
        run(appender.append(line("kept"))).unwrap();
        run(append_together(&appender, ["0", "1", "2"].map(line))).unwrap();
        journal.close();
        let bytes = fs::read(&segments(directory.path())[0]).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let end = text.trim_end_matches('\n').len().next_multiple_of(512);
        let start = text.find("{\"requestID\":\"0").unwrap();
        // A writer that wakes too early makes two batches of the three records.
        if text.contains("\"records\":3,") {
            return (directory, bytes, start..end);
        }
    }
}

/// Opens the journal with this text, appends to it, and checks it. Says whether the last batch was whole.
fn survives(directory: &Path, bytes: &[u8]) -> bool {
    for file in segments(directory) {
        fs::remove_file(file).unwrap();
    }
    fs::write(directory.join("journal-00000000000000000001.jsonl"), bytes).unwrap();
    let before = verify(directory).unwrap();
    assert!([1, 4].contains(&before.records), "{before:?}");
    let journal = Journal::open(directory, SHORT).unwrap();
    assert_eq!(journal.opened_at(), before.head);
    run(journal.appender().append(record("next"))).unwrap();
    journal.close();
    let counts = counts(directory);
    assert_eq!((counts.values().max(), counts["next"]), (Some(&1), 1));
    let after = verify(directory).unwrap();
    assert_eq!((after.records, after.torn_tail), (before.records + 1, None));
    before.records == 4
}

#[test]
fn a_file_cut_off_at_any_byte_of_the_last_batch() {
    let (directory, bytes, batch) = journal(4);
    let seal_end = bytes.iter().rposition(|byte| *byte != b'\n').unwrap() + 1;
    for cut in batch {
        assert_eq!(survives(directory.path(), &bytes[..cut]), cut >= seal_end, "cut at {cut}");
    }
}

#[test]
fn garbage_from_any_byte_of_the_last_batch() {
    let (directory, bytes, batch) = journal(4);
    let seal_end = bytes.iter().rposition(|byte| *byte != b'\n').unwrap() + 1;
    for start in batch.clone() {
        let mut torn = bytes.clone();
        for (place, byte) in torn[start..batch.end].iter_mut().enumerate() {
            *byte = (place * 89 + start * 7 + 1) as u8;
        }
        assert_eq!(survives(directory.path(), &torn), start > seal_end, "garbage from {start}");
    }
}

#[test]
fn any_set_of_sectors_of_the_last_batch_missing() {
    let (directory, bytes, batch) = journal(500);
    let sectors = batch.len() / 512;
    assert!(sectors >= 3);
    for missing in 0..1_u32 << sectors {
        let mut torn = bytes.clone();
        for sector in (0..sectors).filter(|sector| missing & 1 << sector != 0) {
            torn[batch.start + sector * 512..][..512].fill(b'\n');
        }
        assert_eq!(survives(directory.path(), &torn), missing == 0, "missing {missing:b}");
    }
}

#[test]
fn a_torn_tail_is_reported_and_is_no_failure() {
    let (directory, bytes, batch) = journal(500);
    let mut torn = bytes.clone();
    torn[batch.start + 512..].fill(b'\n');
    let file = directory.path().join("journal-00000000000000000001.jsonl");
    fs::write(&file, torn).unwrap();
    let report = verify(directory.path()).unwrap();
    let tail = report.torn_tail.unwrap();
    assert_eq!((report.records, tail.file, tail.range), (1, file, batch.start..batch.start + 512));
}
