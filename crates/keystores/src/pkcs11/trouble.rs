//! What the trouble of members is to a custom key store.

use crate::{HsmFailure, StoreError};
use pkcs11_client::{Fault, Trouble};

/// What a store is told of it.
pub(super) fn told(trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Busy => StoreError::Throttled,
        Trouble::Command => HsmFailure::Failed.into(),
        Trouble::InvalidCiphertext => StoreError::InvalidCiphertext,
        Trouble::KeyAmbiguous
        | Trouble::KeyMissing
        | Trouble::KeyUnfit
        | Trouble::KeyUsage
        | Trouble::NotUnwrapped => HsmFailure::KeyMissing.into(),
        Trouble::Member(why) => HsmFailure::from(why).into(),
        Trouble::Slow => HsmFailure::TimedOut.into(),
    }
}

/// Whether a member has no key of ours that can be used. Whatever else has its id is not one.
pub(super) const fn is_missing(trouble: Trouble) -> bool {
    matches!(trouble, Trouble::KeyAmbiguous | Trouble::KeyMissing | Trouble::KeyUnfit | Trouble::KeyUsage)
}

impl From<Fault> for HsmFailure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed => Self::Failed,
            Fault::IncorrectPin => Self::IncorrectPin,
            Fault::LibraryUnavailable => Self::LibraryUnavailable,
            Fault::TimedOut => Self::TimedOut,
            Fault::TokenAbsent => Self::InsufficientMembers,
            Fault::UserLocked => Self::UserLocked,
            Fault::UserLoggedIn => Self::UserLoggedIn,
            Fault::UserNotFound => Self::UserNotFound,
        }
    }
}
