//! Faults: killed processes, full disks, files that are damaged, locked or gone, and clients that hold on to what they get. Each ends in
//! a clear error in bounded time, and nothing that was acknowledged is lost.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

mod crash;
mod disk;
mod hsm_processes;
mod load;
mod slow;
mod start;
