//! Key derivation: SP 800-108r1, counter mode, HMAC-SHA-256.

use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};
use module_api::Refusal;

/// Fills `out` with K(1) ‖ K(2) ‖ …, where K(i) = HMAC-SHA-256(key, \[i\]₃₂ ‖ label ‖ 00 ‖ context ‖ \[L\]₃₂) and L is the number
/// of bits wanted.
///
/// Standard: SP 800-108r1 §4.1. Labels of different purposes differ, and none holds a zero byte, so that no two purposes share an
/// input. No nonce is needed for derivation itself; whoever needs a fresh key puts a random one in the context.
pub fn derive(key: &[u8], label: &'static str, context: &[&[u8]], out: &mut [u8]) -> Result<(), Refusal> {
    let bits = out.len().checked_mul(8).and_then(|bits| u32::try_from(bits).ok()).ok_or(Refusal::Failed)?;
    let mut fixed_input = Vec::with_capacity(160);
    fixed_input.extend_from_slice(label.as_bytes());
    fixed_input.push(0);
    context.iter().for_each(|part| fixed_input.extend_from_slice(part));
    fixed_input.extend_from_slice(&bits.to_be_bytes());
    expand(key, &fixed_input, out)
}

fn expand(key: &[u8], fixed_input: &[u8], out: &mut [u8]) -> Result<(), Refusal> {
    let hmac_sha256 = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).ok_or(Refusal::Failed)?;
    kbkdf_ctr_hmac(hmac_sha256, key, fixed_input, out).map_err(|_| Refusal::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::bytes;
    use aws_lc_rs::hmac;

    /// CAVP, KBKDF counter mode, PRF HMAC_SHA256, counter before the fixed input, r = 32 bits, L = 128, count 0.
    #[test]
    fn the_vector_of_nist_is_met() {
        let key = bytes("dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0");
        let fixed_input = bytes(concat!(
            "01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b8",
            "64a145fab25e517b08f8683d0315bb2911d80a0e8aba17f3b413faac"
        ));
        let mut out = [0; 16];
        expand(&key, &fixed_input, &mut out).unwrap();
        assert_eq!(out.to_vec(), bytes("10621342bfb0fd40046c0e29f2cfdbf0"));
    }

    #[test]
    fn two_blocks_are_two_macs_with_the_counter_in_front() {
        let mut out = [0; 64];
        derive(&[7; 32], "label", &[b"con", b"text"], &mut out).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let mut expected = hmac::sign(&key, b"\0\0\0\x01label\0context\0\0\x02\0").as_ref().to_vec();
        expected.extend_from_slice(hmac::sign(&key, b"\0\0\0\x02label\0context\0\0\x02\0").as_ref());
        assert_eq!(out.to_vec(), expected);
    }
}
