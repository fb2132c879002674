//! A KMS key: what is kept of it, and the changes that its owner can make.

use crate::named;
use crate::{AccountId, KeyId, KeyMaterialId, KeyOrigin, KeySpec, KeyState, KeyUsage, Moment, Region, Tags};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that is kept of a KMS key. Its backing keys are here only as tokens that the security module can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The account that owns it.
    pub account: AccountId,
    /// The region that it is in.
    pub region: Region,
    /// Its id.
    pub id: KeyId,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// When it was made.
    pub created: Moment,
    /// What its owner says of it.
    pub description: String,
    /// Whether its owner has it switched on.
    pub enabled: bool,
    /// Its deletion, if that is scheduled.
    pub deletion: Option<Deletion>,
    /// The key policy as it was given, or `None` for the default one.
    pub policy: Option<String>,
    /// Whom the key policy names: each user's or role's ARN, and the unique id that it had when the policy was stored.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_principals: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
    /// Who manages it.
    #[serde(default)]
    pub manager: KeyManager,
    /// The service that an AWS managed key belongs to, such as `s3.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When it is to get new material by itself, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation: Option<Moment>,
    /// The backing key that new ciphertexts are made with.
    pub current_material: Material,
    /// The backing keys that it had before, the oldest first: ciphertexts made with them still open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_materials: Vec<Material>,
}

named! {
    /// Who manages a key.
    KeyManager {
        /// The service that it was made for; the account that owns it can see it, and use it through the service.
        Aws = "AWS",
        /// The account that owns it.
        Customer = "CUSTOMER",
    }
}

/// Every key was its owner's before there were others, and a record of that time does not say so.
impl Default for KeyManager {
    fn default() -> Self {
        Self::Customer
    }
}

/// A deletion to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// When the key may be deleted at the earliest.
    pub date: Moment,
    /// How many days its owner gave it.
    pub window_in_days: u16,
}

/// A backing key, sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Its id.
    pub id: KeyMaterialId,
    /// Its key token: opaque here.
    #[serde(with = "crate::hexadecimal")]
    pub token: Box<[u8]>,
}

impl Key {
    /// The state that a client sees.
    #[must_use]
    pub const fn state(&self) -> KeyState {
        match self {
            Self { deletion: Some(_), .. } => KeyState::PendingDeletion,
            Self { enabled: true, .. } => KeyState::Enabled,
            Self { enabled: false, .. } => KeyState::Disabled,
        }
    }

    /// The key with its deletion scheduled. It is of no use from now on.
    #[must_use]
    pub fn with_deletion_scheduled(&self, now: Moment, window_in_days: u16) -> Self {
        let date = now.plus_days(u32::from(window_in_days));
        Self { deletion: Some(Deletion { date, window_in_days }), enabled: false, ..self.clone() }
    }

    /// The key with its deletion called off, which leaves it disabled.
    #[must_use]
    pub fn with_deletion_cancelled(&self) -> Self {
        Self { deletion: None, enabled: false, ..self.clone() }
    }

    /// The key switched on or off.
    #[must_use]
    pub fn with_enabled(&self, enabled: bool) -> Self {
        Self { enabled, ..self.clone() }
    }

    /// The key with new material; what was encrypted before still opens.
    #[must_use]
    pub fn with_new_material(&self, material: Material) -> Self {
        let mut key = self.clone();
        let former = std::mem::replace(&mut key.current_material, material);
        key.former_materials.push(former);
        key
    }

    /// The backing key of that id, current or not.
    #[must_use]
    pub fn material(&self, id: &KeyMaterialId) -> Option<&Material> {
        let mut all = std::iter::once(&self.current_material).chain(self.former_materials.iter().rev());
        all.find(|material| material.id == *id)
    }
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Material({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            account: "111122223333".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            id: KeyId::single_region([7; 16]),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: KeyOrigin::AwsKms,
            created: Moment::from_millis(0),
            description: String::new(),
            enabled: true,
            deletion: None,
            policy: None,
            policy_principals: BTreeMap::new(),
            tags: Tags::default(),
            manager: KeyManager::Customer,
            service: None,
            next_rotation: None,
            current_material: material(1),
            former_materials: Vec::new(),
        }
    }

    fn material(number: u8) -> Material {
        Material { id: KeyMaterialId::from_bytes([number; 32]), token: Box::new([number, 2, 3]) }
    }

    #[test]
    fn a_cancelled_deletion_leaves_the_key_disabled() {
        let pending = key().with_deletion_scheduled(Moment::from_millis(1000), 7);
        assert_eq!(pending.state(), KeyState::PendingDeletion);
        assert_eq!(pending.deletion.unwrap().date.as_millis(), 1000 + 7 * 86_400_000);
        assert_eq!(pending.with_deletion_cancelled().state(), KeyState::Disabled);
    }

    #[test]
    fn switching_is_idempotent() {
        let off = key().with_enabled(false);
        assert_eq!(off.state(), KeyState::Disabled);
        assert_eq!(off.with_enabled(false), off);
        assert_eq!(off.with_enabled(true), key());
    }

    #[test]
    fn every_material_that_a_key_ever_had_is_found() {
        let rotated = key().with_new_material(material(2)).with_new_material(material(3));
        assert_eq!(rotated.current_material, material(3));
        assert_eq!(rotated.former_materials, [material(1), material(2)]);
        for number in 1..=3 {
            assert_eq!(rotated.material(&material(number).id), Some(&material(number)));
        }
        assert_eq!(rotated.material(&material(4).id), None);
    }

    #[test]
    fn a_material_does_not_show_its_token() {
        assert!(!format!("{:?}", key()).contains("[1, 2, 3]"));
    }
}
