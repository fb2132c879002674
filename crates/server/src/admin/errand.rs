//! What the administrator has done to the records: by the running service, or by the command itself where none runs.

use super::protocol::AdminResponse;
use crate::ServerError;
use crate::root_env::{Credentials, Reach};
use operations::Service;
use operations::admin::{self, NewAccessKey, ServiceName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What is to be done.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Errand {
    /// Make an account with a root access key.
    CreateAccount,
    /// Make an integrated service with an access key.
    CreateService { service: ServiceName },
    /// Make another access key for a service.
    CreateServiceAccessKey { service: ServiceName },
    /// Delete a service with its access keys.
    DeleteService { service: ServiceName },
    /// Delete an access key of a service.
    DeleteServiceAccessKey { service: ServiceName, access_key_id: String },
    /// Say which services there are.
    ListServices,
}

/// An integrated service, as the administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ServiceSummary {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: String,
    /// The ids of its access keys, the oldest first.
    pub access_keys: Vec<String>,
}

impl Errand {
    /// Does it.
    pub(crate) async fn run(&self, service: &Service, reach: &Reach) -> Result<AdminResponse, ServerError> {
        match self {
            Self::CreateAccount => {
                let made = admin::create_account(service).await.map_err(ServerError::part(NO_ACCOUNT))?;
                tracing::info!(account = %made.account_id, "the administrator made an account");
                Ok(AdminResponse::Credentials { lines: lines(reach, &made.access_key) })
            }
            Self::CreateService { service: name } => {
                let made = admin::create_service(service, name).await.map_err(ServerError::part(NO_SERVICE));
                let lines = lines(reach, &made?);
                tracing::info!(service = %name, "the administrator made a service");
                Ok(AdminResponse::Credentials { lines })
            }
            Self::CreateServiceAccessKey { service: name } => {
                let made = admin::create_service_access_key(service, name).await;
                let made = made.map_err(ServerError::part(NO_ACCESS_KEY))?;
                tracing::info!(service = %name, access_key = made.id, "the administrator made an access key");
                Ok(AdminResponse::Credentials { lines: lines(reach, &made) })
            }
            Self::DeleteService { service: name } => {
                let deleted = admin::delete_service(service, name).await;
                deleted.map_err(ServerError::part("the service cannot be deleted"))?;
                tracing::info!(service = %name, "the administrator deleted a service");
                Ok(AdminResponse::Deleted)
            }
            Self::DeleteServiceAccessKey { service: name, access_key_id } => {
                let deleted = admin::delete_service_access_key(service, name, access_key_id).await;
                deleted.map_err(ServerError::part("the access key cannot be deleted"))?;
                tracing::info!(service = %name, access_key = access_key_id, "the administrator deleted an access key");
                Ok(AdminResponse::Deleted)
            }
            Self::ListServices => list(service).await,
        }
    }
}

/// What a shell reads to call with an access key.
fn lines(reach: &Reach, access_key: &NewAccessKey) -> Zeroizing<String> {
    reach.lines(Credentials { access_key_id: &access_key.id, secret_access_key: access_key.secret.expose() })
}

async fn list(service: &Service) -> Result<AdminResponse, ServerError> {
    let services = admin::services(service.catalog.reader()).await;
    let services = services.map_err(ServerError::part("the services cannot be listed"))?;
    let summary = |service: &catalog::IntegratedService| ServiceSummary {
        name: service.name.clone(),
        created: jiff::Timestamp::from_second(service.created.as_seconds()).unwrap_or_default().to_string(),
        access_keys: service.access_keys.clone(),
    };
    Ok(AdminResponse::Services { services: services.iter().map(|service| summary(service)).collect() })
}

pub(crate) const NO_ACCOUNT: &str = "the account cannot be made";
const NO_ACCESS_KEY: &str = "the access key cannot be made";
const NO_SERVICE: &str = "the service cannot be made";
