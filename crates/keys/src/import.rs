//! Importing key material: which material a key takes, when it is whole again, and what of it can be taken away.
//!
//! What a key has once taken belongs to it for ever, whether or not it is at hand; only what waits for a rotation can still be
//! replaced by something else. A replica takes nothing that its primary has not taken before.

use crate::{Import, Key, KeyMaterialId, Material, Moment, PendingMaterial, named};

named! {
    /// Whether imported material expires.
    ExpirationModel {
        /// It is taken away at a date.
        KeyMaterialExpires = "KEY_MATERIAL_EXPIRES",
        /// It stays.
        KeyMaterialDoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
}

named! {
    /// Whether imported material is one that the key had before.
    ImportType {
        /// It is another one.
        NewKeyMaterial = "NEW_KEY_MATERIAL",
        /// It is one that the key has, or had.
        ExistingKeyMaterial = "EXISTING_KEY_MATERIAL",
    }
}

/// Why a key does not take material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportRefusal {
    /// It is not what it is said to be: new although the key has it, or one of the key's although the key never had it.
    Incorrect,
    /// New material is imported into the primary of a family, and into its replicas from there.
    NewIntoReplica,
    /// Other material waits for its rotation.
    AnotherIsPending {
        /// That one.
        pending: KeyMaterialId,
    },
}

/// What an import asks for besides the material.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportRequest {
    /// Whether it is new; if that is not said, it is new only to a key that has none yet.
    pub import_type: Option<ImportType>,
    /// The id that it must turn out to have.
    pub material_id: Option<KeyMaterialId>,
    /// What its owner says of it. What was said before stays if nothing is.
    pub description: Option<String>,
    /// When it expires, if it does.
    pub valid_to: Option<Moment>,
}

impl Key {
    /// The key with that material taken in. Once all that belongs to it is at hand, it is switched on.
    pub fn with_imported(
        &self,
        now: Moment,
        material: Material,
        request: &ImportRequest,
    ) -> Result<Self, ImportRefusal> {
        if request.material_id.is_some_and(|wanted| wanted != material.id) {
            return Err(ImportRefusal::Incorrect);
        }
        let imported = match request.import_type.unwrap_or(self.usual_import_type()) {
            ImportType::ExistingKeyMaterial => self.with_existing(now, material, request)?,
            ImportType::NewKeyMaterial => self.with_new(now, material, request)?,
        };
        let is_whole_again = self.lacks_material(now) && !imported.lacks_material(now);
        Ok(Self { enabled: imported.enabled || (is_whole_again && imported.deletion.is_none()), ..imported })
    }

    /// The key without that material, or `None` if there is no such material. What waited for its rotation is forgotten, but for a
    /// replica, from which its primary still expects it; everything else is known to be missing.
    #[must_use]
    pub fn without_imported(&self, id: &KeyMaterialId) -> Option<Self> {
        let mut key = self.clone();
        if self.pending_material().is_some_and(|pending| pending.id == *id) && !self.is_replica() {
            return Some(Self { pending_material: None, ..key });
        }
        let material = key.all_materials_mut().find(|material| material.id == *id)?;
        *material = material.taken_away();
        Some(key)
    }

    /// Whether it can have more than one material in its life, of which owners know the ids.
    #[must_use]
    pub fn has_rotatable_material(&self) -> bool {
        self.spec.is_symmetric_encryption()
    }

    /// The imported material that waits for a rotation, here or elsewhere.
    #[must_use]
    pub fn pending_material(&self) -> Option<&Material> {
        self.pending_material.as_ref().map(|pending| &pending.material)
    }

    //= kms:ImportKeyMaterial ImportType: NEW_KEY_MATERIAL as long as nothing was ever imported, then EXISTING_KEY_MATERIAL
    fn usual_import_type(&self) -> ImportType {
        if self.current_material.is_none() && !self.is_replica() {
            ImportType::NewKeyMaterial
        } else {
            ImportType::ExistingKeyMaterial
        }
    }

    fn with_existing(
        &self,
        now: Moment,
        material: Material,
        request: &ImportRequest,
    ) -> Result<Self, ImportRefusal> {
        let mut key = self.clone();
        let known =
            key.all_materials_mut().find(|known| known.id == material.id).ok_or(ImportRefusal::Incorrect)?;
        let said_before = known.import.as_ref().and_then(|import| import.description.clone());
        let description = request.description.clone().or(said_before);
        let import = Some(Import { description, valid_to: request.valid_to });
        *known = Material { rotation: known.rotation, import, ..material };
        // A primary that was a replica may itself be one of those that it waits for.
        Ok(key.heard_of_import(&key, now))
    }

    fn with_new(
        &self,
        now: Moment,
        material: Material,
        request: &ImportRequest,
    ) -> Result<Self, ImportRefusal> {
        if self.is_replica() {
            return Err(ImportRefusal::NewIntoReplica);
        }
        if self.all_materials().any(|known| known.id == material.id) {
            return Err(ImportRefusal::Incorrect);
        }
        let import = Import { description: request.description.clone(), valid_to: request.valid_to };
        let material = Material { import: Some(import), ..material };
        if self.current_material.is_none() {
            return Ok(Self { current_material: Some(material), ..self.clone() });
        }
        if !self.has_rotatable_material() {
            return Err(ImportRefusal::Incorrect);
        }
        if let Some(pending) = self.pending_material().filter(|pending| !pending.has_expired(now)) {
            return Err(ImportRefusal::AnotherIsPending { pending: pending.id });
        }
        let awaited = self.siblings().collect();
        Ok(Self { pending_material: Some(PendingMaterial { material, awaited }), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::{key, material};
    use crate::{KeyOrigin, KeySpec, KeyState, MultiRegion, Region, Rotation, RotationType};

    const NOW: Moment = Moment::from_millis(1000);

    fn empty() -> Key {
        Key { origin: KeyOrigin::External, current_material: None, ..key() }
    }

    fn taking(key: &Key, number: u8, request: &ImportRequest) -> Result<Key, ImportRefusal> {
        key.with_imported(NOW, material(number), request)
    }

    fn plainly(key: &Key, number: u8) -> Key {
        taking(key, number, &ImportRequest::default()).unwrap()
    }

    fn as_new() -> ImportRequest {
        ImportRequest { import_type: Some(ImportType::NewKeyMaterial), ..ImportRequest::default() }
    }

    fn as_existing() -> ImportRequest {
        ImportRequest { import_type: Some(ImportType::ExistingKeyMaterial), ..ImportRequest::default() }
    }

    fn region(name: &str) -> Region {
        name.parse().unwrap()
    }

    fn family(key: Key) -> Key {
        let (primary, replicas) = (key.region, [region("us-east-1")].into());
        Key { multi_region: Some(MultiRegion { primary, replicas }), ..key }
    }

    fn replica(primary: &Key) -> Key {
        Key { region: region("us-east-1"), current_material: None, pending_material: None, ..primary.clone() }
            .following(primary)
    }

    #[test]
    fn the_first_material_is_new_and_makes_the_key_enabled_although_it_was_switched_off() {
        let off = empty().with_enabled(false);
        assert_eq!(off.state(NOW), KeyState::PendingImport);
        assert_eq!(taking(&off, 1, &as_existing()), Err(ImportRefusal::Incorrect));
        let imported = plainly(&off, 1);
        assert_eq!(imported.state(NOW), KeyState::Enabled);
        assert_eq!(imported, taking(&off, 1, &as_new()).unwrap());
        let off = imported.with_enabled(false);
        assert_eq!(plainly(&off, 1).state(NOW), KeyState::Disabled, "nothing was missing");
        let cancelled = off.without_imported(&material(1).id).unwrap();
        assert_eq!(cancelled.state(NOW), KeyState::PendingImport);
        assert_eq!(plainly(&cancelled, 1).state(NOW), KeyState::Enabled);
    }

    #[test]
    fn what_is_imported_again_must_be_what_was_there_before() {
        let imported = plainly(&empty(), 1);
        assert_eq!(taking(&imported, 2, &ImportRequest::default()), Err(ImportRefusal::Incorrect));
        assert_eq!(taking(&imported, 1, &as_new()), Err(ImportRefusal::Incorrect));
        let named = ImportRequest { material_id: Some(material(2).id), ..as_existing() };
        assert_eq!(taking(&imported, 1, &named), Err(ImportRefusal::Incorrect));
        let named = ImportRequest { material_id: Some(material(1).id), ..as_existing() };
        assert_eq!(taking(&imported, 1, &named), Ok(imported));
    }

    #[test]
    fn importing_again_changes_the_expiration_and_keeps_the_description_unless_another_is_given() {
        let said =
            |text: &str| ImportRequest { description: Some(text.to_owned()), ..ImportRequest::default() };
        let expiring =
            ImportRequest { valid_to: Some(Moment::from_millis(2000)), ..ImportRequest::default() };
        let import = |key: &Key| key.current_material.clone().unwrap().import.unwrap();
        let first = taking(&empty(), 1, &said("one")).unwrap();
        let again = taking(&first, 1, &expiring).unwrap();
        assert_eq!(
            import(&again),
            Import { description: Some("one".to_owned()), valid_to: expiring.valid_to }
        );
        let last = taking(&again.without_imported(&material(1).id).unwrap(), 1, &said("two")).unwrap();
        assert_eq!(import(&last), Import { description: Some("two".to_owned()), valid_to: None });
    }

    #[test]
    fn a_second_material_waits_for_its_rotation_and_one_at_a_time() {
        let waiting = taking(&plainly(&empty(), 1), 2, &as_new()).unwrap();
        assert_eq!(waiting.pending_material().unwrap().id, material(2).id);
        assert_eq!(waiting.current_material.as_ref().unwrap().id, material(1).id);
        let pending = material(2).id;
        assert_eq!(taking(&waiting, 3, &as_new()), Err(ImportRefusal::AnotherIsPending { pending }));
        assert_eq!(taking(&waiting, 2, &as_new()), Err(ImportRefusal::Incorrect));
        let without = waiting.without_imported(&pending).unwrap();
        assert_eq!((without.pending_material(), without.state(NOW)), (None, KeyState::Enabled));
        assert_eq!(taking(&without, 3, &as_new()).unwrap().pending_material().unwrap().id, material(3).id);
        assert_eq!(taking(&without, 2, &as_existing()), Err(ImportRefusal::Incorrect));
    }

    #[test]
    fn another_can_take_the_place_of_one_that_expired_while_it_waited() {
        let expiring = ImportRequest { valid_to: Some(NOW), ..as_new() };
        let waiting = taking(&plainly(&empty(), 1), 2, &expiring).unwrap();
        assert_eq!(taking(&waiting, 3, &as_new()).unwrap().pending_material().unwrap().id, material(3).id);
        assert_eq!(waiting.without_expired_material(NOW).pending_material(), None);
    }

    #[test]
    fn hmac_and_asymmetric_keys_have_one_material_for_life() {
        let hmac = Key { spec: KeySpec::Hmac256, ..empty() };
        let imported = plainly(&hmac, 1);
        assert_eq!(taking(&imported, 2, &as_new()), Err(ImportRefusal::Incorrect));
        let deleted = imported.without_imported(&material(1).id).unwrap();
        assert_eq!(taking(&deleted, 2, &ImportRequest::default()), Err(ImportRefusal::Incorrect));
        assert_eq!(plainly(&deleted, 1), imported);
    }

    #[test]
    fn every_material_that_is_missing_must_be_imported_before_the_key_is_of_use() {
        let rotation = Rotation { date: NOW, rotation_type: RotationType::OnDemand };
        let waiting = taking(&plainly(&empty(), 1), 2, &as_new()).unwrap();
        let rotated = waiting.with_pending_rotated(rotation);
        let one = rotated.without_imported(&material(1).id).unwrap();
        let none = one.without_imported(&material(2).id).unwrap();
        assert_eq!((one.state(NOW), none.state(NOW)), (KeyState::PendingImport, KeyState::PendingImport));
        let half = plainly(&none, 1);
        assert_eq!(half.state(NOW), KeyState::PendingImport);
        assert_eq!(plainly(&half, 2).state(NOW), KeyState::Enabled);
        assert_eq!(plainly(&half, 2).current_material.unwrap().rotation, Some(rotation));
        assert_eq!(rotated.without_imported(&material(9).id), None);
    }

    #[test]
    fn a_key_that_waits_for_its_deletion_stays_so() {
        let pending = plainly(&empty(), 1).with_deletion_scheduled(NOW, 7);
        assert_eq!(pending.without_imported(&material(1).id).unwrap().state(NOW), KeyState::PendingDeletion);
    }

    #[test]
    fn a_replica_takes_what_its_primary_has_and_nothing_else() {
        let primary = plainly(&family(empty()), 1);
        let replica = replica(&primary);
        assert_eq!(replica.state(NOW), KeyState::PendingImport);
        assert_eq!(taking(&replica, 2, &as_new()), Err(ImportRefusal::NewIntoReplica));
        assert_eq!(taking(&replica, 2, &ImportRequest::default()), Err(ImportRefusal::Incorrect));
        assert_eq!(plainly(&replica, 1).state(NOW), KeyState::Enabled);
        let empty_handed = Key { region: region("us-east-1"), ..family(empty()) };
        assert_eq!(taking(&empty_handed, 1, &ImportRequest::default()), Err(ImportRefusal::Incorrect));
    }

    #[test]
    fn new_material_of_a_primary_waits_for_every_replica() {
        let primary = plainly(&family(empty()), 1);
        let waiting = taking(&primary, 2, &as_new()).unwrap();
        assert_eq!(waiting.pending_material.as_ref().unwrap().awaited, [region("us-east-1")].into());
        assert!(!waiting.can_rotate_pending(NOW));
        let replica = plainly(&replica(&waiting), 2);
        assert!(replica.pending_material().unwrap().is_at_hand(NOW));
        let ready = waiting.heard_of_import(&replica, NOW);
        assert!(ready.can_rotate_pending(NOW));
        let taken = replica.without_imported(&material(2).id).unwrap();
        assert!(!taken.pending_material().unwrap().is_at_hand(NOW), "its primary still has it");
    }
}
