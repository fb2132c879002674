//! What a key is: its identifiers, spec, usage, origin, state and the rules that move it from one state to the next.
//!
//! Pure: no input or output, no clock, no randomness, no cryptography. Time is an argument ([`Moment`]).

#![forbid(unsafe_code)]

mod alias;
mod aws_managed;
mod custom_key_store;
mod grant;
mod hexadecimal;
mod id;
mod import;
mod key;
mod material;
mod moment;
mod multi_region;
mod name;
mod policy;
mod spec;
mod state;
mod tag;

pub use alias::{ALIAS_PREFIX, Alias, RESERVED_ALIAS_PREFIX};
pub use aws_managed::{aws_managed_alias, aws_managed_description, aws_managed_policy, via_service};
pub use custom_key_store::{
    Backend, Claim, Claimed, CloudHsmCluster, ClusterUpdate, Connection, ConnectionErrorCode,
    ConnectionState, CustomKeyStore, CustomKeyStoreId, CustomKeyStoreType, CustomKeyStores, HsmKey,
    InvalidConnectionState, KeyPlace, OuterKey, ProxyCredential, ProxyUpdate, StoreConflict, StoreUpdate,
    UpdateRefusal, VpcEndpointService, WrappedKey, XksProxy, XksProxyConnectivity, is_loopback_endpoint,
    is_proxy_endpoint, is_proxy_path,
};
pub use grant::{Grant, GrantConstraints, GrantOperation, GrantOperations, GrantPrincipal};
pub use id::{AccountId, GrantId, InvalidId, KeyId, KeyMaterialId, Region};
pub use import::{ExpirationModel, ImportRefusal, ImportRequest, ImportType};
pub use key::{Deletion, Due, Key, KeyManager, RotationSchedule, Transition};
pub use material::{
    Import, ImportState, KeyMaterialState, Material, PendingMaterial, Rotation, RotationType,
};
pub use moment::Moment;
pub use multi_region::{MultiRegion, MultiRegionKeyType};
pub use policy::default_policy;
pub use spec::{
    DataKeyPairSpec, DataKeySpec, EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm,
    KeyOrigin, KeySpec, KeyUsage, MacAlgorithm, MessageType, SigningAlgorithm, WrappingAlgorithm,
    WrappingKeySpec,
};
pub use state::{Inadmissible, KeyState, KeyStates};
pub use tag::{InvalidTags, Tag, Tags};
