//! The client: one call after another over a worker's connection. The methods, one a command, are in the files beside this one.
//! What comes back is typed, and plaintext in it is wiped when it is dropped.

use module_api::{Command, Refusal, Reply};
use sidecar::{Client, Limit};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Calls the module over one worker's connection. Clones share the connection.
#[derive(Clone)]
pub struct ModuleClient {
    client: Client,
}

impl ModuleClient {
    pub(crate) const fn new(client: Client) -> Self {
        Self { client }
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
        let limit = limit_of(command);
        let body = self.client.call(command, limit).await.map_err(|error| no_reply(error, limit))?;
        match frames::decode(&body).map_err(|_| CallError::UnexpectedReply)? {
            Reply::Refused(Refusal::Busy) => Err(CallError::Busy),
            Reply::Refused(refusal) => Err(CallError::Refused(refusal)),
            reply => read(reply).ok_or(CallError::UnexpectedReply),
        }
    }
}

fn limit_of(command: &Command<'_>) -> Limit {
    if command.makes_rsa_keys() {
        Limit::GiveUpAfter(GENERATION_DEADLINE)
    } else {
        Limit::KillAfter(DEADLINE)
    }
}

fn no_reply(error: sidecar::CallError, limit: Limit) -> CallError {
    match (error, limit) {
        (sidecar::CallError::Busy, _) | (sidecar::CallError::Overdue, Limit::GiveUpAfter(_)) => {
            CallError::Busy
        }
        (sidecar::CallError::Gone | sidecar::CallError::Overdue, _) => CallError::ModuleGone,
        (sidecar::CallError::TooLarge, _) => CallError::Refused(Refusal::TooLarge),
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

/// How long a call may take, retry and restart of the module included. A module that takes longer is stuck.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// How long a call may take that has RSA keys made: that takes long, and others may be ahead of it.
pub const GENERATION_DEADLINE: Duration = Duration::from_secs(8);
