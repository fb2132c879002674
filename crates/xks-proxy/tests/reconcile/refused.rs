//! Forms of logs: how CloudTrail lays down its files, journals of Cardea, and what is no log or is damaged.

use crate::logs::{call, event, journal, packed, trail};
use crate::{agreeing, found, one};
use std::fs;
use std::path::{Path, PathBuf};

/// The only segment of a journal.
fn segment(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> = files.filter(|path| !path.to_string_lossy().contains("spare")).collect();
    segments.sort();
    segments[0].clone()
}

fn overwrite(path: &Path, from: &str, to: &str) {
    let mut bytes = fs::read(path).unwrap();
    let place = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn files_of_cloudtrail_are_found_in_their_folders_packed_or_not() {
    let mut logs = agreeing();
    logs.calls.push(call(99, "Decrypt", "Decrypt"));
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("AWSLogs");
    let day = root.join("111122223333/CloudTrail/eu-central-1/2026/11/22");
    let digests = root.join("111122223333/CloudTrail-Digest/eu-central-1");
    fs::create_dir_all(&day).unwrap();
    fs::create_dir_all(&digests).unwrap();
    let (first, rest) = logs.kms.split_at(3);
    let (second, third) = rest.split_at(2);
    fs::write(day.join("a.json.gz"), packed(&trail(first))).unwrap();
    fs::write(day.join("b.json"), trail(second)).unwrap();
    // Several packed one after the other, as some tools leave them, and one that was delivered twice.
    let halves =
        [packed(r#"{"Records":["#), packed(trail(third).strip_prefix(r#"{"Records":["#).unwrap())].concat();
    fs::write(day.join("c.json.gz"), &halves).unwrap();
    fs::write(day.join("d.json.gz"), &halves).unwrap();
    fs::write(day.join("notes.txt"), "not a log").unwrap();
    fs::write(digests.join("digest.json.gz"), packed(r#"{"digestStartTime":"x"}"#)).unwrap();
    let report = logs.report_of(&directory, vec![root]).unwrap();
    assert_eq!(found(&report), one("useWithoutEvent", 99));
    let files = vec![day.join("a.json.gz"), day.join("b.json"), day.join("c.json.gz")];
    assert_eq!(found(&logs.report_of(&directory, files).unwrap()), one("useWithoutEvent", 99));
}

#[test]
fn a_journal_of_cardea_is_a_log_of_a_kms() {
    let mut logs = agreeing();
    logs.kms.push(event(99, "Decrypt"));
    let directory = tempfile::tempdir().unwrap();
    let kms = directory.path().join("cardea");
    journal(&kms, &logs.kms).unwrap();
    assert_eq!(found(&logs.report_of(&directory, vec![kms]).unwrap()), one("eventWithoutUse", 99));
}

#[test]
fn a_journal_that_somebody_changed_is_refused_whichever_it_is() {
    let logs = agreeing();
    let directory = tempfile::tempdir().unwrap();
    let kms = directory.path().join("cardea");
    journal(&kms, &logs.kms).unwrap();
    logs.report_of(&directory, vec![kms.clone()]).unwrap();
    overwrite(&segment(&kms), "user/Ana", "user/Ben");
    let refused = logs.report_of(&directory, vec![kms.clone()]).unwrap_err().to_string();
    assert!(refused.contains("is damaged at byte"), "{refused}");
    overwrite(&segment(&kms), "user/Ben", "user/Ana");
    logs.report_of(&directory, vec![kms.clone()]).unwrap();
    overwrite(&segment(&directory.path().join("proxy")), "payments-2026", "payments-2027");
    let refused = logs.report_of(&directory, vec![kms]).unwrap_err().to_string();
    assert!(refused.contains("is damaged at byte"), "{refused}");
}

#[test]
fn what_is_no_log_is_refused_by_its_name() {
    let logs = agreeing();
    let directory = tempfile::tempdir().unwrap();
    let packed_whole = packed(&trail(&logs.kms));
    let cut = packed_whole.len() / 2;
    for (name, bytes, reason) in [
        ("a.json", b"{}".to_vec(), "it has no `Records`"),
        ("b.json", b"[]".to_vec(), "expected an object with `Records`"),
        ("c.json", b"{\"Records\":[{}]}".to_vec(), "missing field `eventTime`"),
        ("d.json", trail(&logs.kms).as_bytes()[..500].to_vec(), "EOF"),
        ("e.json.gz", packed_whole[..cut].to_vec(), ""),
        ("f.json.gz", b"{\"Records\":[]}".to_vec(), ""),
        ("g.txt", b"{\"Records\":[]}".to_vec(), "its name ends neither in .json nor in .json.gz"),
        ("h.json", [trail(&logs.kms).into_bytes(), b"x".to_vec()].concat(), "trailing characters"),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        let refused = logs.report_of(&directory, vec![path]).unwrap_err().to_string();
        assert!(refused.contains(name) && refused.contains(reason), "{name}: {refused}");
    }
    let absent = logs.report_of(&directory, vec![directory.path().join("absent")]).unwrap_err().to_string();
    assert!(absent.contains("absent` cannot be read"), "{absent}");
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let refused = logs.report_of(&directory, vec![empty]).unwrap_err().to_string();
    assert_eq!(refused, "there is no event in the log of the KMS");
}

#[test]
fn a_journal_that_is_none_of_a_proxy_is_refused() {
    let logs = agreeing();
    let directory = tempfile::tempdir().unwrap();
    journal(&directory.path().join("proxy"), &logs.kms).unwrap();
    let kms = directory.path().join("kms.json");
    fs::write(&kms, trail(&logs.kms)).unwrap();
    let refused = logs.report_of(&directory, vec![kms]).unwrap_err().to_string();
    assert!(refused.contains("record 1 of") && refused.contains("kms.amazonaws.com"), "{refused}");
}
