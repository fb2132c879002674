//! When keys were last used, exactly and at once: noted in memory once the record of a use is durable, written to the catalog by a
//! job, and after a crash read again from the end of the journal.
//!
//! A use is a successful call of one of the operations that AWS tracks, on record for the key's account. Each key in use has a place
//! here, which a call finds through the key's record in memory: noting takes two short locks that nobody but calls on the same key
//! wants, and allocates nothing.
//!
//! INVARIANT: a call takes its place (`begin`) before its record is given to the journal and leaves it when it is noted. So when
//! all who were there at some moment have left, every record that was durable at that moment is accounted for.

use crate::jobs::JobError;
use crate::operation::NamedKey;
use audit::JournalError;
use catalog::{Catalog, CatalogError, KeyAddress, KeyUse, Reader, Stored, World};
use keys::{AccountId, Key, Moment};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;
use wire::arn::{KeyArn, KeyReference};

/// The places of the keys that were used; shared by all workers.
#[derive(Debug, Default)]
pub struct KeyUses(Mutex<HashMap<KeyAddress, Arc<Place>>>);

/// Where the uses of one key are noted.
#[derive(Debug, Default)]
struct Place(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    last: Option<LastUse>,
    /// Whether the catalog has it.
    written: bool,
    /// How many calls are between their record and their note: of this turn and of the one before.
    under_way: [u32; 2],
    turn: usize,
}

/// The last use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When, to the second: as its record has it, so that it is the same after a crash.
    pub at: Moment,
    /// The operation.
    pub operation: &'static str,
    /// The id of its record in the trail of the key's account.
    pub event: Uuid,
    /// The id of the request.
    pub request: Uuid,
}

/// A call that is about to be on record as a use of a key. When it is dropped, the use is noted that was expected, if one was.
#[derive(Debug)]
pub struct Using {
    /// The account of the key.
    pub account: AccountId,
    place: Arc<Place>,
    turn: usize,
    expected: Option<LastUse>,
}

impl KeyUses {
    /// To be called before the record of a use of that key is given to the journal.
    pub fn begin(&self, key: &Stored<Key>) -> Using {
        let place = key.derived(|key| {
            let world = World { account: key.account, region: key.region };
            self.place_at(KeyAddress { world, id: key.id })
        });
        Using::begin(key.account, Arc::clone(place))
    }

    /// The last use of a key since places were last given up. Ask this first and the catalog then: what is given up is there.
    #[must_use]
    pub fn last(&self, address: &KeyAddress) -> Option<LastUse> {
        let place = self.all().get(address).cloned()?;
        place.noted().last
    }

    /// Takes up what the journal tells of uses after its record of that number.
    pub fn recover(&self, journal: &Path, after: u64) -> Result<(), JournalError> {
        for entry in audit::records_after(journal, after)? {
            // What is no record of a use does not read as one.
            if let Ok(record) = serde_json::from_slice::<UseRecord<'_>>(&entry?.record)
                && let Some((last, account)) = record.last_use()
            {
                for arn in record.keys_of(account) {
                    let world = World { account: arn.account, region: arn.region };
                    self.place_at(KeyAddress { world, id: arn.key_id }).noted().note(last);
                }
            }
        }
        Ok(())
    }

    /// Begins a new turn: whoever is under way now is of the one before. Gives up the places that nobody holds and that have nothing
    /// which is not in the catalog.
    pub(crate) fn begin_turn(&self) {
        // INVARIANT: whoever takes hold of a place does it through the map, which is locked, or holds it already.
        self.all().retain(|_, place| {
            let mut noted = place.noted();
            noted.turn ^= 1;
            Arc::strong_count(place) > 1 || (noted.last.is_some() && !noted.written)
        });
    }

    /// Whether all of the turn before have noted their use or given up.
    pub(crate) fn turn_is_over(&self) -> bool {
        let is_over = |noted: &Noted| noted.under_way.get(noted.turn ^ 1) == Some(&0);
        self.all().values().all(|place| is_over(&place.noted()))
    }

    /// All that is to be written down. It stays here until it is.
    pub(crate) fn unwritten(&self) -> Vec<(KeyAddress, LastUse)> {
        let unwritten = |place: &Place| {
            let noted = place.noted();
            noted.last.filter(|_| !noted.written)
        };
        let all = self.all();
        all.iter().filter_map(|(address, place)| Some((address.clone(), unwritten(place)?))).collect()
    }

    /// Notes what is written down, unless there was a use since.
    pub(crate) fn written(&self, address: &KeyAddress, last: LastUse) {
        if let Some(place) = self.all().get(address) {
            let mut noted = place.noted();
            noted.written |= noted.last == Some(last);
        }
    }

    fn place_at(&self, address: KeyAddress) -> Arc<Place> {
        Arc::clone(self.all().entry(address).or_default())
    }

    fn all(&self) -> MutexGuard<'_, HashMap<KeyAddress, Arc<Place>>> {
        // INVARIANT: nothing panics while it holds the map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        // INVARIANT: nothing panics while it holds this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Using {
    fn begin(account: AccountId, place: Arc<Place>) -> Self {
        let mut noted = place.noted();
        let turn = noted.turn;
        noted.count(turn, |under_way| under_way.saturating_add(1));
        drop(noted);
        Self { account, place, turn, expected: None }
    }

    /// The record is about to be given to the journal: from here on it may become durable, whoever waits for it or not.
    pub const fn expect(&mut self, last: LastUse) {
        self.expected = Some(last);
    }

    /// The journal did not take the record.
    pub const fn withdraw(&mut self) {
        self.expected = None;
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        let mut noted = self.place.noted();
        if let Some(last) = self.expected {
            noted.note(last);
        }
        noted.count(self.turn, |under_way| under_way.saturating_sub(1));
    }
}

impl Noted {
    fn note(&mut self, last: LastUse) {
        if self.last.is_none_or(|known| known.at <= last.at) {
            (self.last, self.written) = (Some(last), false);
        }
    }

    fn count(&mut self, turn: usize, change: impl FnOnce(u32) -> u32) {
        if let Some(under_way) = self.under_way.get_mut(turn) {
            *under_way = change(*under_way);
        }
    }
}

impl LastUse {
    /// The use that a call at that time is.
    pub const fn new(at: Moment, operation: &'static str, event: Uuid, request: Uuid) -> Self {
        Self { at: Moment::from_millis(at.as_seconds().saturating_mul(1000)), operation, event, request }
    }

    /// As the catalog keeps it.
    #[must_use]
    pub fn record(&self) -> KeyUse {
        KeyUse {
            at: self.at,
            operation: self.operation.to_owned(),
            event_id: self.event.to_string(),
            request_id: self.request.to_string(),
        }
    }
}

/// The last use of a key, noted here or in the catalog.
pub async fn last_use(
    uses: &KeyUses,
    reader: &Reader,
    named: &NamedKey,
) -> Result<Option<KeyUse>, CatalogError> {
    let address = named.address();
    let noted = uses.last(&address).map(|last| last.record());
    let on_record = reader.key_use(&address).await?.map(|known| KeyUse::clone(&known));
    // What is older than the key is of a replica that was there before it. Uses are known to the second.
    let created = named.key.created.as_seconds();
    let of_this_key = on_record.into_iter().chain(noted).filter(|last| last.at.as_seconds() >= created);
    // Of two in the same second the one that was noted later is not in the catalog yet.
    Ok(of_this_key.max_by_key(|last| last.at))
}

/// The name of an operation, if AWS tracks its uses.
#[must_use]
pub fn tracked(operation: &str) -> Option<&'static str> {
    TRACKED.into_iter().find(|name| *name == operation)
}

/// What a line of the journal says of a use.
#[derive(Deserialize)]
struct UseRecord<'a> {
    #[serde(rename = "eventTime", borrow)]
    time: Cow<'a, str>,
    #[serde(rename = "eventSource", borrow)]
    source: Cow<'a, str>,
    #[serde(rename = "eventName", borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "eventType", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "errorCode", borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(rename = "eventID", borrow)]
    event: Cow<'a, str>,
    #[serde(rename = "requestID", borrow)]
    request: Cow<'a, str>,
    #[serde(rename = "recipientAccountId")]
    recipient: AccountId,
    #[serde(borrow)]
    resources: Vec<UsedResource<'a>>,
}

#[derive(Deserialize)]
struct UsedResource<'a> {
    #[serde(rename = "ARN", borrow)]
    arn: Cow<'a, str>,
}

impl UseRecord<'_> {
    /// The use, and the account in whose trail it is.
    fn last_use(&self) -> Option<(LastUse, AccountId)> {
        let operation = tracked(&self.name)?;
        if self.error.is_some() || self.source != SOURCE || self.kind != KIND {
            return None;
        }
        let at = Moment::from_millis(self.time.parse::<jiff::Timestamp>().ok()?.as_millisecond());
        let (event, request) = (self.event.parse().ok()?, self.request.parse().ok()?);
        Some((LastUse::new(at, operation, event, request), self.recipient))
    }

    fn keys_of(&self, account: AccountId) -> impl Iterator<Item = KeyArn> {
        let arns = self.resources.iter().filter_map(|resource| match resource.arn.parse() {
            Ok(KeyReference::Arn(arn)) => Some(arn),
            _ => None,
        });
        arns.filter(move |arn| arn.account == account)
    }
}

/// Takes up what the uses of keys since they were last written down are, from the end of the journal. To be done before any call.
pub async fn recover(uses: &KeyUses, catalog: &Catalog, journal: &Path) -> Result<(), JobError> {
    let written_up_to = catalog.reader().key_uses_up_to().await?;
    Ok(uses.recover(journal, written_up_to)?)
}

//= kms: KeyLastUsageTrackingOperation
const TRACKED: [&str; 14] = [
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];
const SOURCE: &str = "kms.amazonaws.com";
const KIND: &str = "AwsApiCall";

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> KeyAddress {
        let world =
            World { account: "111122223333".parse().unwrap(), region: "eu-central-1".parse().unwrap() };
        KeyAddress { world, id: "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap() }
    }

    fn used(second: i64, event: u128) -> LastUse {
        let at = Moment::from_millis(second * 1000 + 7);
        LastUse::new(at, "Encrypt", Uuid::from_u128(event), Uuid::from_u128(event))
    }

    fn begin(uses: &KeyUses) -> Using {
        Using::begin(address().world.account, uses.place_at(address()))
    }

    fn note(uses: &KeyUses, last: LastUse) {
        begin(uses).expect(last);
    }

    #[test]
    fn what_the_journal_did_not_take_is_no_use() {
        let uses = KeyUses::default();
        let mut using = begin(&uses);
        using.expect(used(1, 1));
        using.withdraw();
        drop(using);
        assert_eq!(uses.last(&address()), None);
    }

    #[test]
    fn the_latest_use_is_kept_and_of_those_in_one_second_the_one_noted_last() {
        let uses = KeyUses::default();
        for last in [used(5, 1), used(4, 2), used(5, 3)] {
            note(&uses, last);
        }
        assert_eq!(uses.last(&address()), Some(used(5, 3)));
    }

    #[test]
    fn what_was_used_again_while_it_was_written_down_stays_to_be_written() {
        let uses = KeyUses::default();
        note(&uses, used(1, 1));
        note(&uses, used(2, 2));
        uses.written(&address(), used(1, 1));
        assert_eq!(uses.unwritten(), [(address(), used(2, 2))]);
        uses.written(&address(), used(2, 2));
        assert!(uses.unwritten().is_empty());
    }

    #[test]
    fn a_place_is_given_up_when_it_is_written_down_and_nobody_holds_it() {
        let uses = KeyUses::default();
        note(&uses, used(1, 1));
        uses.begin_turn();
        assert_eq!(uses.last(&address()), Some(used(1, 1)), "it is not written down");
        uses.written(&address(), used(1, 1));
        let held = begin(&uses);
        uses.begin_turn();
        assert_eq!(uses.last(&address()), Some(used(1, 1)), "a call is under way");
        drop(held);
        uses.begin_turn();
        assert_eq!(uses.last(&address()), None);
    }

    #[test]
    fn a_turn_is_over_when_all_who_were_under_way_have_noted_or_given_up() {
        let uses = KeyUses::default();
        let (first, second) = (begin(&uses), begin(&uses));
        uses.begin_turn();
        let later = begin(&uses);
        assert!(!uses.turn_is_over());
        drop(first);
        assert!(!uses.turn_is_over());
        drop(second);
        assert!(uses.turn_is_over());
        drop(later);
        assert!(uses.turn_is_over());
    }

    #[test]
    fn only_what_succeeded_is_a_use_and_of_the_keys_of_the_account_whose_trail_it_is_in() {
        let line = |name: &str, error: &str, account: &str| {
            format!(
                r#"{{"eventVersion":"1.11","eventTime":"2026-11-21T21:54:25Z","eventSource":"kms.amazonaws.com","eventName":"{name}",
                {error}"requestID":"{id}","eventID":"{id}","eventType":"AwsApiCall","recipientAccountId":"{account}","resources":[
                {{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab"}}]}}"#,
                id = Uuid::from_u128(9),
            )
        };
        let keys_used = |line: &str| {
            let record: UseRecord<'_> = serde_json::from_str(line).unwrap();
            record.last_use().map_or(0, |(_, account)| record.keys_of(account).count())
        };
        assert_eq!(keys_used(&line("Sign", "", "111122223333")), 1);
        assert_eq!(keys_used(&line("Sign", "", "444455556666")), 0, "a copy for the caller's account");
        assert_eq!(keys_used(&line("Sign", r#""errorCode":"DryRunOperation","#, "111122223333")), 0);
        assert_eq!(keys_used(&line("DescribeKey", "", "111122223333")), 0);
    }
}
