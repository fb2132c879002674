//! Whether a call may be made now: within its store's quota, and if there can be a record of it.

use super::claim::Proven;
use crate::quota::Place;
use crate::refusal::Refusal;
use audit::Appender;
use xks_api::ErrorName;

/// A place in the store's quota, until it is dropped.
pub(super) fn admit<'a>(proven: &Proven<'a>, journal: &Appender) -> Result<Place<'a>, Refusal> {
    if !journal.healthy() {
        return Err(Refusal::new(ErrorName::Internal, "the proxy can keep no record of the call"));
    }
    let place = proven.store.quota.take(proven.arrived.begun);
    place.ok_or_else(|| Refusal::new(ErrorName::Throttling, "the store's quota is used up; try again later"))
}
