//! The values that go into a store and come out of it.
//!
//! Values may be credentials: no `Debug` here shows one, only its length.

use std::fmt;

use bytes::Bytes;

/// The number of a commit: store-wide, one more with each, zero for the empty store.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Revision(pub u64);

/// A value and the revision of the last change of its key.
#[derive(Clone, Eq, PartialEq)]
pub struct Versioned {
    /// The value.
    pub value: Bytes,
    /// The commit that put it there.
    pub revision: Revision,
}

/// A key, its value and the revision of its last change.
#[derive(Clone, Eq, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// The commit that put it there.
    pub revision: Revision,
}

/// What must hold for a commit to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Condition {
    /// The key has no value.
    Absent(Bytes),
    /// The key's last change is of this revision.
    At(Bytes, Revision),
}

/// One change of one key.
#[derive(Clone, Eq, PartialEq)]
pub enum Change {
    /// The key has no value from now on. Deleting an absent key changes nothing.
    Delete {
        /// The key.
        key: Bytes,
    },
    /// The key has this value from now on.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
}

/// One change of one key, as a watch sees it: without the value, which may be gone by then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Changed {
    /// The key had no value any more.
    Deleted {
        /// The key.
        key: Bytes,
    },
    /// The key had a new value.
    Put {
        /// The key.
        key: Bytes,
    },
}

/// What became of a commit.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Commit {
    /// Nothing was changed: the condition on this key, the first of those that do not hold, did not hold.
    Conflict(Bytes),
    /// All is done and durable. A commit that changed nothing answers the revision that it saw and makes no new one.
    Done(Revision),
}

/// A commit as a watch sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committed {
    /// Its revision.
    pub revision: Revision,
    /// What it changed, each key at most once, in the order in which the commit named them.
    pub changes: Vec<Changed>,
}

impl Revision {
    /// The revision of the empty store.
    pub const EMPTY: Self = Self(0);
}

impl Condition {
    /// The key that it is about.
    #[must_use]
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Absent(key) | Self::At(key, _) => key,
        }
    }
}

impl Change {
    /// The key that it changes.
    #[must_use]
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Delete { key } | Self::Put { key, .. } => key,
        }
    }

    /// The value that it puts, if it puts one.
    #[must_use]
    pub fn value(&self) -> Option<&Bytes> {
        match self {
            Self::Delete { .. } => None,
            Self::Put { value, .. } => Some(value),
        }
    }
}

impl Changed {
    /// The key that was changed.
    #[must_use]
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Deleted { key } | Self::Put { key } => key,
        }
    }
}

impl From<&Change> for Changed {
    fn from(change: &Change) -> Self {
        match change {
            Change::Delete { key } => Self::Deleted { key: key.clone() },
            Change::Put { key, .. } => Self::Put { key: key.clone() },
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Debug for Versioned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.value.len();
        write!(out, "Versioned {{ {bytes} bytes, revision {} }}", self.revision)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Entry {{ {:?}, {} bytes, revision {} }}", self.key, self.value.len(), self.revision)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete { key } => write!(out, "Delete {{ {key:?} }}"),
            Self::Put { key, value } => write!(out, "Put {{ {key:?}, {} bytes }}", value.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debug_output_shows_a_value() {
        let value = Bytes::from_static(b"credential");
        let key = Bytes::from_static(b"key");
        let shown = [
            format!("{:?}", Versioned { value: value.clone(), revision: Revision(1) }),
            format!("{:?}", Entry { key: key.clone(), value: value.clone(), revision: Revision(1) }),
            format!("{:?}", Change::Put { key, value }),
        ];
        for text in shown {
            assert!(!text.contains("credential"), "{text}");
        }
    }
}
