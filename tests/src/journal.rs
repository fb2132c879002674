//! The journal, as an auditor reads it: from its files, also while the service writes them.

use crate::Answer;
use serde_json::Value;
use std::path::Path;

/// Every record of a data directory's journal, oldest first, each checked against the chain.
#[must_use]
pub fn read_journal(data: &Path) -> Vec<Value> {
    read_records(&data.join("journal"))
}

/// Every record of the journal in that directory.
pub(crate) fn read_records(directory: &Path) -> Vec<Value> {
    let records = audit::records(directory).expect("there is a journal");
    let read = |entry: Result<audit::Entry, _>| {
        serde_json::from_slice(&entry.expect("the chain holds").record).expect("a record is JSON")
    };
    records.map(read).collect()
}

/// The record of the call that was answered so: there is exactly one in its region. What it did in another region is on record
/// there, after it.
#[must_use]
pub fn record_of(journal: &[Value], answer: &Answer) -> Value {
    let id = answer.header("x-amzn-requestid").expect("every answer has a request id");
    let mut records = journal.iter().filter(|record| record["requestID"] == id);
    let record = records.next().unwrap_or_else(|| panic!("no record of {id}"));
    assert!(records.all(|other| other["awsRegion"] != record["awsRegion"]), "two records of {id}");
    record.clone()
}
