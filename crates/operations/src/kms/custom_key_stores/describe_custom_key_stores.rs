//! `DescribeCustomKeyStores`: the custom key stores of the account in the region, or one of them. Secrets are never shown.

use super::own::{OwnStores, no_such_store};
use super::refusals;
use crate::kms::{pages, record_number, record_text};
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::{
    AccountId, Backend, CloudHsmCluster, ConnectionErrorCode, ConnectionState, CustomKeyStore,
    CustomKeyStoreType, KeyStates, XksProxy, XksProxyConnectivity,
};
use wire::member::{CustomKeyStoreId, CustomKeyStoreName, Limit, Marker};
use wire::{Fault, Timestamp};

/// The operation.
#[derive(Debug)]
pub struct DescribeCustomKeyStores;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional id: CustomKeyStoreId = "CustomKeyStoreId",
        optional name: CustomKeyStoreName = "CustomKeyStoreName",
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required stores: Vec<Entry> = "CustomKeyStores",
        optional next_marker: String = "NextMarker",
        required truncated: bool = "Truncated",
    }
}

wire::output! {
    /// A store as its owner sees it.
    pub struct Entry {
        required id: keys::CustomKeyStoreId = "CustomKeyStoreId",
        required name: String = "CustomKeyStoreName",
        optional cluster_id: String = "CloudHsmClusterId",
        optional trust_anchor: String = "TrustAnchorCertificate",
        required state: ConnectionState = "ConnectionState",
        optional error: ConnectionErrorCode = "ConnectionErrorCode",
        required created: Timestamp = "CreationDate",
        required kind: CustomKeyStoreType = "CustomKeyStoreType",
        optional proxy: XksProxyConfiguration = "XksProxyConfiguration",
    }
}

wire::output! {
    /// How a store reaches its XKS proxy.
    pub struct XksProxyConfiguration {
        required connectivity: XksProxyConnectivity = "Connectivity",
        required access_key_id: String = "AccessKeyId",
        required uri_endpoint: String = "UriEndpoint",
        required uri_path: String = "UriPath",
        optional service_name: String = "VpcEndpointServiceName",
        optional service_owner: AccountId = "VpcEndpointServiceOwner",
    }
}

impl Operation for DescribeCustomKeyStores {
    const NAME: &'static str = "DescribeCustomKeyStores";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = OwnStores;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record_text(record, "customKeyStoreId", input.id.as_ref().map(CustomKeyStoreId::as_str));
        record_text(record, "customKeyStoreName", input.name.as_ref().map(CustomKeyStoreName::as_str));
        record_number(record, "limit", input.limit.map(Limit::value));
        record_text(record, "marker", input.marker.as_ref().map(Marker::as_str));
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        match (&input.id, &input.name) {
            (Some(_), Some(_)) => Err(refusals::invalid(BOTH)),
            _ => Ok(()),
        }
    }

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<OwnStores, Failure> {
        OwnStores::read(scene).await
    }

    fn permissions<'a>(_: &Input, _: &'a OwnStores) -> Vec<Permission<'a>> {
        vec![Permission { action: "kms:DescribeCustomKeyStores", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<OwnStores>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let after = pages::after(LIST, input.marker.as_ref())?;
        let mut described: Vec<_> = described(input, subject)?.iter().map(Entry::of).collect();
        described.sort_unstable_by_key(|entry| entry.id);
        described.retain(|entry| after.is_none_or(|after| entry.id.to_string().as_str() > after));
        let limit = pages::limit(input.limit, 100, 1000);
        let truncated = described.len() > limit;
        described.truncate(limit);
        let last = described.last().filter(|_| truncated).map(|entry| entry.id.to_string());
        let next_marker = pages::marker(LIST, last.as_deref());
        Ok(Outcome::of(Answer { stores: described, next_marker, truncated }))
    }
}

fn described<'a>(input: &Input, subject: &'a OwnStores) -> Result<&'a [CustomKeyStore], Fault> {
    if let Some(id) = &input.id {
        return subject.named(id).map(std::slice::from_ref);
    }
    let Some(name) = &input.name else { return Ok(subject.all()) };
    let named = subject.all().iter().find(|store| store.name == name.as_str());
    named.map(std::slice::from_ref).ok_or_else(no_such_store)
}

impl Entry {
    fn of(store: &CustomKeyStore) -> Self {
        let (cluster, proxy) = match &store.backend {
            Backend::CloudHsm(CloudHsmCluster { cluster_id, trust_anchor, .. }) => {
                (Some((cluster_id.clone(), trust_anchor.clone())), None)
            }
            Backend::Xks(proxy) => (None, Some(XksProxyConfiguration::of(proxy))),
        };
        let (cluster_id, trust_anchor) = cluster.unzip();
        Self {
            id: store.id,
            name: store.name.clone(),
            cluster_id,
            trust_anchor,
            state: store.connection.state,
            error: store.connection.error,
            created: Timestamp(store.created),
            kind: store.store_type(),
            proxy,
        }
    }
}

impl XksProxyConfiguration {
    fn of(proxy: &XksProxy) -> Self {
        let service = proxy.vpc_endpoint_service.as_ref();
        Self {
            connectivity: proxy.connectivity,
            access_key_id: proxy.access_key_id.clone(),
            uri_endpoint: proxy.uri_endpoint.clone(),
            uri_path: proxy.uri_path.clone(),
            service_name: service.map(|service| service.name.clone()),
            service_owner: service.map(|service| service.owner),
        }
    }
}

const LIST: &str = "custom-key-stores";
const BOTH: &str = "Specify CustomKeyStoreId or CustomKeyStoreName, not both.";
