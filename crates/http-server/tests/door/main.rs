//! The door, against real clients: limits, handshakes, bodies that are left, and the end. What answers is an echo.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod drain;
mod handshakes;
mod limits;
mod metrics;
mod service;
mod sleep;
