//! OpenID Connect providers: whose tokens the trust policies of roles may name.

mod add_client_id_to_open_id_connect_provider;
mod create_open_id_connect_provider;
mod delete_open_id_connect_provider;
mod get_open_id_connect_provider;
mod list_open_id_connect_provider_tags;
mod list_open_id_connect_providers;
mod remove_client_id_from_open_id_connect_provider;
mod tag_open_id_connect_provider;
mod untag_open_id_connect_provider;
mod update_open_id_connect_provider_thumbprint;

pub use add_client_id_to_open_id_connect_provider::AddClientIdToOpenIdConnectProvider;
pub use create_open_id_connect_provider::CreateOpenIdConnectProvider;
pub use delete_open_id_connect_provider::DeleteOpenIdConnectProvider;
pub use get_open_id_connect_provider::GetOpenIdConnectProvider;
pub use list_open_id_connect_provider_tags::ListOpenIdConnectProviderTags;
pub use list_open_id_connect_providers::ListOpenIdConnectProviders;
pub use remove_client_id_from_open_id_connect_provider::RemoveClientIdFromOpenIdConnectProvider;
pub use tag_open_id_connect_provider::TagOpenIdConnectProvider;
pub use untag_open_id_connect_provider::UntagOpenIdConnectProvider;
pub use update_open_id_connect_provider_thumbprint::UpdateOpenIdConnectProviderThumbprint;

use super::entity::quota_exceeded;
use super::holder::check_arn;
use crate::identity::account_and_url;
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Permission, Subject};
use crate::pipeline::Scene;
use catalog::{OidcProvider, Stored};
use keys::AccountId;
use std::sync::Arc;
use wire::member::iam::{Arn, Thumbprint, Thumbprints};
use wire::{Fault, FaultKind};

/// A provider that a request names: it is there, or not.
#[derive(Debug)]
pub struct SoughtProvider {
    stored: Option<Arc<Stored<OidcProvider>>>,
    named: NamedIdentity,
}

impl SoughtProvider {
    /// That action on it.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Identity(&self.named) }
    }

    /// It, which must be there.
    pub fn found(&self) -> Result<&Arc<Stored<OidcProvider>>, Fault> {
        let missing = || {
            let message = format!("OpenIDConnect Provider not found for arn {}", self.arn());
            Fault::new(FaultKind::NoSuchEntity, message)
        };
        self.stored.as_ref().ok_or_else(missing)
    }

    /// It, if it is there.
    pub const fn stored(&self) -> Option<&Arc<Stored<OidcProvider>>> {
        self.stored.as_ref()
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        &self.named.arn
    }
}

impl Subject for SoughtProvider {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

/// Every provider of the caller's account.
#[derive(Debug)]
pub struct AllProviders(NamedIdentity);

impl AllProviders {
    /// That action on all of them.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Identity(&self.0) }
    }
}

impl Subject for AllProviders {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Scene<'_> {
    /// The provider of that ARN, if there is one.
    pub async fn sought_provider(&self, asked: &Arn) -> Result<SoughtProvider, Failure> {
        check_arn(asked)?;
        let mut named = self.plain_identity(asked.as_str().to_owned());
        let Some((account, url)) = account_and_url(&self.partition(), asked.as_str()) else {
            return Ok(SoughtProvider { stored: None, named });
        };
        named.account = account;
        // Of another account's providers nothing is known, not even to conditions.
        if account != self.account() {
            return Ok(SoughtProvider { stored: None, named });
        }
        self.provider(url, named).await
    }

    /// The provider of that URL in the caller's account, if there is one.
    pub async fn provider_to_be_made(&self, url: &str) -> Result<SoughtProvider, Failure> {
        self.provider(url, self.plain_identity(arn_of(url, self.account(), self))).await
    }

    /// Every provider of the caller's account.
    pub fn all_providers(&self) -> AllProviders {
        AllProviders(self.plain_identity(arn_of("*", self.account(), self)))
    }

    async fn provider(&self, url: &str, named: NamedIdentity) -> Result<SoughtProvider, Failure> {
        let stored = self.reader().find::<OidcProvider>(&named.account, url).await?;
        let named = stored.as_ref().map_or(named, |provider| NamedIdentity {
            // URLs are sought without case, but policies name a provider as it is written.
            arn: arn_of(&provider.url, provider.account, self),
            tags: provider.tags.clone(),
            ..self.plain_identity(String::new())
        });
        Ok(SoughtProvider { stored, named })
    }
}

fn arn_of(url: &str, account: AccountId, scene: &Scene<'_>) -> String {
    format!("arn:{}:iam::{account}:oidc-provider/{url}", scene.partition())
}

/// Thumbprints of certificates: SHA-1 digests in hexadecimal.
fn checked_thumbprints(thumbprints: Option<&Thumbprints>) -> Result<Vec<String>, Fault> {
    let all = thumbprints.map_or(&[][..], |thumbprints| &thumbprints.0);
    if all.len() > MOST_THUMBPRINTS {
        return Err(Fault::new(FaultKind::InvalidInput, TOO_MANY_THUMBPRINTS));
    }
    let is_hexadecimal = |one: &Thumbprint| one.as_str().bytes().all(|b| b.is_ascii_hexdigit());
    if !all.iter().all(is_hexadecimal) {
        return Err(Fault::new(FaultKind::InvalidInput, NOT_HEXADECIMAL));
    }
    Ok(all.iter().map(|one| one.as_str().to_ascii_lowercase()).collect())
}

fn too_many_client_ids() -> Fault {
    quota_exceeded("ClientIdsPerOpenIdConnectProvider", MOST_CLIENT_IDS)
}

//= iam quotas: 100 audiences and 5 thumbprints of an OpenID Connect provider
const MOST_CLIENT_IDS: usize = 100;
const MOST_THUMBPRINTS: usize = 5;
const TOO_MANY_THUMBPRINTS: &str = "Thumbprint list must contain fewer than 5 entries.";
const NOT_HEXADECIMAL: &str = "Thumbprints must be hexadecimal.";
