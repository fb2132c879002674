//! CBOR read in place: each length is held against what is there and what may be, so that nothing is ever allocated for what a length
//! merely says. There is no recursion, for nothing of unknown shape is read. Lists and maps may be of indefinite length, as AWS's
//! are; bytes and texts in pieces are refused.

use crate::AttestationError;
use minicbor::Decoder;
use minicbor::data::Type;
use std::ops::RangeInclusive;

/// Reads one member after the other.
pub struct Reader<'d>(Decoder<'d>);

impl<'d> Reader<'d> {
    pub fn new(bytes: &'d [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    /// Bytes of such a length.
    pub fn bytes(
        &mut self,
        member: &'static str,
        is_length: impl Fn(usize) -> bool,
    ) -> Result<&'d [u8], AttestationError> {
        let bytes = self.0.bytes().ok().filter(|bytes| is_length(bytes.len()));
        bytes.ok_or(AttestationError::Malformed(member))
    }

    /// The same, or nothing where `null` stands.
    pub fn optional_bytes(
        &mut self,
        member: &'static str,
        is_length: impl Fn(usize) -> bool,
    ) -> Result<Option<&'d [u8]>, AttestationError> {
        if self.0.datatype().is_ok_and(|kind| kind == Type::Null) {
            self.0.null().map_err(|_| AttestationError::Malformed(member))?;
            return Ok(None);
        }
        self.bytes(member, is_length).map(Some)
    }

    /// Text that is not empty.
    pub fn text(&mut self, member: &'static str) -> Result<&'d str, AttestationError> {
        let text = self.0.str().ok().filter(|text| !text.is_empty());
        text.ok_or(AttestationError::Malformed(member))
    }

    /// A whole number from 0 on.
    pub fn unsigned(&mut self, member: &'static str) -> Result<u64, AttestationError> {
        self.0.u64().map_err(|_| AttestationError::Malformed(member))
    }

    /// A whole number.
    pub fn signed(&mut self, member: &'static str) -> Result<i64, AttestationError> {
        self.0.i64().map_err(|_| AttestationError::Malformed(member))
    }

    /// The beginning of a list of so many entries.
    pub fn list_of(&mut self, member: &'static str, length: u64) -> Result<(), AttestationError> {
        match self.0.array() {
            Ok(Some(found)) if found == length => Ok(()),
            _ => Err(AttestationError::Malformed(member)),
        }
    }

    /// A list, whose entries `entry` reads.
    pub fn list(
        &mut self,
        member: &'static str,
        lengths: RangeInclusive<u64>,
        entry: impl FnMut(&mut Self) -> Result<(), AttestationError>,
    ) -> Result<(), AttestationError> {
        let length = self.0.array().map_err(|_| AttestationError::Malformed(member))?;
        self.each(member, length, lengths, entry)
    }

    /// A map, whose pairs `pair` reads.
    pub fn map(
        &mut self,
        member: &'static str,
        lengths: RangeInclusive<u64>,
        pair: impl FnMut(&mut Self) -> Result<(), AttestationError>,
    ) -> Result<(), AttestationError> {
        let length = self.0.map().map_err(|_| AttestationError::Malformed(member))?;
        self.each(member, length, lengths, pair)
    }

    /// So many of them, or as many as there are before a break; always within the limits.
    fn each(
        &mut self,
        member: &'static str,
        length: Option<u64>,
        lengths: RangeInclusive<u64>,
        mut read: impl FnMut(&mut Self) -> Result<(), AttestationError>,
    ) -> Result<(), AttestationError> {
        let malformed = AttestationError::Malformed(member);
        if length.is_some_and(|length| !lengths.contains(&length)) {
            return Err(malformed);
        }
        let most = length.unwrap_or(*lengths.end());
        for count in 0..=most {
            let is_over = length.map_or_else(|| self.at_break(), |length| count == length);
            if is_over {
                return if lengths.contains(&count) { Ok(()) } else { Err(malformed) };
            }
            if count < most {
                read(self)?;
            }
        }
        Err(malformed)
    }

    /// Whether a break is next, which is then behind.
    fn at_break(&mut self) -> bool {
        let is_break = self.0.datatype().is_ok_and(|kind| kind == Type::Break);
        if is_break {
            self.0.set_position(self.0.position().saturating_add(1));
        }
        is_break
    }

    /// That tag, if any tag is here.
    pub fn optional_tag(&mut self, member: &'static str, wanted: u64) -> Result<(), AttestationError> {
        if self.0.datatype().is_ok_and(|kind| kind == Type::Tag) {
            let tag = self.0.tag().map_err(|_| AttestationError::Malformed(member))?;
            return if tag.as_u64() == wanted { Ok(()) } else { Err(AttestationError::Malformed(member)) };
        }
        Ok(())
    }

    /// Refuses anything that is left.
    pub fn end(self, member: &'static str) -> Result<(), AttestationError> {
        let is_all = self.0.position() == self.0.input().len();
        if is_all { Ok(()) } else { Err(AttestationError::Malformed(member)) }
    }
}
