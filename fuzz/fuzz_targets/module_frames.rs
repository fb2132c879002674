//! No bytes may make the reader of frames panic, and a command that was read reads the same after it is written again.
#![no_main]

use frames::{Buffer, Frame, append};
use libfuzzer_sys::fuzz_target;
use module_api::{Command, ImportToken, Reply, blob};

fuzz_target!(|bytes: &[u8]| {
    let _ = blob::Header::parse(bytes);
    if let Ok(token) = ImportToken::parse(bytes) {
        assert!(bytes.starts_with(&token.encode()), "an import token is read in one way");
    }
    let mut rest = bytes;
    while let Ok(Some(frame)) = Frame::first(rest) {
        let _ = frame.decode::<Reply<'_>>();
        if let Ok(command) = frame.decode::<Command<'_>>() {
            written_again(&frame, &command);
        }
        rest = &rest[frame.length..];
    }
});

fn written_again(frame: &Frame<'_>, command: &Command<'_>) {
    let mut out = Buffer::with_capacity(0);
    // Numbers that were spelt longer than they need be make the second writing shorter, never longer.
    append(&mut out, frame.request, command).expect("what was in a frame fits in a frame");
    let again = Frame::first(out.filled()).expect("a whole stream").expect("a whole frame");
    assert_eq!(again.request, frame.request);
    let command_again = again.decode::<Command<'_>>().expect("a command");
    assert_eq!(format!("{command_again:?}"), format!("{command:?}"));
}
