//! What goes over the socket between the front end and a process beside it: frames with a command or a reply in each.
//!
//! Pure: no input or output. It knows no command; what is in a frame is the business of `module-api` and `pkcs11-api`.

#![forbid(unsafe_code)]

mod buffer;
mod bytes;
mod frame;

pub use buffer::{Buffer, wipe};
pub use bytes::Bytes;
pub use frame::{BrokenStream, Frame, FrameTooLarge, MAX_FRAME, MalformedBody, RequestId, append, decode};
