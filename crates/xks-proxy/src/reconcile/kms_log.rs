//! Every event in the log of a KMS: CloudTrail's files, packed or not, in folders, or a journal of Cardea, verified as it is read. An
//! event is handed on as soon as it is read.

use super::ReconcileError;
use super::event::{Event, File};
use audit::JournalError;
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeSeed;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Hands on every event in that file, folder or journal.
pub(super) fn walk(
    path: &Path,
    each: &mut dyn FnMut(Event) -> Result<(), ReconcileError>,
) -> Result<(), ReconcileError> {
    if !fs::metadata(path).map_err(unreadable(path))?.is_dir() {
        return match form(path) {
            Some(form) => file(path, form, each),
            None => Err(no_log(path, "its name ends neither in .json nor in .json.gz".to_owned())),
        };
    }
    match audit::records(path) {
        Ok(records) => journal(path, records, each),
        Err(JournalError::NoJournal { .. }) => folder(path, each),
        Err(error) => Err(error.into()),
    }
}

fn journal(
    path: &Path,
    records: audit::Records,
    each: &mut dyn FnMut(Event) -> Result<(), ReconcileError>,
) -> Result<(), ReconcileError> {
    for entry in records {
        let entry = entry?;
        let event = serde_json::from_slice(&entry.record);
        each(event.map_err(|error| no_log(path, format!("record {}: {error}", entry.sequence)))?)?;
    }
    Ok(())
}

/// What lies in a folder, in the order of names, which CloudTrail begins with dates. What is no log there is passed over, and what
/// CloudTrail writes of its own files, too.
fn folder(
    path: &Path,
    each: &mut dyn FnMut(Event) -> Result<(), ReconcileError>,
) -> Result<(), ReconcileError> {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(unreadable(path))?.into_iter().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        let is_about_files =
            path.file_name().is_some_and(|name| ABOUT_FILES.iter().any(|other| name == *other));
        let is_folder = fs::metadata(&path).map_err(unreadable(&path))?.is_dir();
        if (is_folder && !is_about_files) || (!is_folder && form(&path).is_some()) {
            walk(&path, each)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Form {
    Packed,
    Plain,
}

fn form(path: &Path) -> Option<Form> {
    let name = path.file_name().and_then(OsStr::to_str)?;
    match name {
        name if name.ends_with(".json.gz") => Some(Form::Packed),
        name if name.ends_with(".json") => Some(Form::Plain),
        _ => None,
    }
}

fn file(
    path: &Path,
    form: Form,
    each: &mut dyn FnMut(Event) -> Result<(), ReconcileError>,
) -> Result<(), ReconcileError> {
    let bytes = BufReader::new(fs::File::open(path).map_err(unreadable(path))?);
    let reader: Box<dyn Read> = match form {
        Form::Packed => Box::new(BufReader::new(MultiGzDecoder::new(bytes))),
        Form::Plain => Box::new(bytes),
    };
    let mut failed = None;
    let mut go_on = |event| match each(event) {
        Ok(()) => true,
        Err(error) => {
            failed = Some(error);
            false
        }
    };
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = File(&mut go_on).deserialize(&mut json).and_then(|found| json.end().map(|()| found));
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Ok(true)) => Ok(()),
        (None, Ok(false)) => Err(no_log(path, "it has no `Records`".to_owned())),
        (None, Err(error)) => Err(no_log(path, error.to_string())),
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ReconcileError {
    move |source| ReconcileError::File { path: path.to_owned(), source }
}

fn no_log(path: &Path, reason: String) -> ReconcileError {
    ReconcileError::NoLog { path: path.to_owned(), reason }
}

/// Folders in which CloudTrail keeps digests of its files, and what it noticed in them.
const ABOUT_FILES: [&str; 3] = ["CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-Aggregated"];
