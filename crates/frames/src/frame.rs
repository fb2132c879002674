//! Frames: how commands and replies share one stream of bytes. Pure; bounded; answers may come in any order.
//!
//! A frame is its length in four bytes (of what follows them), the version in one, the id of the request in eight (little
//! endian, both numbers), and a command or reply as `postcard` writes it.

use crate::Buffer;
use serde::{Deserialize, Serialize};

/// The longest frame, its length field included: a message of 64 KiB with room for its seal and what is around it.
pub const MAX_FRAME: usize = 68 * 1024;

/// Which reply belongs to which command. Its meaning is the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u64);

/// Appends a frame to the buffer, or leaves the buffer as it was.
pub fn append<T: Serialize>(out: &mut Buffer, request: RequestId, body: &T) -> Result<(), FrameTooLarge> {
    let room = out.room(MAX_FRAME).get_mut(..MAX_FRAME).ok_or(FrameTooLarge)?;
    let (prefix, space) = room.split_first_chunk_mut::<PREFIX>().ok_or(FrameTooLarge)?;
    let space_length = space.len();
    let Ok(unused) = postcard::to_slice(body, space).map(|used| space_length.saturating_sub(used.len()))
    else {
        crate::wipe(room);
        return Err(FrameTooLarge);
    };
    let frame = MAX_FRAME.saturating_sub(unused);
    write_prefix(prefix, frame, request);
    out.fill(frame);
    Ok(())
}

fn write_prefix(prefix: &mut [u8; PREFIX], frame: usize, request: RequestId) {
    let (length, rest) = prefix.split_at_mut(LENGTH);
    // INVARIANT: a frame is no longer than MAX_FRAME, so its length fits.
    length.copy_from_slice(&u32::try_from(frame.saturating_sub(LENGTH)).unwrap_or(u32::MAX).to_le_bytes());
    let (version, id) = rest.split_at_mut(1);
    version.fill(VERSION);
    id.copy_from_slice(&request.0.to_le_bytes());
}

/// A complete frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The id of the request.
    pub request: RequestId,
    /// How many bytes of the stream the frame takes.
    pub length: usize,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame of the bytes, if all of it is there.
    pub fn first(bytes: &'a [u8]) -> Result<Option<Self>, BrokenStream> {
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| BrokenStream)?;
        if !(PREFIX - LENGTH..=MAX_FRAME - LENGTH).contains(&length) {
            return Err(BrokenStream);
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let (version, rest) = frame.split_first().ok_or(BrokenStream)?;
        let (request, body) = rest.split_first_chunk().ok_or(BrokenStream)?;
        if *version != VERSION {
            return Err(BrokenStream);
        }
        let request = RequestId(u64::from_le_bytes(*request));
        Ok(Some(Self { request, length: length.saturating_add(LENGTH), body }))
    }

    /// The body as it went over the stream.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The command or reply in it; nothing may follow it.
    pub fn decode<T: Deserialize<'a>>(&self) -> Result<T, MalformedBody> {
        decode(self.body)
    }
}

/// The command or reply in the body of a frame; nothing may follow it.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, MalformedBody> {
    match postcard::take_from_bytes(body) {
        Ok((decoded, [])) => Ok(decoded),
        _ => Err(MalformedBody),
    }
}

/// The command or reply does not fit in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the command does not fit in a frame")]
pub struct FrameTooLarge;

/// The bytes are no frame, so that where the next one begins is not known either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream does not hold frames of this version")]
pub struct BrokenStream;

/// The frame holds something else than what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the frame holds neither a command nor a reply")]
pub struct MalformedBody;

const VERSION: u8 = 1;
const LENGTH: usize = 4;
const PREFIX: usize = LENGTH + 1 + 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bytes;
    use proptest::prelude::*;

    /// Something to put in a frame.
    #[derive(Debug, Serialize, Deserialize)]
    enum Body<'a> {
        Text(#[serde(borrow)] Bytes<'a>),
        Word { number: u64 },
    }

    fn framed(body: &Body<'_>) -> Buffer {
        let mut out = Buffer::with_capacity(0);
        append(&mut out, RequestId(0x0102_0304_0506_0708), body).unwrap();
        out
    }

    #[test]
    fn a_frame_is_as_documented() {
        let out = framed(&Body::Text(Bytes(b"abc")));
        assert_eq!(out.filled(), b"\x0e\0\0\0\x01\x08\x07\x06\x05\x04\x03\x02\x01\0\x03abc");
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let out = framed(&Body::Word { number: 300 });
        let frame = Frame::first(out.filled()).unwrap().unwrap();
        assert_eq!((frame.request, frame.length), (RequestId(0x0102_0304_0506_0708), out.filled().len()));
        assert!(matches!(frame.decode(), Ok(Body::Word { number: 300 })));
    }

    #[test]
    fn a_frame_that_is_not_all_there_is_waited_for() {
        let out = framed(&Body::Text(Bytes(&[1; 100])));
        for length in 0..out.filled().len() {
            assert!(Frame::first(&out.filled()[..length]).unwrap().is_none(), "{length}");
        }
    }

    #[test]
    fn a_length_out_of_bounds_or_another_version_breaks_the_stream() {
        for length in [0_u32, 8, 69_629, u32::MAX] {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.extend([1; 9]);
            assert_eq!(Frame::first(&bytes).err(), Some(BrokenStream), "{length}");
        }
        assert_eq!(Frame::first(b"\x09\0\0\0\x02\0\0\0\0\0\0\0\0").err(), Some(BrokenStream));
    }

    #[test]
    fn what_does_not_fit_leaves_the_buffer_as_it_was() {
        let mut out = framed(&Body::Text(Bytes(b"abc")));
        let before = out.filled().to_vec();
        assert_eq!(append(&mut out, RequestId(1), &Body::Text(Bytes(&[7; MAX_FRAME]))), Err(FrameTooLarge));
        assert_eq!(out.filled(), before);
        assert!(out.room(MAX_FRAME).iter().all(|&byte| byte == 0));
    }

    #[test]
    fn a_body_with_something_behind_it_is_malformed() {
        let out = framed(&Body::Text(Bytes(b"abc")));
        let mut bytes = out.filled().to_vec();
        bytes.push(0);
        bytes[0] += 1;
        let frame = Frame::first(&bytes).unwrap().unwrap();
        assert_eq!(frame.decode::<Body<'_>>().err(), Some(MalformedBody));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_an_error_and_never_a_panic(bytes: Vec<u8>) {
            if let Ok(Some(frame)) = Frame::first(&bytes) {
                let _ = frame.decode::<Body<'_>>();
            }
            let _ = decode::<Body<'_>>(&bytes);
        }
    }
}
