//! A proxy, a client of it, and a key to use.

use faulty_proxy::{Credential, Proxy, Setup};
use https::{ClientCertificate, Roots, Route, Routes, Tls};
use keys::{
    CustomKeyStoreId, KeyId, KeyMaterialId, KeyPlace, Moment, OuterKey, Region, VpcEndpointService, XksProxy,
    XksProxyConnectivity,
};
use keystores::blob::OuterBlob;
use keystores::xks::{Settings, Shared, XksClient};
use keystores::{Metrics, RequestMetadata, StoreError, Usage, XksFailure};
use module_api::EncryptionContext;
use module_api::blob::Header;
use prometheus_client::registry::Registry;
use std::num::NonZeroU32;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a test talks to, and through what.
pub struct Rig {
    pub proxy: Proxy,
    pub client: XksClient,
    pub shared: Arc<Shared>,
    pub metrics: Arc<Metrics>,
    pub registry: Registry,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Setup::new().unwrap(), 1800)
    }

    pub fn with(setup: Setup, requests_per_second: u32) -> Self {
        let proxy = Proxy::start(setup).unwrap();
        let settings = Settings { tls: trusting(&proxy.ca_pem(), None), routes: Routes::default() };
        Self::over(proxy, &settings, None, requests_per_second)
    }

    /// By that record, or by one that names the proxy's own address.
    pub fn over(
        proxy: Proxy,
        settings: &Settings,
        record: Option<XksProxy>,
        requests_per_second: u32,
    ) -> Self {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        let rate = NonZeroU32::new(requests_per_second).unwrap();
        let shared = Shared::of_store(store(), rate, &metrics);
        let record = record.unwrap_or_else(|| self::record(&proxy.endpoint()));
        let client = client(settings, &record, &shared).unwrap();
        Self { proxy, client, shared, metrics, registry }
    }

    pub async fn seal(&self) -> Result<Vec<u8>, StoreError> {
        seal(&self.client, b"sealed by the module").await
    }

    pub async fn open(&self, blob: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.open_as(&Key::new(7, "test"), blob).await
    }

    pub async fn open_as(&self, key: &Key, blob: &[u8]) -> Result<Vec<u8>, StoreError> {
        let outer = OuterBlob::parse(blob).unwrap();
        self.client.open(Setup::KEY, &key.usage("Decrypt"), &outer).await
    }

    pub fn scraped(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }
}

pub async fn seal(client: &XksClient, inner: &[u8]) -> Result<Vec<u8>, StoreError> {
    client.seal(Setup::KEY, &Key::new(7, "test").usage("Encrypt"), inner).await
}

pub fn failure<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> XksFailure {
    match outcome {
        Err(StoreError::Xks(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

pub fn client(settings: &Settings, record: &XksProxy, shared: &Arc<Shared>) -> Result<XksClient, StoreError> {
    let secret = Zeroizing::new(Credential::EXAMPLE_SECRET.to_owned());
    XksClient::new(settings, record, secret, &region(), Arc::clone(shared))
}

pub fn region() -> Region {
    "us-east-1".parse().unwrap()
}

pub fn store() -> CustomKeyStoreId {
    CustomKeyStoreId::from_random([0xab; 16])
}

pub fn trusting(ca_pem: &str, certificate: Option<ClientCertificate>) -> Tls {
    let mut roots = Roots::none();
    roots.add_pem(ca_pem.as_bytes()).unwrap();
    Tls::new(roots, certificate).unwrap()
}

pub fn routed(name: &str, route: Route) -> Routes {
    [(name.to_owned(), route)].into_iter().collect()
}

pub fn record(endpoint: &str) -> XksProxy {
    XksProxy {
        connectivity: XksProxyConnectivity::PublicEndpoint,
        uri_endpoint: endpoint.to_owned(),
        uri_path: "/kms/xks/v1".to_owned(),
        access_key_id: Credential::EXAMPLE_ID.to_owned(),
        secret: Box::default(),
        credential_since: Moment::from_millis(1_700_000_000_000),
        vpc_endpoint_service: None,
    }
}

pub fn service_record(endpoint: &str, service: &str) -> XksProxy {
    let owner = "111122223333".parse().unwrap();
    XksProxy {
        connectivity: XksProxyConnectivity::VpcEndpointService,
        vpc_endpoint_service: Some(VpcEndpointService { name: service.to_owned(), owner }),
        ..record(endpoint)
    }
}

/// A KMS key over the external key, and a context.
pub struct Key {
    header: Header,
    place: KeyPlace,
    context: EncryptionContext,
}

impl Key {
    pub fn new(number: u8, context: &str) -> Self {
        Self {
            header: Header {
                account: "111122223333".parse().unwrap(),
                key_id: KeyId::single_region([number; 16]),
                material_id: KeyMaterialId::from_bytes([9; 32]),
            },
            place: KeyPlace { store: store(), key: OuterKey::External { id: Setup::KEY.to_owned() } },
            context: [("purpose", context)].into_iter().collect(),
        }
    }

    pub fn usage<'a>(&'a self, operation: &'a str) -> Usage<'a> {
        let context = self.context.canonical();
        Usage { header: self.header, place: &self.place, context, request: request(operation) }
    }
}

pub fn request(operation: &str) -> RequestMetadata<'_> {
    RequestMetadata {
        operation,
        request_id: "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        principal: "arn:aws:iam::111122223333:user/Alice",
        key_arn: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        via_service: None,
        source_vpc: None,
        source_vpce: None,
    }
}
