//! Who may do what: a principal asks for an action on a resource, and [`decide`] answers.
//!
//! Pure: no input or output, no clock. Every call passes here once, and refusal is the default. For now an account's root
//! principal may do everything with what its account owns, and nobody may do anything else.

#![forbid(unsafe_code)]

mod decision;
mod principal;

pub use decision::{Decision, Denial, Question, Resource, decide};
pub use principal::Principal;
