//! What can go wrong with a token, what to do about it, and what to tell.

use cryptoki::error::{Error, Rv, RvError};
use pkcs11_api::{Refusal, ReturnValue};

/// Why a try did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Login or token are lost, for that reason.
    Lost(Refusal),
    /// We know what it is.
    Refused(Refusal),
    /// The library returned that.
    Returned(RvError),
}

/// What to do before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The handle stands for nothing: find the key again.
    FindAgain,
    /// The session is lost, or may be in disorder: open another.
    NewSession,
    /// Token or login are lost: find the token, log in, open all sessions.
    Reopen,
}

impl Trouble {
    /// What may help; `None` if it would be the same again.
    pub(crate) const fn remedy(self) -> Option<Remedy> {
        let error = match self {
            Self::Lost(_) => return Some(Remedy::Reopen),
            Self::Refused(_) => return None,
            Self::Returned(error) => error,
        };
        match error {
            RvError::KeyHandleInvalid
            | RvError::ObjectHandleInvalid
            | RvError::UnwrappingKeyHandleInvalid
            | RvError::WrappingKeyHandleInvalid => Some(Remedy::FindAgain),
            RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::OperationActive
            | RvError::OperationNotInitialized
            | RvError::DeviceError
            | RvError::FunctionFailed
            | RvError::GeneralError
            | RvError::BufferTooSmall => Some(Remedy::NewSession),
            RvError::CryptokiNotInitialized
            | RvError::DeviceRemoved
            | RvError::SlotIdInvalid
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::UserNotLoggedIn => Some(Remedy::Reopen),
            _ => None,
        }
    }

    /// What to tell when no remedy helps.
    pub(crate) fn refusal(self) -> Refusal {
        let error = match self {
            Self::Lost(refusal) | Self::Refused(refusal) => return refusal,
            Self::Returned(error) => error,
        };
        match error {
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => Refusal::IncorrectPin,
            RvError::PinLocked => Refusal::UserLocked,
            RvError::UserPinNotInitialized => Refusal::PinNotInitialised,
            RvError::UserAnotherAlreadyLoggedIn | RvError::UserTooManyTypes => Refusal::UserLoggedIn,
            RvError::KeyFunctionNotPermitted => Refusal::KeyUsage,
            RvError::UserNotLoggedIn => Refusal::NotLoggedIn,
            RvError::DeviceRemoved
            | RvError::SlotIdInvalid
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized => Refusal::TokenAbsent,
            RvError::FunctionNotSupported
            | RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            | RvError::KeySizeRange
            | RvError::KeyTypeInconsistent => Refusal::Unsupported(value_of(error)),
            _ => Refusal::DeviceError(value_of(error)),
        }
    }

    /// Whether it says that the token does not know the mechanism, or not with these parameters.
    pub(crate) const fn is_of_the_mechanism(self) -> bool {
        matches!(
            self,
            Self::Returned(
                RvError::ArgumentsBad | RvError::MechanismInvalid | RvError::MechanismParamInvalid
            )
        )
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(error, _) => Self::Returned(error),
            Error::NullFunctionPointer | Error::NotSupported => Self::Returned(RvError::FunctionNotSupported),
            // What it returned makes no sense.
            _ => Self::Returned(RvError::GeneralError),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The number that cryptoki made the error of. It keeps none, so the one is looked for that it would make this error of.
fn value_of(error: RvError) -> ReturnValue {
    match error {
        RvError::VendorDefined(value) | RvError::UnknownErrorCode(value) => ReturnValue(value),
        error => ReturnValue((1..STANDARD).find(|value| Rv::from(*value) == Rv::Error(error)).unwrap_or(0)),
    }
}

/// Beyond the last number that the standard gives.
const STANDARD: u64 = 0x400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_value_is_told_as_the_standard_numbers_it() {
        for (error, value) in [
            (RvError::GeneralError, 0x05),
            (RvError::DeviceError, 0x30),
            (RvError::FunctionRejected, 0x200),
            (RvError::VendorDefined(0x8000_0007), 0x8000_0007),
        ] {
            assert_eq!(value_of(error), ReturnValue(value));
        }
    }

    #[test]
    fn what_we_found_ourselves_is_told_as_it_is_and_not_tried_again() {
        let trouble = Trouble::from(Refusal::KeyMissing);
        assert_eq!((trouble.remedy(), trouble.refusal()), (None, Refusal::KeyMissing));
    }
}
