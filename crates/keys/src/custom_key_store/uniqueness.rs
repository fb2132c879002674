//! What no two custom key stores may have in common, and how many there may be.
//!
//! Within an account and region their one record tells. What is to be unique beyond it is claimed: a record of its own for each.

use super::{Backend, CustomKeyStore, CustomKeyStoreId, CustomKeyStores, XksProxyConnectivity};
use serde::{Deserialize, Serialize};

/// Why a store cannot be beside the others of its account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreConflict {
    /// Another one has its name.
    Name,
    /// There are as many as there may be.
    TooMany,
    /// Another one has its endpoint and path.
    Uri,
}

impl CustomKeyStores {
    /// With one more.
    pub fn with(&self, store: CustomKeyStore, most: u64) -> Result<Self, StoreConflict> {
        if u64::try_from(self.stores.len()).is_ok_and(|count| count >= most) {
            return Err(StoreConflict::TooMany);
        }
        self.check(&store)?;
        Ok(Self { stores: self.stores.iter().cloned().chain([store]).collect() })
    }

    /// With that one in place of what it was before.
    pub fn with_changed(&self, store: &CustomKeyStore) -> Result<Self, StoreConflict> {
        self.check(store)?;
        let changed = |one: &CustomKeyStore| if one.id == store.id { store.clone() } else { one.clone() };
        Ok(Self { stores: self.stores.iter().map(changed).collect() })
    }

    /// Without that one.
    #[must_use]
    pub fn without(&self, id: &CustomKeyStoreId) -> Self {
        Self { stores: self.stores.iter().filter(|store| store.id != *id).cloned().collect() }
    }

    fn check(&self, new: &CustomKeyStore) -> Result<(), StoreConflict> {
        let mut others = self.stores.iter().filter(|store| store.id != new.id);
        if others.clone().any(|other| other.name == new.name) {
            return Err(StoreConflict::Name);
        }
        let uri = new.uri();
        let taken = uri.is_some() && others.any(|other| other.uri() == uri);
        if taken { Err(StoreConflict::Uri) } else { Ok(()) }
    }
}

/// What a store claims for itself beyond its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// The certificate of an HSM cluster, by its fingerprint: clusters with the same one hold the same keys.
    Certificate(String),
    /// An HSM cluster.
    Cluster(String),
    /// The endpoint of a proxy, within the region.
    Endpoint(String),
    /// A VPC endpoint service, within the region.
    VpcEndpointService(String),
}

/// By how many stores something is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// Whether by one that shares it with no other.
    pub exclusively: bool,
    /// By how many.
    pub stores: u64,
}

impl Claimed {
    /// With one more claim; nothing if that cannot be.
    #[must_use]
    pub const fn taken(before: Option<Self>, exclusively: bool) -> Option<Self> {
        match before {
            None => Some(Self { exclusively, stores: 1 }),
            Some(Self { exclusively: false, stores }) if !exclusively => {
                Some(Self { exclusively, stores: stores.saturating_add(1) })
            }
            Some(_) => None,
        }
    }

    /// With one claim less; nothing if that was the last.
    #[must_use]
    pub fn released(self) -> Option<Self> {
        let stores = self.stores.saturating_sub(1);
        (stores > 0).then_some(Self { stores, ..self })
    }
}

impl CustomKeyStore {
    /// What it claims, and whether it shares it with no other, given what tells its certificate from others.
    //= kms:CreateCustomKeyStore: a cluster, a VPC endpoint service and its endpoint are of one store; public ones may share theirs
    #[must_use]
    pub fn claims(&self, fingerprint: impl FnOnce(&str) -> String) -> Vec<(Claim, bool)> {
        match &self.backend {
            Backend::CloudHsm(cluster) => vec![
                (Claim::Cluster(cluster.cluster_id.clone()), true),
                (Claim::Certificate(fingerprint(&cluster.trust_anchor)), true),
            ],
            Backend::Xks(proxy) => {
                let is_private = proxy.connectivity == XksProxyConnectivity::VpcEndpointService;
                let service = proxy.vpc_endpoint_service.as_ref();
                let service = service.map(|service| (Claim::VpcEndpointService(service.name.clone()), true));
                let endpoint = Claim::Endpoint(proxy.uri_endpoint.to_ascii_lowercase());
                service.into_iter().chain([(endpoint, is_private)]).collect()
            }
        }
    }

    /// Where its proxy is. The case of a host name means nothing.
    fn uri(&self) -> Option<(String, &str)> {
        match &self.backend {
            Backend::CloudHsm(_) => None,
            Backend::Xks(proxy) => Some((proxy.uri_endpoint.to_ascii_lowercase(), proxy.uri_path.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;
    use crate::XksProxy;

    fn at(number: u8, endpoint: &str, path: &str) -> CustomKeyStore {
        let store = example::proxy_store();
        let Backend::Xks(proxy) = store.backend.clone() else { panic!("a proxy") };
        let proxy = XksProxy { uri_endpoint: endpoint.into(), uri_path: path.into(), ..proxy };
        CustomKeyStore {
            id: CustomKeyStoreId::from_random([number; 16]),
            name: format!("store {number}"),
            backend: Backend::Xks(proxy),
            ..store
        }
    }

    fn stores() -> CustomKeyStores {
        CustomKeyStores { stores: vec![at(1, "https://a.example.com", "/kms/xks/v1")] }
    }

    #[test]
    fn no_more_than_the_quota_are_made() {
        let two = stores().with(at(2, "https://b.example.com", "/kms/xks/v1"), 2).unwrap();
        assert_eq!(two.stores.len(), 2);
        let third = at(3, "https://c.example.com", "/kms/xks/v1");
        assert_eq!(two.with(third.clone(), 2), Err(StoreConflict::TooMany));
        assert!(two.without(&two.stores[0].id).with(third, 2).is_ok());
    }

    #[test]
    fn a_name_is_of_one_store_and_keeps_its_case() {
        let mut other = at(2, "https://b.example.com", "/kms/xks/v1");
        other.name = "store 1".into();
        assert_eq!(stores().with(other.clone(), 9), Err(StoreConflict::Name));
        other.name = "Store 1".into();
        let mut both = stores().with(other, 9).unwrap();
        let renamed = CustomKeyStore { name: "Store 1".into(), ..both.stores[0].clone() };
        assert_eq!(both.with_changed(&renamed), Err(StoreConflict::Name));
        let same = both.stores.remove(0);
        assert!(both.with_changed(&same).is_ok());
    }

    #[test]
    fn an_endpoint_may_be_shared_with_another_path_and_not_with_the_same() {
        assert!(stores().with(at(2, "https://a.example.com", "/b/kms/xks/v1"), 9).is_ok());
        let same = at(2, "https://A.example.com", "/kms/xks/v1");
        assert_eq!(stores().with(same, 9), Err(StoreConflict::Uri));
        let here = at(1, "https://a.example.com", "/c/kms/xks/v1");
        assert_eq!(stores().with_changed(&here).unwrap().stores, [here]);
    }

    #[test]
    fn public_stores_share_a_claim_and_private_ones_do_not() {
        let one = Claimed::taken(None, false).unwrap();
        let two = Claimed::taken(Some(one), false).unwrap();
        assert_eq!(Claimed::taken(Some(two), true), None);
        assert_eq!(two.released(), Some(one));
        assert_eq!(one.released(), None);
        let private = Claimed::taken(None, true).unwrap();
        assert_eq!(Claimed::taken(Some(private), true), None);
        assert_eq!(Claimed::taken(Some(private), false), None);
    }

    #[test]
    fn each_kind_claims_what_is_its_own() {
        let claims = |store: CustomKeyStore| store.claims(|pem| format!("of {pem}"));
        let endpoint = Claim::Endpoint("https://xks.example.com".into());
        assert_eq!(claims(example::proxy_store()), [(endpoint.clone(), false)]);
        let service = Claim::VpcEndpointService(example::SERVICE.into());
        assert_eq!(claims(example::private_store()), [(service, true), (endpoint, true)]);
        let cluster = Claim::Cluster("cluster-aaaaaaaaaaa".into());
        let certificate = Claim::Certificate("of PEM".into());
        assert_eq!(claims(example::cluster_store()), [(cluster, true), (certificate, true)]);
    }
}
