//! How much memory a long log takes: the command is run with no more than it may have.

use crate::logs::{Logs, call, event, journal_of, packed, trail};
use std::fs;
use std::process::Command;

const RECORDS: u64 = 1_000_000;
const KILOBYTES: u64 = 200_000;

#[test]
#[ignore = "writes half a gigabyte and takes minutes: by hand, after a change of what is kept"]
fn a_million_calls_take_less_than_200_megabytes() {
    let directory = tempfile::tempdir().unwrap();
    let kms = directory.path().join("kms");
    fs::create_dir(&kms).unwrap();
    let mut logs = Logs::of_two_hours();
    logs.calls.push(call(RECORDS + 1, "Decrypt", "Decrypt"));
    fs::write(kms.join("ends.json"), trail(&logs.kms)).unwrap();
    let calls = (1..=RECORDS).map(|number| call(number, "Decrypt", "Decrypt"));
    let mut calls = calls.zip(0_u64..).map(|(mut call, number)| {
        let session = format!("arn:aws:sts::111122223333:assumed-role/Role/session-{}", number % 10_000);
        call["requestMetadata"]["awsPrincipalArn"] = session.into();
        call
    });
    journal_of(&directory.path().join("proxy"), logs.calls.iter().cloned().chain(&mut calls)).unwrap();
    for file in 0..RECORDS / 10_000 {
        let mut events: Vec<_> =
            (0..10_000).map(|number| event(file * 10_000 + number + 1, "Decrypt")).collect();
        for (event, number) in events.iter_mut().zip(0..) {
            let session = format!("arn:aws:sts::111122223333:assumed-role/Role/session-{number}");
            event["userIdentity"]["arn"] = session.into();
        }
        fs::write(kms.join(format!("{file:03}.json.gz")), packed(&trail(&events))).unwrap();
    }
    let program = env!("CARGO_BIN_EXE_cardea-xks-proxy");
    let limited = format!("ulimit -d {KILOBYTES} && exec '{program}' reconcile --kms kms --proxy proxy");
    let output = Command::new("sh").args(["-c", &limited]).current_dir(&directory).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.contains("1000001 calls of the proxy, 1000000 events of the KMS: 1000000 calls agree"),
        "{text}"
    );
}
