//! The stores that are in reach, their credentials open. One that was let go is not brought back by a request that began before.

use keys::CustomKeyStoreId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The stores that are in reach, and since when others are not any more.
#[derive(Debug)]
pub(super) struct Reached<T> {
    stores: HashMap<CustomKeyStoreId, Arc<T>>,
    let_go: HashMap<CustomKeyStoreId, Instant>,
}

impl<T> Reached<T> {
    /// What is known of a store that is in reach.
    pub(super) fn of(&self, id: &CustomKeyStoreId) -> Option<Arc<T>> {
        self.stores.get(id).cloned()
    }

    /// Keeps what a request has found, unless the store was let go since the request began.
    pub(super) fn keep(&mut self, id: CustomKeyStoreId, found: &Arc<T>, now: Instant) {
        let is_late = |since: &Instant| now.duration_since(*since) < LONGEST_REQUEST;
        if !self.let_go.get(&id).is_some_and(is_late) {
            self.stores.insert(id, Arc::clone(found));
        }
    }

    /// The store is to be in reach from now on.
    pub(super) fn want(&mut self, id: &CustomKeyStoreId) {
        self.let_go.remove(id);
    }

    /// Lets a store go. Gives what was known of it.
    pub(super) fn let_go(&mut self, id: CustomKeyStoreId, now: Instant) -> Option<Arc<T>> {
        self.let_go.retain(|_, since| now.duration_since(*since) < LONGEST_REQUEST);
        self.let_go.insert(id, now);
        self.stores.remove(&id)
    }

    /// Lets all of them go.
    pub(super) fn clear(&mut self) {
        self.stores.clear();
    }
}

impl<T> Default for Reached<T> {
    fn default() -> Self {
        Self { stores: HashMap::new(), let_go: HashMap::new() }
    }
}

/// From when a request reads what a store is until it reaches for it, at most.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_was_let_go_comes_back_only_if_it_is_wanted() {
        let (id, one, began) = (CustomKeyStoreId::from_random([1; 16]), Arc::new(()), Instant::now());
        let mut reached = Reached::default();
        reached.keep(id, &one, began);
        assert!(reached.let_go(id, began).is_some());
        reached.keep(id, &one, began + LONGEST_REQUEST / 2);
        assert_eq!(reached.of(&id), None);
        reached.want(&id);
        reached.keep(id, &one, began + LONGEST_REQUEST / 2);
        assert!(reached.of(&id).is_some());
    }

    #[test]
    fn that_a_store_was_let_go_is_forgotten_in_time() {
        let (id, one, began) = (CustomKeyStoreId::from_random([1; 16]), Arc::new(()), Instant::now());
        let mut reached = Reached::default();
        reached.let_go(id, began);
        reached.keep(id, &one, began + LONGEST_REQUEST);
        assert!(reached.of(&id).is_some());
        reached.let_go(CustomKeyStoreId::from_random([2; 16]), began + LONGEST_REQUEST);
        assert_eq!(reached.let_go.len(), 1);
    }
}
