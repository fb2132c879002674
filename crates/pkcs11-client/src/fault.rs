//! Why a member did not do what was asked.

use pkcs11_api::Refusal;
use sidecar::CallError;

/// Why a member did not do what was asked, or why nobody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is too much to do.
    #[error("the token has too much to do")]
    Busy,
    /// What was asked cannot be done by anyone.
    #[error("the token cannot do that")]
    Command,
    /// What it was to open was not sealed so.
    #[error("the ciphertext is not genuine")]
    InvalidCiphertext,
    /// It has several keys of that name.
    #[error("the token has several keys of that name")]
    KeyAmbiguous,
    /// It has no such key.
    #[error("the token has no such key")]
    KeyMissing,
    /// It has such a key, which is not of the kind that is used here.
    #[error("the token's key of that name is not one that may be used")]
    KeyUnfit,
    /// It has such a key, which is not for this.
    #[error("the token's key of that name is not for this use")]
    KeyUsage,
    /// The member itself is not well.
    #[error(transparent)]
    Member(#[from] Fault),
    /// The wrapped copy of a key is not one for its transport key.
    #[error("the wrapped key is not one for this token")]
    NotUnwrapped,
    /// It did not answer this in time, and answered others meanwhile.
    #[error("the token is slow")]
    Slow,
}

/// What is wrong with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It answers, but with errors, or its process ended.
    #[error("the token failed")]
    Failed,
    /// It refuses the PIN.
    #[error("the token refuses the crypto user's PIN")]
    IncorrectPin,
    /// The library cannot be loaded, or not be used.
    #[error("the PKCS#11 library cannot be used")]
    LibraryUnavailable,
    /// It did not answer in time.
    #[error("the token did not answer in time")]
    TimedOut,
    /// It is not there, or nobody is logged in to it.
    #[error("the token is not there")]
    TokenAbsent,
    /// The crypto user is locked.
    #[error("the crypto user of the token is locked")]
    UserLocked,
    /// The crypto user is logged in where we do not know of.
    #[error("the crypto user of the token is logged in elsewhere")]
    UserLoggedIn,
    /// There is no crypto user.
    #[error("the token has no crypto user")]
    UserNotFound,
}

impl Trouble {
    /// What is wrong with a member that was to do what every one can.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::Member(fault) => fault,
            _ => Fault::Failed,
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy => Self::Busy,
            Refusal::DeviceError(value) | Refusal::Unsupported(value) => {
                tracing::warn!(%value, "a member of an HSM cluster failed");
                Self::Member(Fault::Failed)
            }
            Refusal::IncorrectPin => Self::Member(Fault::IncorrectPin),
            Refusal::InvalidCiphertext => Self::InvalidCiphertext,
            Refusal::KeyAmbiguous => Self::KeyAmbiguous,
            Refusal::KeyMissing => Self::KeyMissing,
            Refusal::KeyUnfit => Self::KeyUnfit,
            Refusal::KeyUsage => Self::KeyUsage,
            Refusal::LibraryUnavailable => Self::Member(Fault::LibraryUnavailable),
            Refusal::Malformed | Refusal::TooLarge => Self::Command,
            Refusal::NotLoggedIn => Self::Member(Fault::Failed),
            Refusal::PinNotInitialised => Self::Member(Fault::UserNotFound),
            Refusal::TokenAbsent => Self::Member(Fault::TokenAbsent),
            Refusal::TransportKeyMissing | Refusal::WrappedKeyInvalid => Self::NotUnwrapped,
            Refusal::UserLocked => Self::Member(Fault::UserLocked),
            Refusal::UserLoggedIn => Self::Member(Fault::UserLoggedIn),
        }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Busy => Self::Busy,
            CallError::Gone => Self::Member(Fault::Failed),
            CallError::Overdue => Self::Member(Fault::TimedOut),
            CallError::TooLarge => Self::Command,
        }
    }
}
