//! Commands. A closed list: adding one is a change of what the front end can have done in an HSM, to be argued for.

use crate::{Iv, KeyLabel, KeyName, ObjectId, Pin, TAG, WrappedKey};
use frames::Bytes;
use serde::{Deserialize, Serialize};

/// What can be asked of the PKCS#11 process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Say what the key is, whoever made it; asks the token. To `KeyDescription`.
    DescribeKey {
        /// Its name. Of several keys none is described.
        #[serde(borrow)]
        name: KeyName<'a>,
    },
    /// Destroy every object with that id. None there is an answer too, not a refusal. To `Destroyed`.
    DestroyKey {
        /// The id of the key.
        #[serde(borrow)]
        id: ObjectId<'a>,
    },
    /// Say whether the key is there and fit to seal and to open. To `Found`.
    FindKey {
        /// The name of the key.
        #[serde(borrow)]
        name: KeyName<'a>,
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
        /// The name of the key.
        #[serde(borrow)]
        name: KeyName<'a>,
        /// The initialisation vector that `Sealed` told, or that another implementation chose.
        iv: Iv<'a>,
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
        /// The name of the key.
        #[serde(borrow)]
        name: KeyName<'a>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IV, KeyDescription, OaepDigest, Refusal, Reply, ReturnValue};
    use frames::{Buffer, Frame, RequestId, append, decode};
    use proptest::prelude::*;

    fn framed<T: Serialize>(body: &T) -> Vec<u8> {
        let mut out = Buffer::with_capacity(0);
        append(&mut out, RequestId(1), body).unwrap();
        Frame::first(out.filled()).unwrap().unwrap().body().to_vec()
    }

    /// Both ends are of one version, and this is it: a change here is a new version of frames.
    #[test]
    fn commands_and_replies_are_written_as_they_always_were() {
        let id = KeyName::Id(ObjectId::new(b"id").unwrap());
        let label = KeyName::Label(KeyLabel::new("key").unwrap());
        let (additional_data, text) = (Bytes(b"aad"), Bytes(b"text"));
        let seal = Command::Seal { name: id, additional_data, plaintext: text };
        assert_eq!(framed(&seal), b"\x09\x00\x02id\x03aad\x04text");
        let iv = Iv::from(&[1; IV]);
        let open = Command::Open { name: label, iv, additional_data, ciphertext: text, tag: [2; TAG] };
        let written = [&b"\x07\x01\x03key\x0c"[..], &[1; IV], b"\x03aad\x04text", &[2; TAG]].concat();
        assert_eq!(framed(&open), written);
        assert_eq!(framed(&Command::DescribeKey { name: label }), b"\x00\x01\x03key");
        assert_eq!(framed(&Command::LogIn { pin: Pin::new("1234").unwrap() }), b"\x05\x041234");
        let sealed = Reply::Sealed { iv: [1; IV], ciphertext: Bytes(b"text"), tag: [2; TAG] };
        let written = [&b"\x08"[..], &[1; IV], b"\x04text", &[2; TAG]].concat();
        assert_eq!(framed(&sealed), written);
        let refused = Reply::Refused(Refusal::DeviceError(ReturnValue(0x30)));
        assert_eq!(framed(&refused), b"\x07\x01\x30");
        let key = KeyDescription { key_type: 0x1f, value_length: Some(32), ..KeyDescription::default() };
        let written = [&b"\x03\x1f\x01\x20"[..], &[0; 12]].concat();
        assert_eq!(framed(&Reply::KeyDescription(key)), written);
    }

    #[test]
    fn ids_labels_and_pins_out_of_their_bounds_are_no_command() {
        let longer = [&b"\x02\x00\x41"[..], &[7; 65]].concat();
        for body in [&b"\x02\x00\x00"[..], b"\x02\x01\x00", b"\x02\x01\x01\xff", b"\x02\x02\x01a", &longer] {
            assert!(decode::<Command<'_>>(body).is_err(), "FindKey {body:?}");
        }
        assert!(decode::<Command<'_>>(&[&b"\x02\x00\x40"[..], &[7; 64]].concat()).is_ok());
        assert!(decode::<Command<'_>>(b"\x05\x00").is_err(), "LogIn without a PIN");
        assert!(decode::<Command<'_>>(b"\x03\x02id\x00").is_err(), "GenerateTokenKey without a label");
        assert!(ObjectId::new(b"").is_err() && KeyLabel::new("").is_err() && Pin::new("").is_err());
        assert!(KeyLabel::new(&"l".repeat(257)).is_err() && Pin::new(&"p".repeat(256)).is_err());
    }

    #[test]
    fn an_initialisation_vector_has_12_or_16_bytes() {
        let opens = |length: u8| {
            let iv = [&[length][..], &vec![1; length.into()]].concat();
            let body = [&b"\x07\x00\x02id"[..], &iv, b"\x00\x00", &[2; TAG]].concat();
            decode::<Command<'_>>(&body).is_ok()
        };
        assert_eq!((0..=32).filter(|length| opens(*length)).collect::<Vec<_>>(), [12, 16]);
        assert!(Iv::new(&[1; 13]).is_err() && Iv::new(&[1; 16]).is_ok());
    }

    #[test]
    fn the_longest_commands_fit_in_a_frame() {
        let longest = vec![7; crate::MAX_PLAINTEXT.max(crate::MAX_ADDITIONAL_DATA)];
        let label = "l".repeat(256);
        let name = KeyName::from(KeyLabel::new(&label).unwrap());
        framed(&Command::Seal { name, additional_data: Bytes(&longest), plaintext: Bytes(&longest) });
        let modulus = [7; 1024];
        let recipient =
            PublicKey { modulus: Bytes(&modulus), exponent: Bytes(&[7; 8]), digest: OaepDigest::Sha256 };
        framed(&Command::GenerateWrappedKey { recipients: vec![recipient; crate::MAX_RECIPIENTS] });
    }

    #[test]
    fn neither_a_pin_nor_a_plaintext_is_shown() {
        let name = KeyName::from(ObjectId::new(b"id").unwrap());
        let shown = format!(
            "{:?} {:?} {:?}",
            Command::LogIn { pin: Pin::new("1234").unwrap() },
            Command::Seal { name, additional_data: Bytes(b"aad"), plaintext: Bytes(b"words") },
            Reply::Opened(Bytes(b"words")),
        );
        assert!(!["1234", "words", "aad"].iter().any(|secret| shown.contains(secret)), "{shown}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_and_never_a_panic(bytes: Vec<u8>) {
            let _ = decode::<Command<'_>>(&bytes);
            let _ = decode::<Reply<'_>>(&bytes);
        }
    }
}
