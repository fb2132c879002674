//! `UpdateCustomKeyStore`: changes a store's name, or how its backend is reached, once the backend was found to be there.

use super::own::{self, OwnStores, event_data};
use super::{backend, faults, refusals};
use crate::kms::record_text;
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::{
    Backend, ClusterUpdate, CustomKeyStore, KeyStates, Moment, ProxyCredential, ProxyUpdate, StoreUpdate,
    XksProxyConnectivity,
};
use keystores::{KeyStores, StoreError};
use wire::Fault;
use wire::member::{
    AccountIdText, CloudHsmClusterId, CustomKeyStoreId, CustomKeyStoreName, KeyStorePassword,
    NewXksProxyVpcEndpointServiceName, XksProxyAuthenticationCredential, XksProxyUriEndpoint,
    XksProxyUriPath,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateCustomKeyStore;

wire::input! {
    /// What it takes.
    pub struct Input {
        required id: CustomKeyStoreId = "CustomKeyStoreId",
        optional name: CustomKeyStoreName = "NewCustomKeyStoreName",
        optional password: KeyStorePassword = "KeyStorePassword",
        optional cluster_id: CloudHsmClusterId = "CloudHsmClusterId",
        optional uri_endpoint: XksProxyUriEndpoint = "XksProxyUriEndpoint",
        optional uri_path: XksProxyUriPath = "XksProxyUriPath",
        optional service_name: NewXksProxyVpcEndpointServiceName = "XksProxyVpcEndpointServiceName",
        optional service_owner: AccountIdText = "XksProxyVpcEndpointServiceOwner",
        optional credential: XksProxyAuthenticationCredential = "XksProxyAuthenticationCredential",
        optional connectivity: XksProxyConnectivity = "XksProxyConnectivity",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {}
}

impl Operation for UpdateCustomKeyStore {
    const NAME: &'static str = "UpdateCustomKeyStore";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = OwnStores;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("customKeyStoreId", input.id.as_str());
        record_text(record, "newCustomKeyStoreName", input.name.as_ref().map(CustomKeyStoreName::as_str));
        record_text(record, "clusterId", input.cluster_id.as_ref().map(CloudHsmClusterId::as_str));
        record_text(record, "xksProxyConnectivity", input.connectivity.map(XksProxyConnectivity::name));
        let endpoint = input.uri_endpoint.as_ref().map(XksProxyUriEndpoint::as_str);
        record_text(record, "xksProxyUriEndpoint", endpoint);
        record_text(record, "xksProxyUriPath", input.uri_path.as_ref().map(XksProxyUriPath::as_str));
        let service = input.service_name.as_ref().map(NewXksProxyVpcEndpointServiceName::as_str);
        record_text(record, "xksProxyVpcEndpointServiceName", service);
        let owner = input.service_owner.as_ref().map(AccountIdText::as_str);
        record_text(record, "xksProxyVpcEndpointServiceOwner", owner);
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        backend::check_uri(input.uri_endpoint.as_ref(), input.uri_path.as_ref())
    }

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<OwnStores, Failure> {
        OwnStores::read(scene).await
    }

    fn permissions<'a>(_: &Input, _: &'a OwnStores) -> Vec<Permission<'a>> {
        vec![Permission { action: "kms:UpdateCustomKeyStore", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<OwnStores>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (store, key_stores) = (subject.named(&input.id)?, scene.key_stores(subject));
        let update = update(input, store, key_stores, scene.now).await?;
        let updated = store.updated(update).map_err(refusals::update)?;
        if updated != *store {
            subject.with(&updated, Some(store), scene).await?;
            check(store, &updated, key_stores, scene).await?;
            // What is asked of a proxy takes its time; since then others may have changed stores of their own.
            let own = OwnStores::read(scene).await?;
            if own.named(&input.id)? != store {
                return Err(Failure::Conflict);
            }
            scene.commit(subject, own.with(&updated, Some(store), scene).await?).await?;
        }
        Ok(Outcome::of(Answer {}).with_additional(event_data(&updated)))
    }
}

/// What is to be changed, with its secrets sealed.
async fn update(
    input: &Input,
    store: &CustomKeyStore,
    key_stores: &KeyStores,
    now: Moment,
) -> Result<StoreUpdate, Failure> {
    let seal = async |secret: Option<&str>| match secret {
        Some(secret) => key_stores.seal_credential(&store.id, secret).await.map(Some),
        None => Ok::<_, StoreError>(None),
    };
    let password = seal(input.password.as_ref().map(KeyStorePassword::expose)).await;
    let secret = input.credential.as_ref().map(|credential| credential.raw_secret_access_key.expose());
    let secret = seal(secret).await.map_err(faults::of_management)?;
    let credential = input.credential.as_ref().zip(secret).map(|(credential, secret)| ProxyCredential {
        access_key_id: credential.access_key_id.as_str().to_owned(),
        secret,
        since: now,
    });
    let cluster_id = input.cluster_id.as_ref().map(|id| id.as_str().to_owned());
    let owner = input.service_owner.as_ref().map(own::account).transpose()?;
    let named = |new: &NewXksProxyVpcEndpointServiceName| new.name().map(|name| name.as_str().to_owned());
    Ok(StoreUpdate {
        name: input.name.as_ref().map(|name| name.as_str().to_owned()),
        cluster: ClusterUpdate { cluster_id, password: password.map_err(faults::of_management)? },
        proxy: ProxyUpdate {
            connectivity: input.connectivity,
            uri_endpoint: input.uri_endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()),
            uri_path: input.uri_path.as_ref().map(|path| path.as_str().to_owned()),
            credential,
            vpc_endpoint_service_name: input.service_name.as_ref().map(named),
            vpc_endpoint_service_owner: owner,
        },
    })
}

/// Asks the backend, unless it is reached as before.
async fn check(
    store: &CustomKeyStore,
    updated: &CustomKeyStore,
    key_stores: &KeyStores,
    scene: &Scene<'_>,
) -> Result<(), Failure> {
    backend::check_reach(updated, scene)?;
    match (&store.backend, &updated.backend) {
        (Backend::CloudHsm(old), Backend::CloudHsm(new)) if old.cluster_id != new.cluster_id => {
            backend::check_cluster(new, updated.account, key_stores, backend::NOT_RELATED).await?;
        }
        (Backend::Xks(old), Backend::Xks(new)) if old != new => {
            backend::check_service(new.vpc_endpoint_service.as_ref(), key_stores)?;
            backend::check_proxy(updated, key_stores, scene, UpdateCustomKeyStore::NAME).await?;
        }
        _ => {}
    }
    Ok(())
}
