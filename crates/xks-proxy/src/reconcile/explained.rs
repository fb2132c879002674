//! Which calls of a proxy a request to KMS leads to.

use super::join::Group;
use xks_api::Operation;

/// The calls that requests of one name lead to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Explained {
    /// Any of these, any number of times: it is looked how the proxy is, as often as is needed.
    Looks(&'static [Operation]),
    /// Nobody here knows what it leads to.
    Unknown,
    /// Each of these once, and once more if the first got no answer in time.
    Uses(&'static [Operation]),
}

impl Explained {
    /// By the name of the event.
    pub(super) fn of(event: &str) -> Self {
        match event {
            "ConnectCustomKeyStore" | "CreateCustomKeyStore" | "UpdateCustomKeyStore" => {
                Self::Looks(&[Operation::GetHealthStatus])
            }
            "CreateKey" => Self::Uses(&[Operation::GetKeyMetadata]),
            "Decrypt" => Self::Uses(&[Operation::Decrypt]),
            "Encrypt" | "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
                Self::Uses(&[Operation::Encrypt])
            }
            "ReEncrypt" => Self::Uses(&[Operation::Decrypt, Operation::Encrypt]),
            _ => Self::Unknown,
        }
    }

    /// Whether it leads to that call.
    pub(super) fn has(self, call: Operation) -> bool {
        match self {
            Self::Looks(calls) | Self::Uses(calls) => calls.contains(&call),
            Self::Unknown => true,
        }
    }

    /// Whether every request of that name, if it succeeds, leads to a call of the proxy that its key is behind.
    pub(super) const fn is_use(self) -> bool {
        matches!(self, Self::Uses(_))
    }

    /// Whether a request of that name can have succeeded with these calls. Of a ReEncrypt half may be behind another proxy, or none.
    pub(super) fn is_done_by(self, group: &Group<'_>, both_halves: bool) -> bool {
        match self {
            Self::Looks(_) | Self::Unknown => true,
            Self::Uses(calls) if both_halves => calls.iter().all(|call| group.has_done(*call)),
            Self::Uses(calls) => calls.iter().any(|call| group.has_done(*call)),
        }
    }
}
