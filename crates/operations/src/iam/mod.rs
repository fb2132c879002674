//! The operations of AWS IAM that key management needs, by family. One file an operation.

use crate::registry::Entry;

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[];
