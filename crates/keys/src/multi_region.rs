//! Multi-Region keys: one key in several regions, of which one is the primary.

use crate::key::{Deletion, Transition};
use crate::{Key, KeyManager, Material, Moment, PendingMaterial, Region, Tags, named};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a multi-Region key is. Every key of the family says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegion {
    /// The region of the primary.
    pub primary: Region,
    /// The regions of the replicas.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub replicas: BTreeSet<Region>,
}

named! {
    /// Which of a family a multi-Region key is.
    MultiRegionKeyType {
        /// The one that can be replicated and rotated.
        Primary = "PRIMARY",
        /// A copy of it.
        Replica = "REPLICA",
    }
}

impl Key {
    /// Which of its family it is, if it is a multi-Region key.
    #[must_use]
    pub fn multi_region_key_type(&self) -> Option<MultiRegionKeyType> {
        let primary = self.multi_region.as_ref()?.primary;
        Some(if primary == self.region { MultiRegionKeyType::Primary } else { MultiRegionKeyType::Replica })
    }

    /// Whether it is a copy of a primary elsewhere.
    #[must_use]
    pub fn is_replica(&self) -> bool {
        self.multi_region_key_type() == Some(MultiRegionKeyType::Replica)
    }

    /// Whether it is a primary that still has replicas.
    #[must_use]
    pub fn has_replicas(&self) -> bool {
        let replicas = self.multi_region.as_ref().map(|family| &family.replicas);
        replicas.is_some_and(|replicas| !replicas.is_empty()) && !self.is_replica()
    }

    /// The regions of all others of its family.
    pub fn siblings(&self) -> impl Iterator<Item = Region> {
        let family = self.multi_region.iter();
        let all =
            family.flat_map(|family| std::iter::once(family.primary).chain(family.replicas.iter().copied()));
        all.filter(|region| *region != self.region)
    }

    /// A replica of this primary for that region: what a family shares is the primary's, and everything else as of a new key. It has
    /// no material of its own yet.
    #[must_use]
    pub fn replica(&self, region: Region, now: Moment) -> Self {
        let pending = self.pending_material.as_ref();
        Self {
            region,
            created: now,
            description: String::new(),
            enabled: true,
            deletion: None,
            policy: None,
            policy_principals: BTreeMap::new(),
            tags: Tags::default(),
            manager: KeyManager::Customer,
            service: None,
            transition: Some(Transition::Creating),
            current_material: self.current_material.as_ref().map(Material::taken_away),
            former_materials: self.former_materials.iter().map(Material::taken_away).collect(),
            pending_material: pending.map(PendingMaterial::taken_away),
            ..self.with_replica(region)
        }
    }

    /// The key as one of a family that has a replica there.
    #[must_use]
    pub fn with_replica(&self, region: Region) -> Self {
        let mut key = self.clone();
        if let Some(family) = &mut key.multi_region {
            family.replicas.insert(region);
        }
        if let Some(pending) = key.pending_material.as_mut().filter(|_| !self.is_replica()) {
            pending.awaited.insert(region);
        }
        key
    }

    /// The key as one of a family that has no replica there any more. With the last one the window of a primary begins that waits
    /// to be deleted.
    //= kms: its waiting period begins when the last of its replica keys is deleted
    #[must_use]
    pub fn without_replica(&self, region: Region, now: Moment) -> Self {
        let mut key = self.clone();
        if let Some(family) = &mut key.multi_region {
            family.replicas.remove(&region);
        }
        if let Some(pending) = &mut key.pending_material {
            pending.awaited.remove(&region);
        }
        if let Some(Deletion { date: None, window_in_days }) = key.deletion
            && !key.has_replicas()
        {
            key = key.with_deletion_scheduled(now, window_in_days);
        }
        key
    }

    /// The key as one of a family whose primary is the one in that region from now on, and no more `former`.
    #[must_use]
    pub fn with_primary(&self, region: Region, former: &Self) -> Self {
        let mut key = self.clone();
        if let Some(family) = &mut key.multi_region {
            family.replicas.remove(&region);
            family.replicas.insert(family.primary);
            family.primary = region;
        }
        if [region, former.region].contains(&key.region) {
            key.transition = Some(Transition::Updating);
        }
        if key.region == region {
            key.pending_material = former.pending_material.as_ref().map(|pending| PendingMaterial {
                material: self.pending_material.as_ref().unwrap_or(&pending.taken_away()).material.clone(),
                awaited: pending.awaited.clone(),
            });
        } else if let Some(pending) = &mut key.pending_material {
            pending.awaited.clear();
        }
        key
    }

    /// The key when nothing is being done to it any more.
    #[must_use]
    pub fn with_transition_ended(&self) -> Self {
        Self { transition: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::{key, material};
    use crate::{KeyOrigin, KeyState};

    const NOW: Moment = Moment::from_millis(1000);

    fn alone() -> Key {
        let multi_region = Some(MultiRegion { primary: region("eu-central-1"), replicas: BTreeSet::new() });
        Key { multi_region, ..key() }
    }

    fn region(name: &str) -> Region {
        name.parse().unwrap()
    }

    fn family_in(place: &str) -> Key {
        let replicas = ["eu-west-1", "us-east-1"].map(region).into();
        let multi_region = Some(MultiRegion { primary: region("eu-central-1"), replicas });
        Key { region: region(place), multi_region, ..key() }
    }

    #[test]
    fn a_primary_and_its_replicas_know_each_other() {
        let (primary, replica) = (family_in("eu-central-1"), family_in("us-east-1"));
        assert_eq!(primary.multi_region_key_type(), Some(MultiRegionKeyType::Primary));
        assert_eq!(replica.multi_region_key_type(), Some(MultiRegionKeyType::Replica));
        assert!(primary.has_replicas() && !replica.has_replicas() && replica.is_replica());
        assert_eq!(primary.siblings().collect::<Vec<_>>(), ["eu-west-1", "us-east-1"].map(region));
        assert_eq!(replica.siblings().collect::<Vec<_>>(), ["eu-central-1", "eu-west-1"].map(region));
    }

    #[test]
    fn a_replica_shares_what_a_family_shares_and_has_nothing_else_of_its_primary() {
        let primary = Key { description: "of the delta".into(), policy: Some("{}".into()), ..alone() };
        let primary = primary.with_rotation_enabled(NOW, 90);
        let (east, later) = (region("us-east-1"), NOW.plus_days(1));
        let (replica, extended) = (primary.replica(east, later), primary.with_replica(east));
        assert_eq!(replica.multi_region, extended.multi_region);
        assert_eq!(
            (replica.id, replica.spec, replica.rotation),
            (primary.id, primary.spec, primary.rotation)
        );
        assert_eq!((replica.state(later), replica.created), (KeyState::Creating, later));
        assert_eq!((replica.description.as_str(), replica.policy.as_deref()), ("", None));
        let [own, its] = [&replica, &primary].map(|key| key.current_material.as_ref().unwrap());
        assert_eq!((own.id, own.token.len(), its.token.len()), (its.id, 0, 3));
        assert_eq!(replica.with_transition_ended().state(later), KeyState::Enabled);
        let imported = Key { origin: KeyOrigin::External, ..replica };
        assert_eq!(imported.with_transition_ended().state(later), KeyState::PendingImport);
    }

    #[test]
    fn the_window_of_a_primary_begins_in_full_when_its_last_replica_is_gone() {
        let primary = family_in("eu-central-1").with_deletion_scheduled(NOW, 7);
        let one_left = primary.without_replica(region("us-east-1"), NOW.plus_days(10));
        assert_eq!(one_left.state(NOW), KeyState::PendingReplicaDeletion);
        let alone = one_left.without_replica(region("eu-west-1"), NOW.plus_days(20));
        assert_eq!(alone.state(NOW), KeyState::PendingDeletion);
        assert_eq!(alone.next_due(), Some(NOW.plus_days(27)));
        let cancelled = primary.with_deletion_cancelled().without_replica(region("us-east-1"), NOW);
        assert_eq!((cancelled.state(NOW), cancelled.next_due()), (KeyState::Disabled, None));
        let sibling = family_in("eu-west-1").with_deletion_scheduled(NOW, 7);
        let left = sibling.without_replica(region("us-east-1"), NOW.plus_days(5));
        assert_eq!(left.deletion, sibling.deletion);
    }

    #[test]
    fn a_family_has_one_primary_whichever_it_becomes() {
        let former = family_in("eu-central-1");
        let keys = ["eu-central-1", "eu-west-1", "us-east-1"].map(family_in);
        let moved = keys.map(|key| key.with_primary(region("us-east-1"), &former));
        let [old, bystander, new] = &moved;
        assert!(moved.iter().all(|key| key.multi_region == new.multi_region));
        assert_eq!(new.multi_region.as_ref().unwrap().primary, region("us-east-1"));
        assert_eq!(new.siblings().collect::<Vec<_>>(), ["eu-central-1", "eu-west-1"].map(region));
        assert!(old.is_replica() && !new.is_replica());
        assert_eq!(
            [old, bystander, new].map(|key| key.state(NOW)),
            [KeyState::Updating, KeyState::Enabled, KeyState::Updating]
        );
        let back = moved.map(|key| key.with_primary(region("eu-central-1"), &family_in("us-east-1")));
        assert_eq!(back[0].multi_region, former.multi_region);
    }

    #[test]
    fn the_primary_knows_which_regions_still_need_the_pending_material() {
        let pending = |awaited: &[&str]| {
            let awaited = awaited.iter().map(|name| region(name)).collect();
            Some(PendingMaterial { material: material(9), awaited })
        };
        let primary = Key { pending_material: pending(&[]), ..alone() };
        let east = region("us-east-1");
        let extended = primary.with_replica(east);
        assert_eq!(extended.pending_material, pending(&["us-east-1"]));
        let replica = primary.replica(east, NOW);
        let of_replica = replica.pending_material.as_ref().unwrap();
        assert!(of_replica.awaited.is_empty() && of_replica.material.token.is_empty());
        assert_eq!(extended.without_replica(east, NOW).pending_material, pending(&[]));
        let (new, old) = (replica.with_primary(east, &extended), extended.with_primary(east, &extended));
        assert_eq!(new.pending_material.unwrap().awaited, [east].into());
        assert_eq!(old.pending_material, pending(&[]));
    }

    #[test]
    fn a_key_of_one_region_has_no_family() {
        assert_eq!(key().multi_region_key_type(), None);
        assert_eq!(key().siblings().count(), 0);
        assert!(!key().has_replicas() && !key().is_replica());
    }
}
