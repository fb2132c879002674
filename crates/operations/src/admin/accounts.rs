//! Making accounts, each with a root access key.

use super::{AdminError, NewAccessKey, changes, new_access_key};
use crate::Service;
use catalog::{AccessKeyOwner, Account};
use keys::{AccountId, InvalidId};
use uuid::Uuid;

/// An account, and the root access key that was made with it.
#[derive(Debug)]
pub struct NewAccount {
    /// The account.
    pub account_id: AccountId,
    /// The access key.
    pub access_key: NewAccessKey,
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
    let (access_key, shown) = new_access_key(service, id, AccessKeyOwner::Root).await?;
    let changes = changes(service).create_access_key(&access_key);
    let changes = new.iter().fold(changes, |changes, account| changes.create_account(account));
    service.catalog.commit(changes).await?;
    Ok(NewAccount { account_id: id, access_key: shown })
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
