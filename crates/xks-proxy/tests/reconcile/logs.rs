//! Two logs of the same two hours, and what is found in them.

use audit::{Journal, JournalError, Options};
use flate2::Compression;
use flate2::write::GzEncoder;
use key_manager::together;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use xks_proxy::reconcile::{ReconcileError, Sources, reconcile};

pub const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab";
pub const OTHER_KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/99999999-12ab-44cd-96ef-1234567890ab";

#[derive(Clone, Debug, Default)]
pub struct Logs {
    pub kms: Vec<Value>,
    pub calls: Vec<Value>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub stores: Vec<String>,
    pub kms_keys: Vec<String>,
}

impl Logs {
    /// Each with something at both ends that nobody looks for.
    pub fn of_two_hours() -> Self {
        let mut logs = Self::default();
        for minute in [0, 120] {
            let mut list = event(0, "ListKeys");
            list["eventTime"] = at(minute, 0).into();
            logs.kms.push(list);
            let mut health = call(0, "KmsHealthCheck", "GetHealthStatus");
            health["eventTime"] = at(minute, 0).into();
            logs.calls.push(health);
        }
        logs.calls.push(json!({"eventVersion": "1.0", "eventTime": at(60, 0), "eventSource": "xks-proxy",
            "eventName": "RefusedUnauthenticated", "store": "/payments", "refused": {"signature": 7}, "sourceIPAddress": "192.0.2.1"}));
        logs
    }

    /// One request that both know of.
    pub fn request(&mut self, number: u64, operation: &str, called: &str) {
        self.kms.push(event(number, operation));
        self.calls.push(call(number, operation, called));
    }

    pub fn report(&self) -> Value {
        let directory = tempfile::tempdir().unwrap();
        let kms = directory.path().join("kms.json");
        fs::write(&kms, trail(&self.kms)).unwrap();
        self.report_of(&directory, vec![kms]).unwrap()
    }

    /// What is found if the log of the KMS is there.
    pub fn report_of(&self, directory: &TempDir, kms: Vec<PathBuf>) -> Result<Value, ReconcileError> {
        let proxy = directory.path().join("proxy");
        if !proxy.exists() {
            journal(&proxy, &self.calls).unwrap();
        }
        let time = |text: &Option<String>| text.as_ref().map(|text| text.parse().unwrap());
        let (from, to) = (time(&self.from), time(&self.to));
        let (stores, kms_keys) = (self.stores.clone(), self.kms_keys.clone());
        let report = reconcile(&Sources { kms, proxy, from, to, stores, kms_keys })?;
        Ok(serde_json::to_value(&report).unwrap())
    }
}

/// An event in CloudTrail's form, in the middle of the two hours.
pub fn event(number: u64, operation: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAANA", "arn": "arn:aws:iam::111122223333:user/Ana",
            "accountId": "111122223333", "userName": "Ana"},
        "eventTime": at(60, 0).replace(".000Z", "Z"),
        "eventSource": "kms.amazonaws.com",
        "eventName": operation,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.7",
        "requestParameters": {"keyId": "alias/payments"},
        "responseElements": null,
        "requestID": id(number),
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "readOnly": true,
        "resources": [{"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": KEY}],
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// A record of the proxy, a moment after the event.
pub fn call(number: u64, operation: &str, called: &str) -> Value {
    json!({
        "eventVersion": "1.0",
        "eventTime": at(60, 120),
        "eventSource": "xks-proxy",
        "eventName": called,
        "eventID": format!("00000000-0000-4000-9000-{number:012}"),
        "store": "/payments",
        "externalKeyId": "payments-2026",
        "requestMetadata": {"awsPrincipalArn": "arn:aws:iam::111122223333:user/Ana", "kmsKeyArn": KEY,
            "kmsOperation": operation, "kmsRequestId": id(number)},
        "sourceIPAddress": "192.0.2.1",
        "accessKeyId": "BETWEENTWENTYANDTHIRTY2",
        "outcome": "Success",
        "keyManager": "hsm",
        "processingMicros": 700,
    })
}

pub fn id(number: u64) -> String {
    format!("4112f4d6-db54-4af4-ae30-{number:012}")
}

/// That many minutes and milliseconds after the logs begin.
pub fn at(minute: i64, milliseconds: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(1_795_330_800_000 + minute * 60_000 + milliseconds).unwrap();
    format!("{time:.3}")
}

/// A file of CloudTrail.
pub fn trail(events: &[Value]) -> String {
    json!({"Records": events}).to_string()
}

pub fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A short journal as a proxy, or Cardea, writes it, in several files if there is much.
pub fn journal(directory: &Path, records: &[Value]) -> Result<(), JournalError> {
    fs::create_dir(directory).unwrap();
    append(directory, Options { segment_bytes: 64 * 1024 }, records.iter().cloned())
}

/// A long one, in files as long as they are by default.
pub fn journal_of(directory: &Path, records: impl Iterator<Item = Value>) -> Result<(), JournalError> {
    fs::create_dir(directory).unwrap();
    append(directory, Options::default(), records)
}

fn append(
    directory: &Path,
    options: Options,
    mut records: impl Iterator<Item = Value>,
) -> Result<(), JournalError> {
    let journal = Journal::open(directory, options)?;
    let appender = journal.appender();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        loop {
            let some: Vec<_> =
                records.by_ref().take(100).map(|record| record.to_string().into_bytes()).collect();
            if some.is_empty() {
                return Ok(());
            }
            let appending = some.into_iter().map(|record| appender.append(record));
            // At one time, so that they share what the journal writes.
            for done in together(appending).await {
                done?;
            }
        }
    })?;
    drop(appender);
    journal.close();
    Ok(())
}
