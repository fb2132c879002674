//! Checking a journal and reading it, from its files alone. Writes nothing, and may run while the journal is written.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, vec};

use crate::JournalError;
use crate::journal::{Flaw, FlawKind, Head, Walked, list, walk};

/// What a journal holds whose every record, seal and header is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of segment files.
    pub segments: usize,
    /// Number of records.
    pub records: u64,
    /// The eventTime of the first record.
    pub first_time: Option<String>,
    /// The eventTime of the last record.
    pub last_time: Option<String>,
    /// The last record's number, and the chain value to hold against a later check.
    pub head: Head,
    /// A batch at the very end that a crash tore and that was never acknowledged.
    pub torn_tail: Option<TornTail>,
}

/// Where a torn batch lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The newest segment.
    pub file: PathBuf,
    /// Its bytes, from the first to the last that was written.
    pub range: Range<usize>,
}

/// Checks every record, every seal, and that the segments follow one on the other from record 1.
///
/// That the end was cut off is not to be seen in the files: hold [`Report::head`] against an earlier one.
pub fn verify(directory: &Path) -> Result<Report, JournalError> {
    let mut segments = Segments::open(directory)?;
    let mut report = Report {
        segments: 0,
        records: 0,
        first_time: None,
        last_time: None,
        head: Head::GENESIS,
        torn_tail: None,
    };
    while let Some(segment) = segments.next().transpose()? {
        report.segments += 1;
        report.records += segment.walked.records.len() as u64;
        report.first_time = report.first_time.or_else(|| event_time(segment.records().next()?));
        report.last_time = segment.records().next_back().and_then(event_time).or(report.last_time);
        report.head = segment.walked.head;
        report.torn_tail = segment.walked.torn.map(|torn| TornTail { file: segment.file, range: torn.range });
    }
    Ok(report)
}

/// Reads a journal's records, oldest first, and checks them on the way.
pub fn records(directory: &Path) -> Result<Records, JournalError> {
    Ok(Records { segments: Segments::open(directory)?, lines: Vec::new().into_iter(), after: 0 })
}

/// Reads the records after the one of that number in the same way, and no segment that ends before them.
pub fn records_after(directory: &Path, sequence: u64) -> Result<Records, JournalError> {
    let segments = Segments::open_after(directory, sequence)?;
    Ok(Records { segments, lines: Vec::new().into_iter(), after: sequence })
}

/// A record as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub sequence: u64,
    /// Its line, without the line feed.
    pub record: Vec<u8>,
}

/// The records of a journal; ends after an error.
#[derive(Debug)]
pub struct Records {
    segments: Segments,
    lines: vec::IntoIter<Entry>,
    after: u64,
}

impl Iterator for Records {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.lines.find(|entry| entry.sequence > self.after) {
                return Some(Ok(entry));
            }
            match self.segments.next()? {
                Ok(segment) => self.lines = segment.entries().into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The segments of a journal, each checked and found to follow the one before it.
#[derive(Debug)]
struct Segments {
    files: vec::IntoIter<(u64, PathBuf)>,
    /// Where the last one that was read ends; nothing if the first to be read is not the journal's first.
    head: Option<Head>,
}

#[derive(Debug)]
struct Segment {
    file: PathBuf,
    bytes: Vec<u8>,
    walked: Walked,
}

impl Segments {
    fn open(directory: &Path) -> Result<Self, JournalError> {
        let files = list(directory)?;
        if files.is_empty() {
            return Err(JournalError::NoJournal { directory: directory.to_owned() });
        }
        Ok(Self { files: files.into_iter(), head: Some(Head::GENESIS) })
    }

    /// From the one on that holds the record after that number.
    fn open_after(directory: &Path, sequence: u64) -> Result<Self, JournalError> {
        let mut segments = Self::open(directory)?;
        let passed =
            segments.files.as_slice().iter().take_while(|(first, _)| *first <= sequence.saturating_add(1));
        let passed = passed.count().saturating_sub(1);
        if passed > 0 {
            segments.files = segments.files.skip(passed).collect::<Vec<_>>().into_iter();
            segments.head = None;
        }
        Ok(segments)
    }

    fn read(&self, first: u64, file: PathBuf, newest: bool) -> Result<Segment, JournalError> {
        let (bytes, walked) = read_settled(&file)?;
        match walked.and_then(|walked| self.follows(&walked, first, newest).map(|()| walked)) {
            Ok(walked) => Ok(Segment { file, bytes, walked }),
            Err(flaw) => Err(JournalError::Damaged { file, flaw }),
        }
    }

    fn follows(&self, walked: &Walked, first: u64, newest: bool) -> Result<(), Flaw> {
        let before = walked.header.before;
        let found = before.sequence.saturating_add(1);
        let flaw = |sequence, kind| Err(Flaw { offset: 0, line: 1, sequence, kind });
        if found != first {
            return flaw(found, FlawKind::SegmentMisnamed);
        }
        if let Some(head) = self.head.filter(|head| before != *head) {
            return flaw(head.sequence.saturating_add(1), FlawKind::SegmentUnlinked { found });
        }
        walked.torn.as_ref().filter(|_| !newest).map_or(Ok(()), |torn| Err(torn.flaw))
    }
}

impl Iterator for Segments {
    type Item = Result<Segment, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (first, file) = self.files.next()?;
        let outcome = self.read(first, file, self.files.as_slice().is_empty());
        match &outcome {
            Ok(segment) => self.head = Some(segment.walked.head),
            Err(_) => self.files = Vec::new().into_iter(),
        }
        Some(outcome)
    }
}

impl Segment {
    fn records(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.walked.records.iter().filter_map(|range| self.bytes.get(range.clone()))
    }

    fn entries(&self) -> Vec<Entry> {
        let first = self.walked.header.before.sequence.saturating_add(1);
        (first..)
            .zip(self.records())
            .map(|(sequence, record)| Entry { sequence, record: record.to_vec() })
            .collect()
    }
}

/// Reads a segment; again, if it is not whole and changed meanwhile: then someone is writing it.
fn read_settled(file: &Path) -> Result<(Vec<u8>, Result<Walked, Flaw>), JournalError> {
    let read = || fs::read(file).map_err(JournalError::io("read", file));
    let mut bytes = read()?;
    let mut walked = walk(&bytes);
    for _ in 0..REREADS {
        if walked.as_ref().is_ok_and(|walked| walked.torn.is_none()) {
            break;
        }
        let again = read()?;
        if again == bytes {
            break;
        }
        (walked, bytes) = (walk(&again), again);
    }
    Ok((bytes, walked))
}

/// The record's eventTime. Before it there are only names and values of ours or in quotation marks, which hold no bare one.
fn event_time(record: &[u8]) -> Option<String> {
    let (_, rest) = std::str::from_utf8(record).ok()?.split_once("\"eventTime\":\"")?;
    rest.split_once('"').map(|(time, _)| time.to_owned())
}

/// A busy journal is seldom caught in the middle of a write, and hardly so often in a row.
const REREADS: usize = 20;
