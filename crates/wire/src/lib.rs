//! What a client sees of Cardea: AWS JSON 1.1 and the Query protocol in and out, ARNs, names, limits and faults.
//!
//! Pure: no input or output, no clock, no randomness. It knows the shapes of requests, not what they do.

#![forbid(unsafe_code)]

pub mod arn;
mod body;
mod fault;
mod input;
pub mod member;
mod output;
mod path;
pub mod query;
mod sensitive;
mod shape;
mod violation;
pub mod xml;

pub use body::{Input, is_json};
pub use fault::{Fault, FaultKind};
pub use output::{Blob, IsoTimestamp, Members, Output, SecretText, Timestamp, UrlEncoded};
pub use path::Path;
pub use sensitive::Sensitive;
pub use shape::{MemberShape, NO_LIMIT, Shape};
pub use violation::Violations;

/// The content type of AWS JSON 1.1, in and out.
pub const AWS_JSON: &str = "application/x-amz-json-1.1";

/// What the expansions of [`input!`] and [`output!`] need. Not for use by hand.
#[doc(hidden)]
pub mod expansion {
    pub use crate::input::{MemberName, Nullable};
    pub use serde;
}
