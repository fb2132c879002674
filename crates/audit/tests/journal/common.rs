//! What the journal's tests share: records that can be told apart, a runtime, and children in which the journal may be killed.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::task::Poll;

use audit::{Appender, EventType, JournalError, Options, Record, UserIdentity};
use keys::Moment;

/// Short segments, so that a test sees many.
pub const SHORT: Options = Options { segment_bytes: 64 * 1024 };

/// A record that says `id`; about 400 bytes.
pub fn record(id: &str) -> Vec<u8> {
    let mut line = Vec::new();
    Record {
        user_identity: UserIdentity::Unknown { access_key_id: None },
        invoked_by: None,
        event_time: Moment::from_millis(1_795_298_065_000),
        event_source: "kms.amazonaws.com",
        event_name: "GenerateRandom",
        aws_region: "eu-central-1",
        source_ip_address: "127.0.0.1",
        user_agent: "test",
        failure: None,
        request_parameters: None,
        response_elements: None,
        additional_event_data: None,
        request_id: Some(id),
        event_id: id,
        read_only: true,
        resources: &[],
        event_type: EventType::AwsApiCall,
        recipient_account_id: None,
        shared_event_id: None,
        service_event_details: None,
        tls_details: None,
    }
    .render(&mut line);
    line
}

/// Runs a future as a worker does.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Appends records at once, so that they share a batch.
pub async fn append_together(
    appender: &Appender,
    records: impl IntoIterator<Item = Vec<u8>>,
) -> Result<(), JournalError> {
    let mut pending: Vec<_> = records.into_iter().map(|record| Box::pin(appender.append(record))).collect();
    std::future::poll_fn(|context| {
        let mut outcome = Ok(());
        pending.retain_mut(|append| match append.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(result) => {
                outcome = std::mem::replace(&mut outcome, Ok(())).and(result);
                false
            }
        });
        if outcome.is_ok() && !pending.is_empty() { Poll::Pending } else { Poll::Ready(outcome) }
    })
    .await
}

/// How often each id stands in the journal.
pub fn counts(directory: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in audit::records(directory).unwrap() {
        let record: serde_json::Value = serde_json::from_slice(&entry.unwrap().record).unwrap();
        *counts.entry(record["requestID"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// The journal's files, oldest first.
pub fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// This test binary, to run its ignored test `name` in the directory. It ignores the signals named in IGNORED_SIGNALS.
pub fn child(name: &str, directory: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("trap '' $IGNORED_SIGNALS; exec \"$0\" --exact \"$1\" --ignored --nocapture --test-threads=1");
    command.arg(std::env::current_exe().unwrap()).arg(name).env("JOURNAL", directory);
    command
}

/// The directory that a child was given.
pub fn directory_of_child() -> PathBuf {
    std::env::var_os("JOURNAL").unwrap().into()
}
