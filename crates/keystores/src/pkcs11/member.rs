//! Calls to the process of one member, and what it means when they fail.

use crate::HsmFailure;
use frames::decode;
use pkcs11_api::{Command, PublicKey, Refusal, Reply};
use sidecar::{CallError, Client, Limit};
use std::time::Duration;

/// A worker's way to the process of one member.
#[derive(Debug)]
pub(super) struct Member {
    client: Client,
}

impl Member {
    pub(super) const fn new(client: Client) -> Self {
        Self { client }
    }

    /// One try of a command. Whoever does not answer within it is stuck, and its process is killed.
    pub(super) async fn ask<T>(
        &self,
        command: &Command<'_>,
        within: Duration,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let body = self.client.call(command, Limit::KillAfter(within)).await?;
        match decode(&body).map_err(|_| Trouble::Member(HsmFailure::Failed))? {
            Reply::Refused(refusal) => Err(Trouble::of(refusal)),
            reply => read(reply).ok_or(Trouble::Member(HsmFailure::Failed)),
        }
    }
}

/// Why a member did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It has too much to do. Another may have less.
    Busy,
    /// What was asked cannot be done by anyone.
    Command,
    /// What it was to open was not sealed so.
    InvalidCiphertext,
    /// It has no such key that can be used.
    KeyMissing,
    /// The member itself is not well.
    Member(HsmFailure),
    /// The wrapped copy of a key is not one for its transport key.
    NotUnwrapped,
}

impl Trouble {
    fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy => Self::Busy,
            Refusal::DeviceError(value) | Refusal::Unsupported(value) => {
                tracing::warn!(%value, "a member of an HSM cluster failed");
                Self::Member(HsmFailure::Failed)
            }
            Refusal::IncorrectPin => Self::Member(HsmFailure::IncorrectPin),
            Refusal::InvalidCiphertext => Self::InvalidCiphertext,
            Refusal::KeyAmbiguous | Refusal::KeyMissing | Refusal::KeyUnfit | Refusal::KeyUsage => {
                Self::KeyMissing
            }
            Refusal::LibraryUnavailable => Self::Member(HsmFailure::LibraryUnavailable),
            Refusal::Malformed | Refusal::TooLarge => Self::Command,
            Refusal::NotLoggedIn => Self::Member(HsmFailure::Failed),
            Refusal::PinNotInitialised => Self::Member(HsmFailure::UserNotFound),
            Refusal::TokenAbsent => Self::Member(HsmFailure::InsufficientMembers),
            Refusal::TransportKeyMissing | Refusal::WrappedKeyInvalid => Self::NotUnwrapped,
            Refusal::UserLocked => Self::Member(HsmFailure::UserLocked),
            Refusal::UserLoggedIn => Self::Member(HsmFailure::UserLoggedIn),
        }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Busy => Self::Busy,
            CallError::Gone => Self::Member(HsmFailure::Failed),
            CallError::Overdue => Self::Member(HsmFailure::TimedOut),
            CallError::TooLarge => Self::Command,
        }
    }
}

/// A reply without anything in it.
pub(super) fn done(reply: Reply<'_>) -> Option<()> {
    matches!(reply, Reply::Found | Reply::LoggedOut | Reply::Status { logged_in: true, .. }).then_some(())
}

/// A transport key.
pub(super) fn public_key<T>(read: impl Fn(PublicKey<'_>) -> T) -> impl Fn(Reply<'_>) -> Option<T> {
    move |reply| match reply {
        Reply::TransportKey { public_key, .. } => Some(read(public_key)),
        _ => None,
    }
}
