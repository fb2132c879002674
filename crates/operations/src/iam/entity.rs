//! What users, groups, roles and managed policies have in common: a name, a path, a unique id, an ARN; and how one is sought that is
//! there or is to be made.
//!
//! Names are sought in the caller's own account and nowhere else. Whether something is there is told only to those who may do what they
//! ask: a subject is weighed first, as if it were there.

use super::ids::unique_id;
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Permission, Subject};
use crate::pipeline::Scene;
use catalog::{Group, ManagedPolicy, Record, Role, Stored, User};
use keys::{AccountId, Tags};
use std::sync::Arc;
use wire::{Fault, FaultKind};

/// A kind of record that IAM names by account, path and name.
pub trait Entity: Record + Clone {
    /// What it is called in messages, and at the beginning of the last part of its ARN.
    const WORD: &'static str;

    /// The same at the beginning of a sentence.
    const TITLE: &'static str;

    /// What its unique ids begin with.
    const ID_PREFIX: &'static str;

    /// The name of the quota of an account and how many that is.
    const QUOTA: (&'static str, usize);

    /// Its path, slashes included.
    fn path(&self) -> &str;

    /// Its unique id.
    fn id(&self) -> &str;

    /// Its tags, if its kind can have some.
    fn tags(&self) -> Option<&Tags> {
        None
    }

    /// The ARN of the policy that bounds it, if its kind can have one.
    fn boundary(&self) -> Option<&str> {
        None
    }

    /// A new unique id.
    #[must_use]
    fn new_id() -> String {
        unique_id(Self::ID_PREFIX)
    }
}

/// What a request names: something that is there, or not.
#[derive(Debug)]
pub struct Sought<T> {
    stored: Option<Arc<Stored<T>>>,
    name: String,
    named: NamedIdentity,
}

impl<T: Entity> Sought<T> {
    /// That action on it.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Identity(&self.named) }
    }

    /// It, which must be there.
    pub fn found(&self) -> Result<&Arc<Stored<T>>, Fault> {
        self.stored.as_ref().ok_or_else(|| no_such_entity::<T>(&self.name))
    }

    /// It, if it is there.
    pub const fn stored(&self) -> Option<&Arc<Stored<T>>> {
        self.stored.as_ref()
    }

    /// Refuses what is there already.
    pub fn absent(&self) -> Result<(), Fault> {
        match &self.stored {
            Some(_) => Err(already_exists::<T>(&self.name)),
            None => Ok(()),
        }
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        &self.named.arn
    }

    /// Its name as the request has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account that it belongs to.
    pub const fn account(&self) -> AccountId {
        self.named.account
    }
}

impl<T: Entity> Subject for Sought<T> {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

/// All of a kind in the caller's account whose paths begin so.
#[derive(Debug)]
pub struct Listed(NamedIdentity);

impl Listed {
    /// That action on all of them.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Identity(&self.0) }
    }
}

impl Subject for Listed {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Scene<'_> {
    /// What has that name in the caller's account, if anything has.
    pub async fn sought<T: Entity>(&self, name: &str) -> Result<Sought<T>, Failure> {
        let stored = self.reader().find::<T>(&self.account(), name).await?;
        let named = match &stored {
            Some(entity) => self.identity_of(&***entity),
            None => self.plain_identity(self.arn_at::<T>("/", name)),
        };
        Ok(Sought { stored, name: name.to_owned(), named })
    }

    /// What is to be made with that path and name in the caller's account. Names are in use whatever the path.
    pub async fn to_be_made<T: Entity>(&self, path: &str, name: &str) -> Result<Sought<T>, Failure> {
        let stored = self.reader().find::<T>(&self.account(), name).await?;
        let named = self.plain_identity(self.arn_at::<T>(path, name));
        Ok(Sought { stored, name: name.to_owned(), named })
    }

    //= iam: lists are authorized on the ARN of the path prefix, such as arn:aws:iam::111122223333:user/division_abc/
    /// All of a kind in the caller's account whose paths begin so.
    pub fn listed<T: Entity>(&self, path_prefix: &str) -> Listed {
        Listed(self.plain_identity(self.arn_at::<T>(path_prefix, "")))
    }

    /// An entity as policies name it.
    pub fn identity_of<T: Entity>(&self, entity: &T) -> NamedIdentity {
        NamedIdentity {
            arn: self.arn_of(entity),
            account: entity.account(),
            tags: entity.tags().cloned().unwrap_or_default(),
            boundary: entity.boundary().map(str::to_owned),
        }
    }

    /// The ARN of an entity.
    pub fn arn_of<T: Entity>(&self, entity: &T) -> String {
        let (partition, account) = (self.partition(), entity.account());
        format!("arn:{partition}:iam::{account}:{}{}{}", T::WORD, entity.path(), entity.name())
    }

    /// The caller's account.
    pub const fn account(&self) -> AccountId {
        *self.caller.identity.principal.account()
    }

    /// Refuses one more of a kind than an account may have.
    ///
    /// Those who make some at the same moment may together pass the limit, which guards the store and no secret.
    pub async fn check_account_quota<T: Entity>(&self) -> Result<(), Failure> {
        let (quota, most) = T::QUOTA;
        let count = self.reader().count::<T>(&self.account(), most).await?;
        if count < most { Ok(()) } else { Err(quota_exceeded(quota, most).into()) }
    }

    /// Something of the caller's account without tags and boundary.
    pub fn plain_identity(&self, arn: String) -> NamedIdentity {
        NamedIdentity { arn, account: self.account(), tags: Tags::default(), boundary: None }
    }

    fn arn_at<T: Entity>(&self, path: &str, name: &str) -> String {
        format!("arn:{}:iam::{}:{}{path}{name}", self.partition(), self.account(), T::WORD)
    }
}

/// There is no entity of that name.
pub fn no_such_entity<T: Entity>(name: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("The {} with name {name} cannot be found.", T::WORD))
}

/// There is one of that name.
pub fn already_exists<T: Entity>(name: &str) -> Fault {
    Fault::new(FaultKind::EntityAlreadyExists, format!("{} with name {name} already exists.", T::TITLE))
}

/// More than AWS lets there be.
pub fn quota_exceeded(quota: &str, most: usize) -> Fault {
    Fault::new(FaultKind::LimitExceeded, format!("Cannot exceed quota for {quota}: {most}"))
}

/// What something still has that must go before it.
pub fn delete_conflict(what: &str) -> Fault {
    Fault::new(FaultKind::DeleteConflict, format!("Cannot delete entity, must {what} first."))
}

//= iam quotas: 5,000 users, 300 groups, 1,000 roles, 1,500 customer managed policies in an account
macro_rules! entities {
    ($($type:ident $word:literal $title:literal $prefix:literal $quota:literal $most:literal { $($more:item)* })+) => {$(
        impl Entity for $type {
            const WORD: &'static str = $word;
            const TITLE: &'static str = $title;
            const ID_PREFIX: &'static str = $prefix;
            const QUOTA: (&'static str, usize) = ($quota, $most);

            fn path(&self) -> &str {
                &self.path
            }

            fn id(&self) -> &str {
                &self.id
            }

            $($more)*
        }
    )+};
}

entities! {
    Group "group" "Group" "AGPA" "GroupsPerAccount" 300 {}
    ManagedPolicy "policy" "Policy" "ANPA" "PoliciesPerAccount" 1500 {
        fn tags(&self) -> Option<&Tags> {
            Some(&self.tags)
        }
    }
    Role "role" "Role" "AROA" "RolesPerAccount" 1000 {
        fn tags(&self) -> Option<&Tags> {
            Some(&self.tags)
        }

        fn boundary(&self) -> Option<&str> {
            self.boundary.as_deref()
        }
    }
    User "user" "User" "AIDA" "UsersPerAccount" 5000 {
        fn tags(&self) -> Option<&Tags> {
            Some(&self.tags)
        }

        fn boundary(&self) -> Option<&str> {
            self.boundary.as_deref()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_or_there_is_told_in_words_of_aws() {
        let message = |fault: Fault| fault.message().unwrap().to_owned();
        assert_eq!(message(no_such_entity::<User>("nile")), "The user with name nile cannot be found.");
        assert_eq!(message(no_such_entity::<Role>("nile")), "The role with name nile cannot be found.");
        assert_eq!(message(already_exists::<Group>("nile")), "Group with name nile already exists.");
        assert_eq!(
            message(quota_exceeded("UsersPerAccount", 5000)),
            "Cannot exceed quota for UsersPerAccount: 5000"
        );
    }

    #[test]
    fn unique_ids_tell_kinds_apart() {
        assert!(User::new_id().starts_with("AIDA") && Role::new_id().starts_with("AROA"));
        assert!(Group::new_id().starts_with("AGPA") && ManagedPolicy::new_id().starts_with("ANPA"));
    }
}
