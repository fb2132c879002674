//! The text of a journal file.
//!
//! A journal is a directory of segments, `journal-<number of its first record, 20 digits>.jsonl`, mode 0600. A segment is lines of
//! JSON, each ended by a line feed; empty lines mean nothing.
//!
//! ```text
//! {"journal":{"version":1,"block":512,"sequence":1,"chain":"<64 hex digits>"}}       header, once, the first line
//! {"eventVersion":"1.11",…}                                                          a batch: its records …
//! {"eventVersion":"1.11",…}
//! {"seal":{"sequence":2,"records":2,"chain":"<64 hex digits>"}}                      … and its seal
//! ```
//!
//! - Records are numbered from 1 without a gap, over all segments. The header's `sequence` is the number that the segment's first
//!   record has or will have (the file's name says the same) and its `chain` is the chain value before that record.
//! - The chain value is 32 zero bytes before record 1. After a record it is SHA-256(chain value before ‖ SHA-256(record's line
//!   without its line feed)). A seal's `sequence` and `chain` are the number of the batch's last record and the chain value after
//!   it; `records` counts the batch. Digits are lower case; a header or seal has no other spelling than the one shown.
//! - The header, and every batch, begins at a multiple of `block` bytes. The space before the next one is line feeds, and so is what
//!   is not written yet: a segment has its full length from the beginning.
//! - A batch counts once its seal is there and true. One write makes a batch, and it may be torn by a crash: of its 512-byte
//!   sectors some may be missing (still line feeds). At the very end of the newest segment that is no damage: such a batch was never
//!   acknowledged, and who opens the journal blanks it.
//!
//! The chain finds what was changed, removed, added or moved, as long as the last chain value is known from elsewhere or the last
//! batches are left alone. It cannot show that batches were cut off the end, nor stop someone who computes everything anew.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of a record's line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RecordDigest([u8; 32]);

impl RecordDigest {
    pub(super) fn of(record: &[u8]) -> Self {
        Self(sha256(record))
    }
}

/// The chain value: stands for every record so far, and their order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chain([u8; 32]);

impl Chain {
    /// The value before the first record.
    pub const GENESIS: Self = Self([0; 32]);

    pub(super) fn after(self, record: RecordDigest) -> Self {
        let mut both = [0; 64];
        let (before, own) = both.split_at_mut(32);
        before.copy_from_slice(&self.0);
        own.copy_from_slice(&record.0);
        Self(sha256(&both))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a journal stands: its last record's number, and the chain value after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The last record's number; 0 before the first.
    pub sequence: u64,
    /// The chain value.
    pub chain: Chain,
}

impl Head {
    /// A journal without records.
    pub const GENESIS: Self = Self { sequence: 0, chain: Chain::GENESIS };

    pub(super) fn after(self, record: RecordDigest) -> Self {
        Self { sequence: self.sequence.saturating_add(1), chain: self.chain.after(record) }
    }
}

/// The first line of a segment: how its batches are aligned, and what they continue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) block: usize,
    pub(crate) before: Head,
}

impl Header {
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut reader = Reader(line);
        reader.literal("{\"journal\":{\"version\":1,\"block\":")?;
        let block = usize::try_from(reader.number()?).ok().filter(|block| BLOCKS.contains(block))?;
        reader.literal(",\"sequence\":")?;
        let sequence = reader.number()?.checked_sub(1)?;
        reader.literal(",\"chain\":\"")?;
        let chain = reader.chain()?;
        reader.end("\"}}")?;
        Some(Self { block, before: Head { sequence, chain } })
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { block, before: Head { sequence, chain } } = self;
        let first = sequence.saturating_add(1);
        writeln!(
            f,
            "{{\"journal\":{{\"version\":1,\"block\":{block},\"sequence\":{first},\"chain\":\"{chain}\"}}}}"
        )
    }
}

/// The last line of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seal {
    pub(super) records: u64,
    pub(super) after: Head,
}

impl Seal {
    pub(super) fn is(line: &[u8]) -> bool {
        line.starts_with(b"{\"seal\":")
    }

    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut reader = Reader(line);
        reader.literal("{\"seal\":{\"sequence\":")?;
        let sequence = reader.number()?;
        reader.literal(",\"records\":")?;
        let records = reader.number()?;
        reader.literal(",\"chain\":\"")?;
        let chain = reader.chain()?;
        reader.end("\"}}")?;
        Some(Self { records, after: Head { sequence, chain } })
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, after: Head { sequence, chain } } = self;
        writeln!(f, "{{\"seal\":{{\"sequence\":{sequence},\"records\":{records},\"chain\":\"{chain}\"}}}}")
    }
}

/// Whether a journal takes a text as a record: one line, and none that reads like a header or seal.
pub(super) fn is_record(text: &[u8]) -> bool {
    !text.is_empty() && !text.contains(&b'\n') && !Seal::is(text) && !text.starts_with(b"{\"journal\":")
}

/// What of a line is still to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    fn end(&self, text: &str) -> Option<()> {
        (self.0 == text.as_bytes()).then_some(())
    }

    /// A decimal number in its only spelling.
    fn number(&mut self) -> Option<u64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(length)?;
        let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        self.0 = rest;
        (number.to_string().len() == length).then_some(number)
    }

    fn chain(&mut self) -> Option<Chain> {
        let (digits, rest) = self.0.split_at_checked(64)?;
        let mut chain = [0; 32];
        for (byte, pair) in chain.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        }
        self.0 = rest;
        Some(Chain(chain))
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// The alignments that a segment may have.
const BLOCKS: [usize; 2] = [512, 4096];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_the_one_that_coreutils_compute() {
        // a=$(printf '{"a":1}' | sha256sum | cut -c-64); printf "%064d%s" 0 $a | xxd -r -p | sha256sum; likewise {"b":2} after it.
        let first = Head::GENESIS.after(RecordDigest::of(b"{\"a\":1}"));
        let second = first.after(RecordDigest::of(b"{\"b\":2}"));
        assert_eq!(
            first.chain.to_string(),
            "46426333c3717c14f84a3ad37f229fef9334f7298e19ea3cd9acae85e06268e4"
        );
        assert_eq!(
            second.chain.to_string(),
            "066874ff671d95f34edd9914dcbab698db3e2397708f57c5589e776a8d587503"
        );
        assert_eq!(second.sequence, 2);
    }

    #[test]
    fn headers_and_seals_are_read_as_written() {
        let head = Head { sequence: 41, chain: Chain::GENESIS.after(RecordDigest::of(b"x")) };
        let header = Header { block: 4096, before: head };
        let seal = Seal { records: 3, after: head };
        assert_eq!(Header::parse(header.to_string().trim_end().as_bytes()), Some(header));
        assert_eq!(Seal::parse(seal.to_string().trim_end().as_bytes()), Some(seal));
    }

    #[test]
    fn headers_and_seals_have_one_spelling() {
        let zeros = "0".repeat(64);
        let seal = format!("{{\"seal\":{{\"sequence\":7,\"records\":3,\"chain\":\"{zeros}\"}}}}");
        assert!(Seal::parse(seal.as_bytes()).is_some());
        for (from, to) in [
            ("7", "07"),
            ("7", "+7"),
            ("7", ""),
            ("3", "18446744073709551616"),
            ("}}", "}} "),
            ("00\"", "0G\""),
        ] {
            assert_eq!(Seal::parse(seal.replacen(from, to, 1).as_bytes()), None, "{from} {to}");
        }
        let header =
            format!("{{\"journal\":{{\"version\":1,\"block\":512,\"sequence\":1,\"chain\":\"{zeros}\"}}}}");
        assert!(Header::parse(header.as_bytes()).is_some());
        for (from, to) in [("512", "513"), ("512", "0"), ("n\":1", "n\":2"), ("e\":1", "e\":0")] {
            assert_eq!(Header::parse(header.replacen(from, to, 1).as_bytes()), None, "{from} {to}");
        }
    }

    #[test]
    fn what_could_be_mistaken_for_a_line_of_the_journals_own_is_no_record() {
        assert!(is_record(b"{\"eventVersion\":\"1.11\"}"));
        for text in ["", "a\nb", "{\"seal\":1}", "{\"journal\":1}"] {
            assert!(!is_record(text.as_bytes()), "{text}");
        }
    }
}
