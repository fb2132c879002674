//! What the administrator of the installation does, beside the API: making accounts.

use crate::Service;
use crate::iam::ids::access_key_id;
use catalog::{AccessKey, AccessKeyOwner, Account, Author, CatalogError, Changes};
use keys::{AccountId, InvalidId};
use module_api::CredentialBinding;
use module_client::CallError;
use uuid::Uuid;
use wire::Sensitive;

/// An account, and the root access key that was made with it. The secret is shown this once.
#[derive(Debug)]
pub struct NewAccount {
    /// The account.
    pub account_id: AccountId,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: Sensitive<String>,
}

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The records could not be read or changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// No id could be made.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// The secret access key could not be made.
    #[error(transparent)]
    Module(#[from] CallError),
}

/// Makes an account with a root access key.
pub async fn create_account(service: &Service) -> Result<NewAccount, AdminError> {
    let account = Account { id: new_account_id()?, created: service.clock.now() };
    create(service, account.id, Some(account)).await
}

/// Makes another root access key for an account.
pub async fn create_root_access_key(service: &Service, account: AccountId) -> Result<NewAccount, AdminError> {
    create(service, account, None).await
}

async fn create(service: &Service, id: AccountId, new: Option<Account>) -> Result<NewAccount, AdminError> {
    let access_key_id = access_key_id("AKIA");
    let binding = CredentialBinding { account: id, access_key_id: access_key_id.as_str().into() };
    let mut made = service.module.create_access_key_secret(&binding).await?;
    let access_key = AccessKey {
        id: access_key_id.clone(),
        account: id,
        owner: AccessKeyOwner::Root,
        active: true,
        created: service.clock.now(),
        secret: made.token.as_bytes().to_vec(),
    };
    let author =
        Author { principal: "administrator".into(), request_id: String::new(), at: service.clock.now() };
    let changes = Changes::by(author).create_access_key(&access_key);
    let changes = new.iter().fold(changes, |changes, account| changes.create_account(account));
    service.catalog.commit(changes).await?;
    let secret_access_key = Sensitive::new(std::mem::take(&mut *made.secret));
    Ok(NewAccount { account_id: id, access_key_id, secret_access_key })
}

/// Twelve digits that do not begin with a zero, which some programs would drop.
fn new_account_id() -> Result<AccountId, InvalidId> {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    AccountId::from_number(FIRST_ACCOUNT.saturating_add(high % ACCOUNTS))
}

const FIRST_ACCOUNT: u64 = 100_000_000_000;
const ACCOUNTS: u64 = 900_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_does_not_begin_with_a_zero() {
        assert!((0..100).all(|_| !new_account_id().unwrap().as_str().starts_with('0')));
    }
}
