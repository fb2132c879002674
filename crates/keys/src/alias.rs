//! An alias: a name that its owner can move from one key to another.

use crate::{KeyId, Moment};
use serde::{Deserialize, Serialize};

/// What is kept of an alias, besides its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its name, `alias/` included.
    pub name: String,
    /// The key that it stands for, of the same account and region.
    pub target: KeyId,
    /// When it was made.
    pub created: Moment,
    /// When it was last pointed at a key.
    pub updated: Moment,
}

/// The prefix of every alias's name.
pub const ALIAS_PREFIX: &str = "alias/";

/// The prefix of the aliases that AWS keeps for its services.
pub const RESERVED_ALIAS_PREFIX: &str = "alias/aws/";
