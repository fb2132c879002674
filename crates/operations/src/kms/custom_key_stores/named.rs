//! The custom key store in which a request wants something made. Whether it is there, and can be used, is looked at after the caller
//! was allowed to ask.

use super::own::no_such_store;
use super::{Home, faults};
use crate::operation::{Failure, NamedKey, Subject};
use crate::pipeline::Scene;
use keys::CustomKeyStore;
use wire::Fault;
use wire::member::CustomKeyStoreId;

/// The caller's account and region, and the custom key store that a request names there, if it names one.
#[derive(Debug)]
pub struct InStore {
    /// The store, if it is named by what can be an id.
    pub home: Option<Home>,
    is_named: bool,
}

impl Subject for InStore {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl InStore {
    /// The one of that id, if one is given.
    pub async fn of(id: Option<&CustomKeyStoreId>, scene: &Scene<'_>) -> Result<Self, Failure> {
        let home = match id.and_then(|id| id.as_str().parse().ok()) {
            None => None,
            Some(id) => Some(Box::pin(Home::named(id, &scene.world(), scene.reader())).await?),
        };
        Ok(Self { home, is_named: id.is_some() })
    }

    /// The store, which is there if one is named.
    pub fn store(&self) -> Result<Option<&CustomKeyStore>, Fault> {
        match self.home.as_ref().and_then(Home::store) {
            None if self.is_named => Err(no_such_store()),
            found => Ok(found),
        }
    }
}

/// Refuses a store in which nothing can be made now.
pub fn check_connected(store: &CustomKeyStore) -> Result<(), Fault> {
    if store.is_connected() { Ok(()) } else { Err(faults::not_connected(store)) }
}
