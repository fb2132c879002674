//! Custom key stores: where keys are that their owner keeps in an HSM cluster or in an external key manager.

mod connection;
mod endpoint;
mod uniqueness;
mod update;

pub use connection::InvalidConnectionState;
pub use endpoint::{is_loopback_endpoint, is_proxy_endpoint, is_proxy_path};
pub use uniqueness::{Claim, Claimed, StoreConflict};
pub use update::{ClusterUpdate, ProxyCredential, ProxyUpdate, StoreUpdate, UpdateRefusal};

use crate::{AccountId, InvalidId, Moment, Region, named};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// All custom key stores of an account in a region: one record, so that their number, names and addresses are always exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomKeyStores {
    /// The stores, in the order in which they were made.
    pub stores: Vec<CustomKeyStore>,
}

impl CustomKeyStores {
    /// The store of that id.
    #[must_use]
    pub fn store(&self, id: &CustomKeyStoreId) -> Option<&CustomKeyStore> {
        self.stores.iter().find(|store| store.id == *id)
    }
}

/// All that is kept of a custom key store. Its secrets are here only as the security module has sealed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomKeyStore {
    /// The account that owns it.
    pub account: AccountId,
    /// The region that it is in.
    pub region: Region,
    /// Its id.
    pub id: CustomKeyStoreId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Moment,
    /// Whether it is connected to its backend.
    pub connection: Connection,
    /// The backend.
    pub backend: Backend,
}

impl CustomKeyStore {
    /// Whether its keys can be used.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connection.state == ConnectionState::Connected
    }
}

/// Whether a store is connected to its backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// How far that is.
    pub state: ConnectionState,
    /// Why the last attempt to connect failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ConnectionErrorCode>,
    /// The request that wants it connected, while it is being connected: its backend is told, and one attempt is told from the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Box<str>>,
}

/// What is behind a custom key store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backend {
    /// A PKCS#11 HSM cluster.
    CloudHsm(CloudHsmCluster),
    /// An external key manager behind an XKS proxy.
    Xks(XksProxy),
}

/// An HSM cluster as a store knows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudHsmCluster {
    /// The id by which the configuration knows it.
    pub cluster_id: String,
    /// The certificate that vouches for the cluster, PEM, as it was given.
    pub trust_anchor: String,
    /// The crypto user's PIN, sealed.
    #[serde(with = "crate::hexadecimal")]
    pub password: Box<[u8]>,
    /// The transport keys of its members, sealed: who could change them would be sent the next key. Empty until it was connected.
    #[serde(default, skip_serializing_if = "<[u8]>::is_empty", with = "crate::hexadecimal")]
    pub transport_keys: Box<[u8]>,
}

/// An XKS proxy as a store knows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XksProxy {
    /// How it is reached.
    pub connectivity: XksProxyConnectivity,
    /// `https://` and its host name.
    pub uri_endpoint: String,
    /// The path of its API, which ends in `/kms/xks/v1`.
    pub uri_path: String,
    /// The access key id that requests are signed with.
    pub access_key_id: String,
    /// The raw secret access key, sealed.
    #[serde(with = "crate::hexadecimal")]
    pub secret: Box<[u8]>,
    /// Since when this credential is in use.
    pub credential_since: Moment,
    /// The VPC endpoint service by which it is reached, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_service: Option<VpcEndpointService>,
}

/// A VPC endpoint service: a name that the configuration gives an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcEndpointService {
    /// Its name.
    pub name: String,
    /// The account that owns it.
    pub owner: AccountId,
}

/// Where the part of a key is that its owner keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPlace {
    /// The store.
    pub store: CustomKeyStoreId,
    /// The key there.
    pub key: OuterKey,
}

/// A key outside the service, with which a custom key store seals once more what the security module has sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OuterKey {
    /// A key in an HSM cluster.
    Hsm(HsmKey),
    /// A key of an external key manager.
    External {
        /// Its id there: `XksKeyId`.
        id: String,
    },
}

/// An AES-256 key in the HSMs of a cluster.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HsmKey {
    /// The id of its objects: `CKA_ID`, 32 hexadecimal digits.
    pub id: String,
    /// For each member of the cluster the key as only that member can unwrap it; empty if the cluster copies its keys by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copies: BTreeMap<String, WrappedKey>,
}

/// A key wrapped under a member's transport key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey(#[serde(with = "crate::hexadecimal")] pub Box<[u8]>);

/// The id of a custom key store: `cks-` and 17 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomKeyStoreId([u8; DIGITS]);

impl CustomKeyStoreId {
    /// One from random bits, of which 68 are used.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        let text = format!("{:032x}", u128::from_be_bytes(random));
        let mut digits = [b'0'; DIGITS];
        digits.iter_mut().zip(text.bytes()).for_each(|(digit, one)| *digit = one);
        Self(digits)
    }
}

impl FromStr for CustomKeyStoreId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidId)?;
        let digits: [u8; DIGITS] = digits.as_bytes().try_into().map_err(|_| InvalidId)?;
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if digits.iter().all(is_digit) { Ok(Self(digits)) } else { Err(InvalidId) }
    }
}

impl fmt::Display for CustomKeyStoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // INVARIANT: only ASCII digits and letters get in.
        write!(f, "{PREFIX}{}", std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for CustomKeyStoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for CustomKeyStoreId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CustomKeyStoreId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Sealed secrets are long and say nothing.
impl fmt::Debug for CloudHsmCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudHsmCluster").field("cluster_id", &self.cluster_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for XksProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let XksProxy { uri_endpoint, uri_path, access_key_id, .. } = self;
        let mut shown = f.debug_struct("XksProxy");
        shown.field("uri_endpoint", uri_endpoint).field("uri_path", uri_path);
        shown.field("access_key_id", access_key_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for HsmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HsmKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({} bytes)", self.0.len())
    }
}

named! {
    /// Which kind of store it is.
    CustomKeyStoreType {
        /// A PKCS#11 HSM cluster.
        AwsCloudHsm = "AWS_CLOUDHSM",
        /// An external key manager behind an XKS proxy.
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

named! {
    /// How an XKS proxy is reached.
    XksProxyConnectivity {
        /// By its host name.
        PublicEndpoint = "PUBLIC_ENDPOINT",
        /// By a service name that the configuration gives an address.
        VpcEndpointService = "VPC_ENDPOINT_SERVICE",
    }
}

named! {
    /// How far a store is connected to its backend.
    ConnectionState {
        /// It is.
        Connected = "CONNECTED",
        /// It is being connected.
        Connecting = "CONNECTING",
        /// The last attempt to connect failed.
        Failed = "FAILED",
        /// It is not.
        Disconnected = "DISCONNECTED",
        /// It is being disconnected.
        Disconnecting = "DISCONNECTING",
    }
}

named! {
    /// Why an attempt to connect failed.
    ConnectionErrorCode {
        /// The proxy or the crypto user's PIN refuses us.
        InvalidCredentials = "INVALID_CREDENTIALS",
        /// The cluster is not in the configuration any more.
        ClusterNotFound = "CLUSTER_NOT_FOUND",
        /// The backend cannot be reached.
        NetworkErrors = "NETWORK_ERRORS",
        /// Something of ours failed.
        InternalError = "INTERNAL_ERROR",
        /// No member of the cluster is active.
        InsufficientCloudHsmHsms = "INSUFFICIENT_CLOUDHSM_HSMS",
        /// The crypto user is locked.
        UserLockedOut = "USER_LOCKED_OUT",
        /// There is no crypto user.
        UserNotFound = "USER_NOT_FOUND",
        /// The crypto user is logged in elsewhere.
        UserLoggedIn = "USER_LOGGED_IN",
        /// AWS's own, for a subnet that is gone.
        SubnetNotFound = "SUBNET_NOT_FOUND",
        /// AWS's own, for a subnet that is full.
        InsufficientFreeAddressesInSubnet = "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        /// The proxy does not let us.
        XksProxyAccessDenied = "XKS_PROXY_ACCESS_DENIED",
        /// Nobody answers at the proxy's address, or no key manager behind it is available.
        XksProxyNotReachable = "XKS_PROXY_NOT_REACHABLE",
        /// The VPC endpoint service is not in the configuration.
        XksVpcEndpointServiceNotFound = "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        /// The proxy's answer cannot be understood.
        XksProxyInvalidResponse = "XKS_PROXY_INVALID_RESPONSE",
        /// The proxy does not know the path.
        XksProxyInvalidConfiguration = "XKS_PROXY_INVALID_CONFIGURATION",
        /// AWS's own, for a VPC endpoint service that does not do.
        XksVpcEndpointServiceInvalidConfiguration = "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        /// The proxy did not answer in time.
        XksProxyTimedOut = "XKS_PROXY_TIMED_OUT",
        /// No TLS connection that can be trusted.
        XksProxyInvalidTlsConfiguration = "XKS_PROXY_INVALID_TLS_CONFIGURATION",
    }
}

const PREFIX: &str = "cks-";
const DIGITS: usize = 17;

/// Stores for the tests of their rules.
#[cfg(test)]
mod example {
    use super::*;

    pub const SERVICE: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";

    /// A proxy that is reached by its host name.
    pub fn proxy_store() -> CustomKeyStore {
        store(Backend::Xks(proxy(XksProxyConnectivity::PublicEndpoint, None)))
    }

    /// A proxy that is reached by a VPC endpoint service.
    pub fn private_store() -> CustomKeyStore {
        let service = VpcEndpointService { name: SERVICE.into(), owner: "111122223333".parse().unwrap() };
        store(Backend::Xks(proxy(XksProxyConnectivity::VpcEndpointService, Some(service))))
    }

    /// An HSM cluster.
    pub fn cluster_store() -> CustomKeyStore {
        store(Backend::CloudHsm(CloudHsmCluster {
            cluster_id: "cluster-aaaaaaaaaaa".into(),
            trust_anchor: "PEM".into(),
            password: [1].into(),
            transport_keys: [7].into(),
        }))
    }

    fn proxy(connectivity: XksProxyConnectivity, service: Option<VpcEndpointService>) -> XksProxy {
        XksProxy {
            connectivity,
            uri_endpoint: "https://xks.example.com".into(),
            uri_path: "/kms/xks/v1".into(),
            access_key_id: "AAAAAAAAAAAAAAAAAAAA".into(),
            secret: [1].into(),
            credential_since: Moment::from_millis(1),
            vpc_endpoint_service: service,
        }
    }

    fn store(backend: Backend) -> CustomKeyStore {
        CustomKeyStore {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            id: CustomKeyStoreId::from_random([0xab; 16]),
            name: "Amazon".into(),
            created: Moment::from_millis(0),
            connection: Connection::in_state(ConnectionState::Disconnected),
            backend,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_prefix_and_17_hexadecimal_digits() {
        let id = CustomKeyStoreId::from_random([0xab; 16]);
        assert_eq!(id.to_string(), "cks-ababababababababa");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "cks-", "cks-abababababababab", "cks-ABABABABABABABABA", "ababababababababa"] {
            assert!(wrong.parse::<CustomKeyStoreId>().is_err(), "{wrong}");
        }
    }
}
