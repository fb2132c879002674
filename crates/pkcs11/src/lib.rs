//! The PKCS#11 process: the one place that loads a vendor's library.
//!
//! One process speaks for one token, a member of an HSM cluster. It makes, finds, describes and destroys keys in it and has it
//! encrypt and decrypt; no key is ever readable here. A hang or a crash of the library is the end of this process and of nothing else. The PIN is
//! held in memory that is wiped, and nothing that is secret is logged.

mod crew;
mod description;
mod engine;
mod gcm;
mod handles;
mod keys;
mod seat;
pub mod start;
mod token;
mod transport;
mod trouble;
