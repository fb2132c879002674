//! The checksums of what is stored: they find damage, not tampering.

use crc32fast::Hasher;

use crate::Revision;

/// Of an entry. The lengths are in it, so that a byte cannot move from the key to the value.
pub(super) fn entry(key: &[u8], value: &[u8], revision: Revision) -> i64 {
    let mut hasher = Hasher::new();
    hasher.update(&length(key));
    hasher.update(key);
    hasher.update(&length(value));
    hasher.update(value);
    hasher.update(&revision.0.to_le_bytes());
    i64::from(hasher.finalize())
}

/// Of a commit's record.
pub(super) fn commit(revision: Revision, record: &[u8]) -> i64 {
    let mut hasher = Hasher::new();
    hasher.update(&revision.0.to_le_bytes());
    hasher.update(record);
    i64::from(hasher.finalize())
}

fn length(bytes: &[u8]) -> [u8; size_of::<usize>()] {
    bytes.len().to_le_bytes()
}
