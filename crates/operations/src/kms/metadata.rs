//! `KeyMetadata`: what DescribeKey and CreateKey say of a key.

use audit::console_time;
use audit::json::{Json, object};
use keys::{
    AccountId, EncryptionAlgorithm, Key, KeyManager, KeyMaterialId, KeyOrigin, KeySpec, KeyState, KeyUsage,
    Moment, Transition,
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
        required origin: KeyOrigin = "Origin",
        required manager: KeyManager = "KeyManager",
        required legacy_spec: KeySpec = "CustomerMasterKeySpec",
        required spec: KeySpec = "KeySpec",
        optional encryption_algorithms: &'static [EncryptionAlgorithm] = "EncryptionAlgorithms",
        required multi_region: bool = "MultiRegion",
        optional current_material: KeyMaterialId = "CurrentKeyMaterialId",
    }
}

impl KeyMetadata {
    /// What is to be said of that key at that time.
    pub fn of(key: &Key, arn: &KeyArn, now: Moment) -> Self {
        let state = key.state(now);
        Self {
            account: key.account,
            key_id: key.id,
            arn: arn.clone(),
            created: Timestamp(key.created),
            enabled: state == KeyState::Enabled,
            description: key.description.clone(),
            usage: key.usage,
            state,
            deletion_date: key.deletion.and_then(|deletion| deletion.date).map(Timestamp),
            origin: key.origin,
            manager: key.manager,
            legacy_spec: key.spec,
            spec: key.spec,
            encryption_algorithms: (key.usage == KeyUsage::EncryptDecrypt)
                .then(|| key.spec.encryption_algorithms()),
            multi_region: key.id.is_multi_region(),
            current_material: current_material(key),
        }
    }

    /// The same as CloudTrail shows it under `responseElements`.
    pub fn elements(&self) -> Json {
        object(|elements| {
            elements.object("keyMetadata", |key| {
                key.string("aWSAccountId", self.account.as_str());
                key.string("keyId", &self.key_id.to_string());
                key.string("arn", &self.arn.to_string());
                key.string("creationDate", &console_time(self.created.0));
                key.boolean("enabled", self.enabled);
                key.string("description", &self.description);
                key.string("keyUsage", self.usage.name());
                key.string("keyState", self.state.name());
                key.string("origin", self.origin.name());
                key.string("keyManager", self.manager.name());
                key.string("customerMasterKeySpec", self.spec.name());
                key.string("keySpec", self.spec.name());
                if let Some(algorithms) = self.encryption_algorithms {
                    key.array("encryptionAlgorithms", |list| {
                        algorithms.iter().for_each(|one| list.string(one.name()))
                    });
                }
                key.boolean("multiRegion", self.multi_region);
                if let Some(material) = self.current_material {
                    key.string("currentKeyMaterialId", &material.to_string());
                }
            });
        })
    }
}

/// The id of the current material, which is told of symmetric encryption keys only.
fn current_material(key: &Key) -> Option<KeyMaterialId> {
    let is_told = key.spec == KeySpec::SymmetricDefault && key.transition != Some(Transition::Creating);
    key.current_material.as_ref().filter(|_| is_told).map(|material| material.id)
}
