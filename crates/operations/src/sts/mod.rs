//! The operations of AWS STS: temporary credentials. One file an operation.

use crate::registry::Entry;

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[];
