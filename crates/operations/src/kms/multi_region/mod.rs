//! Multi-Region keys: one key in several regions, of which one is the primary.

mod family;
mod replicate_key;
mod synchronization;
mod update_primary_region;

pub use family::{Family, bound, replace_without_material};
pub use replicate_key::ReplicateKey;
pub use synchronization::{announce_synchronization, announce_synchronization_of};
pub use update_primary_region::UpdatePrimaryRegion;

use crate::operation::NamedKey;
use keys::MultiRegionKeyType;
use wire::arn::KeyArn;
use wire::{Fault, FaultKind};

/// Refuses what only a primary can do.
pub fn check_primary(named: &NamedKey) -> Result<(), Fault> {
    if named.key.multi_region_key_type() == Some(MultiRegionKeyType::Primary) {
        return Ok(());
    }
    Err(not_primary(&named.arn))
}

/// What a caller is told who asks of another key what only a primary can do.
pub fn not_primary(arn: &KeyArn) -> Fault {
    Fault::new(FaultKind::UnsupportedOperation, format!("{arn} is not a multi-region primary key."))
}
