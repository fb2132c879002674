//! Randomness: the cryptographic library's generator, asked anew each time.
//!
//! Nothing is buffered here: after a fork or a restored snapshot of a virtual machine, buffered bytes would be given out twice, and
//! with a nonce a derived key would repeat. The library reseeds itself after both.

use aws_lc_rs::rand;
use module_api::Refusal;

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
