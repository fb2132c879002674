//! Where records are stored. The account leads, so that accounts can be spread over stores.
//!
//! | key | value |
//! |---|---|
//! | `a/<account>/account` | [`crate::Account`] |
//! | `a/<account>/<region>/alias/<name without alias/>` | [`keys::Alias`] |
//! | `a/<account>/<region>/alias-of/<key id>/<name without alias/>` | nothing: finds the aliases of a key |
//! | `a/<account>/<region>/count/<shard>` | how many keys there are whose ids begin with that digit |
//! | `a/<account>/<region>/custom-key-stores` | [`keys::CustomKeyStores`] |
//! | `a/<account>/<region>/external-key/<store id>/<XKS key id>` | nothing: of keys with the same external key in a store there is one |
//! | `a/<account>/<region>/grant/<key id>/<grant id>` | [`keys::Grant`] |
//! | `a/<account>/<region>/grant-claim/<key id>/<name>` | nothing: of those who make a grant of that name at the same time, one does |
//! | `a/<account>/<region>/grant-count/<key id>` | how many grants the key has, unless none |
//! | `a/<account>/<region>/grant-name/<key id>/<name> <grant id>` | nothing: finds the grants of a name |
//! | `a/<account>/<region>/grantee/<key id>/<grantee> <grant id>` | the [`keys::Grant`] again: one scan finds all of a grantee on a key |
//! | `a/<account>/<region>/key/<key id>` | [`keys::Key`] |
//! | `a/<account>/<region>/key-in-store/<store id>/<key id>` | nothing: finds the keys in a custom key store |
//! | `a/<account>/<region>/key-use/<key id>` | [`crate::KeyUse`] |
//! | `a/<account>/iam-attachment/<policy ARN> <usage> <kind> <name>` | nothing: finds who uses a managed policy |
//! | `a/<account>/iam-member/<group> <user>` | nothing: finds the users in a group |
//! | `a/<account>/iam/<kind>/<name>` | [`crate::User`], [`crate::Group`], [`crate::Role`], [`crate::ManagedPolicy`], [`crate::OidcProvider`]; account 000000000000: [`crate::IntegratedService`] |
//! | `a/<account>/root-access-key/<access key id>` | nothing: finds the access keys of the account's root principal |
//! | `access-key/<access key id>` | [`crate::AccessKey`] |
//! | `access-key-use/<access key id>` | [`crate::AccessKeyUse`] |
//! | `custom-key-store-claim/cluster/<cluster id>` | [`keys::Claimed`]: of those who want the cluster for a store, one gets it |
//! | `custom-key-store-claim/certificate/<fingerprint>` | [`keys::Claimed`]: the same for clusters that have one certificate |
//! | `custom-key-store-claim/endpoint/<region>/<endpoint>` | [`keys::Claimed`]: how many stores share it, or that one has it for itself |
//! | `custom-key-store-claim/service/<region>/<VPC endpoint service>` | [`keys::Claimed`]: of those who want it for a store, one gets it |
//! | `custom-key-stores/<account>/<region>` | nothing: finds the accounts and regions that have custom key stores |
//! | `due/<date, 16 hexadecimal digits>/<account>/<region>/<key id>` | nothing: finds the keys to which the service has to do something by itself |
//! | `history/<key of the record>/<revision, 16 hexadecimal digits>` | the record as it was before, and who changed it |
//! | `key-uses` | how far the journal's records are accounted for in the uses of keys |
//! | `outbox/<date, 16 hexadecimal digits>/<event id>` | a line for the journal: something is done that is still to be put on record |
//! | `retiring/<region>/<retiring principal> <account>/<key id>/<grant id>` | nothing: finds the grants that a principal may retire |
//! | `spent-import-token/<date, 16 hexadecimal digits>/<token id>` | nothing: an import token that has been used, and until when it is good |
//!
//! Under `iam`, `iam-attachment` and `iam-member`, the name of the record, the ARN and the group are in lower case. A space
//! separates what may hold a slash from what follows: no name, ARN or path of AWS's has one.

use crate::cache::GranteeAddress;
use crate::{AliasAddress, Attachment, KeyAddress, PolicyUsage, RecordKind, SpentImportToken, World};
use bytes::Bytes;
use keys::{ALIAS_PREFIX, AccountId, Claim, CustomKeyStoreId, GrantId, KeyId, Moment, Region};
use storage::Revision;

pub(crate) fn account(account: &AccountId) -> Bytes {
    format!("a/{account}/account").into()
}

pub(crate) fn access_key(id: &str) -> Bytes {
    format!("access-key/{id}").into()
}

pub(crate) fn root_access_key(account: &AccountId, id: &str) -> Bytes {
    format!("{}{id}", root_access_keys(account)).into()
}

pub(crate) fn root_access_keys(account: &AccountId) -> String {
    format!("a/{account}/root-access-key/")
}

pub(crate) fn access_key_use(id: &str) -> Bytes {
    format!("access-key-use/{id}").into()
}

pub(crate) fn key_use(address: &KeyAddress) -> Bytes {
    let KeyAddress { world: World { account, region }, id } = address;
    format!("a/{account}/{region}/key-use/{id}").into()
}

pub(crate) fn record(kind: RecordKind, account: &AccountId, name: &str) -> Bytes {
    format!("{}{}", records(kind, account), name.to_ascii_lowercase()).into()
}

pub(crate) fn records(kind: RecordKind, account: &AccountId) -> String {
    format!("a/{account}/iam/{kind}/")
}

pub(crate) fn attachment(account: &AccountId, policy: &str, to: &Attachment) -> Bytes {
    format!("{}{} {} {}", attachments(account, policy), to.usage, to.kind, to.name).into()
}

pub(crate) fn attachments(account: &AccountId, policy: &str) -> String {
    format!("a/{account}/iam-attachment/{} ", policy.to_ascii_lowercase())
}

/// What the part of an attachment's key after the policy says.
pub(crate) fn parse_attachment(suffix: &str) -> Option<Attachment> {
    let mut parts = suffix.splitn(3, ' ');
    let usage = PolicyUsage::of_name(parts.next()?)?;
    let kind = RecordKind::of_name(parts.next()?)?;
    Some(Attachment { usage, kind, name: parts.next()?.to_owned() })
}

pub(crate) fn member(account: &AccountId, group: &str, user: &str) -> Bytes {
    format!("{}{user}", members(account, group)).into()
}

pub(crate) fn members(account: &AccountId, group: &str) -> String {
    format!("a/{account}/iam-member/{} ", group.to_ascii_lowercase())
}

pub(crate) fn grant(key: &KeyAddress, id: &GrantId) -> Bytes {
    format!("{}{id}", grants(key)).into()
}

pub(crate) fn grants(key: &KeyAddress) -> String {
    of_key("grant", key)
}

pub(crate) fn grant_to(key: &KeyAddress, grantee: &str, id: &GrantId) -> Bytes {
    format!("{}{id}", grants_to(key, grantee)).into()
}

pub(crate) fn grants_to(key: &KeyAddress, grantee: &str) -> String {
    format!("{}{grantee} ", of_key("grantee", key))
}

pub(crate) fn grant_named(key: &KeyAddress, name: &str, id: &GrantId) -> Bytes {
    format!("{}{id}", grants_named(key, name)).into()
}

pub(crate) fn grants_named(key: &KeyAddress, name: &str) -> String {
    format!("{}{name} ", of_key("grant-name", key))
}

pub(crate) fn grant_claim(key: &KeyAddress, name: &str) -> Bytes {
    format!("{}{name}", of_key("grant-claim", key)).into()
}

pub(crate) fn grant_count(key: &KeyAddress) -> Bytes {
    of_key("grant-count", key).trim_end_matches('/').to_owned().into()
}

pub(crate) fn retiring(principal: &str, key: &KeyAddress, id: &GrantId) -> Bytes {
    let KeyAddress { world: World { account, region }, id: key } = key;
    format!("{}{account}/{key}/{id}", all_retiring(principal, region)).into()
}

pub(crate) fn all_retiring(principal: &str, region: &Region) -> String {
    format!("retiring/{region}/{principal} ")
}

/// The key and the grant that the part of a retiring principal's key after the principal names.
pub(crate) fn parse_retiring(region: Region, suffix: &str) -> Option<(KeyAddress, GrantId)> {
    let mut parts = suffix.split('/');
    let world = World { account: parts.next()?.parse().ok()?, region };
    Some((KeyAddress { world, id: parts.next()?.parse().ok()? }, parts.next()?.parse().ok()?))
}

/// The prefix of the entries of one kind that belong to a key.
fn of_key(kind: &str, key: &KeyAddress) -> String {
    format!("a/{}/{}/{kind}/{}/", key.world.account, key.world.region, key.id)
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
    of_key("alias-of", key)
}

pub(crate) fn count(world: &World, shard: u8) -> Bytes {
    format!("{}{shard:x}", counts_of(world)).into()
}

pub(crate) fn counts_of(world: &World) -> String {
    format!("a/{}/{}/count/", world.account, world.region)
}

pub(crate) fn custom_key_stores(world: &World) -> Bytes {
    format!("a/{}/{}/custom-key-stores", world.account, world.region).into()
}

/// An entry of the list [`CUSTOM_KEY_STORE_WORLDS`].
pub(crate) fn custom_key_store_world(world: &World) -> Bytes {
    format!("{CUSTOM_KEY_STORE_WORLDS}{}/{}", world.account, world.region).into()
}

/// The account and region that such an entry names after the prefix.
pub(crate) fn parse_world(suffix: &str) -> Option<World> {
    let (account, region) = suffix.split_once('/')?;
    Some(World { account: account.parse().ok()?, region: region.parse().ok()? })
}

/// A cluster may be in one region only, so that what it is claimed for is the same in all.
pub(crate) fn custom_key_store_claim(region: &Region, claim: &Claim) -> Bytes {
    match claim {
        Claim::Certificate(fingerprint) => format!("{CUSTOM_KEY_STORE_CLAIMS}certificate/{fingerprint}"),
        Claim::Cluster(id) => format!("{CUSTOM_KEY_STORE_CLAIMS}cluster/{id}"),
        Claim::Endpoint(endpoint) => format!("{CUSTOM_KEY_STORE_CLAIMS}endpoint/{region}/{endpoint}"),
        Claim::VpcEndpointService(name) => format!("{CUSTOM_KEY_STORE_CLAIMS}service/{region}/{name}"),
    }
    .into()
}

pub(crate) fn key_in_store(address: &KeyAddress, store: &CustomKeyStoreId) -> Bytes {
    format!("{}{}", keys_in_store(&address.world, store), address.id).into()
}

pub(crate) fn keys_in_store(world: &World, store: &CustomKeyStoreId) -> String {
    format!("a/{}/{}/key-in-store/{store}/", world.account, world.region)
}

pub(crate) fn external_key(world: &World, store: &CustomKeyStoreId, id: &str) -> Bytes {
    format!("a/{}/{}/external-key/{store}/{id}", world.account, world.region).into()
}

/// The shard that counts the key of that id: its first digit.
pub(crate) const fn shard(id: &KeyId) -> u8 {
    let [first, ..] = *id.bytes();
    first >> 4
}

/// An entry of the index [`DUE`].
pub(crate) fn due(date: Moment, key: &KeyAddress) -> Bytes {
    format!("{DUE}{:016x}/{}/{}/{}", date.as_millis(), key.world.account, key.world.region, key.id).into()
}

/// The date and the key that an entry of that index names.
pub(crate) fn parse_due(entry: &[u8]) -> Option<(Moment, KeyAddress)> {
    let mut parts = std::str::from_utf8(entry).ok()?.strip_prefix(DUE)?.split('/');
    let date = Moment::from_millis(i64::from_str_radix(parts.next()?, 16).ok()?);
    Some((date, parse_address(parts)?))
}

pub(crate) fn announcement(at: Moment, event_id: &str) -> Bytes {
    format!("{OUTBOX}{:016x}/{event_id}", at.as_millis()).into()
}

/// An entry of the list [`SPENT_IMPORT_TOKENS`]. A token's date is part of what it is: with another one it does not open.
pub(crate) fn spent_import_token(token: &SpentImportToken) -> Bytes {
    let SpentImportToken { id, valid_to } = token;
    let id = u128::from_be_bytes(*id);
    format!("{SPENT_IMPORT_TOKENS}{:016x}/{id:032x}", valid_to.as_millis()).into()
}

/// The token that an entry of that list names.
pub(crate) fn parse_spent_import_token(entry: &[u8]) -> Option<SpentImportToken> {
    let (date, id) = std::str::from_utf8(entry).ok()?.strip_prefix(SPENT_IMPORT_TOKENS)?.split_once('/')?;
    let valid_to = Moment::from_millis(i64::from_str_radix(date, 16).ok()?);
    Some(SpentImportToken { id: u128::from_str_radix(id, 16).ok()?.to_be_bytes(), valid_to })
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
    CustomKeyStores(World),
    /// One of the grants of a grantee on a key, which memory keeps together.
    GrantTo(GranteeAddress),
    Key(KeyAddress),
    Named(RecordKind, AccountId, Box<str>),
}

/// The record that is stored at a key, if it is of a kind that memory keeps.
pub(crate) fn parse(key: &[u8]) -> Option<Kept> {
    let text = std::str::from_utf8(key).ok()?;
    if let Some(id) = text.strip_prefix("access-key/") {
        return Some(Kept::AccessKey(id.into()));
    }
    let mut parts = text.strip_prefix("a/")?.splitn(4, '/');
    let account = parts.next()?.parse().ok()?;
    let (place, kind) = (parts.next()?, parts.next()?);
    if kind == "custom-key-stores" {
        return Some(Kept::CustomKeyStores(World { account, region: place.parse().ok()? }));
    }
    let name = parts.next()?;
    if place == "iam" {
        return Some(Kept::Named(RecordKind::of_name(kind)?, account, name.into()));
    }
    let world = World { account, region: place.parse().ok()? };
    match kind {
        "alias" => Some(Kept::Alias(AliasAddress { world, name: format!("{ALIAS_PREFIX}{name}").into() })),
        "grantee" => {
            let (id, grantee) = name.split_once('/')?;
            let (grantee, _) = grantee.rsplit_once(' ')?;
            let key = KeyAddress { world, id: id.parse().ok()? };
            Some(Kept::GrantTo(GranteeAddress { key, grantee: grantee.into() }))
        }
        "key" => Some(Kept::Key(KeyAddress { world, id: name.parse().ok()? })),
        _ => None,
    }
}

fn bare(alias: &str) -> &str {
    alias.strip_prefix(ALIAS_PREFIX).unwrap_or(alias)
}

pub(crate) const KEY_USES: &str = "key-uses";
const CUSTOM_KEY_STORE_CLAIMS: &str = "custom-key-store-claim/";
pub(crate) const CUSTOM_KEY_STORE_WORLDS: &str = "custom-key-stores/";
pub(crate) const DUE: &str = "due/";
pub(crate) const OUTBOX: &str = "outbox/";
pub(crate) const SPENT_IMPORT_TOKENS: &str = "spent-import-token/";

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
        let of_grantee =
            GranteeAddress { key: key.clone(), grantee: "arn:aws:iam::111122223333:role/a/b".into() };
        let grant = grant_to(&key, &of_grantee.grantee, &GrantId::from_bytes([7; 32]));
        assert!(matches!(parse(&grant), Some(Kept::GrantTo(found)) if found == of_grantee));
        let issuer = record(RecordKind::OidcProvider, &key.world.account, "issuer.test/A");
        assert!(matches!(parse(&issuer), Some(Kept::Named(RecordKind::OidcProvider, account, name))
            if account == key.world.account && &*name == "issuer.test/a"));
        assert!(parse(&count(&key.world, 3)).is_none() && parse(&alias_of_key(&key, "alias/a")).is_none());
    }

    #[test]
    fn what_is_due_is_ordered_by_its_date() {
        let due = |millis| due(Moment::from_millis(millis), &address());
        assert!(due(255) < due(256) && due(1_000_000_000_000) > due(999_999_999_999));
        assert_eq!(parse_due(&due(77)), Some((Moment::from_millis(77), address())));
    }

    #[test]
    fn spent_import_tokens_are_ordered_by_their_date() {
        let token = |millis| SpentImportToken { id: [7; 16], valid_to: Moment::from_millis(millis) };
        assert!(spent_import_token(&token(255)) < spent_import_token(&token(256)));
        assert_eq!(parse_spent_import_token(&spent_import_token(&token(77))), Some(token(77)));
    }

    #[test]
    fn a_key_is_counted_by_its_first_digit() {
        assert_eq!(shard(&address().id), 1);
        assert_eq!(shard(&KeyId::single_region([0xff; 16])), 15);
    }
}
