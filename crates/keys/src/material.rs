//! Backing keys: which ones a key has, which one is current, and how imported ones come and go.

use crate::{Key, KeyMaterialId, KeyOrigin, Moment, Region, named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A backing key, sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Its id.
    pub id: KeyMaterialId,
    /// Its key token: opaque here. Empty while the material is not at hand: not imported any more, or not yet bound to this region.
    #[serde(with = "crate::hexadecimal")]
    pub token: Box<[u8]>,
    /// The public key of a pair, SubjectPublicKeyInfo in DER; empty of every other key.
    #[serde(with = "crate::hexadecimal", default, skip_serializing_if = "<[u8]>::is_empty")]
    pub public_key: Box<[u8]>,
    /// How it became current, unless it is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// What its owner said when importing it, of imported material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<Import>,
}

/// How a backing key became current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// When.
    pub date: Moment,
    /// Why.
    pub rotation_type: RotationType,
}

named! {
    /// Why a key was rotated.
    RotationType {
        /// Its time had come.
        Automatic = "AUTOMATIC",
        /// Its owner asked for it.
        OnDemand = "ON_DEMAND",
    }
}

/// What is known of imported material besides the material.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it expires, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Moment>,
}

/// Imported material that is to become current with the next rotation on demand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMaterial {
    /// The material.
    pub material: Material,
    /// The regions of a multi-Region key into which it is still to be imported. Kept with the primary.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub awaited: BTreeSet<Region>,
}

impl Material {
    /// What the security module has made, or taken in.
    #[must_use]
    pub fn generated(id: KeyMaterialId, token: &[u8], public_key: Option<&[u8]>) -> Self {
        let public_key = public_key.unwrap_or_default().into();
        Self { id, token: token.into(), public_key, rotation: None, import: None }
    }

    /// Whether it can be used at that time.
    #[must_use]
    pub fn is_at_hand(&self, now: Moment) -> bool {
        !self.token.is_empty() && !self.has_expired(now)
    }

    /// Whether its owner let it live until before then.
    #[must_use]
    pub fn has_expired(&self, now: Moment) -> bool {
        self.valid_to().is_some_and(|valid_to| valid_to <= now)
    }

    /// When it expires, if it does.
    #[must_use]
    pub fn valid_to(&self) -> Option<Moment> {
        self.import.as_ref().and_then(|import| import.valid_to)
    }

    /// The same without what could be used. It is still known which one it was.
    #[must_use]
    pub fn taken_away(&self) -> Self {
        let import = self.import.clone().map(|import| Import { valid_to: None, ..import });
        Self { token: Box::default(), import, ..self.clone() }
    }
}

impl Key {
    /// The backing key of that id that ciphertexts can have been made with, current or not.
    #[must_use]
    pub fn material(&self, id: &KeyMaterialId) -> Option<&Material> {
        self.current_material
            .iter()
            .chain(self.former_materials.iter().rev())
            .find(|material| material.id == *id)
    }

    /// All that ciphertexts can have been made with, the oldest first.
    pub fn materials(&self) -> impl Iterator<Item = &Material> {
        self.former_materials.iter().chain(&self.current_material)
    }

    /// The same and what is to become current, last.
    pub fn all_materials(&self) -> impl Iterator<Item = &Material> {
        self.materials().chain(self.pending_material.iter().map(|pending| &pending.material))
    }

    /// The same, to be changed.
    pub fn all_materials_mut(&mut self) -> impl Iterator<Item = &mut Material> {
        let pending = self.pending_material.iter_mut().map(|pending| &mut pending.material);
        self.former_materials.iter_mut().chain(&mut self.current_material).chain(pending)
    }

    /// Whether its owner has to import something before it can be used.
    #[must_use]
    pub fn lacks_material(&self, now: Moment) -> bool {
        self.origin == KeyOrigin::External
            && (self.current_material.is_none() || self.materials().any(|material| !material.is_at_hand(now)))
    }

    /// How often its owner had it rotated.
    #[must_use]
    pub fn on_demand_rotations(&self) -> usize {
        let rotations = self.materials().filter_map(|material| material.rotation);
        rotations.filter(|rotation| rotation.rotation_type == RotationType::OnDemand).count()
    }

    /// The key with new current material; what was encrypted before still opens.
    #[must_use]
    pub fn with_new_material(&self, material: Material, rotation: Rotation) -> Self {
        let mut key = self.clone();
        let former = key.current_material.replace(Material { rotation: Some(rotation), ..material });
        key.former_materials.extend(former);
        key
    }

    /// The key without the material that has expired by then.
    #[must_use]
    pub fn without_expired_material(&self, now: Moment) -> Self {
        let mut key = self.clone();
        for material in key.all_materials_mut().filter(|material| material.has_expired(now)) {
            *material = material.taken_away();
        }
        key
    }

    /// When the first of its materials expires.
    pub(crate) fn next_expiry(&self) -> Option<Moment> {
        let at_hand = self.all_materials().filter(|material| !material.token.is_empty());
        at_hand.filter_map(Material::valid_to).min()
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
    use crate::key::tests::{key, material};

    fn at(millis: i64) -> Moment {
        Moment::from_millis(millis)
    }

    fn imported(number: u8, valid_to: Option<Moment>) -> Material {
        Material { import: Some(Import { description: None, valid_to }), ..material(number) }
    }

    fn rotation(rotation_type: RotationType) -> Rotation {
        Rotation { date: at(7), rotation_type }
    }

    #[test]
    fn every_material_that_a_key_ever_had_is_found() {
        let automatic = rotation(RotationType::Automatic);
        let rotated =
            key().with_new_material(material(2), automatic).with_new_material(material(3), automatic);
        let ids: Vec<_> = rotated.materials().map(|material| material.id).collect();
        assert_eq!(ids, [1, 2, 3].map(|number| material(number).id));
        for id in ids {
            assert_eq!(rotated.material(&id).map(|material| material.id), Some(id));
        }
        assert_eq!(rotated.material(&material(4).id), None);
        assert_eq!(rotated.current_material.unwrap().rotation, Some(automatic));
    }

    #[test]
    fn only_rotations_on_demand_count_as_such() {
        let key = key()
            .with_new_material(material(2), rotation(RotationType::Automatic))
            .with_new_material(material(3), rotation(RotationType::OnDemand));
        assert_eq!(key.on_demand_rotations(), 1);
    }

    #[test]
    fn one_missing_or_expired_material_is_enough_for_an_imported_key_to_be_of_no_use() {
        let complete = Key {
            origin: KeyOrigin::External,
            current_material: Some(imported(2, None)),
            former_materials: vec![imported(1, Some(at(1000)))],
            ..key()
        };
        assert!(!complete.lacks_material(at(999)));
        assert!(complete.lacks_material(at(1000)), "expired to the millisecond");
        assert!(!complete.without_expired_material(at(999)).lacks_material(at(999)));
        let expired = complete.without_expired_material(at(1000));
        assert!(expired.lacks_material(at(0)));
        assert!(expired.former_materials[0].token.is_empty());
        assert_eq!((expired.next_expiry(), complete.next_expiry()), (None, Some(at(1000))));
        assert!(Key { current_material: None, ..complete }.lacks_material(at(0)));
    }

    #[test]
    fn a_material_does_not_show_its_token() {
        assert!(!format!("{:?}", key()).contains("[1, 2, 3]"));
    }
}
