//! A KMS key: what is kept of it, and the changes that its owner can make.

use crate::named;
use crate::{
    AccountId, KeyId, KeyOrigin, KeyPlace, KeySpec, KeyState, KeyUsage, Material, Moment, MultiRegion,
    PendingMaterial, Region, Tags,
};
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
    /// Its automatic rotation, if that is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSchedule>,
    /// Where it is, if it is a multi-Region key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_region: Option<MultiRegion>,
    /// What the service is still doing to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// The backing key that new ciphertexts are made with. None as long as none was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_material: Option<Material>,
    /// The backing keys that it had before, the oldest first: ciphertexts made with them still open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_materials: Vec<Material>,
    /// Imported material that waits for a rotation on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_material: Option<PendingMaterial>,
    /// The key in a custom key store that seals what its own backing key has sealed, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<KeyPlace>,
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
    /// When the key may be deleted at the earliest. Not known as long as a primary has replicas.
    pub date: Option<Moment>,
    /// How many days its owner gave it.
    pub window_in_days: u16,
}

/// An automatic rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationSchedule {
    /// How many days lie between two rotations.
    pub period_in_days: u16,
    /// When the next one is.
    pub next: Moment,
}

named! {
    /// What the service is still doing to a key.
    Transition {
        /// It is a replica that has no material yet.
        Creating = "Creating",
        /// It becomes the primary, or ceases to be it.
        Updating = "Updating",
    }
}

/// What the service has to do to a key by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// To end a [`Transition`].
    Completion,
    /// To delete it.
    Deletion,
    /// To take expired material away.
    Expiry,
    /// To give it new material.
    Rotation,
}

impl Key {
    /// The state that a client sees at that time.
    #[must_use]
    pub fn state(&self, now: Moment) -> KeyState {
        match self {
            Self { deletion: Some(_), .. } if self.has_replicas() => KeyState::PendingReplicaDeletion,
            Self { deletion: Some(_), .. } => KeyState::PendingDeletion,
            Self { transition: Some(Transition::Creating), .. } => KeyState::Creating,
            // Keys that are being updated can be used, which one without its material cannot.
            _ if self.lacks_material(now) => KeyState::PendingImport,
            Self { transition: Some(Transition::Updating), .. } => KeyState::Updating,
            Self { enabled: true, .. } => KeyState::Enabled,
            Self { enabled: false, .. } => KeyState::Disabled,
        }
    }

    /// The same of a key whose custom key store cannot be used: whether it is on shows again when the store can.
    #[must_use]
    pub fn state_while_unavailable(&self, now: Moment) -> KeyState {
        match self.state(now) {
            KeyState::Enabled | KeyState::Disabled => KeyState::Unavailable,
            other => other,
        }
    }

    /// The key with its deletion scheduled. It is of no use from now on. The window of a primary begins when its last replica is gone.
    #[must_use]
    pub fn with_deletion_scheduled(&self, now: Moment, window_in_days: u16) -> Self {
        let date = (!self.has_replicas()).then(|| now.plus_days(u32::from(window_in_days)));
        Self { deletion: Some(Deletion { date, window_in_days }), enabled: false, ..self.clone() }
    }

    /// The key with its deletion called off, which leaves it disabled.
    #[must_use]
    pub fn with_deletion_cancelled(&self) -> Self {
        Self { deletion: None, enabled: false, ..self.clone() }
    }

    /// Whether its window has ended, so that nothing can keep it from being deleted any more.
    #[must_use]
    pub fn is_being_deleted(&self, now: Moment) -> bool {
        self.deletion.and_then(|deletion| deletion.date).is_some_and(|date| date <= now)
    }

    /// The key switched on or off.
    #[must_use]
    pub fn with_enabled(&self, enabled: bool) -> Self {
        Self { enabled, ..self.clone() }
    }

    /// The key with its automatic rotation switched on, to happen for the first time when a period has passed.
    #[must_use]
    pub fn with_rotation_enabled(&self, now: Moment, period_in_days: u16) -> Self {
        let rotation = Some(RotationSchedule::from(now, period_in_days));
        Self { rotation, ..self.clone() }
    }

    /// The key with its automatic rotation switched off.
    #[must_use]
    pub fn with_rotation_disabled(&self) -> Self {
        Self { rotation: None, ..self.clone() }
    }

    /// What the service has to do to it now by itself, if anything.
    #[must_use]
    pub fn due(&self, now: Moment) -> Option<Due> {
        let (date, due) = self.next()?;
        (date <= now).then_some(due)
    }

    /// When the service next has to do something to it by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        self.next().map(|(date, _)| date)
    }

    fn next(&self) -> Option<(Moment, Due)> {
        let completion = self.transition.map(|_| (AT_ONCE, Due::Completion));
        let deletion = self.deletion.and_then(|deletion| deletion.date).map(|date| (date, Due::Deletion));
        let expiry = self.next_expiry().map(|date| (date, Due::Expiry));
        let rotates = self.enabled && self.deletion.is_none() && !self.is_replica();
        let rotation = self.rotation.filter(|_| rotates).map(|rotation| (rotation.next, Due::Rotation));
        [completion, deletion, expiry, rotation].into_iter().flatten().min_by_key(|(date, _)| *date)
    }
}

impl RotationSchedule {
    /// One that begins then.
    #[must_use]
    pub const fn from(now: Moment, period_in_days: u16) -> Self {
        Self { period_in_days, next: now.plus_days(period_in_days as u32) }
    }

    /// The same after a rotation at that time: a period after the date that was set, or after a late rotation.
    //= crypto: next = last scheduled + period
    #[must_use]
    pub fn after_rotation(self, now: Moment) -> Self {
        let next = self.next.plus_days(u32::from(self.period_in_days));
        if next > now { Self { next, ..self } } else { Self::from(now, self.period_in_days) }
    }
}

/// Before every date.
const AT_ONCE: Moment = Moment::from_millis(0);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Import, KeyMaterialId};

    pub(crate) fn key() -> Key {
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
            rotation: None,
            multi_region: None,
            transition: None,
            current_material: Some(material(1)),
            former_materials: Vec::new(),
            pending_material: None,
            place: None,
        }
    }

    pub(crate) fn material(number: u8) -> Material {
        let id = KeyMaterialId::from_bytes([number; 32]);
        let token = Box::new([number, 2, 3]);
        Material { id, token, public_key: Box::default(), rotation: None, import: None }
    }

    const NOW: Moment = Moment::from_millis(1000);

    fn primary_with_replica() -> Key {
        let (primary, replica) = ("eu-central-1".parse().unwrap(), "us-east-1".parse().unwrap());
        Key { multi_region: Some(MultiRegion { primary, replicas: [replica].into() }), ..key() }
    }

    #[test]
    fn a_cancelled_deletion_leaves_the_key_disabled() {
        let pending = key().with_deletion_scheduled(NOW, 7);
        assert_eq!(pending.state(NOW), KeyState::PendingDeletion);
        let date = pending.deletion.unwrap().date.unwrap();
        assert_eq!(date.as_millis(), 1000 + 7 * 86_400_000);
        assert!(pending.is_being_deleted(date) && !pending.is_being_deleted(NOW.plus_days(6)));
        assert_eq!(pending.with_deletion_cancelled().state(NOW), KeyState::Disabled);
    }

    #[test]
    fn a_primary_waits_for_its_replicas_before_its_window_begins() {
        let pending = primary_with_replica().with_deletion_scheduled(NOW, 7);
        assert_eq!(pending.state(NOW), KeyState::PendingReplicaDeletion);
        assert_eq!((pending.deletion.unwrap().date, pending.next_due()), (None, None));
        assert!(!pending.is_being_deleted(NOW.plus_days(1000)));
        assert_eq!(pending.with_deletion_cancelled().state(NOW), KeyState::Disabled);
    }

    #[test]
    fn a_key_whose_store_cannot_be_used_is_unavailable_be_it_on_or_off_unless_it_is_to_be_deleted() {
        for enabled in [true, false] {
            assert_eq!(key().with_enabled(enabled).state_while_unavailable(NOW), KeyState::Unavailable);
        }
        let pending = key().with_deletion_scheduled(NOW, 7);
        assert_eq!(pending.state_while_unavailable(NOW), KeyState::PendingDeletion);
    }

    #[test]
    fn switching_is_idempotent() {
        let off = key().with_enabled(false);
        assert_eq!(off.state(NOW), KeyState::Disabled);
        assert_eq!(off.with_enabled(false), off);
        assert_eq!(off.with_enabled(true), key());
    }

    #[test]
    fn what_the_service_is_doing_is_what_a_client_sees_unless_the_key_is_to_be_deleted() {
        let creating = Key { transition: Some(Transition::Creating), ..key() };
        assert_eq!(creating.state(NOW), KeyState::Creating);
        assert_eq!(creating.due(NOW), Some(Due::Completion));
        assert_eq!(creating.with_deletion_scheduled(NOW, 7).state(NOW), KeyState::PendingDeletion);
        let updating = Key { transition: Some(Transition::Updating), enabled: false, ..key() };
        assert_eq!(updating.state(NOW), KeyState::Updating);
    }

    #[test]
    fn a_key_whose_material_expires_while_it_is_being_updated_is_of_no_use() {
        let import = Some(Import { description: None, valid_to: Some(NOW) });
        let current_material = Some(Material { import, ..material(1) });
        let transition = Some(Transition::Updating);
        let updating = Key { origin: KeyOrigin::External, current_material, transition, ..key() };
        assert_eq!(updating.state(Moment::from_millis(999)), KeyState::Updating);
        assert_eq!(updating.state(NOW), KeyState::PendingImport);
    }

    #[test]
    fn a_rotation_waits_while_the_key_is_off_or_to_be_deleted_and_is_done_by_the_primary_only() {
        let date = NOW.plus_days(90);
        let rotating = key().with_rotation_enabled(NOW, 90);
        assert_eq!((rotating.next_due(), rotating.due(NOW)), (Some(date), None));
        assert_eq!(rotating.due(date), Some(Due::Rotation));
        assert_eq!(rotating.with_enabled(false).due(date), None);
        assert_eq!(rotating.with_enabled(false).with_enabled(true).due(date), Some(Due::Rotation));
        assert_eq!(rotating.with_deletion_scheduled(NOW, 30).due(date), Some(Due::Deletion));
        assert_eq!(rotating.with_rotation_disabled().due(date), None);
        let replica = Key { region: "us-east-1".parse().unwrap(), ..primary_with_replica() };
        assert_eq!(replica.with_rotation_enabled(NOW, 90).due(date), None);
    }

    #[test]
    fn a_rotation_follows_the_last_date_by_a_period_and_a_late_one_begins_anew() {
        let schedule = RotationSchedule::from(NOW, 90);
        assert_eq!(schedule.after_rotation(NOW.plus_days(91)).next, NOW.plus_days(180));
        assert_eq!(schedule.after_rotation(NOW.plus_days(500)).next, NOW.plus_days(590));
    }
}
