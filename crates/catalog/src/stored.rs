//! A record as it was read: with its revision, and with what is computed from it once.

use crate::CatalogError;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::ops::Deref;
use std::sync::OnceLock;
use storage::{Revision, Versioned};

/// A record and the revision at which it was read: what a change of it must name.
pub struct Stored<T> {
    record: T,
    pub(crate) revision: Revision,
    /// How long it is as it is stored.
    pub(crate) bytes: usize,
    derived: OnceLock<Box<Derived>>,
}

/// Something computed from a record, and what else was.
struct Derived {
    value: Box<dyn Any + Send + Sync>,
    next: OnceLock<Box<Self>>,
}

impl<T> Stored<T> {
    /// What is derived from this version of the record, such as a policy compiled: made by the first who asks, kept for as
    /// long as the record is, one value of each type. `make` must not ask the same record for something derived.
    pub fn derived<D: Any + Send + Sync>(&self, make: impl FnOnce(&T) -> D) -> &D {
        let mut make = Some(make);
        let mut place = &self.derived;
        loop {
            let derived = place.get_or_init(|| {
                // INVARIANT: `make` is there: where it was used, the value is a `D` and the loop ended.
                let value: Box<dyn Any + Send + Sync> = match make.take() {
                    Some(make) => Box::new(make(&self.record)),
                    None => Box::new(()),
                };
                Box::new(Derived { value, next: OnceLock::new() })
            });
            if let Some(value) = derived.value.downcast_ref() {
                return value;
            }
            place = &derived.next;
        }
    }
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Stored<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}", self.record, self.revision)
    }
}

impl<T: DeserializeOwned> Stored<T> {
    /// Reads what is stored at that key.
    pub(crate) fn decode(key: &[u8], stored: &Versioned) -> Result<Self, CatalogError> {
        let record = serde_json::from_slice(&stored.value).map_err(|source| CatalogError::Unreadable {
            key: String::from_utf8_lossy(key).into_owned(),
            source,
        })?;
        Ok(Self { record, revision: stored.revision, bytes: stored.value.len(), derived: OnceLock::new() })
    }
}

/// The bytes of a record: JSON, which an operator can read and a later version can extend.
pub(crate) fn encode<T: Serialize>(record: &T) -> Bytes {
    // INVARIANT: every record serialises: no map with keys that are not text, no fallible implementation.
    serde_json::to_vec(record).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn stored() -> Stored<u32> {
        Stored::decode(b"", &Versioned { value: "7".into(), revision: Revision(1) }).unwrap()
    }

    #[test]
    fn what_is_derived_is_made_once_for_each_type() {
        let (record, made) = (stored(), Cell::new(0));
        let text = |number: &u32| {
            made.set(made.get() + 1);
            number.to_string()
        };
        assert_eq!(record.derived(text), "7");
        assert_eq!(record.derived(|number| u64::from(*number) * 2), &14);
        assert_eq!(record.derived(text), "7");
        assert_eq!(record.derived(|_| 0_u64), &14);
        assert_eq!(made.get(), 1);
    }

    #[test]
    fn those_who_want_the_same_at_the_same_time_get_the_same() {
        let record = stored();
        let found: Vec<usize> = std::thread::scope(|scope| {
            let ask = |_| scope.spawn(|| std::ptr::from_ref(record.derived(|n| n.to_string())).addr());
            let all: Vec<_> = (0..8).map(ask).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.iter().all(|place| *place == found[0]));
    }
}
