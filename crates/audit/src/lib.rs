//! What Cardea remembers: one record a call in CloudTrail's format ([`Record`]), a chained [`Journal`] in which a record is durable
//! before its call is answered, and the verifier ([`verify`]) that needs only the journal's files.
//!
//! This crate never decides what a record may say: leaving out what is secret is the business of whoever renders the parameters.
//! It never loses a record that it acknowledged, and never acknowledges one that is not on the disk.

#![forbid(unsafe_code)]

mod error;
mod journal;
pub mod json;
mod record;
mod verify;

pub use error::JournalError;
pub use journal::{Appender, Chain, Flaw, FlawKind, Head, Journal, Options};
pub use record::{
    EventType, Failure, Record, Resource, ResourceType, SessionAttributes, SessionContext, SessionIssuer,
    TlsDetails, UserIdentity, console_time,
};
pub use verify::{Entry, Records, Report, TornTail, records, records_after, verify};
