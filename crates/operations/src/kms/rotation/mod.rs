//! Rotation of keys, and the operations about it. New material takes the place of the current one; what was encrypted before still
//! opens, for ever. It must never take material away.

mod disable_key_rotation;
mod enable_key_rotation;
mod get_key_rotation_status;
mod list_key_rotations;
mod rotate;
mod rotate_key_on_demand;

pub use disable_key_rotation::DisableKeyRotation;
pub use enable_key_rotation::EnableKeyRotation;
pub use get_key_rotation_status::GetKeyRotationStatus;
pub use list_key_rotations::ListKeyRotations;
pub use rotate::rotate;
pub use rotate_key_on_demand::RotateKeyOnDemand;

use crate::kms::multi_region::{Family, announce_synchronization, not_primary};
use crate::operation::{Failure, NamedKey};
use crate::pipeline::{Authorized, Scene};
use keys::Key;
use wire::{Fault, FaultKind};

/// Refuses a key that cannot have other material in its life.
//= kms: rotation is for symmetric encryption keys
fn check_rotatable(named: &NamedKey) -> Result<(), Fault> {
    match named.key.has_rotatable_material() {
        true => Ok(()),
        false => Err(Fault::bare(FaultKind::UnsupportedOperation)),
    }
}

/// Refuses what is done to a family by its primary.
fn check_not_replica(named: &NamedKey) -> Result<(), Fault> {
    if named.key.is_replica() { Err(not_primary(&named.arn)) } else { Ok(()) }
}

/// Changes when a key is rotated, and all of its family with it.
async fn reschedule(
    subject: &Authorized<NamedKey>,
    scene: &Scene<'_>,
    change: impl Fn(&Key) -> Key,
) -> Result<(), Failure> {
    let family = Family::of(scene.reader(), &subject.key).await?;
    let changes = family.replace(scene.changes(), change);
    let changes = announce_synchronization(scene.service_for(subject), changes, &family);
    scene.commit(subject, changes).await?;
    scene.ring(subject);
    Ok(())
}
