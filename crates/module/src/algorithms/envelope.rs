//! Envelopes: a secret for the owner of an RSA public key, as CMS EnvelopedData (RFC 5652).
//!
//! The form is that of the service that is imitated, byte for byte but for what is random: BER with indefinite lengths around the
//! content, one recipient, named by a subject key identifier. Nothing here ever reads CMS.

use super::random;
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use module_api::Refusal;
use zeroize::Zeroizing;

/// Puts the content into an envelope for the owner of the public key, SubjectPublicKeyInfo in DER; the content is
/// written over. `InvalidPublicKey` if that is no RSA key of 2048 to 4096 bits.
///
/// The content is AES-256-CBC(k, IV, content) with PKCS#7 padding, the recipient's encrypted key RSAES-OAEP(public key, k) with
/// SHA-256 and MGF1 with SHA-256. Standards: RFC 5652, RFC 4055 (OAEP in CMS), RFC 3565 (AES in CMS), SP 800-38A. k and IV are random and
/// used once, so that no IV can repeat under a key. CBC does not authenticate; what it encrypts here has no meaning to whoever
/// cannot read it, and its reader got it over an authenticated connection.
pub fn seal(public_key: &[u8], content: &mut Vec<u8>) -> Result<(), Refusal> {
    let recipient = Recipient::new(public_key)?;
    let mut key = Zeroizing::new([0; KEY]);
    random::fill(key.as_mut_slice())?;
    let encrypted_key = recipient.encrypt(key.as_slice())?;
    // Room for the padding at once: a vector that grew would leave plaintext behind.
    if content.capacity().saturating_sub(content.len()) < BLOCK {
        return Err(Refusal::Failed);
    }
    let iv = encrypt(key.as_slice(), content)?;
    let envelope = write(&recipient.identifier, &encrypted_key, &iv, content);
    content.clear();
    content.extend(envelope);
    Ok(())
}

struct Recipient {
    key: OaepPublicEncryptingKey,
    /// SHA-256 of the SubjectPublicKeyInfo.
    identifier: Vec<u8>,
}

impl Recipient {
    fn new(public_key: &[u8]) -> Result<Self, Refusal> {
        let key = PublicEncryptingKey::from_der(public_key).map_err(|_| Refusal::InvalidPublicKey)?;
        if !(SMALLEST_KEY..=LARGEST_KEY).contains(&key.key_size_bits()) {
            return Err(Refusal::InvalidPublicKey);
        }
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| Refusal::InvalidPublicKey)?;
        Ok(Self { key, identifier: digest(&SHA256, public_key).as_ref().to_vec() })
    }

    fn encrypt(&self, key: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut encrypted = vec![0; self.key.ciphertext_size()];
        let written = self.key.encrypt(&OAEP_SHA256_MGF1SHA256, key, &mut encrypted, None);
        let length = written.map_err(|_| Refusal::Failed)?.len();
        encrypted.truncate(length);
        Ok(encrypted)
    }
}

/// In place; the IV is returned.
fn encrypt(key: &[u8], content: &mut Vec<u8>) -> Result<[u8; BLOCK], Refusal> {
    let key = UnboundCipherKey::new(&AES_256, key).map_err(|_| Refusal::Failed)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(|_| Refusal::Failed)?;
    match key.encrypt(content) {
        Ok(DecryptionContext::Iv128(iv)) => Ok(*iv.as_ref()),
        _ => Err(Refusal::Failed),
    }
}

/// ContentInfo with EnvelopedData, version 2, both in BER of indefinite length.
fn write(identifier: &[u8], encrypted_key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let recipient = sequence(&[
        &VERSION_2,
        &definite(CONTEXT_0, &[identifier]),
        RSAES_OAEP_SHA_256,
        &definite(OCTET_STRING, &[encrypted_key]),
    ]);
    let cipher = sequence(&[AES_256_CBC, &definite(OCTET_STRING, &[iv])]);
    let ciphertext = indefinite(CONTEXT_0_CONSTRUCTED, &[&definite(OCTET_STRING, &[ciphertext])]);
    let encrypted_content = indefinite(SEQUENCE, &[DATA, &cipher, &ciphertext]);
    let enveloped_data =
        indefinite(SEQUENCE, &[&VERSION_2, &definite(SET, &[&recipient]), &encrypted_content]);
    indefinite(SEQUENCE, &[ENVELOPED_DATA, &indefinite(CONTEXT_0_CONSTRUCTED, &[&enveloped_data])])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    definite(SEQUENCE, parts)
}

/// Tag, length and what is in it.
fn definite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|&byte| byte == 0).collect();
    let mut out = vec![tag];
    match digits.as_slice() {
        [] => out.push(0),
        [short @ 0..0x80] => out.push(*short),
        // INVARIANT: a length has at most eight bytes.
        long => out.extend(u8::try_from(long.len()).ok().map(|count| 0x80 | count)),
    }
    if content.len() >= 0x80 {
        out.extend(digits);
    }
    out.extend(content);
    out
}

/// Tag, no length, what is in it, and an end.
fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat()
}

const KEY: usize = 32;
const BLOCK: usize = 16;
const SMALLEST_KEY: usize = 2048;
const LARGEST_KEY: usize = 4096;

const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0x80;
const CONTEXT_0_CONSTRUCTED: u8 = 0xa0;
const VERSION_2: [u8; 3] = [0x02, 0x01, 2];
/// 1.2.840.113549.1.7.1
const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
/// 1.2.840.113549.1.7.3
const ENVELOPED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
/// 2.16.840.1.101.3.4.1.42
const AES_256_CBC: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
/// 1.2.840.113549.1.1.7 with hash SHA-256 and mask generation MGF1 with SHA-256, which RFC 4055 has in full.
const RSAES_OAEP_SHA_256: &[u8] = b"\x30\x3c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x2f\xa0\x0f\
    \x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\
    \xf7\x0d\x01\x01\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00";

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};

    fn content(bytes: &[u8]) -> Vec<u8> {
        let mut content = Vec::with_capacity(bytes.len() + BLOCK);
        content.extend_from_slice(bytes);
        content
    }

    fn public_key(size: KeySize) -> Vec<u8> {
        PrivateDecryptingKey::generate(size).unwrap().public_key().as_der().unwrap().as_ref().to_vec()
    }

    #[test]
    fn it_begins_and_ends_as_those_of_aws_do() {
        let mut envelope = content(b"secret");
        seal(&public_key(KeySize::Rsa2048), &mut envelope).unwrap();
        assert!(envelope.starts_with(
            b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\x30\x80\x02\x01\x02\x31"
        ));
        assert!(envelope.ends_with(&[0; 10]));
        assert!(!envelope.windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn lengths_are_the_shortest_that_der_has() {
        for (length, head) in [
            (0, &[4, 0][..]),
            (1, &[4, 1]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (4112, &[4, 0x82, 16, 16]),
        ] {
            let content = vec![7; length];
            assert_eq!(definite(OCTET_STRING, &[&content]), [head, &content].concat());
        }
    }

    #[test]
    fn a_key_of_another_kind_or_length_is_refused() {
        let p256 = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\
            \x42\x00\x04\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\
            \xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\
            \xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";
        let rsa = public_key(KeySize::Rsa2048);
        for wrong in [&[][..], b"no key", p256, &rsa[..rsa.len() - 1]] {
            assert_eq!(seal(wrong, &mut content(b"secret")), Err(Refusal::InvalidPublicKey));
        }
    }

    #[test]
    fn two_envelopes_of_one_content_have_nothing_random_in_common() {
        let key = public_key(KeySize::Rsa2048);
        let (mut one, mut other) = (content(&[7; 64]), content(&[7; 64]));
        seal(&key, &mut one).unwrap();
        seal(&key, &mut other).unwrap();
        let same = one.iter().zip(&other).filter(|(one, other)| one == other).count();
        assert_eq!(one.len(), other.len());
        // 357 bytes are form, key identifier and lengths; of the others about one in 256 is the same by chance.
        assert!(same < one.len() - 300, "{same} of {}", one.len());
    }
}
