//! What Cardea has beyond AWS, on the same endpoint under a target prefix of its own. One file an operation.

use crate::registry::Entry;

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[];
