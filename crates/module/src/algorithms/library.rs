//! What the cryptographic library can do and its safe interface does not offer: Ed25519ph, ML-DSA with an external mu, ML-KEM keys
//! from their seeds.
//!
//! One of the two files of this crate with `unsafe` code. Pointers go to the library with the lengths that it states, and no
//! pointer of its leaves this file.

#![expect(unsafe_code, reason = "the library's functions in C have no safe form")]

use aws_lc_sys::{
    CBS, CBS_init, CBS_len, ED25519ph_sign, ED25519ph_verify, EVP_PKEY, EVP_PKEY_CTX, EVP_PKEY_CTX_free,
    EVP_PKEY_CTX_new, EVP_PKEY_free, EVP_PKEY_get_raw_private_key, EVP_PKEY_sign, EVP_PKEY_sign_init,
    EVP_PKEY_verify, EVP_PKEY_verify_init, EVP_parse_private_key,
};
use module_api::Refusal;
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null, null_mut};

/// The Ed25519ph signature of a message with an empty context; the private key is seed ‖ public key. RFC 8032 §5.1.
pub fn sign_ed25519ph(private_key: &[u8; 64], message: &[u8]) -> Result<[u8; 64], Refusal> {
    let mut signature = [0; 64];
    // SAFETY: the signature and the private key have the 64 bytes that the library states, the message its length; a context of
    // no bytes is not read.
    // JUSTIFICATION: aws-lc-rs has pure Ed25519 only.
    let done = unsafe {
        ED25519ph_sign(
            signature.as_mut_ptr(),
            message.as_ptr(),
            message.len(),
            private_key.as_ptr(),
            null(),
            0,
        )
    };
    if done == 1 { Ok(signature) } else { Err(Refusal::Failed) }
}

/// Whether that is an Ed25519ph signature of the message with an empty context.
pub fn verify_ed25519ph(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    // SAFETY: the public key has the 32 bytes and the signature the 64 that the library states, the message its length; a context of
    // no bytes is not read.
    // JUSTIFICATION: as for signing.
    let verified = unsafe {
        ED25519ph_verify(message.as_ptr(), message.len(), signature.as_ptr(), public_key.as_ptr(), null(), 0)
    };
    verified == 1
}

/// A private key on the library's heap; wiped when it is dropped.
pub struct PrivateKey(NonNull<EVP_PKEY>);

// SAFETY: the library's keys may move between threads; nobody else has the pointer.
// JUSTIFICATION: raw pointers are not `Send` by themselves; an engine with its cache is moved to its thread.
unsafe impl Send for PrivateKey {}

impl PrivateKey {
    /// The key in a PrivateKeyInfo in DER; nothing may follow it.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Refusal> {
        let mut bytes = MaybeUninit::<CBS>::uninit();
        // SAFETY: `CBS_init` fills the structure before anything reads it, and the bytes outlive it; the key that is made, if one
        // is, is nobody's yet.
        // JUSTIFICATION: aws-lc-rs takes no seeds of ML-KEM, and its ML-DSA keys do not sign a mu.
        let (key, rest) = unsafe {
            CBS_init(bytes.as_mut_ptr(), pkcs8.as_ptr(), pkcs8.len());
            (EVP_parse_private_key(bytes.as_mut_ptr()), CBS_len(bytes.as_ptr()))
        };
        let key = NonNull::new(key).map(Self).ok_or(Refusal::Failed)?;
        if rest == 0 { Ok(key) } else { Err(Refusal::Failed) }
    }

    /// Leaves the expanded private key in `out`, which must be as long as that.
    pub fn expand(&self, out: &mut [u8]) -> Result<(), Refusal> {
        let mut length = out.len();
        // SAFETY: the key is valid while `self` is; the library writes no more than the length that it is given.
        // JUSTIFICATION: as for making the key.
        let done =
            unsafe { EVP_PKEY_get_raw_private_key(self.0.as_ptr(), out.as_mut_ptr(), &raw mut length) };
        if done == 1 && length == out.len() { Ok(()) } else { Err(Refusal::Failed) }
    }

    /// Leaves in `signature`, which must be as long as that, the signature of what is already hashed; of ML-DSA, of mu.
    pub fn sign_hashed(&self, hashed: &[u8], signature: &mut [u8]) -> Result<(), Refusal> {
        let context = Context::of(self)?;
        let mut length = signature.len();
        // SAFETY: context and key are valid; the library reads and writes no more than the lengths that it is given.
        // JUSTIFICATION: aws-lc-rs signs messages only.
        let done = unsafe {
            EVP_PKEY_sign_init(context.0.as_ptr()) == 1
                && EVP_PKEY_sign(
                    context.0.as_ptr(),
                    signature.as_mut_ptr(),
                    &raw mut length,
                    hashed.as_ptr(),
                    hashed.len(),
                ) == 1
        };
        if done && length == signature.len() { Ok(()) } else { Err(Refusal::Failed) }
    }

    /// Whether that is a signature of what is already hashed.
    pub fn verify_hashed(&self, hashed: &[u8], signature: &[u8]) -> Result<bool, Refusal> {
        let context = Context::of(self)?;
        // SAFETY: context and key are valid; the library reads no more than the lengths that it is given.
        // JUSTIFICATION: as for signing.
        let verified = unsafe {
            EVP_PKEY_verify_init(context.0.as_ptr()) == 1
                && EVP_PKEY_verify(
                    context.0.as_ptr(),
                    signature.as_ptr(),
                    signature.len(),
                    hashed.as_ptr(),
                    hashed.len(),
                ) == 1
        };
        Ok(verified)
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        // SAFETY: the key is this value's, and no context of it is left: contexts do not outlive the functions above.
        // JUSTIFICATION: what the library made, it frees; it wipes what it frees.
        unsafe { EVP_PKEY_free(self.0.as_ptr()) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// What one operation with a key works with.
struct Context(NonNull<EVP_PKEY_CTX>);

impl Context {
    fn of(key: &PrivateKey) -> Result<Self, Refusal> {
        // SAFETY: the key is valid; the context counts itself among its users.
        // JUSTIFICATION: the library's operations on keys take a context.
        let context = unsafe { EVP_PKEY_CTX_new(key.0.as_ptr(), null_mut()) };
        NonNull::new(context).map(Self).ok_or(Refusal::Failed)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context is this value's alone.
        // JUSTIFICATION: what the library made, it frees.
        unsafe { EVP_PKEY_CTX_free(self.0.as_ptr()) }
    }
}
