//! The identities of integrated services: who may call on behalf of principals, and with which access keys.
//!
//! A service is trusted by the whole installation: none is made but by its administrator.

use super::{AdminError, NewAccessKey, changes, new_access_key};
use crate::Service;
use catalog::{AccessKeyOwner, CatalogError, IntegratedService, Reader, Stored};
use keys::{AccountId, aws_managed_alias};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of an integrated service, such as `s3.amazonaws.com`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(String);

/// A text that is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a service is called `<label>.amazonaws.com`, the label of 1 to 63 lower-case letters, digits and hyphens within"
)]
pub struct InvalidServiceName;

impl ServiceName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = InvalidServiceName;

    fn from_str(text: &str) -> Result<Self, InvalidServiceName> {
        let label = text.strip_suffix(DOMAIN).ok_or(InvalidServiceName)?;
        let is_label = (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if is_label { Ok(Self(text.to_owned())) } else { Err(InvalidServiceName) }
    }
}

impl TryFrom<String> for ServiceName {
    type Error = InvalidServiceName;

    fn try_from(text: String) -> Result<Self, InvalidServiceName> {
        text.parse()
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes a service with an access key.
pub async fn create_service(service: &Service, name: &ServiceName) -> Result<NewAccessKey, AdminError> {
    check_room(service.catalog.reader(), name).await?;
    let (access_key, shown) = new_access_key(service, AccountId::INSTALLATION, owner(name)).await?;
    let record = IntegratedService {
        name: name.as_str().to_owned(),
        access_keys: vec![access_key.id.clone()],
        created: service.clock.now(),
    };
    let changes = changes(service).create(&record).create_access_key(&access_key);
    match service.catalog.commit(changes).await {
        Err(CatalogError::Conflict) => Err(AdminError::ServiceExists { service: name.to_string() }),
        done => Ok(done.map(|()| shown)?),
    }
}

/// Makes another access key for a service, so that the one in use can be given up without a pause.
pub async fn create_service_access_key(
    service: &Service,
    name: &ServiceName,
) -> Result<NewAccessKey, AdminError> {
    let old = stored(service, name).await?;
    if old.access_keys.len() >= MOST_ACCESS_KEYS {
        return Err(AdminError::TooManyAccessKeys { service: name.to_string(), limit: MOST_ACCESS_KEYS });
    }
    let (access_key, shown) = new_access_key(service, AccountId::INSTALLATION, owner(name)).await?;
    let mut new = IntegratedService::clone(&old);
    new.access_keys.push(access_key.id.clone());
    let changes = changes(service).replace(&*old, &new).create_access_key(&access_key);
    service.catalog.commit(changes).await?;
    Ok(shown)
}

/// Deletes an access key of a service. Nothing signed with it is taken from now on.
pub async fn delete_service_access_key(
    service: &Service,
    name: &ServiceName,
    access_key_id: &str,
) -> Result<(), AdminError> {
    let old = stored(service, name).await?;
    let mut new = IntegratedService::clone(&old);
    new.access_keys.retain(|id| id != access_key_id);
    let access_key = service.catalog.reader().access_key(access_key_id).await?;
    let access_key =
        access_key.filter(|_| new.access_keys.len() < old.access_keys.len()).ok_or_else(|| {
            AdminError::NoSuchAccessKey { service: name.to_string(), access_key_id: access_key_id.to_owned() }
        })?;
    let changes = changes(service).replace(&*old, &new).delete_access_key(&access_key);
    Ok(service.catalog.commit(changes).await?)
}

/// Deletes a service with its access keys. The keys that were made for it in the accounts stay: what they encrypted is the
/// accounts', and a service of the same name can use them again.
pub async fn delete_service(service: &Service, name: &ServiceName) -> Result<(), AdminError> {
    let old = stored(service, name).await?;
    let mut changes = changes(service).delete(&*old);
    for id in &old.access_keys {
        if let Some(access_key) = service.catalog.reader().access_key(id).await? {
            changes = changes.delete_access_key(&access_key);
        }
    }
    Ok(service.catalog.commit(changes).await?)
}

/// Every service, in the order of the names.
pub async fn services(reader: &Reader) -> Result<Vec<Arc<Stored<IntegratedService>>>, CatalogError> {
    let page = reader.list::<IntegratedService>(&AccountId::INSTALLATION, None, MOST_SERVICES).await?;
    Ok(page.entries)
}

/// Refuses one service more than there can be, and one whose keys would be called as those of another.
async fn check_room(reader: &Reader, name: &ServiceName) -> Result<(), AdminError> {
    let there = services(reader).await?;
    let alias = aws_managed_alias(name.as_str());
    let is_other =
        |one: &&Arc<Stored<IntegratedService>>| one.name != name.0 && aws_managed_alias(&one.name) == alias;
    match there.iter().find(is_other) {
        Some(other) => Err(AdminError::AliasTaken { alias, other: other.name.clone() }),
        None if there.len() >= MOST_SERVICES => Err(AdminError::TooManyServices { limit: MOST_SERVICES }),
        None => Ok(()),
    }
}

async fn stored(service: &Service, name: &ServiceName) -> Result<Arc<Stored<IntegratedService>>, AdminError> {
    let found = service.catalog.reader().find::<IntegratedService>(&AccountId::INSTALLATION, name.as_str());
    found.await?.ok_or_else(|| AdminError::NoSuchService { service: name.to_string() })
}

fn owner(name: &ServiceName) -> AccessKeyOwner {
    AccessKeyOwner::Service { name: name.as_str().to_owned() }
}

const DOMAIN: &str = ".amazonaws.com";
/// As many as a user can have.
const MOST_ACCESS_KEYS: usize = 2;
/// So that all of them fit in one answer, and can be looked through.
const MOST_SERVICES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_by_one_label_of_the_domain() {
        for name in ["s3.amazonaws.com", "secretsmanager.amazonaws.com", "a-1.amazonaws.com"] {
            assert_eq!(name.parse::<ServiceName>().unwrap().as_str(), name);
        }
        let long = format!("{}.amazonaws.com", "a".repeat(64));
        for wrong in [
            "",
            "s3",
            ".amazonaws.com",
            "amazonaws.com",
            "S3.amazonaws.com",
            "s3.amazonaws.com.",
            "s3.amazonaws.com.cn",
            "s3.eu-central-1.amazonaws.com",
            "-s3.amazonaws.com",
            "s3-.amazonaws.com",
            "s 3.amazonaws.com",
            "s3/x.amazonaws.com",
            "s3.example.org",
            "s\u{fc}.amazonaws.com",
            &long,
        ] {
            assert_eq!(wrong.parse::<ServiceName>(), Err(InvalidServiceName), "{wrong}");
        }
    }
}
