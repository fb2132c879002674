//! Backing keys: which ones a key has, which one is current, and how imported ones come and go.

use crate::{ExpirationModel, Key, KeyMaterialId, KeyOrigin, Moment, Region, named};
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

named! {
    /// What a backing key is to its key.
    KeyMaterialState {
        /// Opens what was encrypted while it was current.
        NonCurrent = "NON_CURRENT",
        /// What new ciphertexts are made with.
        Current = "CURRENT",
        /// Imported, and to become current with the next rotation on demand.
        PendingRotation = "PENDING_ROTATION",
        /// The same, once it is imported into the replicas too.
        PendingMultiRegionImportAndRotation = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
    }
}

named! {
    /// Whether imported material is at hand.
    ImportState {
        /// It is.
        Imported = "IMPORTED",
        /// Its owner took it away, or it has expired.
        PendingImport = "PENDING_IMPORT",
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

    /// Whether it expires, of imported material that is at hand.
    #[must_use]
    pub fn expiration_model(&self, now: Moment) -> Option<ExpirationModel> {
        let import = self.import.as_ref().filter(|_| self.is_at_hand(now))?;
        Some(match import.valid_to {
            Some(_) => ExpirationModel::KeyMaterialExpires,
            None => ExpirationModel::KeyMaterialDoesNotExpire,
        })
    }

    /// Whether its owner has to import it again.
    #[must_use]
    pub fn import_state(&self, now: Moment) -> ImportState {
        if self.is_at_hand(now) { ImportState::Imported } else { ImportState::PendingImport }
    }

    /// The same without what could be used. It is still known which one it was.
    #[must_use]
    pub fn taken_away(&self) -> Self {
        let import = self.import.clone().map(|import| Import { valid_to: None, ..import });
        Self { token: Box::default(), import, ..self.clone() }
    }
}

impl PendingMaterial {
    /// The same as it is where it has not been imported yet.
    #[must_use]
    pub fn taken_away(&self) -> Self {
        Self { material: self.material.taken_away(), awaited: BTreeSet::new() }
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

    /// What that backing key of the key is to it.
    #[must_use]
    pub fn material_state(&self, id: &KeyMaterialId) -> Option<KeyMaterialState> {
        let is = |material: &Material| material.id == *id;
        if self.current_material.as_ref().is_some_and(is) {
            return Some(KeyMaterialState::Current);
        }
        if let Some(pending) = self.pending_material.as_ref().filter(|pending| is(&pending.material)) {
            return Some(match pending.awaited.is_empty() {
                true => KeyMaterialState::PendingRotation,
                false => KeyMaterialState::PendingMultiRegionImportAndRotation,
            });
        }
        self.former_materials.iter().any(is).then_some(KeyMaterialState::NonCurrent)
    }

    /// Whether there is imported material that a rotation can make current: at hand here, and imported wherever it must be.
    #[must_use]
    pub fn can_rotate_pending(&self, now: Moment) -> bool {
        let pending = self.pending_material.as_ref();
        pending.is_some_and(|pending| pending.awaited.is_empty() && pending.material.is_at_hand(now))
    }

    /// The key with what waited for its rotation as its current material; the same if nothing did.
    #[must_use]
    pub fn with_pending_rotated(&self, rotation: Rotation) -> Self {
        match self.pending_material() {
            Some(pending) => {
                Self { pending_material: None, ..self.with_new_material(pending.clone(), rotation) }
            }
            None => self.clone(),
        }
    }

    /// A replica with what it shares with its primary: which materials there are, what each of them is to the key and is said to be,
    /// and when the key is rotated. What is at hand in it stays, and until when; what it has not got is known to be missing.
    #[must_use]
    pub fn following(&self, primary: &Self) -> Self {
        let own = |of_primary: &Material| {
            let own = self.all_materials().find(|own| own.id == of_primary.id);
            let valid_to = own.and_then(Material::valid_to);
            let import = of_primary.import.clone().map(|import| Import { valid_to, ..import });
            let (token, public_key) =
                own.map(|own| (own.token.clone(), own.public_key.clone())).unwrap_or_default();
            Material { token, public_key, import, ..of_primary.clone() }
        };
        let pending = |pending: &PendingMaterial| PendingMaterial {
            material: own(&pending.material),
            awaited: BTreeSet::new(),
        };
        Self {
            current_material: primary.current_material.as_ref().map(own),
            former_materials: primary.former_materials.iter().map(own).collect(),
            pending_material: primary.pending_material.as_ref().map(pending),
            rotation: primary.rotation,
            ..self.clone()
        }
    }

    /// A primary that no longer waits for a replica, if what waits for its rotation is now at hand there.
    #[must_use]
    pub fn heard_of_import(&self, replica: &Self, now: Moment) -> Self {
        let mut key = self.clone();
        if let Some(pending) = &mut key.pending_material {
            let there = replica.pending_material().filter(|there| there.id == pending.material.id);
            if there.is_some_and(|there| there.is_at_hand(now)) {
                pending.awaited.remove(&replica.region);
            }
        }
        key
    }

    /// The key without the material that has expired by then. What waited for its rotation is forgotten, but for a replica, from
    /// which its primary still expects it.
    #[must_use]
    pub fn without_expired_material(&self, now: Moment) -> Self {
        let mut key = self.clone();
        if !self.is_replica() && self.pending_material().is_some_and(|pending| pending.has_expired(now)) {
            key.pending_material = None;
        }
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
