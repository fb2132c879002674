//! A key manager in a file.

#![forbid(unsafe_code)]
