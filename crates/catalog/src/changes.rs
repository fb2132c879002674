//! Changing records: all that one call changes in one commit, with the former version of each under its history.

use crate::stored::{Stored, encode};
use crate::{
    AccessKey, AccessKeyOwner, AccessKeyUse, Account, AliasAddress, CatalogError, KeyAddress, Reader, Record,
    World, layout,
};
use bytes::Bytes;
use keys::{Alias, Key, KeyManager, KeyPlace, Moment, OuterKey};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
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
    pub(crate) conditions: Vec<Condition>,
    pub(crate) changes: Vec<Change>,
    counts: BTreeMap<Bytes, Count>,
    limit: Option<(World, u64)>,
}

/// How a number that is kept changes.
#[derive(Debug, Default)]
struct Count {
    difference: i64,
    /// The most grants that it may come to, if it counts those of a key.
    most_grants: Option<u64>,
}

impl Changes {
    /// No change yet.
    #[must_use]
    pub const fn by(author: Author) -> Self {
        Self { author, conditions: Vec::new(), changes: Vec::new(), counts: BTreeMap::new(), limit: None }
    }

    /// Makes a key, unless the account has `limit` keys of its own in the region already. AWS managed keys do not count.
    #[must_use]
    pub fn create_key(mut self, key: &Key, limit: u64) -> Self {
        let address = KeyAddress::of(key);
        let at = layout::key(&address);
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(key));
        self.schedule(&address, None, Some(key));
        self.place(&address, key);
        if key.manager == KeyManager::Customer {
            self.count_key(&address, 1);
            self.limit = Some((address.world, limit));
        }
        self
    }

    /// Puts a key in place of what was read of it, and keeps the indices of what is due in step. Its history gets the members that
    /// are changed and no others, so that all keys of a family fit into one commit.
    #[must_use]
    pub fn replace_key(mut self, old: &Stored<Key>, new: &Key) -> Self {
        let address = KeyAddress::of(new);
        self.replace_at(layout::key(&address), old.revision, &changed_members(old, new), encode(new));
        self.schedule(&address, Some(old), Some(new));
        self
    }

    /// Deletes a key with all its aliases. One history entry holds all of it, so that the commit stays within what every engine
    /// takes. Its grants must be deleted before: as long as there is one, this is a conflict.
    #[must_use]
    pub fn delete_key(mut self, old: &Stored<Key>, aliases: &[Arc<Stored<Alias>>]) -> Self {
        let address = KeyAddress::of(old);
        let former =
            FormerKey { key: &without_tokens(old), aliases: aliases.iter().map(|alias| &***alias).collect() };
        self.delete_at(layout::key(&address), old.revision, &former);
        for alias in aliases {
            let name = alias.name.as_str();
            let at = layout::alias(&AliasAddress { world: address.world.clone(), name: name.into() });
            self.conditions.push(Condition::At(at.clone(), alias.revision));
            self.changes.push(Change::Delete { key: at });
            self.changes.push(Change::Delete { key: layout::alias_of_key(&address, name) });
        }
        self.conditions.push(Condition::Absent(layout::grant_count(&address)));
        self.changes.push(Change::Delete { key: layout::key_use(&address) });
        self.schedule(&address, Some(old), None);
        self.leave(&address, old);
        if old.manager == KeyManager::Customer {
            self.count_key(&address, -1);
        }
        self
    }

    /// Has a line put on record after the changes are made: it may come twice, but not never.
    #[must_use]
    pub fn announce(mut self, event_id: &str, line: Vec<u8>) -> Self {
        let at = layout::announcement(self.author.at, event_id);
        self.put(at, line.into());
        self
    }

    /// Notes that what was announced is on record.
    #[must_use]
    pub fn announced(mut self, announcement: &Announcement) -> Self {
        self.changes.push(Change::Delete { key: announcement.at.clone() });
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
        self.replace_at(at, old.revision, &**old, encode(new));
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
        self.delete_at(at, old.revision, &**old);
        self.changes.push(Change::Delete { key: layout::alias_of_key(&target(world, old), &old.name) });
        self
    }

    /// Asks that a key is still as it was read, and writes it as it is: of changes that do so at the same time one is
    /// made and the others conflict. For what a key has only so many of, counted after it was read.
    #[must_use]
    pub fn touch_key(mut self, key: &Stored<Key>) -> Self {
        let at = layout::key(&KeyAddress::of(key));
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

    /// Makes an access key. The record of the user or service that it speaks for is the caller's to change with it.
    #[must_use]
    pub fn create_access_key(mut self, access_key: &AccessKey) -> Self {
        let at = layout::access_key(&access_key.id);
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(access_key));
        self.index(&BTreeSet::new(), &root_access_key(access_key));
        self
    }

    /// Puts an access key in place of what was read of it.
    #[must_use]
    pub fn replace_access_key(mut self, old: &Stored<AccessKey>, new: &AccessKey) -> Self {
        self.replace_at(layout::access_key(&old.id), old.revision, &without_secret(old), encode(new));
        self
    }

    /// Deletes an access key and what is known of its use.
    #[must_use]
    pub fn delete_access_key(mut self, old: &Stored<AccessKey>) -> Self {
        self.delete_at(layout::access_key(&old.id), old.revision, &without_secret(old));
        self.changes.push(Change::Delete { key: layout::access_key_use(&old.id) });
        self.index(&root_access_key(old), &BTreeSet::new());
        self
    }

    /// Notes the last use of an access key, in place of what was noted before and without history.
    #[must_use]
    pub fn note_access_key_use(mut self, id: &str, last: &AccessKeyUse) -> Self {
        self.put(layout::access_key_use(id), encode(last));
        self
    }

    /// Makes a record, unless there is one of its name.
    #[must_use]
    pub fn create<T: Record>(mut self, record: &T) -> Self {
        let at = address_of_record(record);
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(record));
        self.index(&BTreeSet::new(), &record.entries());
        self
    }

    /// Puts a record in place of what was read of it, under its new name if it has another, and keeps what finds it by
    /// what it names in step.
    #[must_use]
    pub fn replace<T: Record>(mut self, old: &Stored<T>, new: &T) -> Self {
        let (from, to) = (address_of_record(&**old), address_of_record(new));
        if from == to {
            self.replace_at(to, old.revision, &**old, encode(new));
        } else {
            self.delete_at(from, old.revision, &**old);
            self.conditions.push(Condition::Absent(to.clone()));
            self.put(to, encode(new));
        }
        self.index(&old.entries(), &new.entries());
        self
    }

    /// Deletes a record.
    #[must_use]
    pub fn delete<T: Record>(mut self, old: &Stored<T>) -> Self {
        self.delete_at(address_of_record(&**old), old.revision, &**old);
        self.index(&old.entries(), &BTreeSet::new());
        self
    }

    /// Asks that a record is still as it was read, and writes it as it is: what begins to use it and what deletes it
    /// because nobody does conflict.
    #[must_use]
    pub fn touch<T: Record>(mut self, record: &Stored<T>) -> Self {
        let at = address_of_record(&**record);
        self.conditions.push(Condition::At(at.clone(), record.revision));
        self.put(at, encode(&**record));
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
        for (key, count) in &self.counts {
            let stored = reader.read::<u64>(key).await?;
            conditions.push(match &stored {
                Some(number) => Condition::At(key.clone(), number.revision),
                None => Condition::Absent(key.clone()),
            });
            let number = stored.map_or(0, |number| *number).saturating_add_signed(count.difference);
            if let Some(limit) = count.most_grants.filter(|most| number > *most) {
                return Err(CatalogError::TooManyGrants { limit });
            }
            changes.push(match number {
                0 => Change::Delete { key: key.clone() },
                _ => Change::Put { key: key.clone(), value: encode(&number) },
            });
        }
        Ok(())
    }

    fn count_key(&mut self, address: &KeyAddress, difference: i64) {
        self.count(layout::count(&address.world, layout::shard(&address.id)), difference, None);
    }

    pub(crate) fn count(&mut self, at: Bytes, difference: i64, most_grants: Option<u64>) {
        let count = self.counts.entry(at).or_default();
        count.difference = count.difference.saturating_add(difference);
        count.most_grants = count.most_grants.or(most_grants);
    }

    /// Keeps the entry that finds a key by the date of what is due to it in step.
    fn schedule(&mut self, address: &KeyAddress, old: Option<&Key>, new: Option<&Key>) {
        let entry = |key: Option<&Key>| {
            let date = key.and_then(Key::next_due);
            date.map(|date| layout::due(date, address)).into_iter().collect()
        };
        self.index(&entry(old), &entry(new));
    }

    /// Deletes the entries that are no longer, and puts those that are new.
    pub(crate) fn index(&mut self, old: &BTreeSet<Bytes>, new: &BTreeSet<Bytes>) {
        self.changes.extend(old.difference(new).map(|key| Change::Delete { key: key.clone() }));
        new.difference(old).for_each(|key| self.put(key.clone(), Bytes::new()));
    }

    pub(crate) fn replace_at<T: Serialize>(&mut self, at: Bytes, revision: Revision, former: &T, new: Bytes) {
        self.remember(&at, revision, former);
        self.put(at, new);
    }

    pub(crate) fn delete_at<T: Serialize>(&mut self, at: Bytes, revision: Revision, former: &T) {
        self.remember(&at, revision, former);
        self.changes.push(Change::Delete { key: at });
    }

    fn remember<T: Serialize>(&mut self, at: &Bytes, revision: Revision, former: &T) {
        self.conditions.push(Condition::At(at.clone(), revision));
        let history = Former { changed: &self.author, record: former };
        let value = encode(&history);
        self.put(layout::history(at, revision), value);
    }

    pub(crate) fn put(&mut self, key: Bytes, value: Bytes) {
        self.changes.push(Change::Put { key, value });
    }
}

/// Something that is done and still to be put on record.
#[derive(Clone, Debug)]
pub struct Announcement {
    pub(crate) at: Bytes,
    /// The line for the journal.
    pub line: Bytes,
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
    key.all_materials_mut().for_each(|material| material.token = Box::default());
    if let Some(KeyPlace { key: OuterKey::Hsm(key), .. }) = &mut key.place {
        key.copies.clear();
    }
    key
}

/// What of a key is changed, as it was before; null is what was not there.
fn changed_members(old: &Key, new: &Key) -> Map<String, Value> {
    let (mut former, new) = (members(old), members(new));
    for name in new.keys() {
        former.entry(name).or_insert(Value::Null);
    }
    former.retain(|name, value| new.get(name) != Some(value));
    former
}

fn members(key: &Key) -> Map<String, Value> {
    match serde_json::to_value(without_tokens(key)) {
        Ok(Value::Object(members)) => members,
        // INVARIANT: a key serialises, to an object.
        _ => Map::new(),
    }
}

/// An access key as its history keeps it, for the same reason.
fn without_secret(access_key: &AccessKey) -> AccessKey {
    AccessKey { secret: Vec::new(), ..access_key.clone() }
}

/// The entry that finds an access key, if it is one of root.
fn root_access_key(access_key: &AccessKey) -> BTreeSet<Bytes> {
    let of_root = access_key.owner == AccessKeyOwner::Root;
    of_root.then(|| layout::root_access_key(&access_key.account, &access_key.id)).into_iter().collect()
}

fn address_of_record<T: Record>(record: &T) -> Bytes {
    layout::record(T::KIND, &record.account(), record.name())
}

fn target(world: &World, alias: &Alias) -> KeyAddress {
    KeyAddress { world: world.clone(), id: alias.target }
}

/// So many others would have to count keys of the same digit at the same moment for a call to give up.
const COUNT_TRIES: usize = 128;
