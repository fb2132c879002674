//! Who asks.

use keys::AccountId;
use std::fmt;
use std::sync::Arc;

/// An authenticated caller: the root principal of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    partition: Arc<str>,
    account: AccountId,
}

impl Principal {
    /// The root principal of that account.
    #[must_use]
    pub const fn root(partition: Arc<str>, account: AccountId) -> Self {
        Self { partition, account }
    }

    /// The account that it belongs to.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }
}

impl fmt::Display for Principal {
    /// Its ARN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:iam::{}:root", self.partition, self.account)
    }
}
