//! Credentials of stores as they are kept: sealed by the security module for one store, and of no use to another.

use crate::StoreError;
use keys::CustomKeyStoreId;
use module_api::{MessagePurpose, Refusal};
use module_client::{CallError, ModuleClient};
use zeroize::Zeroizing;

/// A secret as the store of that id keeps it.
pub(super) async fn seal(
    module: &ModuleClient,
    store: &CustomKeyStoreId,
    secret: &[u8],
) -> Result<Box<[u8]>, StoreError> {
    let message = Zeroizing::new([prefix(store).as_bytes(), secret].concat());
    Ok(module.seal_message(MessagePurpose::KeyStoreCredential, &message).await?.into())
}

/// The secret that [`seal`] sealed for the store of that id.
pub(super) async fn open(
    module: &ModuleClient,
    store: &CustomKeyStoreId,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let message = Zeroizing::new(module.open_message(MessagePurpose::KeyStoreCredential, sealed).await?);
    match message.strip_prefix(prefix(store).as_bytes()) {
        Some(secret) => Ok(Zeroizing::new(secret.to_vec())),
        None => Err(refused()),
    }
}

/// The same of a secret that is text.
pub(super) async fn open_text(
    module: &ModuleClient,
    store: &CustomKeyStoreId,
    sealed: &[u8],
) -> Result<Zeroizing<String>, StoreError> {
    let secret = open(module, store, sealed).await?;
    std::str::from_utf8(&secret).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| refused())
}

fn prefix(store: &CustomKeyStoreId) -> String {
    format!("{store}\n")
}

const fn refused() -> StoreError {
    StoreError::Module(CallError::Refused(Refusal::MessageRefused))
}
