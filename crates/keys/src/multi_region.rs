//! Multi-Region keys: one key in several regions, of which one is the primary.

use crate::{Key, Region, named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::key;

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
    fn a_key_of_one_region_has_no_family() {
        assert_eq!(key().multi_region_key_type(), None);
        assert_eq!(key().siblings().count(), 0);
        assert!(!key().has_replicas() && !key().is_replica());
    }
}
