//! What is about the user that a request names or, if it names none, about the caller itself: a user, or the root of the account.

use super::entity::Sought;
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Permission, Subject};
use crate::pipeline::Scene;
use access::PrincipalKind;
use catalog::User;
use wire::{Fault, FaultKind};

/// Whom the request is about.
#[derive(Debug)]
pub enum Oneself {
    /// The root of the caller's account, which is the caller.
    Root(NamedIdentity),
    /// A user.
    User(Sought<User>),
}

impl Oneself {
    /// That action on it.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        match self {
            Self::Root(root) => Permission { action, on: On::Identity(root) },
            Self::User(user) => user.permission(action),
        }
    }

    /// Refuses a user who is not there.
    pub fn check_there(&self) -> Result<(), Fault> {
        self.name().map(|_| ())
    }

    /// The name of a user, who must be there. Root has none.
    pub fn name(&self) -> Result<Option<&str>, Fault> {
        match self {
            Self::Root(_) => Ok(None),
            Self::User(user) => user.found().map(|user| Some(user.name.as_str())),
        }
    }
}

impl Subject for Oneself {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Scene<'_> {
    /// The user of that name or, without a name, the caller.
    pub async fn oneself(&self, name: Option<&str>) -> Result<Oneself, Failure> {
        if let Some(name) = name {
            return self.sought(name).await.map(Oneself::User);
        }
        match self.caller.identity.principal.kind() {
            PrincipalKind::User { name, .. } => self.sought(name).await.map(Oneself::User),
            PrincipalKind::Root => Ok(Oneself::Root(self.root_identity())),
            _ => Err(Fault::new(FaultKind::Validation, NO_USER).into()),
        }
    }

    /// The root of the caller's account.
    pub(in crate::iam) fn root_identity(&self) -> NamedIdentity {
        self.plain_identity(format!("arn:{}:iam::{}:root", self.partition(), self.account()))
    }
}

const NO_USER: &str = "Must specify userName when calling with non-User credentials";
