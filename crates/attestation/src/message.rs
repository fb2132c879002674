//! The COSE_Sign1 message around a document: its four parts, and whether a key signed them.

use crate::AttestationError;
use crate::reader::Reader;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use minicbor::Encoder;

/// A message whose signature is not verified yet.
pub struct Message<'d> {
    protected: &'d [u8],
    /// The document.
    pub payload: &'d [u8],
    signature: &'d [u8],
}

//= nitro: the header says ES384 and nothing else; a document is 1 to 16384 bytes
impl<'d> Message<'d> {
    /// Takes it apart.
    pub fn read(bytes: &'d [u8]) -> Result<Self, AttestationError> {
        if bytes.len() > LONGEST_MESSAGE {
            return Err(AttestationError::TooLong);
        }
        let mut reader = Reader::new(bytes);
        reader.optional_tag(MESSAGE, COSE_SIGN1)?;
        reader.list_of(MESSAGE, 4)?;
        let protected = reader.bytes("protected header", |_| true)?;
        check_algorithm(protected)?;
        reader.map("unprotected header", 0..=0, |_| Ok(()))?;
        let payload = reader.bytes("payload", |length| (1..=LONGEST_PAYLOAD).contains(&length))?;
        let signature = reader.bytes("signature", |length| length == SIGNATURE_LENGTH)?;
        reader.end(MESSAGE)?;
        Ok(Self { protected, payload, signature })
    }

    /// Whether the key, SubjectPublicKeyInfo in DER, signed it: over the `Sig_structure` of RFC 9052, 4.4.
    pub fn verify(&self, signer: &[u8]) -> Result<(), AttestationError> {
        let signed = self.signed().map_err(|_| AttestationError::WrongSignature)?;
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, signer);
        key.verify(&signed, self.signature).map_err(|_| AttestationError::WrongSignature)
    }

    fn signed(&self) -> Result<Vec<u8>, minicbor::encode::Error<std::convert::Infallible>> {
        let mut encoder = Encoder::new(Vec::with_capacity(self.payload.len().saturating_add(64)));
        encoder.array(4)?.str("Signature1")?.bytes(self.protected)?.bytes(&[])?.bytes(self.payload)?;
        Ok(encoder.into_writer())
    }
}

/// The protected header is `{1: -35}`.
fn check_algorithm(protected: &[u8]) -> Result<(), AttestationError> {
    let (mut reader, mut pair) = (Reader::new(protected), None);
    let header = reader.map("protected header", 1..=1, |reader| {
        pair = Some((reader.signed("protected header")?, reader.signed("protected header")?));
        Ok(())
    });
    let is_read = header.and_then(|()| reader.end("protected header")).is_ok();
    if is_read && pair == Some((ALGORITHM, ES384)) { Ok(()) } else { Err(AttestationError::WrongAlgorithm) }
}

const MESSAGE: &str = "COSE_Sign1";
const COSE_SIGN1: u64 = 18;
const ALGORITHM: i64 = 1;
const ES384: i64 = -35;
const SIGNATURE_LENGTH: usize = 96;
const LONGEST_MESSAGE: usize = 262_144;
const LONGEST_PAYLOAD: usize = 16_384;
