//! Making and destroying keys on all members at once.

use super::client::id_of;
use super::transport::{kept, wrapped};
use super::way::Way;
use super::{Pin, TransportKeys};
use crate::{Destroyed, Destruction, HsmFailure, StoreError};
use keys::{HsmKey, KeyId};
use pkcs11_api::{Command, KeyLabel, ObjectId, Reply};
use pkcs11_client::{Chosen, Trouble};
use std::collections::BTreeMap;
use std::time::Duration;

/// Makes a key on the members.
pub(super) async fn generate(
    way: &Way,
    pin: Pin<'_>,
    known: &TransportKeys,
    key_id: &KeyId,
    random: [u8; 16],
) -> Result<HsmKey, StoreError> {
    let members = way.hsm.members();
    members.need(pin);
    members.wait_until_settled(members.end_of_request()).await;
    let id = format!("{:032x}", u128::from_be_bytes(random));
    let label = key_id.to_string();
    if way.holdings.settings.synchronises {
        let key = HsmKey { id, copies: BTreeMap::new() };
        make_on_one(way, pin, &key, &label).await?;
        return Ok(key);
    }
    let active = members.active();
    let keys = way.holdings.transport_keys(known);
    // For a member whose transport key is not known there is no copy, so it could never be caught up.
    if active.len() < LEAST_MEMBERS || keys.0.len() < way.holdings.settings.members.len() {
        return Err(HsmFailure::InsufficientMembers.into());
    }
    // The token behind a label may have been swapped for another, which is shown no key until the owner connects the store again.
    if known.0.iter().any(|(label, key)| keys.0.get(label).is_some_and(|now| now != key)) {
        tracing::error!(
            "no key is made: a member has not the transport key with which the store was connected"
        );
        return Err(HsmFailure::InsufficientMembers.into());
    }
    let key = HsmKey { id, copies: wrapped_copies(way, pin, &keys).await? };
    make_on_all(way, &key, &label, &active).await?;
    Ok(key)
}

/// The library brings it to the other members.
async fn make_on_one(way: &Way, pin: Pin<'_>, key: &HsmKey, label: &str) -> Result<(), StoreError> {
    let id = id_of(key)?;
    let (id, label) = (ObjectId::new(&id), KeyLabel::new(label));
    let (Ok(id), Ok(label)) = (id, label) else { return Err(HsmFailure::Failed.into()) };
    way.on_a_member(pin, None, &Command::GenerateTokenKey { id, label }, made).await
}

/// A new key as each member can unwrap it. The key itself is forgotten at once by the HSM that made it.
async fn wrapped_copies(
    way: &Way,
    pin: Pin<'_>,
    keys: &TransportKeys,
) -> Result<BTreeMap<String, keys::WrappedKey>, StoreError> {
    let recipients = keys.0.values().map(|key| key.as_public_key()).collect();
    let read = |reply: Reply<'_>| match reply {
        Reply::WrappedKeys(copies) if copies.len() == keys.0.len() => {
            Some(keys.0.keys().cloned().zip(copies.iter().map(kept)).collect())
        }
        _ => None,
    };
    way.on_a_member(pin, None, &Command::GenerateWrappedKey { recipients }, read).await
}

/// Gives every active member the key. If that succeeds with fewer than two, none is left with it.
async fn make_on_all(way: &Way, key: &HsmKey, label: &str, active: &[Chosen]) -> Result<(), StoreError> {
    let (mut with_it, mut perhaps) = (Vec::new(), Vec::new());
    for chosen in active {
        match make_on(way, key, label, *chosen).await {
            Ok(()) => with_it.push(*chosen),
            Err(trouble) => {
                if let Trouble::Member(why) = trouble {
                    way.hsm.members().failed(*chosen, why);
                    perhaps.push(*chosen);
                }
                let member = way.holdings.settings.members.get(chosen.at());
                tracing::error!(member, ?trouble, "a key is not made on a member of an HSM cluster");
            }
        }
    }
    if with_it.len() >= LEAST_MEMBERS {
        return Ok(());
    }
    let id = id_of(key)?;
    for chosen in with_it.into_iter().chain(perhaps) {
        if !matches!(destroy_on(way, &id, chosen).await, Destruction::Absent | Destruction::Destroyed) {
            way.holdings.note_half_made(chosen.at(), &id);
        }
    }
    Err(HsmFailure::InsufficientMembers.into())
}

async fn make_on(way: &Way, key: &HsmKey, label: &str, chosen: Chosen) -> Result<(), Trouble> {
    let member = way.holdings.settings.members.get(chosen.at()).ok_or(Trouble::Command)?;
    let id = id_of(key).map_err(|_| Trouble::Command)?;
    let command = Command::UnwrapKey {
        id: ObjectId::new(&id).map_err(|_| Trouble::Command)?,
        label: KeyLabel::new(label).map_err(|_| Trouble::Command)?,
        wrapped: key.copies.get(member).and_then(wrapped).ok_or(Trouble::NotUnwrapped)?,
    };
    let made = |reply: Reply<'_>| match reply {
        Reply::Key { made } => Some(made),
        _ => None,
    };
    // A key that was there before is another one, and not to be touched.
    match way.member(chosen)?.ask(&command, MAKING, made).await? {
        true => Ok(()),
        false => Err(Trouble::Command),
    }
}

/// Destroys a key on the members.
pub(super) async fn destroy(way: &Way, pin: Pin<'_>, key: &HsmKey) -> Result<Destroyed, StoreError> {
    let members = way.hsm.members();
    members.need(pin);
    members.wait_until_settled(members.end_of_request()).await;
    let id = id_of(key)?;
    let active = members.active();
    let mut fates = Vec::new();
    for (at, label) in way.holdings.settings.members.iter().enumerate() {
        let fate = match active.iter().find(|chosen| chosen.at() == at) {
            Some(chosen) => destroy_on(way, &id, *chosen).await,
            None => Destruction::Unreachable,
        };
        fates.push((label.clone(), fate));
    }
    way.holdings.lacks.forget(key);
    Ok(Destroyed { members: fates })
}

async fn destroy_on(way: &Way, id: &[u8], chosen: Chosen) -> Destruction {
    let (Ok(member), Ok(id)) = (way.member(chosen), ObjectId::new(id)) else {
        return Destruction::Unreachable;
    };
    let read = |reply: Reply<'_>| match reply {
        Reply::Destroyed { objects: 0 } => Some(Destruction::Absent),
        Reply::Destroyed { .. } => Some(Destruction::Destroyed),
        _ => None,
    };
    let answered = member.ask(&Command::DestroyKey { id }, MAKING, read).await;
    if let Err(Trouble::Member(why)) = answered {
        way.hsm.members().failed(chosen, why);
    }
    answered.unwrap_or(Destruction::Unreachable)
}

fn made(reply: Reply<'_>) -> Option<()> {
    matches!(reply, Reply::Key { made: true }).then_some(())
}

const LEAST_MEMBERS: usize = 2;
/// How long one member may take to take a key in, or to destroy one: it writes to its storage.
const MAKING: Duration = Duration::from_secs(4);
