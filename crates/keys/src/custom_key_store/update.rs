//! What may be changed of a custom key store, and when. Its secrets come sealed; whether its backend agrees is asked elsewhere.

use super::{
    Backend, CloudHsmCluster, CustomKeyStore, CustomKeyStoreType, InvalidConnectionState, VpcEndpointService,
    XksProxy, XksProxyConnectivity,
};
use crate::{AccountId, Moment};
use std::fmt;

/// What is to be changed of a store. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreUpdate {
    /// Its name.
    pub name: Option<String>,
    /// Its cluster, if it has one.
    pub cluster: ClusterUpdate,
    /// Its proxy, if it has one.
    pub proxy: ProxyUpdate,
}

/// What is to be changed of how a store reaches its HSM cluster.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClusterUpdate {
    /// The cluster.
    pub cluster_id: Option<String>,
    /// The crypto user's PIN, sealed.
    pub password: Option<Box<[u8]>>,
}

/// What is to be changed of how a store reaches its XKS proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyUpdate {
    /// How it is reached.
    pub connectivity: Option<XksProxyConnectivity>,
    /// `https://` and its host name.
    pub uri_endpoint: Option<String>,
    /// The path of its API.
    pub uri_path: Option<String>,
    /// What requests are signed with: both halves of it.
    pub credential: Option<ProxyCredential>,
    /// The name of the VPC endpoint service, or that there is none from now on.
    pub vpc_endpoint_service_name: Option<Option<String>>,
    /// The account that owns that service.
    pub vpc_endpoint_service_owner: Option<AccountId>,
}

/// What requests to an XKS proxy are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyCredential {
    /// The access key id.
    pub access_key_id: String,
    /// The raw secret access key, sealed.
    pub secret: Box<[u8]>,
    /// Since when it is in use.
    pub since: Moment,
}

/// Why a store cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateRefusal {
    /// Something of it is for a store of the other type.
    NotForType(CustomKeyStoreType),
    /// With another connectivity goes another endpoint.
    NoEndpoint,
    /// A VPC endpoint service is not for a proxy that is reached by its host name.
    NoPlaceForService,
    /// A proxy that is reached by a VPC endpoint service must have one.
    NoService,
    /// Something of it takes a store that is disconnected.
    State(InvalidConnectionState),
}

impl CustomKeyStore {
    /// As it is with those changes.
    //= kms:UpdateCustomKeyStore: name, proxy credential and URI path in every state, all else only while DISCONNECTED
    pub fn updated(&self, update: StoreUpdate) -> Result<Self, UpdateRefusal> {
        let backend = match &self.backend {
            Backend::CloudHsm(cluster) if update.proxy == ProxyUpdate::default() => {
                Backend::CloudHsm(cluster.updated(update.cluster))
            }
            Backend::Xks(proxy) if update.cluster == ClusterUpdate::default() => {
                Backend::Xks(proxy.updated(update.proxy, self.account)?)
            }
            _ => return Err(UpdateRefusal::NotForType(self.store_type())),
        };
        if !self.backend.may_become_while_connected(&backend) {
            self.check_disconnected().map_err(UpdateRefusal::State)?;
        }
        Ok(Self { name: update.name.unwrap_or_else(|| self.name.clone()), backend, ..self.clone() })
    }

    /// Of which type it is.
    #[must_use]
    pub const fn store_type(&self) -> CustomKeyStoreType {
        match self.backend {
            Backend::CloudHsm(_) => CustomKeyStoreType::AwsCloudHsm,
            Backend::Xks(_) => CustomKeyStoreType::ExternalKeyStore,
        }
    }
}

impl Backend {
    fn may_become_while_connected(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::CloudHsm(old), Self::CloudHsm(new)) => old == new,
            (Self::Xks(old), Self::Xks(new)) => {
                let fixed = |proxy: &XksProxy| {
                    (proxy.connectivity, proxy.uri_endpoint.clone(), proxy.vpc_endpoint_service.clone())
                };
                fixed(old) == fixed(new)
            }
            _ => false,
        }
    }
}

impl CloudHsmCluster {
    /// Another cluster has other members, and they have other transport keys.
    fn updated(&self, update: ClusterUpdate) -> Self {
        let cluster_id = update.cluster_id.unwrap_or_else(|| self.cluster_id.clone());
        let transport_keys =
            if cluster_id == self.cluster_id { self.transport_keys.clone() } else { Box::default() };
        let password = update.password.unwrap_or_else(|| self.password.clone());
        Self { cluster_id, transport_keys, password, ..self.clone() }
    }
}

impl XksProxy {
    fn updated(&self, update: ProxyUpdate, own: AccountId) -> Result<Self, UpdateRefusal> {
        let connectivity = update.connectivity.unwrap_or(self.connectivity);
        if connectivity != self.connectivity && update.uri_endpoint.is_none() {
            return Err(UpdateRefusal::NoEndpoint);
        }
        let vpc_endpoint_service = match connectivity {
            XksProxyConnectivity::PublicEndpoint => no_service(&update)?,
            XksProxyConnectivity::VpcEndpointService => Some(self.service(&update, own)?),
        };
        let mut new = Self { connectivity, vpc_endpoint_service, ..self.clone() };
        if let Some(ProxyCredential { access_key_id, secret, since }) = update.credential {
            new = Self { access_key_id, secret, credential_since: since, ..new };
        }
        new.uri_endpoint = update.uri_endpoint.unwrap_or(new.uri_endpoint);
        new.uri_path = update.uri_path.unwrap_or(new.uri_path);
        Ok(new)
    }

    fn service(&self, update: &ProxyUpdate, own: AccountId) -> Result<VpcEndpointService, UpdateRefusal> {
        let former = self.vpc_endpoint_service.as_ref();
        let name = match &update.vpc_endpoint_service_name {
            Some(name) => name.clone(),
            None => former.map(|former| former.name.clone()),
        };
        let owner = update.vpc_endpoint_service_owner.or(former.map(|former| former.owner));
        Ok(VpcEndpointService { name: name.ok_or(UpdateRefusal::NoService)?, owner: owner.unwrap_or(own) })
    }
}

fn no_service(update: &ProxyUpdate) -> Result<Option<VpcEndpointService>, UpdateRefusal> {
    let named = matches!(update.vpc_endpoint_service_name, Some(Some(_)));
    if named || update.vpc_endpoint_service_owner.is_some() {
        return Err(UpdateRefusal::NoPlaceForService);
    }
    Ok(None)
}

/// Sealed secrets are long and say nothing.
impl fmt::Debug for ClusterUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterUpdate").field("cluster_id", &self.cluster_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ProxyCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyCredential").field("since", &self.since).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{self, SERVICE};
    use super::*;
    use crate::{Connection, ConnectionState};

    fn proxy(update: ProxyUpdate) -> StoreUpdate {
        StoreUpdate { proxy: update, ..StoreUpdate::default() }
    }

    fn cluster(update: ClusterUpdate) -> StoreUpdate {
        StoreUpdate { cluster: update, ..StoreUpdate::default() }
    }

    fn credential() -> ProxyCredential {
        ProxyCredential {
            access_key_id: "BBBBBBBBBBBBBBBBBBBB".into(),
            secret: [9].into(),
            since: Moment::from_millis(9),
        }
    }

    fn endpoint(name: &str) -> Option<String> {
        Some(format!("https://{name}"))
    }

    fn named(name: &str) -> Option<Option<String>> {
        Some(Some(name.to_owned()))
    }

    /// Each thing that can be changed, and whether that takes a store that is disconnected.
    fn changes() -> Vec<(CustomKeyStore, StoreUpdate, bool)> {
        let (public, private, hsm) =
            (example::proxy_store(), example::private_store(), example::cluster_store());
        let none = ProxyUpdate::default;
        vec![
            (public.clone(), StoreUpdate { name: Some("Nile".into()), ..StoreUpdate::default() }, false),
            (hsm.clone(), StoreUpdate { name: Some("Nile".into()), ..StoreUpdate::default() }, false),
            (public.clone(), proxy(ProxyUpdate { credential: Some(credential()), ..none() }), false),
            (public.clone(), proxy(ProxyUpdate { uri_path: Some("/b/kms/xks/v1".into()), ..none() }), false),
            (public.clone(), proxy(ProxyUpdate { uri_endpoint: endpoint("b.example.com"), ..none() }), true),
            (
                private.clone(),
                proxy(ProxyUpdate { vpc_endpoint_service_name: named("another"), ..none() }),
                true,
            ),
            (
                private.clone(),
                proxy(ProxyUpdate {
                    vpc_endpoint_service_owner: Some("444455556666".parse().unwrap()),
                    ..none()
                }),
                true,
            ),
            (
                public,
                proxy(ProxyUpdate {
                    connectivity: Some(XksProxyConnectivity::VpcEndpointService),
                    uri_endpoint: endpoint("b.example.com"),
                    vpc_endpoint_service_name: named(SERVICE),
                    ..none()
                }),
                true,
            ),
            (
                private,
                proxy(ProxyUpdate {
                    connectivity: Some(XksProxyConnectivity::PublicEndpoint),
                    uri_endpoint: endpoint("b.example.com"),
                    ..none()
                }),
                true,
            ),
            (
                hsm.clone(),
                cluster(ClusterUpdate { cluster_id: Some("cluster-bbbbbbbbbbb".into()), password: None }),
                true,
            ),
            (hsm, cluster(ClusterUpdate { cluster_id: None, password: Some([9].into()) }), true),
        ]
    }

    #[test]
    fn name_credential_and_path_change_in_every_state_and_the_rest_in_disconnected() {
        for (store, update, takes_disconnected) in changes() {
            for state in ConnectionState::ALL.iter().copied() {
                let store = CustomKeyStore { connection: Connection::in_state(state), ..store.clone() };
                let updated = store.updated(update.clone());
                if takes_disconnected && state != ConnectionState::Disconnected {
                    let refusal = UpdateRefusal::State(InvalidConnectionState(state));
                    assert_eq!(updated, Err(refusal), "{update:?} in {state}");
                } else {
                    assert_ne!(updated, Ok(store), "{update:?} in {state} changed nothing");
                }
            }
        }
    }

    #[test]
    fn what_is_asked_for_and_already_so_is_no_change() {
        let mut store = example::proxy_store();
        store.connection = Connection::in_state(ConnectionState::Connected);
        let Backend::Xks(was) = &store.backend else { panic!("a proxy") };
        let same = ProxyUpdate {
            connectivity: Some(was.connectivity),
            uri_endpoint: Some(was.uri_endpoint.clone()),
            vpc_endpoint_service_name: Some(None),
            ..ProxyUpdate::default()
        };
        assert_eq!(store.updated(proxy(same)), Ok(store.clone()));
        assert_eq!(store.updated(StoreUpdate::default()), Ok(store));
    }

    #[test]
    fn what_is_for_the_other_type_is_refused() {
        let password = ClusterUpdate { password: Some([9].into()), ..ClusterUpdate::default() };
        let refusal = example::proxy_store().updated(cluster(password));
        assert_eq!(refusal, Err(UpdateRefusal::NotForType(CustomKeyStoreType::ExternalKeyStore)));
        let path = ProxyUpdate { uri_path: Some("/kms/xks/v1".into()), ..ProxyUpdate::default() };
        let refusal = example::cluster_store().updated(proxy(path));
        assert_eq!(refusal, Err(UpdateRefusal::NotForType(CustomKeyStoreType::AwsCloudHsm)));
    }

    #[test]
    fn with_another_connectivity_go_another_endpoint_and_a_service_or_none() {
        let (public, private) = (example::proxy_store(), example::private_store());
        let to = |connectivity| ProxyUpdate { connectivity: Some(connectivity), ..ProxyUpdate::default() };
        let vpc = to(XksProxyConnectivity::VpcEndpointService);
        let host = to(XksProxyConnectivity::PublicEndpoint);
        let at =
            |update: &ProxyUpdate| ProxyUpdate { uri_endpoint: endpoint("b.example.com"), ..update.clone() };
        assert_eq!(public.updated(proxy(vpc.clone())), Err(UpdateRefusal::NoEndpoint));
        assert_eq!(private.updated(proxy(host.clone())), Err(UpdateRefusal::NoEndpoint));
        assert_eq!(public.updated(proxy(at(&vpc))), Err(UpdateRefusal::NoService));
        let with_service = ProxyUpdate { vpc_endpoint_service_name: named(SERVICE), ..at(&host) };
        assert_eq!(private.updated(proxy(with_service)), Err(UpdateRefusal::NoPlaceForService));
        let emptied = ProxyUpdate { vpc_endpoint_service_name: Some(None), ..at(&host) };
        let Backend::Xks(now) = private.updated(proxy(emptied)).unwrap().backend else { panic!("a proxy") };
        assert_eq!(now.vpc_endpoint_service, None);
        let without = ProxyUpdate { vpc_endpoint_service_name: Some(None), ..ProxyUpdate::default() };
        assert_eq!(private.updated(proxy(without)), Err(UpdateRefusal::NoService));
    }

    #[test]
    fn a_service_is_the_accounts_own_unless_it_says_otherwise() {
        let update = ProxyUpdate {
            connectivity: Some(XksProxyConnectivity::VpcEndpointService),
            uri_endpoint: endpoint("b.example.com"),
            vpc_endpoint_service_name: named(SERVICE),
            ..ProxyUpdate::default()
        };
        let store = example::proxy_store();
        let Backend::Xks(now) = store.updated(proxy(update)).unwrap().backend else { panic!("a proxy") };
        assert_eq!(now.vpc_endpoint_service.unwrap().owner, store.account);
    }

    #[test]
    fn another_cluster_is_not_known_by_the_transport_keys_of_the_former() {
        let moved = ClusterUpdate { cluster_id: Some("cluster-bbbbbbbbbbb".into()), password: None };
        let store = example::cluster_store();
        let Backend::CloudHsm(now) = store.updated(cluster(moved)).unwrap().backend else {
            panic!("a cluster")
        };
        assert!(now.transport_keys.is_empty());
        let stays = ClusterUpdate { cluster_id: None, password: Some([9].into()) };
        let Backend::CloudHsm(now) = store.updated(cluster(stays)).unwrap().backend else {
            panic!("a cluster")
        };
        assert_eq!((&*now.transport_keys, &*now.password), (&[7_u8][..], &[9_u8][..]));
    }
}
