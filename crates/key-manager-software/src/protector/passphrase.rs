//! A passphrase, stretched. The data: iterations₃₂ ‖ salt of 32 bytes ‖ the file key sealed, 48 bytes.

use crate::Error;
use crate::crypto::{self, KEY, Secret, TAG, USED_ONCE};
use crate::disk::read_private;
use crate::format::StoreId;
use std::num::NonZeroU32;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A passphrase, or where it is.
pub struct Passphrase(Source);

enum Source {
    File(PathBuf),
    Given(Zeroizing<String>),
}

impl Passphrase {
    /// In a file that nobody else can read; a line end after it is no part of it. The file is read each time that it is needed.
    pub(crate) const fn in_file(file: PathBuf) -> Self {
        Self(Source::File(file))
    }

    /// That one.
    #[must_use]
    pub const fn given(text: Zeroizing<String>) -> Self {
        Self(Source::Given(text))
    }

    /// AES-256-GCM(PBKDF2(passphrase, salt, iterations), 0⁹⁶, file key, label ‖ store ‖ iterations ‖ salt).
    pub(super) fn seal(&self, store: &StoreId, file_key: &Secret) -> Result<Vec<u8>, Error> {
        let passphrase = self.bytes()?;
        if String::from_utf8_lossy(&passphrase).chars().count() < SHORTEST {
            return Err(Error::PassphraseTooShort(SHORTEST));
        }
        Ok(seal(&passphrase, &crypto::random()?, store, file_key)?)
    }

    /// The file key; `None` if the passphrase is another one, or the data is not as it was.
    pub(super) fn open(&self, store: &StoreId, data: &[u8]) -> Result<Option<Secret>, Error> {
        let Some((parameters, sealed)) = data.split_first_chunk::<PARAMETERS>() else { return Ok(None) };
        let Some((ciphertext, tag)) = sealed.split_last_chunk::<TAG>() else { return Ok(None) };
        let Some((iterations, salt)) = parameters.split_first_chunk() else { return Ok(None) };
        let iterations = NonZeroU32::new(u32::from_be_bytes(*iterations));
        let Some(iterations) = iterations.filter(|number| (FEWEST..=MOST).contains(&number.get())) else {
            return Ok(None);
        };
        if ciphertext.len() != KEY {
            return Ok(None);
        }
        let key = crypto::stretch(&self.bytes()?, salt, iterations);
        let mut is_open = false;
        let file_key = Secret::filled(|out| {
            is_open = crypto::open(&key, USED_ONCE, &bound(store, parameters), ciphertext, tag, out)?;
            Ok::<_, Error>(())
        })?;
        Ok(is_open.then_some(file_key))
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        match &self.0 {
            Source::Given(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
            Source::File(file) => {
                let mut bytes = read_private(file, LONGEST_FILE)?;
                let end =
                    [&b"\r\n"[..], b"\n"].into_iter().find(|end| bytes.ends_with(end)).map_or(0, <[u8]>::len);
                let length = bytes.len().saturating_sub(end);
                bytes.truncate(length);
                Ok(bytes)
            }
        }
    }
}

/// Not the passphrase.
impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Source::File(file) => write!(f, "Passphrase({})", file.display()),
            Source::Given(_) => f.write_str("Passphrase"),
        }
    }
}

fn seal(
    passphrase: &[u8],
    salt: &[u8; SALT],
    store: &StoreId,
    file_key: &Secret,
) -> Result<Vec<u8>, crypto::Failed> {
    let mut parameters = [0; PARAMETERS];
    let written = ITERATIONS.get().to_be_bytes().into_iter().chain(*salt);
    parameters.iter_mut().zip(written).for_each(|(to, from)| *to = from);
    let key = crypto::stretch(passphrase, salt, ITERATIONS);
    let mut sealed = Zeroizing::new(*file_key.bytes());
    let tag = crypto::seal(&key, USED_ONCE, &bound(store, &parameters), &mut sealed[..])?;
    Ok([&parameters[..], &sealed[..], &tag].concat())
}

fn bound(store: &StoreId, parameters: &[u8; PARAMETERS]) -> Vec<u8> {
    [LABEL, store, parameters].concat()
}

const LABEL: &[u8] = b"cardea key store passphrase v1";
/// What is written: under half a second.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();
/// What is read: fewer would make a weak seal pass for ours, more would keep whoever reads it busy for minutes.
const FEWEST: u32 = 210_000;
const MOST: u32 = 10_000_000;
const SALT: usize = 32;
const PARAMETERS: usize = 4 + SALT;
const SHORTEST: usize = 12;
const LONGEST_FILE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{documented, hex};

    fn passphrase() -> Passphrase {
        Passphrase::given(Zeroizing::new("correct horse battery staple".to_owned()))
    }

    /// `docs/key-store-file.md`.
    #[test]
    fn the_vector_of_a_passphrase_is_met() {
        let file_key = Secret::copied(&[0x11; KEY]);
        let data = seal(b"correct horse battery staple", &[0x5a; SALT], &[9; 16], &file_key).unwrap();
        assert_eq!(hex(&data), documented("file key under a passphrase"));
        let opened = passphrase().open(&[9; 16], &data).unwrap().unwrap();
        assert_eq!(opened.bytes(), file_key.bytes());
    }

    #[test]
    fn iterations_out_of_bounds_are_refused_before_any_is_made() {
        let data = seal(b"correct horse battery staple", &[0x5a; SALT], &[9; 16], &Secret::copied(&[1; KEY]))
            .unwrap();
        for iterations in [0, 1, FEWEST - 1, MOST + 1, u32::MAX] {
            let changed = [&iterations.to_be_bytes()[..], &data[4..]].concat();
            assert!(passphrase().open(&[9; 16], &changed).unwrap().is_none(), "{iterations}");
        }
    }

    #[test]
    fn a_passphrase_that_could_be_guessed_seals_nothing() {
        let short = Passphrase::given(Zeroizing::new("elevenelev€".to_owned()));
        let refused = short.seal(&[9; 16], &Secret::copied(&[1; KEY]));
        assert!(matches!(refused, Err(Error::PassphraseTooShort(SHORTEST))));
    }
}
