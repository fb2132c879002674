//! How a key manager is.

use xks_api::HealthStatus;

/// How a key manager is, from what its members did just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Who made it, as it says itself where it does.
    pub vendor: String,
    /// 1 to 10 members; of more, those that say most.
    pub members: Vec<Member>,
}

/// A member of a key manager: a token, a server, a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub id: String,
    /// What it is, with version and capacity where they are known.
    pub model: String,
    /// How it is.
    pub status: HealthStatus,
}
