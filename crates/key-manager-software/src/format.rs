//! The key store file, version 1: `docs/key-store-file.md`. Reads what may have been written by anybody, and so takes no number on trust.
//!
//! Only what was authenticated becomes [`Keys`]: reading is [`parse`] for what stands outside, then the protector, then [`File::open`].

use crate::crypto::{self, Failed, KEY, Secret, TAG, USED_ONCE};
use crate::keys::{Key, Keys, Status, Usage, Version};
use key_manager::ExternalKeyId;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What stands outside of the seal, but is authenticated with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which store it is, whatever becomes of its file.
    pub store: StoreId,
    /// Counts the changes.
    pub generation: u64,
    /// The file key.
    pub protected: Protected,
}

/// Random, made with the store.
pub type StoreId = [u8; 16];

/// The file key, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// With what.
    pub kind: ProtectorKind,
    /// What that made of it.
    pub data: Vec<u8>,
}

/// What a file key is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectorKind {
    /// A security module.
    Module,
    /// A passphrase.
    Passphrase,
    /// A key in a token.
    Pkcs11,
}

impl ProtectorKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Passphrase => 1,
            Self::Pkcs11 => 2,
            Self::Module => 3,
        }
    }
}

/// As it is named on the command line.
impl std::fmt::Display for ProtectorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Module => "module",
            Self::Passphrase => "passphrase",
            Self::Pkcs11 => "pkcs11",
        })
    }
}

/// A file as it was read. Nothing of it is authenticated yet.
#[derive(Debug)]
pub struct File<'a> {
    /// What stands outside of the seal.
    pub head: Head,
    before_body: &'a [u8],
    nonce: &'a [u8; NONCE],
    body: &'a [u8],
    tag: &'a [u8; TAG],
}

/// Takes a file apart.
///
/// # Errors
///
/// It is none, is of another version, or is cut or lengthened.
pub fn parse(file: &[u8]) -> Result<File<'_>, Malformed> {
    let mut rest = file.strip_prefix(MAGIC).ok_or(Malformed)?;
    let rest = &mut rest;
    let store = *array(rest)?;
    let generation = u64::from_be_bytes(*array(rest)?);
    let kind = kind(u8::from_be_bytes(*array(rest)?))?;
    let length = u16::from_be_bytes(*array(rest)?);
    let data = taken(rest, usize::from(length))?.to_vec();
    let nonce = array(rest)?;
    let length = usize::try_from(u32::from_be_bytes(*array(rest)?)).map_err(|_| Malformed)?;
    let before_body = file.get(..file.len().saturating_sub(rest.len())).ok_or(Malformed)?;
    let body = taken(rest, length)?;
    let tag = (*rest).try_into().map_err(|_| Malformed)?;
    let head = Head { store, generation, protected: Protected { kind, data } };
    Ok(File { head, before_body, nonce, body, tag })
}

impl File<'_> {
    /// The keys in it: AES-256-GCM(KDF(file key, label, nonce), 0⁹⁶, body, all that is before it).
    ///
    /// # Errors
    ///
    /// It was sealed under another file key, or is not as it was.
    pub(crate) fn open(&self, file_key: &Secret) -> Result<Keys, Malformed> {
        let key = crypto::derive(file_key, LABEL, self.nonce).map_err(|_| Malformed)?;
        let mut body = Zeroizing::new(vec![0; self.body.len()]);
        let opened = crypto::open(&key, USED_ONCE, self.before_body, self.body, self.tag, &mut body);
        if opened == Ok(true) { parse_body(&body) } else { Err(Malformed) }
    }
}

/// The file with those keys, sealed under that file key with a nonce that is random and never used again.
pub fn write(head: &Head, file_key: &Secret, nonce: &[u8; NONCE], keys: &Keys) -> Result<Vec<u8>, Failed> {
    let mut body = body(keys)?;
    let length = |bytes: usize| u32::try_from(bytes).map_err(|_| Failed);
    let data_length = u16::try_from(head.protected.data.len()).map_err(|_| Failed)?;
    let mut file = [
        MAGIC,
        &head.store,
        &head.generation.to_be_bytes(),
        &[head.protected.kind.byte()],
        &data_length.to_be_bytes(),
        &head.protected.data,
        nonce,
        &length(body.len())?.to_be_bytes(),
    ]
    .concat();
    let tag = crypto::seal(&crypto::derive(file_key, LABEL, nonce)?, USED_ONCE, &file, &mut body)?;
    file.extend_from_slice(&body);
    file.extend_from_slice(&tag);
    Ok(file)
}

/// What a sealed body says.
///
/// # Errors
///
/// It is not written in the one way in which it can be.
pub fn parse_body(mut body: &[u8]) -> Result<Keys, Malformed> {
    let rest = &mut body;
    let count = u32::from_be_bytes(*array(rest)?);
    let mut keys = BTreeMap::new();
    for _ in 0..count {
        let (id, key) = parse_key(rest)?;
        if keys.last_key_value().is_some_and(|(last, _)| *last >= id) {
            return Err(Malformed);
        }
        keys.insert(id, key);
    }
    if rest.is_empty() { Keys::new(keys).ok_or(Malformed) } else { Err(Malformed) }
}

fn parse_key(rest: &mut &[u8]) -> Result<(String, Key), Malformed> {
    let length = u8::from_be_bytes(*array(rest)?);
    let id = std::str::from_utf8(taken(rest, usize::from(length))?).map_err(|_| Malformed)?;
    let id = ExternalKeyId::new(id).map_err(|_| Malformed)?;
    let created = u64::from_be_bytes(*array(rest)?);
    let usage = usage(u8::from_be_bytes(*array(rest)?))?;
    let status = status(u8::from_be_bytes(*array(rest)?))?;
    let count = u32::from_be_bytes(*array(rest)?);
    let versions = (0..count).map(|_| parse_version(rest)).collect::<Result<_, _>>()?;
    Ok((id.as_str().to_owned(), Key { created, usage, status, versions }))
}

fn parse_version(rest: &mut &[u8]) -> Result<Version, Malformed> {
    let created = u64::from_be_bytes(*array(rest)?);
    let secret = match u8::from_be_bytes(*array(rest)?) {
        DESTROYED => None,
        LIVE => Some(Arc::new(Secret::copied(array::<KEY>(rest)?))),
        _ => return Err(Malformed),
    };
    Ok(Version { created, secret })
}

/// Sized before it is written, so that it never grows and leaves a copy of keys behind.
fn body(keys: &Keys) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let versions: usize = keys.iter().map(|(_, key)| key.versions.len()).sum();
    let room = versions.saturating_mul(VERSION).saturating_add(keys.iter().len().saturating_mul(LONGEST_KEY));
    let mut out = Zeroizing::new(Vec::with_capacity(room.saturating_add(COUNT)));
    let count = |number: usize| u32::try_from(number).map(u32::to_be_bytes).map_err(|_| Failed);
    out.extend_from_slice(&count(keys.iter().len())?);
    for (id, key) in keys.iter() {
        out.push(u8::try_from(id.len()).map_err(|_| Failed)?);
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(&key.created.to_be_bytes());
        out.push(usage_byte(key.usage));
        out.push(status_byte(key.status));
        out.extend_from_slice(&count(key.versions.len())?);
        for version in &key.versions {
            out.extend_from_slice(&version.created.to_be_bytes());
            out.push(if version.is_destroyed() { DESTROYED } else { LIVE });
            version.secret.iter().for_each(|secret| out.extend_from_slice(secret.bytes()));
        }
    }
    Ok(out)
}

const fn kind(byte: u8) -> Result<ProtectorKind, Malformed> {
    match byte {
        1 => Ok(ProtectorKind::Passphrase),
        2 => Ok(ProtectorKind::Pkcs11),
        3 => Ok(ProtectorKind::Module),
        _ => Err(Malformed),
    }
}

const fn usage(byte: u8) -> Result<Usage, Malformed> {
    match byte {
        1 => Ok(Usage::Encrypt),
        2 => Ok(Usage::Decrypt),
        3 => Ok(Usage::EncryptDecrypt),
        _ => Err(Malformed),
    }
}

const fn usage_byte(usage: Usage) -> u8 {
    match usage {
        Usage::Encrypt => 1,
        Usage::Decrypt => 2,
        Usage::EncryptDecrypt => 3,
    }
}

const fn status(byte: u8) -> Result<Status, Malformed> {
    match byte {
        1 => Ok(Status::Enabled),
        2 => Ok(Status::Disabled),
        3 => Ok(Status::Destroyed),
        _ => Err(Malformed),
    }
}

const fn status_byte(status: Status) -> u8 {
    match status {
        Status::Enabled => 1,
        Status::Disabled => 2,
        Status::Destroyed => 3,
    }
}

fn array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Malformed> {
    let (array, behind) = rest.split_first_chunk().ok_or(Malformed)?;
    *rest = behind;
    Ok(array)
}

fn taken<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, behind) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = behind;
    Ok(taken)
}

/// It is not what it should be; where, nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no key store of version 1, or is damaged")]
pub struct Malformed;

/// Of the random nonce that the key of a body is derived with.
pub const NONCE: usize = 32;
const MAGIC: &[u8] = b"CRDXKS\x00\x01";
const LABEL: &str = "cardea key store body v1";
const DESTROYED: u8 = 0;
const LIVE: u8 = 1;
const COUNT: usize = 4;
const VERSION: usize = 8 + 1 + KEY;
const LONGEST_KEY: usize = 1 + 128 + 8 + 1 + 1 + COUNT;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{bytes, documented, hex};
    use proptest::prelude::*;

    fn file_key() -> Secret {
        Secret::copied(&[0x11; KEY])
    }

    fn head() -> Head {
        let protected = Protected { kind: ProtectorKind::Module, data: vec![5; 40] };
        Head { store: [9; 16], generation: 7, protected }
    }

    fn keys() -> Keys {
        let mut keys = Keys::default();
        keys.create("b", Usage::EncryptDecrypt, Secret::copied(&[1; KEY]), 10).unwrap();
        keys.rotate("b", Secret::copied(&[2; KEY]), 20).unwrap();
        keys.destroy_version("b", 1).unwrap();
        keys.create("a", Usage::Decrypt, Secret::copied(&[3; KEY]), 30).unwrap();
        keys.disable("a").unwrap();
        keys
    }

    fn written() -> Vec<u8> {
        write(&head(), &file_key(), &[0x3c; NONCE], &keys()).unwrap()
    }

    fn shown(keys: &Keys) -> Vec<u8> {
        body(keys).unwrap().to_vec()
    }

    #[test]
    fn what_was_written_is_read() {
        let file = written();
        let parsed = parse(&file).unwrap();
        assert_eq!(parsed.head, head());
        assert_eq!(shown(&parsed.open(&file_key()).unwrap()), shown(&keys()));
    }

    /// `docs/key-store-file.md`. A change here means that no key store opens any more.
    #[test]
    fn the_vector_of_a_file_is_met() {
        let data = bytes(&documented("file key under a passphrase"));
        let head = Head { protected: Protected { kind: ProtectorKind::Passphrase, data }, ..head() };
        assert_eq!(hex(&shown(&keys())), documented("body"));
        let file = write(&head, &file_key(), &[0x3c; NONCE], &keys()).unwrap();
        assert_eq!(hex(&file), documented("key store file"));
        let parsed = parse(&file).unwrap();
        assert_eq!(parsed.head, head);
        assert_eq!(hex(&shown(&parsed.open(&file_key()).unwrap())), documented("body"));
    }

    #[test]
    fn no_bit_can_be_changed() {
        let file = written();
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let opened = parse(&changed).and_then(|file| file.open(&file_key()));
            assert!(opened.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn nothing_can_be_cut_or_added() {
        let file = written();
        for length in 0..file.len() {
            assert!(parse(&file[..length]).is_err(), "{length}");
        }
        assert!(parse(&[&file[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_body_of_another_generation_or_another_store_does_not_open() {
        let other = Head { generation: 8, ..head() };
        let other = write(&other, &file_key(), &[0x3c; NONCE], &keys()).unwrap();
        let body_begins = parse(&other).unwrap().before_body.len();
        let spliced = [&written()[..body_begins], &other[body_begins..]].concat();
        assert!(parse(&spliced).unwrap().open(&file_key()).is_err());
    }

    #[test]
    fn a_body_is_written_in_one_way() {
        let good = shown(&keys());
        assert!(parse_body(&good).is_ok());
        let mut unsorted = Keys::default();
        unsorted.create("a", Usage::Encrypt, Secret::copied(&[1; KEY]), 1).unwrap();
        let one = shown(&unsorted)[COUNT..].to_vec();
        let twice = [&2_u32.to_be_bytes()[..], &one, &one].concat();
        for wrong in [&good[..good.len() - 1], &[&good[..], &[0]].concat(), &twice, &[0xff; 4]] {
            assert_eq!(parse_body(wrong).map(|_| ()), Err(Malformed));
        }
        // A key whose newest version is destroyed, and one without any version.
        let key = |versions: &[u8]| [&[0, 0, 0, 1, 1, b'a'][..], &[0; 8], &[3, 1], versions].concat();
        assert!(parse_body(&key(&[&[0, 0, 0, 1][..], &[0; 8], &[1], &[7; 32]].concat())).is_ok());
        assert!(parse_body(&key(&[&[0, 0, 0, 1][..], &[0; 8], &[0]].concat())).is_err());
        assert!(parse_body(&key(&[0; 4])).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail_otherwise_than_by_saying_so(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes).map(|file| file.open(&file_key()).is_ok());
            let _ = parse(&[MAGIC, &bytes].concat()).map(|file| file.open(&file_key()).is_ok());
            if let Ok(keys) = parse_body(&bytes) {
                prop_assert_eq!(shown(&keys), bytes);
            }
        }

        #[test]
        fn a_body_that_is_changed_is_refused_or_is_one_that_would_be_written_so(at in 0_usize..180, to in any::<u8>()) {
            let mut body = shown(&keys());
            let at = at % body.len();
            body[at] = to;
            if let Ok(keys) = parse_body(&body) {
                prop_assert_eq!(shown(&keys), body);
            }
        }
    }
}
