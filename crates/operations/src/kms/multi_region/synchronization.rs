//! The service event that says that what a family shares has come to one of its replicas.

use crate::Service;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::Changes;
use wire::arn::KeyArn;

/// Announces it in the primary's region.
pub fn announce_synchronization(
    service: &Service,
    changes: Changes,
    replica: &KeyArn,
    primary: &KeyArn,
) -> Changes {
    let details = object(|details| details.string("keyId", &replica.to_string()));
    let (name, details) = ("SynchronizeMultiRegionKey", Some(&details));
    ServiceEvent { name, key: primary, alias: None, elements: None, details }.announce(service, changes)
}
