//! `KeyMetadata`: what DescribeKey and CreateKey say of a key.

use crate::kms::custom_key_stores::Home;
use crate::operation::NamedKey;
use audit::console_time;
use audit::json::{Array, Json, Object, object};
use keys::{
    AccountId, Backend, CustomKeyStore, EncapsulationAlgorithm, EncryptionAlgorithm, ExpirationModel, Key,
    KeyAgreementAlgorithm, KeyManager, KeyMaterialId, KeyOrigin, KeySpec, KeyState, KeyUsage, MacAlgorithm,
    Material, Moment, MultiRegionKeyType, OuterKey, Region, SigningAlgorithm, Transition,
};
use wire::Timestamp;
use wire::arn::KeyArn;

wire::output! {
    /// A key as its owner sees it.
    pub struct KeyMetadata {
        required account: AccountId = "AWSAccountId",
        required key_id: keys::KeyId = "KeyId",
        required arn: KeyArn = "Arn",
        required created: Timestamp = "CreationDate",
        required enabled: bool = "Enabled",
        required description: String = "Description",
        required usage: KeyUsage = "KeyUsage",
        required state: KeyState = "KeyState",
        optional deletion_date: Timestamp = "DeletionDate",
        optional valid_to: Timestamp = "ValidTo",
        required origin: KeyOrigin = "Origin",
        optional custom_key_store_id: String = "CustomKeyStoreId",
        optional cluster_id: String = "CloudHsmClusterId",
        optional expiration_model: ExpirationModel = "ExpirationModel",
        required manager: KeyManager = "KeyManager",
        required legacy_spec: KeySpec = "CustomerMasterKeySpec",
        required spec: KeySpec = "KeySpec",
        optional encryption_algorithms: &'static [EncryptionAlgorithm] = "EncryptionAlgorithms",
        optional signing_algorithms: &'static [SigningAlgorithm] = "SigningAlgorithms",
        optional key_agreement_algorithms: &'static [KeyAgreementAlgorithm] = "KeyAgreementAlgorithms",
        optional encapsulation_algorithms: &'static [EncapsulationAlgorithm] = "EncapsulationAlgorithms",
        required multi_region: bool = "MultiRegion",
        optional multi_region_configuration: Box<MultiRegionConfiguration> = "MultiRegionConfiguration",
        optional deletion_window: u16 = "PendingDeletionWindowInDays",
        optional mac_algorithms: &'static [MacAlgorithm] = "MacAlgorithms",
        optional xks_key_configuration: XksKeyConfiguration = "XksKeyConfiguration",
        optional current_material: KeyMaterialId = "CurrentKeyMaterialId",
    }
}

wire::output! {
    /// The external key of a key.
    pub struct XksKeyConfiguration {
        required id: String = "Id",
    }
}

wire::output! {
    /// The family of a multi-Region key.
    pub struct MultiRegionConfiguration {
        required key_type: MultiRegionKeyType = "MultiRegionKeyType",
        required primary: MultiRegionKey = "PrimaryKey",
        required replicas: Vec<MultiRegionKey> = "ReplicaKeys",
    }
}

wire::output! {
    /// A key of the family.
    pub struct MultiRegionKey {
        required arn: KeyArn = "Arn",
        required region: Region = "Region",
    }
}

impl KeyMetadata {
    /// What is to be said of that key at that time.
    pub fn of_named(named: &NamedKey, now: Moment) -> Self {
        Self::of(&named.key, &named.arn, named.home.as_ref(), now)
    }

    /// The same of one that is in that custom key store, if in any.
    pub fn of(key: &Key, arn: &KeyArn, home: Option<&Home>, now: Moment) -> Self {
        let state = home.map_or_else(|| key.state(now), |home| home.state_of(key, now));
        let algorithms = Algorithms::of(key);
        let (expiration_model, valid_to) = expiration(key, now).unzip();
        let deletion = key.deletion.as_ref();
        let is_waiting = state == KeyState::PendingReplicaDeletion;
        Self {
            account: key.account,
            key_id: key.id,
            arn: arn.clone(),
            created: Timestamp(key.created),
            enabled: state == KeyState::Enabled,
            description: key.description.clone(),
            usage: key.usage,
            state,
            deletion_date: deletion.and_then(|deletion| deletion.date).map(Timestamp),
            valid_to: valid_to.flatten().map(Timestamp),
            origin: key.origin,
            custom_key_store_id: key.place.as_ref().map(|place| place.store.to_string()),
            cluster_id: home.and_then(Home::store).and_then(cluster_id),
            expiration_model,
            manager: key.manager,
            legacy_spec: key.spec,
            spec: key.spec,
            encryption_algorithms: algorithms.encryption,
            signing_algorithms: algorithms.signing,
            key_agreement_algorithms: algorithms.key_agreement,
            encapsulation_algorithms: algorithms.encapsulation,
            multi_region: key.id.is_multi_region(),
            multi_region_configuration: MultiRegionConfiguration::of(key, arn).map(Box::new),
            deletion_window: deletion.filter(|_| is_waiting).map(|deletion| deletion.window_in_days),
            mac_algorithms: algorithms.mac,
            xks_key_configuration: XksKeyConfiguration::of(key),
            current_material: current_material(key),
        }
    }

    /// The same as CloudTrail shows it under `responseElements`.
    pub fn elements(&self) -> Json {
        object(|elements| elements.object("keyMetadata", |key| self.write(key)))
    }

    /// Its members, to be shown in a record.
    pub fn write(&self, key: &mut Object<'_>) {
        key.string("aWSAccountId", self.account.as_str());
        key.string("keyId", &self.key_id.to_string());
        key.string("arn", &self.arn.to_string());
        key.string("creationDate", &console_time(self.created.0));
        key.boolean("enabled", self.enabled);
        key.string("description", &self.description);
        key.string("keyUsage", self.usage.name());
        key.string("keyState", self.state.name());
        key.string("origin", self.origin.name());
        let in_store =
            [("customKeyStoreId", &self.custom_key_store_id), ("cloudHsmClusterId", &self.cluster_id)];
        for (member, id) in in_store {
            id.iter().for_each(|id| key.string(member, id));
        }
        key.string("keyManager", self.manager.name());
        key.string("customerMasterKeySpec", self.spec.name());
        key.string("keySpec", self.spec.name());
        self.write_algorithms(key);
        key.boolean("multiRegion", self.multi_region);
        if let Some(configuration) = &self.multi_region_configuration {
            key.object("multiRegionConfiguration", |family| configuration.write(family));
        }
        if let Some(external) = &self.xks_key_configuration {
            key.object("xksKeyConfiguration", |members| members.string("id", &external.id));
        }
        if let Some(material) = self.current_material {
            key.string("currentKeyMaterialId", &material.to_string());
        }
    }

    fn write_algorithms(&self, key: &mut Object<'_>) {
        write_names(key, "encryptionAlgorithms", self.encryption_algorithms, |one| one.name());
        write_names(key, "signingAlgorithms", self.signing_algorithms, |one| one.name());
        write_names(key, "macAlgorithms", self.mac_algorithms, |one| one.name());
        write_names(key, "keyAgreementAlgorithms", self.key_agreement_algorithms, |one| one.name());
        write_names(key, "encapsulationAlgorithms", self.encapsulation_algorithms, |one| one.name());
    }
}

fn write_names<T: Copy>(
    key: &mut Object<'_>,
    member: &str,
    algorithms: Option<&[T]>,
    name: fn(T) -> &'static str,
) {
    if let Some(algorithms) = algorithms {
        let names = |list: &mut Array<'_>| algorithms.iter().for_each(|one| list.string(name(*one)));
        key.array(member, names);
    }
}

impl MultiRegionConfiguration {
    fn of(key: &Key, arn: &KeyArn) -> Option<Self> {
        let (family, key_type) = (key.multi_region.as_ref()?, key.multi_region_key_type()?);
        let key_in = |region: Region| MultiRegionKey { arn: KeyArn { region, ..arn.clone() }, region };
        Some(Self {
            key_type,
            primary: key_in(family.primary),
            replicas: family.replicas.iter().copied().map(key_in).collect(),
        })
    }

    fn write(&self, family: &mut Object<'_>) {
        family.string("multiRegionKeyType", self.key_type.name());
        family.object("primaryKey", |primary| self.primary.write(primary));
        family.array("replicaKeys", |list| {
            self.replicas.iter().for_each(|replica| list.object(|member| replica.write(member)));
        });
    }
}

impl MultiRegionKey {
    fn write(&self, key: &mut Object<'_>) {
        key.string("arn", &self.arn.to_string());
        key.string("region", self.region.as_str());
    }
}

/// The algorithms of a key: those that fit its usage, and no others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Algorithms {
    /// To encrypt with.
    pub encryption: Option<&'static [EncryptionAlgorithm]>,
    /// To sign with.
    pub signing: Option<&'static [SigningAlgorithm]>,
    /// To make MACs with.
    pub mac: Option<&'static [MacAlgorithm]>,
    /// To derive shared secrets with.
    pub key_agreement: Option<&'static [KeyAgreementAlgorithm]>,
    /// To encapsulate shared secrets with.
    pub encapsulation: Option<&'static [EncapsulationAlgorithm]>,
}

impl Algorithms {
    /// Those of that key.
    pub fn of(key: &Key) -> Self {
        let (spec, none) = (key.spec, Self::default());
        match key.usage {
            KeyUsage::EncapsulateDecapsulate => {
                Self { encapsulation: Some(spec.encapsulation_algorithms()), ..none }
            }
            KeyUsage::EncryptDecrypt => Self { encryption: Some(spec.encryption_algorithms()), ..none },
            KeyUsage::GenerateVerifyMac => Self { mac: Some(spec.mac_algorithms()), ..none },
            KeyUsage::KeyAgreement => Self { key_agreement: Some(spec.key_agreement_algorithms()), ..none },
            KeyUsage::SignVerify => Self { signing: Some(spec.signing_algorithms()), ..none },
        }
    }
}

/// Whether imported material expires, and when the first of it does. Of what is not at hand nothing is said.
//= kms:KeyMetadata ValidTo: the earliest time at which any of the materials expires
fn expiration(key: &Key, now: Moment) -> Option<(ExpirationModel, Option<Moment>)> {
    let at_hand = || key.materials().filter(|material| material.expiration_model(now).is_some());
    let first = at_hand().filter_map(Material::valid_to).min();
    let model = match first {
        Some(_) => ExpirationModel::KeyMaterialExpires,
        None => ExpirationModel::KeyMaterialDoesNotExpire,
    };
    at_hand().next().map(|_| (model, first))
}

impl XksKeyConfiguration {
    fn of(key: &Key) -> Option<Self> {
        match &key.place.as_ref()?.key {
            OuterKey::External { id } => Some(Self { id: id.clone() }),
            OuterKey::Hsm(_) => None,
        }
    }
}

fn cluster_id(store: &CustomKeyStore) -> Option<String> {
    match &store.backend {
        Backend::CloudHsm(cluster) => Some(cluster.cluster_id.clone()),
        Backend::Xks(_) => None,
    }
}

/// The id of the current material, which is told of symmetric encryption keys only that are in no custom key store.
fn current_material(key: &Key) -> Option<KeyMaterialId> {
    let is_told =
        key.has_rotatable_material() && key.place.is_none() && key.transition != Some(Transition::Creating);
    key.current_material.as_ref().filter(|_| is_told).map(|material| material.id)
}
