//! Which faults come when. A script is read at each request and forgets what it has played out.

use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

/// One of the four calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the specification's own words")]
pub enum Api {
    Decrypt,
    Encrypt,
    Health,
    Metadata,
}

/// Which requests a fault is for, and how many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// That call only.
    pub api: Option<Api>,
    /// How many of them.
    pub often: Often,
}

impl Scope {
    /// The next `count` requests of that call.
    pub fn next(api: Api, count: u64) -> Self {
        Self { api: Some(api), often: Often::Next(count) }
    }

    /// All requests of that call until faults are cleared.
    pub fn always(api: Api) -> Self {
        Self { api: Some(api), often: Often::Always }
    }

    /// Every `n`-th request of that call until faults are cleared.
    pub fn one_in(api: Api, n: u64) -> Self {
        Self { api: Some(api), often: Often::OneIn(n) }
    }

    /// All requests of every call until faults are cleared.
    pub const EVERYTHING: Self = Self { api: None, often: Often::Always };

    /// The next request, whatever it asks.
    pub const NEXT: Self = Self { api: None, often: Often::Next(1) };
}

/// How often a fault comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Often {
    /// Until faults are cleared.
    #[default]
    Always,
    /// For so many requests or connections.
    Next(u64),
    /// For every `n`-th, beginning with the `n`-th.
    OneIn(u64),
}

/// Faults in the order in which they were injected; the first that is due is played.
#[derive(Debug)]
pub(crate) struct Script<F> {
    entries: Mutex<Vec<Entry<F>>>,
}

#[derive(Debug)]
struct Entry<F> {
    fault: F,
    scope: Scope,
    seen: u64,
}

impl<F: Clone> Script<F> {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(Vec::new()) }
    }

    pub(crate) fn add(&self, fault: F, scope: Scope) {
        self.entries().push(Entry { fault, scope, seen: 0 });
    }

    pub(crate) fn clear(&self) {
        self.entries().clear();
    }

    /// The fault for this request, if one is due.
    pub(crate) fn due(&self, api: Option<Api>) -> Option<F> {
        let mut entries = self.entries();
        let due = entries.iter_mut().find_map(|entry| entry.is_due(api).then(|| entry.fault.clone()));
        entries.retain(|entry| !entry.is_spent());
        due
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<Entry<F>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Entry<F> {
    fn is_due(&mut self, api: Option<Api>) -> bool {
        if self.scope.api.is_some() && self.scope.api != api {
            return false;
        }
        self.seen += 1;
        match self.scope.often {
            Often::Always => true,
            Often::Next(count) => self.seen <= count,
            Often::OneIn(n) => self.seen.checked_rem(n) == Some(0),
        }
    }

    fn is_spent(&self) -> bool {
        matches!(self.scope.often, Often::Next(count) if self.seen >= count)
    }
}

#[cfg(test)]
mod tests {
    use super::{Api, Scope, Script};

    #[test]
    fn a_fault_for_the_next_two_encryptions_spares_decryptions_and_the_third() {
        let script = Script::new();
        script.add("late", Scope::next(Api::Encrypt, 2));
        let asked = [Api::Decrypt, Api::Encrypt, Api::Encrypt, Api::Encrypt].map(|api| script.due(Some(api)));
        assert_eq!(asked, [None, Some("late"), Some("late"), None]);
    }

    #[test]
    fn one_in_three_is_every_third() {
        let script = Script::new();
        script.add((), Scope::one_in(Api::Health, 3));
        let due: Vec<bool> = (0..7).map(|_| script.due(Some(Api::Health)).is_some()).collect();
        assert_eq!(due, [false, false, true, false, false, true, false]);
    }

    #[test]
    fn faults_that_are_cleared_come_no_more() {
        let script = Script::new();
        script.add((), Scope::EVERYTHING);
        assert!(script.due(Some(Api::Metadata)).is_some());
        script.clear();
        assert!(script.due(Some(Api::Metadata)).is_none());
    }
}
