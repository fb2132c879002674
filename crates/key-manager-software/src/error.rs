//! Why a key store is not opened or not changed.

use crate::crypto::Failed;
use crate::format::ProtectorKind;
use crate::keys::Refusal;
use std::io;
use std::path::{Path, PathBuf};

/// Why a key store is not opened or not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cryptographic library failed.
    #[error(transparent)]
    Cryptography(#[from] Failed),
    /// The file is damaged, or something else.
    #[error("`{}` is no key store of version 1, or is damaged", .0.display())]
    Damaged(PathBuf),
    /// A file that would be written over.
    #[error("`{}` is there already", .0.display())]
    Exists(PathBuf),
    /// The file belongs to somebody else.
    #[error("`{}` belongs to user {owner}, and not to the user that this runs as", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Something failed at a file.
    #[error("cannot {what} `{}`: {source}", file.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// At which file.
        file: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// A backup that is older than what is there, or of which that cannot be told.
    #[error(
        "the backup is not known to be as new as what is there ({backup} to {current}): changes would be undone"
    )]
    Older {
        /// The generation of the backup.
        backup: u64,
        /// What is there.
        current: String,
    },
    /// Another file was put in the place of the one that is served.
    #[error("`{}` is {what}, which is taken only when the proxy starts", file.display())]
    Other {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A passphrase that could be guessed.
    #[error("a passphrase has at least {0} characters")]
    PassphraseTooShort(usize),
    /// What seals the file key failed.
    #[error("the {protector} failed: {reason}")]
    Protector {
        /// What it is.
        protector: &'static str,
        /// Why.
        reason: String,
    },
    /// A key cannot be changed in that way.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file can be read by others than its owner.
    #[error("`{}` can be read or written by others (mode {mode:o}): it must be 600 at most", file.display())]
    TooOpen {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is longer than any that is meant.
    #[error("`{}` is too long", .0.display())]
    TooLong(PathBuf),
    /// The protector does not open the file key.
    #[error("`{}` does not open: wrong {protector}, or the file is damaged", file.display())]
    WrongProtector {
        /// The file.
        file: PathBuf,
        /// What was tried.
        protector: ProtectorKind,
    },
    /// The file is sealed with something else than is configured.
    #[error("`{}` is sealed by {sealed}, and not by {configured}", file.display())]
    OtherProtector {
        /// The file.
        file: PathBuf,
        /// With what it is.
        sealed: ProtectorKind,
        /// With what it should be.
        configured: ProtectorKind,
    },
}

impl Error {
    /// For `map_err`: what was tried at which file.
    pub(crate) fn at(what: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { what, file, source }
    }
}
