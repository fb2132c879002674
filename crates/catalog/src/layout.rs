//! Where records are stored. The account leads, so that accounts can be spread over stores.
//!
//! | key | value |
//! |---|---|
//! | `a/<account>/account` | [`crate::Account`] |
//! | `a/<account>/<region>/alias/<name without alias/>` | [`keys::Alias`] |
//! | `a/<account>/<region>/alias-of/<key id>/<name without alias/>` | nothing: finds the aliases of a key |
//! | `a/<account>/<region>/count/<shard>` | how many keys there are whose ids begin with that digit |
//! | `a/<account>/<region>/key/<key id>` | [`keys::Key`] |
//! | `access-key/<access key id>` | [`crate::AccessKey`] |
//! | `deleted/<account>/<region>/<key id>` | nothing: the key is deleted, and that is still to be put on record |
//! | `due/<date, 16 hexadecimal digits>/<account>/<region>/<key id>` | nothing: finds the keys whose deletion is due |
//! | `history/<key of the record>/<revision, 16 hexadecimal digits>` | the record as it was before, and who changed it |

use crate::{AliasAddress, KeyAddress, World};
use bytes::Bytes;
use keys::{ALIAS_PREFIX, AccountId, KeyId, Moment};
use storage::Revision;

pub(crate) fn account(account: &AccountId) -> Bytes {
    format!("a/{account}/account").into()
}

pub(crate) fn access_key(id: &str) -> Bytes {
    format!("access-key/{id}").into()
}

pub(crate) fn key(address: &KeyAddress) -> Bytes {
    format!("{}{}", keys_of(&address.world), address.id).into()
}

pub(crate) fn keys_of(world: &World) -> String {
    format!("a/{}/{}/key/", world.account, world.region)
}

pub(crate) fn alias(address: &AliasAddress) -> Bytes {
    format!("{}{}", aliases_of(&address.world), bare(&address.name)).into()
}

pub(crate) fn aliases_of(world: &World) -> String {
    format!("a/{}/{}/alias/", world.account, world.region)
}

pub(crate) fn alias_of_key(key: &KeyAddress, name: &str) -> Bytes {
    format!("{}{}", aliases_of_key(key), bare(name)).into()
}

pub(crate) fn aliases_of_key(key: &KeyAddress) -> String {
    format!("a/{}/{}/alias-of/{}/", key.world.account, key.world.region, key.id)
}

pub(crate) fn count(world: &World, shard: u8) -> Bytes {
    format!("{}{shard:x}", counts_of(world)).into()
}

pub(crate) fn counts_of(world: &World) -> String {
    format!("a/{}/{}/count/", world.account, world.region)
}

/// The shard that counts the key of that id: its first digit.
pub(crate) const fn shard(id: &KeyId) -> u8 {
    let [first, ..] = *id.bytes();
    first >> 4
}

pub(crate) fn due(date: Moment, key: &KeyAddress) -> Bytes {
    format!("{DUE}{:016x}/{}/{}/{}", date.as_millis(), key.world.account, key.world.region, key.id).into()
}

/// The date and the key that an entry of the deletion index names.
pub(crate) fn parse_due(entry: &[u8]) -> Option<(Moment, KeyAddress)> {
    let mut parts = std::str::from_utf8(entry).ok()?.strip_prefix(DUE)?.split('/');
    let date = Moment::from_millis(i64::from_str_radix(parts.next()?, 16).ok()?);
    Some((date, parse_address(parts)?))
}

pub(crate) fn deleted(key: &KeyAddress) -> Bytes {
    format!("{DELETED}{}/{}/{}", key.world.account, key.world.region, key.id).into()
}

/// The key that an entry of the deletions still to be recorded names.
pub(crate) fn parse_deleted(entry: &[u8]) -> Option<KeyAddress> {
    parse_address(std::str::from_utf8(entry).ok()?.strip_prefix(DELETED)?.split('/'))
}

fn parse_address<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<KeyAddress> {
    let world = World { account: parts.next()?.parse().ok()?, region: parts.next()?.parse().ok()? };
    Some(KeyAddress { world, id: parts.next()?.parse().ok()? })
}

pub(crate) fn history(record: &[u8], revision: Revision) -> Bytes {
    format!("history/{}/{:016x}", String::from_utf8_lossy(record), revision.0).into()
}

/// What a stored record is, for as far as memory keeps it.
pub(crate) enum Kept {
    AccessKey(Box<str>),
    Alias(AliasAddress),
    Key(KeyAddress),
}

/// The record that is stored at a key, if it is of a kind that memory keeps.
pub(crate) fn parse(key: &[u8]) -> Option<Kept> {
    let text = std::str::from_utf8(key).ok()?;
    if let Some(id) = text.strip_prefix("access-key/") {
        return Some(Kept::AccessKey(id.into()));
    }
    let mut parts = text.strip_prefix("a/")?.splitn(4, '/');
    let world = World { account: parts.next()?.parse().ok()?, region: parts.next()?.parse().ok()? };
    match (parts.next()?, parts.next()?) {
        ("alias", name) => {
            Some(Kept::Alias(AliasAddress { world, name: format!("{ALIAS_PREFIX}{name}").into() }))
        }
        ("key", id) => Some(Kept::Key(KeyAddress { world, id: id.parse().ok()? })),
        _ => None,
    }
}

fn bare(alias: &str) -> &str {
    alias.strip_prefix(ALIAS_PREFIX).unwrap_or(alias)
}

pub(crate) const DELETED: &str = "deleted/";
pub(crate) const DUE: &str = "due/";

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> KeyAddress {
        let world =
            World { account: "111122223333".parse().unwrap(), region: "eu-central-1".parse().unwrap() };
        KeyAddress { world, id: "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap() }
    }

    #[test]
    fn what_memory_keeps_is_found_by_its_key() {
        let key = address();
        assert!(matches!(parse(&super::key(&key)), Some(Kept::Key(found)) if found == key));
        let alias = AliasAddress { world: key.world.clone(), name: "alias/a/b".into() };
        assert!(matches!(parse(&super::alias(&alias)), Some(Kept::Alias(found)) if found == alias));
        assert!(matches!(parse(&access_key("AKIA")), Some(Kept::AccessKey(id)) if &*id == "AKIA"));
        assert!(parse(&count(&key.world, 3)).is_none() && parse(&alias_of_key(&key, "alias/a")).is_none());
    }

    #[test]
    fn deletions_are_ordered_by_their_date() {
        let due = |millis| due(Moment::from_millis(millis), &address());
        assert!(due(255) < due(256) && due(1_000_000_000_000) > due(999_999_999_999));
        assert_eq!(parse_deleted(&deleted(&address())), Some(address()));
        assert_eq!(parse_due(&due(77)), Some((Moment::from_millis(77), address())));
    }

    #[test]
    fn a_key_is_counted_by_its_first_digit() {
        assert_eq!(shard(&address().id), 1);
        assert_eq!(shard(&KeyId::single_region([0xff; 16])), 15);
    }
}
