//! What Cardea has beyond AWS, on the same endpoint under a target prefix of its own. One file an operation.

mod action;
mod asked;
mod explain_access;
mod others;
mod who;

pub use explain_access::ExplainAccess;

use crate::registry::{Entry, entry};

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[entry::<ExplainAccess>()];
