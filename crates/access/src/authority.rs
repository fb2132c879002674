//! What a caller's own account says that it may do: the policies that are attached to it. It never says what follows from them.

use crate::Policy;
use std::sync::Arc;

/// A policy and what it is called where it is attached.
#[derive(Clone, Debug)]
pub struct Attached {
    /// The policy's ARN, or the user, group or role and the name of its inline policy: `<owner>/<policy>`.
    pub name: Arc<str>,
    /// What it says.
    pub policy: Arc<Policy>,
}

/// The policies on a caller's side. Of a root user there are none, and it may do what its account may.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// The identity-based policies: the caller's own and those of its groups.
    pub identity: Vec<Attached>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<Attached>,
    /// The session policies, if any were given when the session was made.
    pub session: Option<Vec<Attached>>,
}
