//! What keeps the domain key at rest. Another way to seal (a quorum, an HSM) is another type with this trait.

use crate::algorithms::{random, sealing};
use crate::domain::{DomainError, read_private, write_new};
use crate::memory::{Arena, Secret};
use frames::wipe;
use module_api::Refusal;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Seals and unseals the domain key.
pub trait Seal {
    /// The domain key in a form that can be stored.
    fn seal(&self, domain_key: &Secret) -> Result<Vec<u8>, Refusal>;

    /// The domain key again; `None` if it was not sealed by this seal, or was changed.
    fn unseal(&self, sealed: &[u8]) -> Result<Option<Secret>, Refusal>;
}

/// A key in a file with mode 0600. Whoever can read that file and the sealed domain key has every key.
pub struct KeyFile {
    key: Secret,
}

impl KeyFile {
    /// Makes the key and its file.
    pub(crate) fn create(file: &Path, arena: &Arc<Arena>) -> Result<Self, DomainError> {
        let mut key = arena.secret(KEY).map_err(DomainError::Memory)?;
        random::fill(key.bytes_mut())?;
        let mut content = Zeroizing::new(Vec::with_capacity(LENGTH));
        content.extend_from_slice(MAGIC);
        content.extend_from_slice(key.bytes());
        write_new(file, &content)?;
        Ok(Self { key })
    }

    /// Reads the key from its file.
    pub(crate) fn read(file: &Path, arena: &Arc<Arena>) -> Result<Self, DomainError> {
        let mut content = read_private(file, LONGEST_FILE)?;
        let mut key = arena.secret(KEY).map_err(DomainError::Memory)?;
        let damaged = || DomainError::Damaged { file: file.to_owned() };
        let bytes = content.strip_prefix(MAGIC).filter(|bytes| bytes.len() == KEY).ok_or_else(damaged)?;
        key.bytes_mut().copy_from_slice(bytes);
        wipe(&mut content);
        Ok(Self { key })
    }
}

impl Seal for KeyFile {
    fn seal(&self, domain_key: &Secret) -> Result<Vec<u8>, Refusal> {
        sealing::seal(&self.key, LABEL, &[], &random::array()?, &[], domain_key.bytes())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Option<Secret>, Refusal> {
        sealing::open(&self.key, LABEL, &[], &[], sealed)
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile")
    }
}

const KEY: usize = 32;
const MAGIC: &[u8] = b"CRDSEA\x00\x01";
const LENGTH: usize = MAGIC.len() + KEY;
const LONGEST_FILE: u64 = 4096;
const LABEL: &str = "cardea domain seal v1";
