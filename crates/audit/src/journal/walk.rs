//! Reading a segment: every batch against its seal, and what stands behind the last good one.
//!
//! Works on bytes alone and changes nothing. It takes nothing for granted: the bytes may be anybody's.

use std::fmt;
use std::ops::Range;

use super::format::{Head, Header, RecordDigest, Seal};

/// A segment, read to the end of its last good batch.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) header: Header,
    /// After the last good batch.
    pub(crate) head: Head,
    /// Where the lines of the records are that good seals vouch for.
    pub(crate) records: Vec<Range<usize>>,
    /// The end of the last good batch, without the padding behind it.
    pub(crate) end: usize,
    /// The batch behind it that a crash tore, if there is one.
    pub(crate) torn: Option<Torn>,
}

/// A batch that a crash tore.
#[derive(Debug)]
pub(crate) struct Torn {
    /// From its first byte that was written to its last.
    pub(crate) range: Range<usize>,
    /// What it would be if it were not the last of the journal.
    pub(crate) flaw: Flaw,
}

/// What is wrong with a segment, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where in the file the line or batch in question begins.
    pub offset: usize,
    /// The line's number, from 1.
    pub line: u64,
    /// The number of the first record that cannot be trusted.
    pub sequence: u64,
    /// What is wrong.
    pub kind: FlawKind,
}

/// What can be wrong with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlawKind {
    /// The records of a batch, or their order, are not those that were sealed.
    ChainBroken,
    /// The first line is no header.
    HeaderMissing,
    /// A line looks like a seal and is none.
    SealMalformed,
    /// A seal counts other records than stand before it.
    SealMiscounts {
        /// The count that the seal gives.
        sealed: u64,
        /// The records that stand before it.
        found: u64,
    },
    /// The segment begins with another record than its name says.
    SegmentMisnamed,
    /// The segment does not begin where the one before it ends.
    SegmentUnlinked {
        /// The number of the first record that the segment goes on with.
        found: u64,
    },
    /// Records without a seal, or with sectors missing, where no crash can have left them.
    Unsealed,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequence = self.sequence;
        match self.kind {
            FlawKind::ChainBroken => write!(f, "the batch from record {sequence} is not what was sealed"),
            FlawKind::HeaderMissing => write!(f, "the first line is not a header of this version"),
            FlawKind::SealMalformed => write!(f, "the seal of the batch from record {sequence} is malformed"),
            FlawKind::SealMiscounts { sealed, found } => {
                write!(
                    f,
                    "the batch from record {sequence} holds {found} records and its seal counts {sealed}"
                )
            }
            FlawKind::SegmentMisnamed => {
                write!(f, "the header says record {sequence} comes first and the file's name says another")
            }
            FlawKind::SegmentUnlinked { found } if found > sequence => {
                write!(f, "records {sequence} to {} are missing before it", found.saturating_sub(1))
            }
            FlawKind::SegmentUnlinked { found } if found < sequence => {
                write!(f, "it goes on from record {found}, and record {sequence} is next")
            }
            FlawKind::SegmentUnlinked { .. } => {
                write!(f, "its header's chain value is not that after record {}", sequence.saturating_sub(1))
            }
            FlawKind::Unsealed => write!(f, "the batch from record {sequence} has no seal or is incomplete"),
        }
    }
}

/// Reads a segment. An error is damage; a torn batch at the very end is reported and is none, if this is the newest segment.
pub(crate) fn walk(bytes: &[u8]) -> Result<Walked, Flaw> {
    let mut lines = Lines { bytes, offset: 0, number: 0 };
    let header_missing = |sequence| Flaw { offset: 0, line: 1, sequence, kind: FlawKind::HeaderMissing };
    let first = lines.next().ok_or(header_missing(1))?;
    let header = Header::parse(first.text).filter(|_| first.offset == 0).ok_or(header_missing(1))?;
    let mut walked =
        Walked { header, head: header.before, records: Vec::new(), end: lines.offset, torn: None };
    loop {
        match batch(&mut lines, walked.head, &mut walked.records) {
            Ok(Some(head)) => (walked.head, walked.end) = (head, lines.offset),
            Ok(None) => return Ok(walked),
            Err(flaw) => {
                walked.torn = Some(torn(bytes, &walked, flaw).ok_or(flaw)?);
                return Ok(walked);
            }
        }
    }
}

/// Reads one batch and says where the chain stands after it; nothing if no line is left. Keeps `records` only if the seal is true.
fn batch(lines: &mut Lines<'_>, before: Head, records: &mut Vec<Range<usize>>) -> Result<Option<Head>, Flaw> {
    let known = records.len();
    let mut head = before;
    let mut start = None;
    let outcome = loop {
        let Some(line) = lines.next() else { break start.map_or(Ok(None), |_| Err(FlawKind::Unsealed)) };
        start.get_or_insert((line.offset, line.number));
        if Seal::is(line.text) {
            break Seal::parse(line.text)
                .ok_or(FlawKind::SealMalformed)
                .and_then(|seal| agree(seal, before, head))
                .map(|()| Some(head));
        }
        head = head.after(RecordDigest::of(line.text));
        records.push(line.offset..line.offset + line.text.len());
    };
    outcome.map_err(|kind| {
        records.truncate(known);
        let (offset, line) = start.unwrap_or_default();
        Flaw { offset, line, sequence: before.sequence.saturating_add(1), kind }
    })
}

fn agree(seal: Seal, before: Head, head: Head) -> Result<(), FlawKind> {
    let found = head.sequence.saturating_sub(before.sequence);
    if seal.records != found || seal.after.sequence != head.sequence || found == 0 {
        return Err(FlawKind::SealMiscounts { sealed: seal.records, found });
    }
    if seal.after.chain == head.chain { Ok(()) } else { Err(FlawKind::ChainBroken) }
}

/// The batch that a crash tore behind the last good one, if what stands there can be that. A crash leaves sectors of one write out: so
/// there is no true seal, or it is the batch's own, the last line, and sectors before it are blank. Everything else was altered.
fn torn(bytes: &[u8], good: &Walked, flaw: Flaw) -> Option<Torn> {
    let rest = bytes.get(flaw.offset..)?;
    let written = rest.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
    let torn = Torn { range: flaw.offset..flaw.offset + written, flaw };
    let mut lines = Lines { bytes, offset: flaw.offset, number: 0 };
    let Some((seal, offset)) = lines.find_map(|line| Some((Seal::parse(line.text)?, line.offset))) else {
        return Some(torn);
    };
    let own = good.head.sequence.checked_add(seal.records) == Some(seal.after.sequence);
    let batch = bytes.get(good.end.next_multiple_of(good.header.block)..offset)?;
    let incomplete = batch.chunks_exact(SECTOR).any(|sector| sector.iter().all(|byte| *byte == b'\n'));
    (own && incomplete && lines.next().is_none()).then_some(torn)
}

/// The lines of a file that are not empty.
struct Lines<'a> {
    bytes: &'a [u8],
    /// The end of the last line, at its line feed.
    offset: usize,
    /// How many lines were seen, empty ones too.
    number: u64,
}

struct Line<'a> {
    text: &'a [u8],
    offset: usize,
    number: u64,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.bytes.get(self.offset..)?;
        let feeds = rest.iter().position(|byte| *byte != b'\n')?;
        let rest = rest.get(feeds..)?;
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let offset = self.offset + feeds;
        self.number += u64::from(offset == 0) + feeds as u64;
        self.offset = offset + length;
        Some(Line { text: rest.get(..length)?, offset, number: self.number })
    }
}

/// The smallest piece that a disk writes whole.
const SECTOR: usize = 512;
