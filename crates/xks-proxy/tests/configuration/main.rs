//! The configuration of the proxy: what is taken, what is refused and in which words, what a running proxy takes of a changed one.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod commands;
mod examples;
mod folder;
mod reading;
mod refusals;
mod watching;
