//! Commands. A closed list: adding one is a change of what the front end can have done in an HSM, to be argued for.

use crate::{IV, KeyLabel, ObjectId, Pin, TAG, WrappedKey};
use frames::Bytes;
use serde::{Deserialize, Serialize};

/// What can be asked of the PKCS#11 process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Destroy every object with that id. None there is an answer too, not a refusal. To `Destroyed`.
    DestroyKey {
        /// The id of the key.
        #[serde(borrow)]
        id: ObjectId<'a>,
    },
    /// Say whether the key is there and fit for use. To `Found`.
    FindKey {
        /// The id of the key.
        #[serde(borrow)]
        id: ObjectId<'a>,
    },
    /// Make a key in the token, not extractable: for clusters whose library brings it to the other members by itself. One that is
    /// there already is kept. To `Key`.
    GenerateTokenKey {
        /// The id of the key.
        #[serde(borrow)]
        id: ObjectId<'a>,
        /// Its label.
        label: KeyLabel<'a>,
    },
    /// Make a key, wrap it for each member in the order given, and forget it: nothing stays in the token. To `WrappedKeys`.
    GenerateWrappedKey {
        /// The transport keys of the members, 1 to 32.
        #[serde(borrow)]
        recipients: Vec<PublicKey<'a>>,
    },
    /// Load the library, find the token, open the sessions and log the crypto user in. The PIN is kept, in memory that is wiped, to
    /// log in again after the token was away. Logged in already, it is an answer as well, if the PIN is the same. To `Status`.
    LogIn {
        /// The PIN of the crypto user.
        #[serde(borrow)]
        pin: Pin<'a>,
    },
    /// Log out, close the sessions, forget the PIN. To `LoggedOut`.
    LogOut,
    /// Open what was sealed. To `Opened`, or [`Refusal::InvalidCiphertext`](crate::Refusal::InvalidCiphertext).
    Open {
        /// The id of the key.
        #[serde(borrow)]
        id: ObjectId<'a>,
        /// The initialisation vector that `Sealed` told.
        iv: [u8; IV],
        /// What the tag covers besides.
        additional_data: Bytes<'a>,
        /// The ciphertext without the tag.
        ciphertext: Bytes<'a>,
        /// The tag.
        tag: [u8; TAG],
    },
    /// Give 1 to 1024 random bytes of the token's generator. To `Random`.
    Random {
        /// How many.
        length: u16,
    },
    /// Encrypt with AES-256-GCM under a fresh initialisation vector, which is made where the encryption is, once for each try, and so
    /// cannot come twice through a call that is made again. To `Sealed`.
    Seal {
        /// The id of the key.
        #[serde(borrow)]
        id: ObjectId<'a>,
        /// What the tag covers besides.
        additional_data: Bytes<'a>,
        /// The plaintext.
        plaintext: Bytes<'a>,
    },
    /// Say how library, token and sessions are; asks the token. To `Status`.
    Status,
    /// Find or make this member's transport key: RSA of 3072 bits, label `cardea-transport`, its private key not extractable and
    /// for unwrapping only. To `TransportKey`.
    TransportKey,
    /// Unwrap a key that was wrapped for this member, as a key in the token that is not extractable. One that is there already is
    /// kept. To `Key`.
    UnwrapKey {
        /// The id that the key gets.
        #[serde(borrow)]
        id: ObjectId<'a>,
        /// The label that it gets.
        label: KeyLabel<'a>,
        /// The key.
        wrapped: WrappedKey<'a>,
    },
}

/// An RSA public key of a member's token: its transport key.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PublicKey<'a> {
    /// The modulus, big endian.
    #[serde(borrow)]
    pub modulus: Bytes<'a>,
    /// The public exponent, big endian.
    pub exponent: Bytes<'a>,
    /// The best digest that the token can unwrap with.
    pub digest: crate::OaepDigest,
}
