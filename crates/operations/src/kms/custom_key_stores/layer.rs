//! The layer that a custom key store puts around what the security module seals: on last, and off first. So no plaintext comes here.
//! What a key in no custom key store makes goes through untouched, and at no cost.

use super::{Requester, faults};
use crate::kms::Backing;
use crate::operation::{Failure, NamedKey, internal};
use crate::pipeline::{Authorized, Scene};
use keys::{Backend, CustomKeyStore, KeyPlace};
use keystores::{KeyStores, Usage};
use module_api::blob::Header;
use module_api::{EncryptionContext, Refusal};
use module_client::CallError;
use std::borrow::Cow;

/// A use of a key: what the layer is bound to, and what the store is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// The key.
    pub named: &'a NamedKey,
    /// The backing key that the security module seals with.
    pub backing: &'a Backing<'a>,
    /// The encryption context.
    pub context: &'a EncryptionContext,
    /// The operation.
    pub operation: &'static str,
}

impl Scene<'_> {
    /// What the security module has sealed, as the caller gets it.
    pub async fn sealed<S>(
        &self,
        subject: &Authorized<S>,
        layer: Layer<'_>,
        inner: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        match &layer.named.key.place {
            None => Ok(inner),
            Some(place) => Box::pin(layer.seal(place, &inner, self, self.key_stores(subject))).await,
        }
    }

    /// What the caller brings, as the security module is to open it.
    pub async fn opened<'b, S>(
        &self,
        subject: &Authorized<S>,
        layer: Layer<'_>,
        blob: &'b [u8],
    ) -> Result<Opened<'b>, Failure> {
        match &layer.named.key.place {
            None => Ok(Opened { inner: Cow::Borrowed(blob), by_proxy: false }),
            Some(place) => Box::pin(layer.open(place, blob, self, self.key_stores(subject))).await,
        }
    }
}

/// What the security module is to open.
#[derive(Debug)]
pub struct Opened<'b> {
    inner: Cow<'b, [u8]>,
    by_proxy: bool,
}

impl Opened<'_> {
    /// It.
    pub fn as_bytes(&self) -> &[u8] {
        &self.inner
    }

    /// What it means that the security module does not.
    pub fn failure(&self, error: CallError) -> Failure {
        match error {
            CallError::Refused(Refusal::InvalidCiphertext) if self.by_proxy => {
                faults::inner_is_invalid().into()
            }
            error => error.into(),
        }
    }
}

impl Layer<'_> {
    async fn seal(
        self,
        place: &KeyPlace,
        inner: &[u8],
        scene: &Scene<'_>,
        key_stores: &KeyStores,
    ) -> Result<Vec<u8>, Failure> {
        let (store, requester) = (self.store()?, self.requester(scene));
        key_stores.seal(store, &self.usage(place, &requester), inner).await.map_err(faults::of_use)
    }

    async fn open(
        self,
        place: &KeyPlace,
        blob: &[u8],
        scene: &Scene<'_>,
        key_stores: &KeyStores,
    ) -> Result<Opened<'static>, Failure> {
        let (store, requester) = (self.store()?, self.requester(scene));
        let inner = key_stores.open(store, &self.usage(place, &requester), blob).await;
        let by_proxy = matches!(store.backend, Backend::Xks(_));
        Ok(Opened { inner: Cow::Owned(inner.map_err(faults::of_use)?), by_proxy })
    }

    fn usage<'u>(&'u self, place: &'u KeyPlace, requester: &'u Requester) -> Usage<'u> {
        let key = &self.named.key;
        Usage {
            header: Header { account: key.account, key_id: key.id, material_id: self.backing.material_id() },
            place,
            context: self.context.canonical(),
            request: requester.metadata(self.operation),
        }
    }

    fn requester(&self, scene: &Scene<'_>) -> Requester {
        Requester::of(scene, Some(&self.named.arn))
    }

    /// The key's state has vouched that there is one.
    fn store(&self) -> Result<&CustomKeyStore, Failure> {
        let store = self.named.home.as_ref().and_then(|home| home.store());
        Ok(store.ok_or_else(internal)?)
    }
}
