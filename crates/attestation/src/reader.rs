//! CBOR read in place: definite lengths only, each held against what is there and what may be, so that nothing is ever allocated
//! for what a length merely says. There is no recursion, for nothing of unknown shape is read.

use crate::AttestationError;
use minicbor::Decoder;
use minicbor::data::Type;

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

    /// The beginning of a list: how many entries it has.
    pub fn list(
        &mut self,
        member: &'static str,
        is_length: impl Fn(u64) -> bool,
    ) -> Result<u64, AttestationError> {
        let length = self.0.array().ok().flatten().filter(|length| is_length(*length));
        length.ok_or(AttestationError::Malformed(member))
    }

    /// The beginning of a map: how many pairs it has.
    pub fn map(
        &mut self,
        member: &'static str,
        is_length: impl Fn(u64) -> bool,
    ) -> Result<u64, AttestationError> {
        let length = self.0.map().ok().flatten().filter(|length| is_length(*length));
        length.ok_or(AttestationError::Malformed(member))
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
