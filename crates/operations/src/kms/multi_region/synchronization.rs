//! The service event that says that what a family shares has come to one of its replicas.

use super::Family;
use crate::Service;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::Changes;
use keys::Key;
use wire::arn::KeyArn;

/// Announces it of every replica of the family.
pub fn announce_synchronization(service: &Service, changes: Changes, family: &Family) -> Changes {
    let replicas = family.keys().filter(|key| key.is_replica());
    replicas.fold(changes, |changes, replica| announce_synchronization_of(service, changes, replica))
}

/// Announces it of that replica, in its primary's region.
pub fn announce_synchronization_of(service: &Service, changes: Changes, replica: &Key) -> Changes {
    let arn = service.settings.key_arn(replica);
    let region = replica.multi_region.as_ref().map_or(replica.region, |family| family.primary);
    let primary = KeyArn { region, ..arn.clone() };
    let details = object(|details| details.string("keyId", &arn.to_string()));
    ServiceEvent::detailed("SynchronizeMultiRegionKey", &primary, &details).announce(service, changes)
}
