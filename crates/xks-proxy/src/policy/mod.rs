//! The second layer of authorization.
