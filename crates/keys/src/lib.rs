//! What a key is: its identifiers, spec, usage, origin, state and the rules that move it from one state to the next.
//!
//! Pure: no input or output, no clock, no randomness, no cryptography. Time is an argument ([`Moment`]).

mod id;
mod moment;
mod name;
mod spec;

pub use id::{AccountId, InvalidId, KeyId, KeyMaterialId, Region};
pub use moment::Moment;
pub use spec::{DataKeySpec, EncryptionAlgorithm, KeyOrigin, KeySpec, KeyUsage};
