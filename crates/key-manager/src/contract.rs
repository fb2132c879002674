//! The contract: statements that are true of every key manager. A key manager's tests run [`ALL`].

/// All statements, by their names.
pub const ALL: &[(&str, ())] = &[];
