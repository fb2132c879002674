//! The external keys of a store: what they are and what can become of them. Pure; time and new keys are given.
//!
//! A destroyed key leaves its id behind, which is never given to another key: what the old one encrypted must not seem to be the new one's.

use crate::crypto::Secret;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All keys of a store, by their ids.
#[derive(Clone, Debug, Default)]
pub struct Keys(BTreeMap<String, Key>);

/// An external key.
#[derive(Clone, Debug)]
pub struct Key {
    /// When it was made, in seconds of Unix time.
    pub created: u64,
    /// What it may be used for.
    pub usage: Usage,
    /// Whether it may be used.
    pub status: Status,
    /// Versions 1, 2, …; at least one.
    pub versions: Vec<Version>,
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Old ciphertexts can be read, none can be made.
    Decrypt,
    /// Ciphertexts can be made, none can be read.
    Encrypt,
    /// Both, which KMS asks for.
    EncryptDecrypt,
}

impl Usage {
    /// Whether it may encrypt.
    #[must_use]
    pub fn encrypts(self) -> bool {
        self != Self::Decrypt
    }

    /// Whether it may decrypt.
    #[must_use]
    pub fn decrypts(self) -> bool {
        self != Self::Encrypt
    }
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is gone for ever, and its id with it.
    Destroyed,
    /// Not now.
    Disabled,
    /// It may.
    Enabled,
}

/// A version of a key.
#[derive(Clone, Debug)]
pub struct Version {
    /// When it was made, in seconds of Unix time.
    pub created: u64,
    pub(crate) secret: Option<Arc<Secret>>,
}

impl Version {
    /// Whether nothing that it encrypted can be read any more.
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.secret.is_none()
    }
}

impl Key {
    /// The version of that number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    /// The newest version and its number.
    #[must_use]
    pub fn newest(&self) -> Option<(u32, &Version)> {
        Some((u32::try_from(self.versions.len()).ok()?, self.versions.last()?))
    }
}

impl Keys {
    /// Those keys, if each can be: see [`Key`].
    pub(crate) fn new(keys: BTreeMap<String, Key>) -> Option<Self> {
        keys.values().all(Key::can_be).then_some(Self(keys))
    }

    /// The key of that id, unless it is destroyed.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Key> {
        self.0.get(id).filter(|key| key.status != Status::Destroyed)
    }

    /// All, destroyed ones too, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Key)> {
        self.0.iter().map(|(id, key)| (id.as_str(), key))
    }

    /// Adds a key of one version.
    pub(crate) fn create(&mut self, id: &str, usage: Usage, secret: Secret, now: u64) -> Result<(), Refusal> {
        match self.0.get(id).map(|key| key.status) {
            Some(Status::Destroyed) => return Err(Refusal::IdSpent(id.to_owned())),
            Some(_) => return Err(Refusal::Exists(id.to_owned())),
            None => (),
        }
        let versions = vec![Version { created: now, secret: Some(Arc::new(secret)) }];
        self.0.insert(id.to_owned(), Key { created: now, usage, status: Status::Enabled, versions });
        Ok(())
    }

    /// Lets the key be used.
    pub(crate) fn enable(&mut self, id: &str) -> Result<(), Refusal> {
        self.existing(id).map(|key| key.status = Status::Enabled)
    }

    /// Keeps the key from being used.
    pub(crate) fn disable(&mut self, id: &str) -> Result<(), Refusal> {
        self.existing(id).map(|key| key.status = Status::Disabled)
    }

    /// Adds a version, which encrypts from now on; its number is returned.
    pub(crate) fn rotate(&mut self, id: &str, secret: Secret, now: u64) -> Result<u32, Refusal> {
        let key = self.existing(id)?;
        let number = u32::try_from(key.versions.len()).ok().and_then(|number| number.checked_add(1));
        let number = number.ok_or(Refusal::TooManyVersions)?;
        key.versions.push(Version { created: now, secret: Some(Arc::new(secret)) });
        Ok(number)
    }

    /// Destroys a key that is disabled, with all its versions.
    pub(crate) fn destroy(&mut self, id: &str) -> Result<(), Refusal> {
        let key = self.existing(id)?;
        if key.status != Status::Disabled {
            return Err(Refusal::NotDisabled(id.to_owned()));
        }
        key.status = Status::Destroyed;
        key.versions.iter_mut().for_each(|version| version.secret = None);
        Ok(())
    }

    /// Destroys a version that a newer one has taken the place of.
    pub(crate) fn destroy_version(&mut self, id: &str, number: u32) -> Result<(), Refusal> {
        let key = self.existing(id)?;
        if key.newest().is_some_and(|(newest, _)| newest == number) {
            return Err(Refusal::NewestVersion { id: id.to_owned(), number });
        }
        let at = number.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        let version = at.and_then(|at| key.versions.get_mut(at)).filter(|version| version.secret.is_some());
        let version = version.ok_or_else(|| Refusal::NoVersion { id: id.to_owned(), number })?;
        version.secret = None;
        Ok(())
    }

    fn existing(&mut self, id: &str) -> Result<&mut Key, Refusal> {
        let key = self.0.get_mut(id).filter(|key| key.status != Status::Destroyed);
        key.ok_or_else(|| Refusal::NoKey(id.to_owned()))
    }
}

impl Key {
    /// A key that is destroyed has no secret, another one has that of its newest version.
    fn can_be(&self) -> bool {
        match self.status {
            Status::Destroyed => self.versions.iter().all(Version::is_destroyed),
            Status::Disabled | Status::Enabled => {
                self.versions.last().is_some_and(|version| !version.is_destroyed())
            }
        }
    }
}

/// Why a key is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is a key of that id.
    #[error("there is a key `{0}` already")]
    Exists(String),
    /// There was a key of that id, and may be ciphertexts of it.
    #[error("a key `{0}` was destroyed, and its id is not given again")]
    IdSpent(String),
    /// The version encrypts now.
    #[error(
        "version {number} of `{id}` is the one that encrypts: rotate the key first, or destroy all of it"
    )]
    NewestVersion {
        /// The key.
        id: String,
        /// The version.
        number: u32,
    },
    /// There is no such key.
    #[error("there is no key `{0}`")]
    NoKey(String),
    /// There is no such version.
    #[error("`{id}` has no version {number}, or it is destroyed already")]
    NoVersion {
        /// The key.
        id: String,
        /// The version.
        number: u32,
    },
    /// Only what is known not to be missed is destroyed.
    #[error("`{0}` is not disabled: disable it first, and see whether anybody misses it")]
    NotDisabled(String),
    /// More than can be numbered.
    #[error("the key has as many versions as can be")]
    TooManyVersions,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::copied(&[7; 32])
    }

    fn keys() -> Keys {
        let mut keys = Keys::default();
        keys.create("one", Usage::EncryptDecrypt, secret(), 10).unwrap();
        keys
    }

    #[test]
    fn a_key_is_destroyed_only_when_it_is_disabled_and_its_id_is_spent() {
        let mut keys = keys();
        assert_eq!(keys.destroy("one"), Err(Refusal::NotDisabled("one".into())));
        keys.disable("one").unwrap();
        keys.destroy("one").unwrap();
        assert!(keys.find("one").is_none());
        assert!(keys.iter().all(|(_, key)| key.versions.iter().all(Version::is_destroyed)));
        assert_eq!(keys.enable("one"), Err(Refusal::NoKey("one".into())));
        let again = keys.create("one", Usage::EncryptDecrypt, secret(), 20);
        assert_eq!(again, Err(Refusal::IdSpent("one".into())));
    }

    #[test]
    fn a_version_is_destroyed_once_and_never_the_newest() {
        let mut keys = keys();
        assert_eq!(
            keys.destroy_version("one", 1),
            Err(Refusal::NewestVersion { id: "one".into(), number: 1 })
        );
        assert_eq!(keys.rotate("one", secret(), 20), Ok(2));
        keys.destroy_version("one", 1).unwrap();
        for number in [0, 1, 3] {
            let refused = keys.destroy_version("one", number);
            assert_eq!(refused, Err(Refusal::NoVersion { id: "one".into(), number }));
        }
        let key = keys.find("one").unwrap();
        assert!(key.version(1).unwrap().is_destroyed() && !key.version(2).unwrap().is_destroyed());
        assert_eq!(key.newest().unwrap().0, 2);
    }

    #[test]
    fn an_id_is_one_keys() {
        assert_eq!(keys().create("one", Usage::Decrypt, secret(), 20), Err(Refusal::Exists("one".into())));
    }
}
