//! Changing records: all that one call changes in one commit, with the former version of each under its history.

use crate::record::{Stored, encode};
use crate::{AccessKey, Account, AliasAddress, CatalogError, KeyAddress, Reader, World, layout};
use bytes::Bytes;
use keys::{AccountId, Alias, Key, KeyId, Moment};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::{Change, Commit, Condition, Revision};

/// On whose behalf records are changed: what the history says of each change.
#[derive(Clone, Debug, Serialize)]
pub struct Author {
    /// The ARN of the principal, or the name of the service's own job.
    pub principal: String,
    /// The request.
    pub request_id: String,
    /// When.
    pub at: Moment,
}

/// Changes that are to be made together.
#[derive(Debug)]
pub struct Changes {
    author: Author,
    conditions: Vec<Condition>,
    changes: Vec<Change>,
    /// How the number of keys changes, by account, region and shard.
    counts: BTreeMap<Bytes, i64>,
    limit: Option<(World, u64)>,
}

impl Changes {
    /// No change yet.
    #[must_use]
    pub const fn by(author: Author) -> Self {
        Self { author, conditions: Vec::new(), changes: Vec::new(), counts: BTreeMap::new(), limit: None }
    }

    /// Makes a key, unless the account has `limit` keys in the region already.
    #[must_use]
    pub fn create_key(mut self, key: &Key, limit: u64) -> Self {
        let address = address_of(key);
        let at = layout::key(&address);
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(key));
        self.count(&address, 1);
        self.limit = Some((address.world, limit));
        self
    }

    /// Puts a key in place of what was read of it, and keeps the index of deletions in step.
    #[must_use]
    pub fn replace_key(mut self, old: &Stored<Key>, new: &Key) -> Self {
        let address = address_of(new);
        self.replace(layout::key(&address), old.revision, &without_tokens(old), encode(new));
        let date = |key: &Key| key.deletion.map(|deletion| deletion.date);
        if date(old) != date(new) {
            if let Some(date) = date(old) {
                self.changes.push(Change::Delete { key: layout::due(date, &address) });
            }
            if let Some(date) = date(new) {
                self.put(layout::due(date, &address), Bytes::new());
            }
        }
        self
    }

    /// Deletes a key with all its aliases, and notes that this is still to be put on record. One history entry holds all
    /// of it, so that the commit stays within what every engine takes.
    #[must_use]
    pub fn delete_key(mut self, old: &Stored<Key>, aliases: &[Arc<Stored<Alias>>]) -> Self {
        let address = address_of(old);
        let former =
            FormerKey { key: &without_tokens(old), aliases: aliases.iter().map(|alias| &***alias).collect() };
        self.delete(layout::key(&address), old.revision, &former);
        for alias in aliases {
            let name = alias.name.as_str();
            let at = layout::alias(&AliasAddress { world: address.world.clone(), name: name.into() });
            self.conditions.push(Condition::At(at.clone(), alias.revision));
            self.changes.push(Change::Delete { key: at });
            self.changes.push(Change::Delete { key: layout::alias_of_key(&address, name) });
        }
        if let Some(deletion) = old.deletion {
            self.changes.push(Change::Delete { key: layout::due(deletion.date, &address) });
        }
        self.put(layout::deleted(&address), Bytes::new());
        self.count(&address, -1);
        self
    }

    /// Notes that the deletion of a key is on record.
    #[must_use]
    pub fn deletion_is_recorded(mut self, key: &KeyAddress) -> Self {
        self.changes.push(Change::Delete { key: layout::deleted(key) });
        self
    }

    /// Makes an alias.
    #[must_use]
    pub fn create_alias(mut self, world: &World, alias: &Alias) -> Self {
        let at = layout::alias(&AliasAddress { world: world.clone(), name: alias.name.as_str().into() });
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(alias));
        self.put(layout::alias_of_key(&target(world, alias), &alias.name), Bytes::new());
        self
    }

    /// Puts an alias in place of what was read of it.
    #[must_use]
    pub fn replace_alias(mut self, world: &World, old: &Stored<Alias>, new: &Alias) -> Self {
        let at = layout::alias(&AliasAddress { world: world.clone(), name: new.name.as_str().into() });
        self.replace(at, old.revision, &**old, encode(new));
        if old.target != new.target {
            self.changes.push(Change::Delete { key: layout::alias_of_key(&target(world, old), &old.name) });
            self.put(layout::alias_of_key(&target(world, new), &new.name), Bytes::new());
        }
        self
    }

    /// Deletes an alias.
    #[must_use]
    pub fn delete_alias(mut self, world: &World, old: &Stored<Alias>) -> Self {
        let at = layout::alias(&AliasAddress { world: world.clone(), name: old.name.as_str().into() });
        self.delete(at, old.revision, &**old);
        self.changes.push(Change::Delete { key: layout::alias_of_key(&target(world, old), &old.name) });
        self
    }

    /// Asks that a key is still as it was read, and writes it as it is: of changes that do so at the same time one is
    /// made and the others conflict. For what a key has only so many of, counted after it was read.
    #[must_use]
    pub fn touch_key(mut self, key: &Stored<Key>) -> Self {
        let at = layout::key(&address_of(key));
        self.conditions.push(Condition::At(at.clone(), key.revision));
        self.put(at, encode(&**key));
        self
    }

    /// Makes an account.
    #[must_use]
    pub fn create_account(mut self, account: &Account) -> Self {
        let at = layout::account(&account.id);
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(account));
        self
    }

    /// Makes an access key.
    #[must_use]
    pub fn create_access_key(mut self, access_key: &AccessKey) -> Self {
        let at = layout::access_key(&access_key.id);
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(access_key));
        self
    }

    /// Makes the changes. A count that others changed meanwhile is read again; every other conflict is the caller's.
    pub(crate) async fn commit(self, reader: &Reader) -> Result<(), CatalogError> {
        if let Some((world, limit)) = &self.limit
            && reader.key_count(world).await? >= *limit
        {
            return Err(CatalogError::TooManyKeys { limit: *limit });
        }
        for _ in 0..COUNT_TRIES {
            let (mut conditions, mut changes) = (self.conditions.clone(), self.changes.clone());
            self.add_counts(reader, &mut conditions, &mut changes).await?;
            match reader.storage.commit(conditions, changes).await? {
                Commit::Done(revision) => {
                    self.changes.iter().for_each(|change| reader.hot.forget(change.key(), revision));
                    return Ok(());
                }
                Commit::Conflict(key) if self.counts.contains_key(&key) => {}
                Commit::Conflict(key) => {
                    // Whatever made this fail is newer than what memory holds.
                    reader.hot.forget(&key, Revision(u64::MAX));
                    return Err(CatalogError::Conflict);
                }
            }
        }
        Err(CatalogError::Conflict)
    }

    async fn add_counts(
        &self,
        reader: &Reader,
        conditions: &mut Vec<Condition>,
        changes: &mut Vec<Change>,
    ) -> Result<(), CatalogError> {
        for (key, difference) in &self.counts {
            let stored = reader.read::<u64>(key).await?;
            conditions.push(match &stored {
                Some(count) => Condition::At(key.clone(), count.revision),
                None => Condition::Absent(key.clone()),
            });
            let count = stored.map_or(0, |count| *count).saturating_add_signed(*difference);
            changes.push(Change::Put { key: key.clone(), value: encode(&count) });
        }
        Ok(())
    }

    fn count(&mut self, address: &KeyAddress, difference: i64) {
        let shard = layout::count(&address.world, layout::shard(&address.id));
        let count = self.counts.entry(shard).or_default();
        *count = count.saturating_add(difference);
    }

    fn replace<T: Serialize>(&mut self, at: Bytes, revision: Revision, former: &T, new: Bytes) {
        self.remember(&at, revision, former);
        self.put(at, new);
    }

    fn delete<T: Serialize>(&mut self, at: Bytes, revision: Revision, former: &T) {
        self.remember(&at, revision, former);
        self.changes.push(Change::Delete { key: at });
    }

    fn remember<T: Serialize>(&mut self, at: &Bytes, revision: Revision, former: &T) {
        self.conditions.push(Condition::At(at.clone(), revision));
        let history = Former { changed: &self.author, record: former };
        let value = encode(&history);
        self.put(layout::history(at, revision), value);
    }

    fn put(&mut self, key: Bytes, value: Bytes) {
        self.changes.push(Change::Put { key, value });
    }
}

/// A record as it was, and who changed it then.
#[derive(Serialize)]
struct Former<'a, T> {
    changed: &'a Author,
    record: &'a T,
}

/// A deleted key and the aliases that went with it.
#[derive(Serialize)]
struct FormerKey<'a> {
    key: &'a Key,
    aliases: Vec<&'a Alias>,
}

/// A key as its history keeps it: a token that outlived its key could bring it back.
fn without_tokens(key: &Key) -> Key {
    let mut key = key.clone();
    key.current_material.token = Box::default();
    key
}

fn address_of(key: &Key) -> KeyAddress {
    let (account, region, id): (AccountId, _, KeyId) = (key.account, key.region, key.id);
    KeyAddress { world: World { account, region }, id }
}

fn target(world: &World, alias: &Alias) -> KeyAddress {
    KeyAddress { world: world.clone(), id: alias.target }
}

/// So many others would have to count keys of the same digit at the same moment for a call to give up.
const COUNT_TRIES: usize = 128;
