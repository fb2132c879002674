//! Multi-Region keys: one key in several regions, of which one is the primary.

mod family;
mod replicate_key;
mod synchronization;
mod update_primary_region;

pub use family::{Family, bound};
pub use replicate_key::ReplicateKey;
pub use synchronization::announce_synchronization;
pub use update_primary_region::UpdatePrimaryRegion;

use crate::operation::NamedKey;
use keys::MultiRegionKeyType;
use wire::{Fault, FaultKind};

/// Refuses what only a primary can do.
pub fn check_primary(named: &NamedKey) -> Result<(), Fault> {
    if named.key.multi_region_key_type() == Some(MultiRegionKeyType::Primary) {
        return Ok(());
    }
    let message = format!("{} is not a multi-region primary key.", named.arn);
    Err(Fault::new(FaultKind::UnsupportedOperation, message))
}
