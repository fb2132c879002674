//! What a token says of a key. Nothing of the key itself.

use serde::{Deserialize, Serialize};

/// What a key is and may be used for, as the token said just now. A key pair is one key: what either half may be used for, it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDescription {
    /// `CKA_KEY_TYPE`, a number of the standard's: 0x1f is AES.
    pub key_type: u64,
    /// `CKA_VALUE_LEN`, in bytes: a secret key's length. `None` for others, and where the token does not tell.
    pub value_length: Option<u32>,
    /// The length of an RSA key's modulus, in bits.
    pub modulus_bits: Option<u32>,
    /// `CKA_ENCRYPT`.
    pub encrypt: bool,
    /// `CKA_DECRYPT`.
    pub decrypt: bool,
    /// `CKA_SIGN`.
    pub sign: bool,
    /// `CKA_VERIFY`.
    pub verify: bool,
    /// `CKA_WRAP`.
    pub wrap: bool,
    /// `CKA_UNWRAP`.
    pub unwrap: bool,
    /// `CKA_DERIVE`.
    pub derive: bool,
    /// `CKA_SENSITIVE`: no one can read it. An owner's key need not be so.
    pub sensitive: bool,
    /// `CKA_EXTRACTABLE`: it can be wrapped and taken out of the token.
    pub extractable: bool,
    /// `CKA_START_DATE`: from that day it is meant to be used. Tokens do not see to it.
    pub start: Option<KeyDate>,
    /// `CKA_END_DATE`: the last day on which it is.
    pub end: Option<KeyDate>,
}

/// A day, as a token has it written down. It orders as days do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyDate {
    /// The year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}
