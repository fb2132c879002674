//! What can go wrong with a server, as data.

use std::time::Duration;

/// How requests below `/v1/` of one server are mishandled, but those of its health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends by a TCP reset when the request has been read.
    Reset,
    /// The right answer, too late.
    Late(Duration),
    /// The request is read and never answered.
    NeverAnswer,
    /// That status with that body instead.
    Answer(u16, String),
    /// The right answer with that text in place of another, wherever it is.
    Replace(String, String),
}
