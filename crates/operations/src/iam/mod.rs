//! The operations of AWS IAM that key management needs, by family. One file an operation.
//!
//! IAM is global: its records have an account and no region. Only the account's own principals reach them.

mod entity;
mod holder;
pub mod ids;
mod pages;
mod policy_text;
mod record;
mod tags;

use crate::registry::Entry;

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[];
