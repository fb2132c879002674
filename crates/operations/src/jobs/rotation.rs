//! New material for keys, when its time has come. What was encrypted before still opens.

use super::{JobError, changes};
use crate::Service;
use crate::kms::rotation::rotate;
use catalog::Stored;
use keys::{Key, Rotation, RotationType};
use std::sync::Arc;

/// Gives the key and its family new material, and sets the date of the next rotation.
pub async fn rotate_key(service: &Service, key: &Arc<Stored<Key>>) -> Result<(), JobError> {
    let rotation = Rotation { date: service.clock.now(), rotation_type: RotationType::Automatic };
    let changes = rotate::<JobError>(service, changes(service, JOB), key, rotation).await?;
    Ok(service.catalog.commit(changes).await?)
}

const JOB: &str = "rotation job";
