//! What an operator should know of a configuration that is none the less put to work.

use super::{Config, Store};
use jiff::{SignedDuration, Timestamp};

impl Config {
    /// What can be meant but is likely not, and what comes to an end soon.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let doubts = self.doubts.iter().map(ToString::to_string);
        let certificate = ends_soon(self.tls.not_after, now).map(|when| format!("the certificate {when}"));
        let credentials = self.stores.iter().filter_map(|store| credentials(store, now));
        doubts.chain(certificate).chain(credentials).collect()
    }
}

/// Of a store that nobody can use soon, or now, because of its credentials.
fn credentials(store: &Store, now: Timestamp) -> Option<String> {
    let name = format!("the store `{}`", store.path_prefix);
    let not_over = || store.credentials.iter().filter(|one| one.not_after.is_none_or(|end| now < end));
    if not_over().next().is_some() && !store.credentials.iter().any(|one| one.is_valid(now)) {
        return Some(format!(
            "{name} cannot be used yet: none of its credentials is good before its `not_before`"
        ));
    }
    let ends: Option<Vec<_>> = store.credentials.iter().map(|one| one.not_after).collect();
    let when = ends_soon(ends?.into_iter().max()?, now)?;
    Some(format!("the last credential of {name} {when}: add one with `cardea-xks-proxy credential new`"))
}

fn ends_soon(end: Timestamp, now: Timestamp) -> Option<String> {
    let left = end.duration_since(now);
    if left <= SignedDuration::ZERO {
        Some(format!("expired at {end}"))
    } else if left < SOON {
        Some(format!("expires at {end}, in {} days", left.as_hours() / 24))
    } else {
        None
    }
}

const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
