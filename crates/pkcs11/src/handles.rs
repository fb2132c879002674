//! What a session has found under the names of keys, so that a key in use is not looked for again.
//!
//! An id is Cardea's own and stays with its key. A label is the owner's, who may give it to another key at any time: what is known of
//! one is never older than [`LABEL_LASTS`].

use pkcs11_api::KeyName;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What was found, by name.
pub(crate) struct Handles<K> {
    by_id: HashMap<Vec<u8>, K>,
    by_label: HashMap<Vec<u8>, (K, Instant)>,
}

impl<K: Copy> Handles<K> {
    pub(crate) fn new() -> Self {
        Self { by_id: HashMap::new(), by_label: HashMap::new() }
    }

    /// What was found under that name, if that may still be so.
    pub(crate) fn known(&self, name: KeyName<'_>, now: impl FnOnce() -> Instant) -> Option<K> {
        match name {
            KeyName::Id(id) => self.by_id.get(id.as_bytes()).copied(),
            KeyName::Label(label) => {
                let (key, since) = self.by_label.get(label.as_str().as_bytes())?;
                (now().saturating_duration_since(*since) < LABEL_LASTS).then_some(*key)
            }
        }
    }

    /// Notes what was found.
    pub(crate) fn note(&mut self, name: KeyName<'_>, key: K, now: Instant) {
        if self.by_id.len().saturating_add(self.by_label.len()) >= MOST_HANDLES {
            self.clear();
        }
        match name {
            KeyName::Id(id) => drop(self.by_id.insert(id.as_bytes().to_vec(), key)),
            KeyName::Label(label) => {
                self.by_label.insert(label.as_str().as_bytes().to_vec(), (key, now));
            }
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.by_id.clear();
        self.by_label.clear();
    }
}

/// An owner who gives a label to another key, or gives it twice, waits so long until all sessions see it.
const LABEL_LASTS: Duration = Duration::from_secs(30);
const MOST_HANDLES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use pkcs11_api::{KeyLabel, ObjectId};

    #[test]
    fn a_label_is_known_for_half_a_minute_and_an_id_until_it_is_forgotten() {
        let (id, label) = names("key");
        let mut handles = Handles::new();
        let began = Instant::now();
        assert_eq!(handles.known(label, || began), None);
        handles.note(label, 1, began);
        handles.note(id, 2, began);
        let known = |handles: &Handles<i32>, seconds| {
            let now = began + Duration::from_secs(seconds);
            (handles.known(id, || now), handles.known(label, || now))
        };
        assert_eq!(known(&handles, 29), (Some(2), Some(1)));
        assert_eq!(known(&handles, 30), (Some(2), None));
        handles.clear();
        assert_eq!(known(&handles, 0), (None, None));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut handles = Handles::new();
        let now = Instant::now();
        for number in 0..MOST_HANDLES {
            handles.note(names(&number.to_string()).0, number, now);
            handles.note(names(&number.to_string()).1, number, now);
        }
        assert!(handles.by_id.len() + handles.by_label.len() <= MOST_HANDLES);
        assert_eq!(handles.known(names(&(MOST_HANDLES - 1).to_string()).1, || now), Some(MOST_HANDLES - 1));
    }

    fn names(text: &str) -> (KeyName<'_>, KeyName<'_>) {
        (ObjectId::new(text.as_bytes()).unwrap().into(), KeyLabel::new(text).unwrap().into())
    }
}
