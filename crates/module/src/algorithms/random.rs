//! Randomness: the cryptographic library's generator, asked anew each time.
//!
//! Nothing is buffered here: after a fork or a restored snapshot of a virtual machine, buffered bytes would be given out twice, and
//! with a nonce a derived key would repeat. The library reseeds itself after both.

use crate::memory::{Arena, Secret};
use aws_lc_rs::rand;
use module_api::Refusal;
use std::sync::Arc;

/// Fills `out` with random bytes (SP 800-90A, CTR_DRBG with AES-256).
pub fn fill(out: &mut [u8]) -> Result<(), Refusal> {
    rand::fill(out).map_err(|_| Refusal::Failed)
}

/// A random array, such as a nonce.
pub fn array<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

/// A new random secret of that length, in locked memory.
pub fn secret(length: usize, arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let mut secret = arena.secret(length).map_err(|_| Refusal::Failed)?;
    fill(secret.bytes_mut())?;
    Ok(secret)
}
