//! Decisions: what the reference's vectors say, and what a naive evaluator says of random questions.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod agreement;
mod explained;
mod external_key;
mod grants;
mod naive;
mod question;
mod scenario;
mod strategies;
mod vectors;
mod wording;
