//! The client: one call after another over a worker's connection. The methods, one a command, are in the files beside this one.
//! What comes back is typed, and plaintext in it is wiped when it is dropped.

use crate::calls::{Calls, Lapse, Pace};
use module_api::{Command, Refusal, Reply};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Calls the module over one worker's connection. Clones share the connection.
#[derive(Clone)]
pub struct ModuleClient {
    calls: Arc<Calls>,
}

impl ModuleClient {
    pub(crate) const fn new(calls: Arc<Calls>) -> Self {
        Self { calls }
    }

    /// Asks the module how it is.
    pub async fn status(&self) -> Result<ModuleStatus, CallError> {
        self.call(&Command::Status, |reply| match reply {
            Reply::Status { domain_key_id } => Some(ModuleStatus { domain_key_id }),
            _ => None,
        })
        .await
    }

    /// Makes the call; if the module ends meanwhile, once more within the same deadline.
    pub(crate) async fn call<T>(
        &self,
        command: &Command<'_>,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, CallError> {
        let deadline = self.calls.deadline(command);
        let body = match self.calls.submit(command, deadline)?.await {
            Err(Lapse::ModuleEnded) => self.calls.submit(command, deadline)?.await,
            answered => answered,
        };
        let body = body.map_err(|lapse| match lapse {
            Lapse::Overdue(Pace::Slow) => CallError::Busy,
            Lapse::Overdue(Pace::Fast) | Lapse::ModuleEnded => CallError::ModuleGone,
        })?;
        match frames::decode(&body).map_err(|_| CallError::UnexpectedReply)? {
            Reply::Refused(Refusal::Busy) => Err(CallError::Busy),
            Reply::Refused(refusal) => Err(CallError::Refused(refusal)),
            reply => read(reply).ok_or(CallError::UnexpectedReply),
        }
    }
}

pub(crate) fn ciphertext(reply: Reply<'_>) -> Option<Vec<u8>> {
    match reply {
        Reply::Ciphertext(ciphertext) => Some(ciphertext.0.to_vec()),
        _ => None,
    }
}

pub(crate) fn plaintext(reply: Reply<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match reply {
        Reply::Plaintext(plaintext) => Some(Zeroizing::new(plaintext.0.to_vec())),
        _ => None,
    }
}

impl fmt::Debug for ModuleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModuleClient")
    }
}

/// How the module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleStatus {
    /// Which domain key seals new tokens.
    pub domain_key_id: [u8; 16],
}

/// Why a call has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// More calls are in flight on this connection than it takes, or more keys are being made than can be in time.
    #[error("too many calls to the security module are in flight")]
    Busy,
    /// The module ended or does not answer, and did not come back in time.
    #[error("the security module is gone")]
    ModuleGone,
    /// The module refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The module answered something that is no reply to this command: it is not of this version.
    #[error("the security module answered something else than was asked")]
    UnexpectedReply,
}
