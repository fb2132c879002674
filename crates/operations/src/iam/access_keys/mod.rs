//! Access keys of users and of the root of an account. Their secrets are the security module's: here they are sealed, and what
//! CreateAccessKey answers is forgotten at once.

mod create_access_key;
mod delete_access_key;
mod get_access_key_last_used;
mod list_access_keys;
mod update_access_key;

pub use create_access_key::CreateAccessKey;
pub use delete_access_key::DeleteAccessKey;
pub use get_access_key_last_used::GetAccessKeyLastUsed;
pub use list_access_keys::ListAccessKeys;
pub use update_access_key::UpdateAccessKey;

use super::oneself::Oneself;
use crate::operation::Failure;
use crate::pipeline::Scene;
use catalog::{AccessKey, AccessKeyOwner, Stored};
use std::sync::Arc;
use wire::member::iam::AccessKeyId;
use wire::{Fault, FaultKind};

impl Oneself {
    /// The ids of its access keys.
    async fn access_key_ids(&self, scene: &Scene<'_>) -> Result<Vec<String>, Failure> {
        match self {
            Self::Root(_) => Ok(scene.reader().root_access_keys(&scene.account()).await?),
            Self::User(user) => Ok(user.found()?.access_keys.clone()),
        }
    }

    /// Whom its access keys speak for.
    fn as_owner(&self) -> Result<AccessKeyOwner, Fault> {
        match self {
            Self::Root(_) => Ok(AccessKeyOwner::Root),
            Self::User(user) => {
                let user = user.found()?;
                Ok(AccessKeyOwner::User { name: user.name.clone(), id: user.id.clone() })
            }
        }
    }
}

impl Scene<'_> {
    /// The access key of that id, if it is one of theirs.
    async fn access_key_of(
        &self,
        holder: &Oneself,
        id: &AccessKeyId,
    ) -> Result<Arc<Stored<AccessKey>>, Failure> {
        let owner = holder.as_owner()?;
        let is_theirs = |key: &Arc<Stored<AccessKey>>| key.account == self.account() && key.owner == owner;
        let found = self.reader().access_key(id.as_str()).await?;
        Ok(found.filter(is_theirs).ok_or_else(|| no_such_access_key(id))?)
    }

    /// The access keys of those ids.
    pub(in crate::iam) async fn access_keys(
        &self,
        ids: &[String],
    ) -> Result<Vec<Arc<Stored<AccessKey>>>, Failure> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.reader().access_key(id).await?);
        }
        Ok(found)
    }
}

fn no_such_access_key(id: &AccessKeyId) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("The Access Key with id {} cannot be found.", id.as_str()))
}

/// `Status`.
const fn status(is_active: bool) -> &'static str {
    if is_active { "Active" } else { "Inactive" }
}
