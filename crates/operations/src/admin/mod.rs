//! What the administrator of the installation does, beside the API: making accounts, and the identities of integrated services.
//!
//! It is for whoever may open the data directory; no caller of the API reaches it.

mod accounts;
mod services;

pub use accounts::{NewAccount, create_account, create_root_access_key};
pub use services::{
    InvalidServiceName, ServiceName, create_service, create_service_access_key, delete_service,
    delete_service_access_key, services,
};

use crate::Service;
use crate::iam::ids::access_key_id;
use catalog::{AccessKey, AccessKeyOwner, Author, CatalogError, Changes};
use keys::{AccountId, InvalidId};
use module_api::CredentialBinding;
use module_client::CallError;
use wire::Sensitive;

/// An access key that was just made. The secret is shown this once.
#[derive(Debug)]
pub struct NewAccessKey {
    /// The access key's id.
    pub id: String,
    /// The access key's secret.
    pub secret: Sensitive<String>,
}

/// Why the administrator did not get what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The alias of the service's AWS managed keys is another service's.
    #[error("`{alias}` is the alias of the keys of `{other}`")]
    AliasTaken {
        /// The alias.
        alias: String,
        /// The service that it belongs to.
        other: String,
    },
    /// The records could not be read or changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// No id could be made.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// The secret access key could not be made.
    #[error(transparent)]
    Module(#[from] CallError),
    /// The service has no access key of that id.
    #[error("`{service}` has no access key `{access_key_id}`")]
    NoSuchAccessKey {
        /// The service.
        service: String,
        /// The id.
        access_key_id: String,
    },
    /// There is no service of that name.
    #[error("there is no service `{service}`")]
    NoSuchService {
        /// The name.
        service: String,
    },
    /// There is a service of that name already.
    #[error("there is a service `{service}` already")]
    ServiceExists {
        /// The name.
        service: String,
    },
    /// The service has as many access keys as it can have.
    #[error("`{service}` has {limit} access keys already; delete one that is not used any more")]
    TooManyAccessKeys {
        /// The service.
        service: String,
        /// How many it can have.
        limit: usize,
    },
    /// There are as many services as there can be.
    #[error("there are {limit} services already, and no room for more")]
    TooManyServices {
        /// How many there can be.
        limit: usize,
    },
}

/// Has the module make an access key for somebody. It is no access key yet: that takes a commit.
async fn new_access_key(
    service: &Service,
    account: AccountId,
    owner: AccessKeyOwner,
) -> Result<(AccessKey, NewAccessKey), AdminError> {
    let id = access_key_id("AKIA");
    let binding = CredentialBinding { account, access_key_id: id.as_str().into() };
    let mut made = service.module.create_access_key_secret(&binding).await?;
    let secret = made.token.as_bytes().to_vec();
    let created = service.clock.now();
    let access_key = AccessKey { id: id.clone(), account, owner, active: true, created, secret };
    Ok((access_key, NewAccessKey { id, secret: Sensitive::new(std::mem::take(&mut *made.secret)) }))
}

fn changes(service: &Service) -> Changes {
    let at = service.clock.now();
    Changes::by(Author { principal: "administrator".into(), request_id: String::new(), at })
}
