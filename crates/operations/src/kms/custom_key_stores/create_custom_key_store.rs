//! `CreateCustomKeyStore`: makes a store of an HSM cluster or an XKS proxy, once that was found to be there. It is not connected yet.

use super::own::OwnStores;
use super::{backend, refusals};
use crate::kms::record_text;
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::{Object, object};
use catalog::World;
use keys::{
    Backend, CloudHsmCluster, Connection, ConnectionState, CustomKeyStore, CustomKeyStoreId,
    CustomKeyStoreType, KeyStates, VpcEndpointService, XksProxy, XksProxyConnectivity,
};
use keystores::{Fingerprint, KeyStores};
use uuid::Uuid;
use wire::Fault;
use wire::member::{
    AccountIdText, CloudHsmClusterId, CustomKeyStoreName, KeyStorePassword, TrustAnchorCertificate,
    XksProxyAuthenticationCredential, XksProxyUriEndpoint, XksProxyUriPath, XksProxyVpcEndpointServiceName,
};

/// The operation.
#[derive(Debug)]
pub struct CreateCustomKeyStore;

wire::input! {
    /// What it takes.
    pub struct Input {
        required name: CustomKeyStoreName = "CustomKeyStoreName",
        optional cluster_id: CloudHsmClusterId = "CloudHsmClusterId",
        optional trust_anchor: TrustAnchorCertificate = "TrustAnchorCertificate",
        optional password: KeyStorePassword = "KeyStorePassword",
        optional kind: CustomKeyStoreType = "CustomKeyStoreType",
        optional uri_endpoint: XksProxyUriEndpoint = "XksProxyUriEndpoint",
        optional uri_path: XksProxyUriPath = "XksProxyUriPath",
        optional service_name: XksProxyVpcEndpointServiceName = "XksProxyVpcEndpointServiceName",
        optional service_owner: AccountIdText = "XksProxyVpcEndpointServiceOwner",
        optional credential: XksProxyAuthenticationCredential = "XksProxyAuthenticationCredential",
        optional connectivity: XksProxyConnectivity = "XksProxyConnectivity",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required id: CustomKeyStoreId = "CustomKeyStoreId",
    }
}

impl Operation for CreateCustomKeyStore {
    const NAME: &'static str = "CreateCustomKeyStore";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = OwnStores;

    /// Neither secrets nor the access key id that goes with one, nor the certificate, which is long.
    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("customKeyStoreName", input.name.as_str());
        record.string("customKeyStoreType", input.kind().name());
        record_text(record, "clusterId", input.cluster_id.as_ref().map(CloudHsmClusterId::as_str));
        record_text(record, "xksProxyConnectivity", input.connectivity.map(XksProxyConnectivity::name));
        let endpoint = input.uri_endpoint.as_ref().map(XksProxyUriEndpoint::as_str);
        record_text(record, "xksProxyUriEndpoint", endpoint);
        record_text(record, "xksProxyUriPath", input.uri_path.as_ref().map(XksProxyUriPath::as_str));
        let service = input.service_name.as_ref().map(XksProxyVpcEndpointServiceName::as_str);
        record_text(record, "xksProxyVpcEndpointServiceName", service);
        let owner = input.service_owner.as_ref().map(AccountIdText::as_str);
        record_text(record, "xksProxyVpcEndpointServiceOwner", owner);
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        backend::check_uri(input.uri_endpoint.as_ref(), input.uri_path.as_ref())?;
        New::of(input).map(drop)
    }

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<OwnStores, Failure> {
        OwnStores::read(scene).await
    }

    fn permissions<'a>(_: &Input, _: &'a OwnStores) -> Vec<Permission<'a>> {
        vec![Permission { action: "kms:CreateCustomKeyStore", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<OwnStores>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (new, key_stores) = (New::of(input)?, scene.key_stores(subject));
        if let Some(id) = identical(input, &new, subject, key_stores).await? {
            return Ok(made(id));
        }
        let id = new_id();
        let secret =
            key_stores.seal_credential(&id, new.secret()).await.map_err(super::faults::of_management)?;
        let store = store(input, id, new.backend(secret, scene), scene);
        subject.with(&store, None, scene).await?;
        check(&store, key_stores, scene).await?;
        // What is asked of a proxy takes its time; since then others may have changed stores of their own.
        let changes = OwnStores::read(scene).await?.with(&store, None, scene).await?;
        scene.commit(subject, changes).await?;
        Ok(made(id))
    }
}

impl Input {
    fn kind(&self) -> CustomKeyStoreType {
        self.kind.unwrap_or(CustomKeyStoreType::AwsCloudHsm)
    }
}

/// The backend of a store that is to be made: all that its type takes, and nothing that another takes.
enum New<'a> {
    CloudHsm {
        cluster_id: &'a CloudHsmClusterId,
        trust_anchor: &'a TrustAnchorCertificate,
        password: &'a KeyStorePassword,
    },
    Xks {
        connectivity: XksProxyConnectivity,
        uri_endpoint: &'a XksProxyUriEndpoint,
        uri_path: &'a XksProxyUriPath,
        credential: &'a XksProxyAuthenticationCredential,
        service: Option<(&'a XksProxyVpcEndpointServiceName, Option<keys::AccountId>)>,
    },
}

impl<'a> New<'a> {
    fn of(input: &'a Input) -> Result<Self, Fault> {
        match input.kind() {
            CustomKeyStoreType::AwsCloudHsm => Self::of_cluster(input),
            CustomKeyStoreType::ExternalKeyStore => Self::of_proxy(input),
        }
    }

    fn of_cluster(input: &'a Input) -> Result<Self, Fault> {
        absent(input.connectivity.as_ref(), "XksProxyConnectivity", input)?;
        absent(input.uri_endpoint.as_ref(), "XksProxyUriEndpoint", input)?;
        absent(input.uri_path.as_ref(), "XksProxyUriPath", input)?;
        absent(input.credential.as_ref(), "XksProxyAuthenticationCredential", input)?;
        absent(input.service_name.as_ref(), "XksProxyVpcEndpointServiceName", input)?;
        absent(input.service_owner.as_ref(), "XksProxyVpcEndpointServiceOwner", input)?;
        Ok(Self::CloudHsm {
            cluster_id: present(input.cluster_id.as_ref(), "CloudHsmClusterId", input)?,
            trust_anchor: present(input.trust_anchor.as_ref(), "TrustAnchorCertificate", input)?,
            password: present(input.password.as_ref(), "KeyStorePassword", input)?,
        })
    }

    fn of_proxy(input: &'a Input) -> Result<Self, Fault> {
        absent(input.cluster_id.as_ref(), "CloudHsmClusterId", input)?;
        absent(input.trust_anchor.as_ref(), "TrustAnchorCertificate", input)?;
        absent(input.password.as_ref(), "KeyStorePassword", input)?;
        let connectivity = *present(input.connectivity.as_ref(), "XksProxyConnectivity", input)?;
        Ok(Self::Xks {
            connectivity,
            uri_endpoint: present(input.uri_endpoint.as_ref(), "XksProxyUriEndpoint", input)?,
            uri_path: present(input.uri_path.as_ref(), "XksProxyUriPath", input)?,
            credential: present(input.credential.as_ref(), "XksProxyAuthenticationCredential", input)?,
            service: service(input, connectivity)?,
        })
    }

    fn secret(&self) -> &str {
        match self {
            Self::CloudHsm { password, .. } => password.expose(),
            Self::Xks { credential, .. } => credential.raw_secret_access_key.expose(),
        }
    }

    fn backend(&self, secret: Box<[u8]>, scene: &Scene<'_>) -> Backend {
        match self {
            Self::CloudHsm { cluster_id, trust_anchor, .. } => Backend::CloudHsm(CloudHsmCluster {
                cluster_id: cluster_id.as_str().to_owned(),
                trust_anchor: trust_anchor.as_str().to_owned(),
                password: secret,
                transport_keys: Box::default(),
            }),
            Self::Xks { connectivity, uri_endpoint, uri_path, credential, service } => {
                Backend::Xks(XksProxy {
                    connectivity: *connectivity,
                    uri_endpoint: uri_endpoint.as_str().to_owned(),
                    uri_path: uri_path.as_str().to_owned(),
                    access_key_id: credential.access_key_id.as_str().to_owned(),
                    secret,
                    credential_since: scene.now,
                    vpc_endpoint_service: service.map(|(name, owner)| VpcEndpointService {
                        name: name.as_str().to_owned(),
                        owner: owner.unwrap_or_else(|| scene.world().account),
                    }),
                })
            }
        }
    }
}

fn service(
    input: &Input,
    connectivity: XksProxyConnectivity,
) -> Result<Option<(&XksProxyVpcEndpointServiceName, Option<keys::AccountId>)>, Fault> {
    let owner = input.service_owner.as_ref().map(super::own::account).transpose()?;
    match (connectivity, &input.service_name) {
        (XksProxyConnectivity::VpcEndpointService, Some(name)) => Ok(Some((name, owner))),
        (XksProxyConnectivity::VpcEndpointService, None) => Err(refusals::invalid(refusals::NO_SERVICE)),
        (XksProxyConnectivity::PublicEndpoint, None) if owner.is_none() => Ok(None),
        (XksProxyConnectivity::PublicEndpoint, _) => Err(refusals::invalid(refusals::NO_PLACE_FOR_SERVICE)),
    }
}

fn absent<T>(member: Option<&T>, name: &str, input: &Input) -> Result<(), Fault> {
    let kind = input.kind();
    let refuse =
        |_| Err(refusals::invalid(format!("{name} is not valid with the CustomKeyStoreType {kind}.")));
    member.map_or(Ok(()), refuse)
}

fn present<'a, T>(member: Option<&'a T>, name: &str, input: &Input) -> Result<&'a T, Fault> {
    let kind = input.kind();
    member.ok_or_else(|| refusals::invalid(format!("{name} is required with the CustomKeyStoreType {kind}.")))
}

/// The id of the store of an HSM cluster that is there already, as it is asked for.
//= custom-key-stores: creating with property values identical to a disconnected CloudHSM key store's gives its id
async fn identical(
    input: &Input,
    new: &New<'_>,
    own: &OwnStores,
    key_stores: &KeyStores,
) -> Result<Option<CustomKeyStoreId>, Failure> {
    let New::CloudHsm { cluster_id, trust_anchor, password } = new else { return Ok(None) };
    let is_candidate =
        |store: &&CustomKeyStore| store.name == input.name.as_str() && store.check_disconnected().is_ok();
    let Some(store) = own.all().iter().find(is_candidate) else { return Ok(None) };
    let Backend::CloudHsm(cluster) = &store.backend else { return Ok(None) };
    let certificates = [trust_anchor.as_str(), cluster.trust_anchor.as_str()].map(Fingerprint::of_pem);
    if cluster.cluster_id != cluster_id.as_str() || certificates[0] != certificates[1] {
        return Ok(None);
    }
    let same = key_stores.is_credential(&store.id, &cluster.password, password.expose()).await;
    Ok(same.map_err(super::faults::of_management)?.then_some(store.id))
}

fn store(input: &Input, id: CustomKeyStoreId, backend: Backend, scene: &Scene<'_>) -> CustomKeyStore {
    let World { account, region } = scene.world();
    CustomKeyStore {
        account,
        region,
        id,
        name: input.name.as_str().to_owned(),
        created: scene.now,
        connection: Connection::in_state(ConnectionState::Disconnected),
        backend,
    }
}

/// A proxy behind a VPC endpoint service is asked when the store is connected, any other one now.
async fn check(store: &CustomKeyStore, key_stores: &KeyStores, scene: &Scene<'_>) -> Result<(), Failure> {
    backend::check_reach(store, scene)?;
    match &store.backend {
        Backend::CloudHsm(cluster) => {
            backend::check_cluster(cluster, store.account, key_stores, backend::OTHER_TRUST_ANCHOR).await?;
        }
        Backend::Xks(XksProxy { vpc_endpoint_service: None, .. }) => {
            backend::check_proxy(store, key_stores, scene, CreateCustomKeyStore::NAME).await?;
        }
        Backend::Xks(proxy) => backend::check_service(proxy.vpc_endpoint_service.as_ref(), key_stores)?,
    }
    Ok(())
}

fn made(id: CustomKeyStoreId) -> Outcome<Answer> {
    let elements = object(|elements| elements.string("customKeyStoreId", &id.to_string()));
    Outcome::of(Answer { id }).with_elements(elements)
}

/// The bits that one UUID has fixed are random in the other half of another.
fn new_id() -> CustomKeyStoreId {
    let [one, other] = [Uuid::new_v4().as_u128(), Uuid::new_v4().as_u128()];
    CustomKeyStoreId::from_random((one ^ other.rotate_left(64)).to_be_bytes())
}
