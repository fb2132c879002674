//! Multi-Region keys: one key in several regions, of which one is the primary.

mod family;

pub use family::{Family, bound};
