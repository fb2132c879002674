//! Users and groups that get another name or path. Whoever does it must be allowed to for the old ARN and for the new one.

use super::entity::{Entity, Sought, already_exists};
use crate::operation::{Failure, NamedKey, Permission, Subject};
use crate::pipeline::Scene;
use wire::Fault;

/// Something as it is and as it is to be.
#[derive(Debug)]
pub struct Renaming<T> {
    /// What is to get the name.
    pub from: Sought<T>,
    /// What has the name now, and the ARN that there is to be.
    pub to: Sought<T>,
    path: String,
}

impl<T: Entity> Renaming<T> {
    /// That action on both.
    pub fn permissions(&self, action: &'static str) -> Vec<Permission<'_>> {
        vec![self.from.permission(action), self.to.permission(action)]
    }

    /// The path that it is to have.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Refuses a name that something else has.
    pub fn check_new_name(&self) -> Result<(), Fault> {
        let from = self.from.found()?;
        match self.to.stored() {
            Some(other) if other.id() != from.id() => Err(already_exists::<T>(self.to.name())),
            _ => Ok(()),
        }
    }
}

impl<T: Entity> Subject for Renaming<T> {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Scene<'_> {
    /// What is to get that name and path; without one it keeps the one that it has.
    pub async fn renaming<T: Entity>(
        &self,
        name: &str,
        new_name: Option<&str>,
        new_path: Option<&str>,
    ) -> Result<Renaming<T>, Failure> {
        let from = self.sought::<T>(name).await?;
        let stored = from.stored();
        let path = new_path.or_else(|| stored.map(|stored| stored.path())).unwrap_or("/").to_owned();
        let new_name = new_name.or_else(|| stored.map(|stored| stored.name())).unwrap_or(name);
        let to = self.to_be_made::<T>(&path, new_name).await?;
        Ok(Renaming { from, to, path })
    }
}
