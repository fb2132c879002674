//! A place where keys are, and what is done with a key there, step by step as the operations do it.

use super::support::{PIN, SoftHsm, program};
use faulty_proxy::{Credential, Proxy, Setup};
use https::{Roots, Routes, Tls};
use keys::{
    Backend, CloudHsmCluster, Connection, ConnectionState, CustomKeyStore, CustomKeyStoreId,
    EncryptionAlgorithm, KeyId, KeyOrigin, KeyPlace, KeySpec, KeyUsage, Moment, OuterKey, XksProxy,
    XksProxyConnectivity,
};
use keystores::blob;
use keystores::{
    ClusterSettings, KeyStores, Metrics, RequestMetadata, Settings, StoreError, Stores, Usage, XksFailure,
};
use module_api::{Binding, EncryptionContext, KeyToken, NewKey, Refusal};
use module_client::{CallError, Closing, Config, DataKey, ModuleClient, Opening, Supervisor};
use std::num::NonZeroU32;
use std::sync::Arc;
use tempfile::TempDir;

/// Which kind of place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Native,
    Pkcs11,
    Xks,
}

/// A place where keys are.
pub struct Place {
    module: ModuleClient,
    stores: KeyStores,
    store: Option<CustomKeyStore>,
    proxy: Proxy,
    hsm: SoftHsm,
    all: Stores,
    _supervisor: Supervisor,
    _directory: TempDir,
}

/// A KMS key.
pub struct Key {
    token: KeyToken,
    binding: Binding,
    place: Option<KeyPlace>,
}

/// Why something does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is not what was sealed with this key and context.
    Invalid,
    /// The store cannot be asked.
    Store(StoreError),
}

impl Place {
    pub async fn new(kind: Kind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (supervisor, mut connectors) = Supervisor::start(module_in(&directory), 1).unwrap();
        let module = connectors.pop().unwrap().connect();
        let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
        let hsm = SoftHsm::with(if kind == Kind::Pkcs11 { &["a", "b"] } else { &[] });
        let (all, mut seats) =
            Stores::start(settings(kind, &proxy, &hsm), 1, Arc::<Metrics>::default()).unwrap();
        let stores = KeyStores::new(all.clone(), seats.pop().unwrap(), module.clone());
        let store = store(kind, &proxy, &stores).await;
        Self { module, stores, store, proxy, hsm, all, _supervisor: supervisor, _directory: directory }
    }

    /// A new key: in an HSM cluster a new one too, in an external key manager always the same.
    pub async fn key(&self, number: u8) -> Key {
        let key_id = KeyId::single_region([number; 16]);
        let place = match &self.store {
            None => None,
            Some(store) => {
                let key = match &store.backend {
                    Backend::CloudHsm(_) => {
                        OuterKey::Hsm(self.stores.generate_key(store, &key_id, [number; 16]).await.unwrap())
                    }
                    Backend::Xks(_) => OuterKey::External { id: Setup::KEY.to_owned() },
                };
                Some(KeyPlace { store: store.id, key })
            }
        };
        self.key_over(number, place).await
    }

    /// Another KMS key over the same outer key.
    pub async fn made_anew(&self, key: &Key, number: u8) -> Key {
        self.key_over(number, key.place.clone()).await
    }

    /// A key of the security module alone.
    pub async fn native_key(&self, number: u8) -> Key {
        self.key_over(number, None).await
    }

    pub async fn encrypt(
        &self,
        key: &Key,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Closed> {
        let inner = self.module.encrypt(key.key(), ALGORITHM, context, plaintext).await.unwrap();
        self.seal(key, context, inner).await
    }

    pub async fn decrypt(
        &self,
        key: &Key,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<Vec<u8>, Closed> {
        let inner = self.open(key, context, blob).await?;
        let opened = self.module.decrypt(key.key(), ALGORITHM, context, &inner, None).await;
        Ok(opened.map_err(closed)?.to_vec())
    }

    pub async fn data_key(&self, key: &Key, context: &EncryptionContext) -> (DataKey, Vec<u8>) {
        let made = self.module.generate_data_key(key.key(), context, 32, None).await.unwrap();
        let sealed = self.seal(key, context, made.ciphertext.clone()).await.unwrap();
        (made, sealed)
    }

    /// From one key to another: the plaintext is nowhere but in the module.
    pub async fn re_encrypt(
        &self,
        context: &EncryptionContext,
        from: &Key,
        blob: &[u8],
        to: &Key,
    ) -> Vec<u8> {
        let inner = self.open(from, context, blob).await.unwrap();
        let from = Opening { key: from.key(), algorithm: ALGORITHM, context, blob: &inner };
        let closing = Closing { key: to.key(), algorithm: ALGORITHM, context };
        let inner = self.module.re_encrypt(from, closing).await.unwrap();
        self.seal(to, context, inner).await.unwrap()
    }

    /// What is behind the store goes away.
    pub fn leave(&self) {
        self.hsm.faults("* * removed");
        self.proxy.stop();
    }

    /// And comes back.
    pub fn come_back(&self) {
        self.hsm.faults("");
        self.proxy.restart().unwrap();
    }

    async fn seal(&self, key: &Key, context: &EncryptionContext, inner: Vec<u8>) -> Result<Vec<u8>, Closed> {
        let (Some(place), Some(store)) = (&key.place, &self.store) else { return Ok(inner) };
        let usage = usage(place, context, blob::header(&inner).unwrap(), "Encrypt");
        self.stores.seal(store, &usage, &inner).await.map_err(Closed::of)
    }

    async fn open(&self, key: &Key, context: &EncryptionContext, blob: &[u8]) -> Result<Vec<u8>, Closed> {
        let (Some(place), Some(store)) = (&key.place, &self.store) else { return Ok(blob.to_vec()) };
        // What a blob says of itself is a claim, which the store has to find wrong.
        let header = blob::header(blob).map_err(|_| Closed::Invalid)?;
        self.stores.open(store, &usage(place, context, header, "Decrypt"), blob).await.map_err(Closed::of)
    }

    async fn key_over(&self, number: u8, place: Option<KeyPlace>) -> Key {
        let origin = match place.as_ref().map(|place| &place.key) {
            None => KeyOrigin::AwsKms,
            Some(OuterKey::Hsm(_)) => KeyOrigin::AwsCloudHsm,
            Some(OuterKey::External { .. }) => KeyOrigin::ExternalKeyStore,
        };
        let new = NewKey {
            account: "111122223333".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: KeyId::single_region([number; 16]),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin,
        };
        let made = self.module.generate_key(&new).await.unwrap();
        Key { token: made.token, binding: new.with_material(made.material_id), place }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.stop();
    }
}

impl Key {
    fn key(&self) -> module_api::Key<'_> {
        module_api::Key::new(&self.token, &self.binding)
    }
}

impl Closed {
    fn of(error: StoreError) -> Self {
        match error {
            StoreError::InvalidCiphertext | StoreError::Xks(XksFailure::InvalidCiphertext) => Self::Invalid,
            other => Self::Store(other),
        }
    }
}

fn closed(error: CallError) -> Closed {
    match error {
        CallError::Refused(Refusal::InvalidCiphertext) => Closed::Invalid,
        other => panic!("{other}"),
    }
}

fn usage<'a>(
    place: &'a KeyPlace,
    context: &'a EncryptionContext,
    header: module_api::blob::Header,
    operation: &'a str,
) -> Usage<'a> {
    let request = RequestMetadata {
        operation,
        request_id: "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        principal: "arn:aws:iam::111122223333:user/alice",
        key_arn: "arn:aws:kms:eu-central-1:111122223333:key/07070707-0707-0707-0707-070707070707",
        via_service: None,
        source_vpc: None,
        source_vpce: None,
    };
    Usage { header, place, context: context.canonical(), request }
}

fn module_in(directory: &TempDir) -> Config {
    Config {
        program: program("cardea-module"),
        seal_file: directory.path().join("module.seal"),
        domain_file: directory.path().join("module.domain"),
        initialise: true,
        user: None,
    }
}

fn settings(kind: Kind, proxy: &Proxy, hsm: &SoftHsm) -> Settings {
    let mut roots = Roots::none();
    roots.add_pem(proxy.ca_pem().as_bytes()).unwrap();
    let cluster = || ClusterSettings { trust_anchor: proxy.ca_pem().into_bytes(), ..hsm.cluster() };
    Settings {
        requests_per_second: NonZeroU32::new(1800).unwrap(),
        xks: keystores::xks::Settings { tls: Tls::new(roots, None).unwrap(), routes: Routes::default() },
        clusters: if kind == Kind::Pkcs11 { vec![cluster()] } else { Vec::new() },
    }
}

/// A store of that kind, connected.
async fn store(kind: Kind, proxy: &Proxy, stores: &KeyStores) -> Option<CustomKeyStore> {
    let id = CustomKeyStoreId::from_random([3; 16]);
    let backend = match kind {
        Kind::Native => return None,
        Kind::Pkcs11 => Backend::CloudHsm(CloudHsmCluster {
            cluster_id: "cluster-abcdefghijk".to_owned(),
            trust_anchor: proxy.ca_pem(),
            password: stores.seal_credential(&id, PIN).await.unwrap(),
            transport_keys: Box::default(),
        }),
        Kind::Xks => Backend::Xks(XksProxy {
            connectivity: XksProxyConnectivity::PublicEndpoint,
            uri_endpoint: proxy.endpoint(),
            uri_path: "/kms/xks/v1".to_owned(),
            access_key_id: Credential::EXAMPLE_ID.to_owned(),
            secret: stores.seal_credential(&id, Credential::EXAMPLE_SECRET).await.unwrap(),
            credential_since: Moment::from_millis(1_700_000_000_000),
            vpc_endpoint_service: None,
        }),
    };
    let store = CustomKeyStore {
        account: "111122223333".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        id,
        name: "contract".to_owned(),
        created: Moment::from_millis(1_700_000_000_000),
        connection: Connection { state: ConnectionState::Connected, error: None, request_id: None },
        backend,
    };
    let backend = stores.connect(&store, "4112f4d6-db54-4af4-ae30-c55a22a8dfae").await.unwrap();
    Some(CustomKeyStore { backend, ..store })
}

const ALGORITHM: EncryptionAlgorithm = EncryptionAlgorithm::SymmetricDefault;
