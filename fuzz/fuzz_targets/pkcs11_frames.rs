//! No bytes may make the reader of the PKCS#11 process's commands and replies panic, and what was read reads the same after it is
//! written again.
#![no_main]

use frames::{Buffer, Frame, RequestId, append};
use libfuzzer_sys::fuzz_target;
use pkcs11_api::{Command, Reply};
use serde::Serialize;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some(frame)) = Frame::first(rest) {
        if let Ok(command) = frame.decode::<Command<'_>>() {
            let out = written(frame.request, &command);
            let again = read(&out).decode::<Command<'_>>().expect("a command");
            assert_eq!(format!("{again:?}"), format!("{command:?}"));
        }
        if let Ok(reply) = frame.decode::<Reply<'_>>() {
            let out = written(frame.request, &reply);
            let again = read(&out).decode::<Reply<'_>>().expect("a reply");
            assert_eq!(written(frame.request, &again).filled(), out.filled());
        }
        rest = &rest[frame.length..];
    }
});

fn written<T: Serialize>(request: RequestId, body: &T) -> Buffer {
    let mut out = Buffer::with_capacity(0);
    // Numbers that were spelt longer than they need be make the second writing shorter, never longer.
    append(&mut out, request, body).expect("what was in a frame fits in a frame");
    out
}

fn read(out: &Buffer) -> Frame<'_> {
    Frame::first(out.filled()).expect("a whole stream").expect("a whole frame")
}
