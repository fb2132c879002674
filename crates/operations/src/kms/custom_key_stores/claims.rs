//! What custom key stores claim for themselves beyond their account: a cluster, an endpoint, a VPC endpoint service. It is claimed and
//! released in the commit that makes, changes or deletes the store, and never without one.

use super::refusals::in_use;
use crate::operation::Failure;
use catalog::{Changes, Reader};
use keys::{Claim, Claimed, CustomKeyStore, Region};
use keystores::Fingerprint;
use std::collections::BTreeMap;

/// Has the claims follow a store from what it was to what it is to be. Either may be nothing.
pub async fn follow(
    mut changes: Changes,
    reader: &Reader,
    region: &Region,
    (before, after): (Option<&CustomKeyStore>, Option<&CustomKeyStore>),
) -> Result<Changes, Failure> {
    let (before, after) = (claims_of(before), claims_of(after));
    let differs = |claim: &&Claim| before.get(*claim) != after.get(*claim);
    let mut differing: Vec<_> = before.keys().chain(after.keys()).filter(differs).collect();
    differing.sort_unstable();
    differing.dedup();
    for claim in differing {
        let stored = reader.custom_key_store_claim(region, claim).await?;
        let held = stored.as_deref().copied();
        let by_others = if before.contains_key(claim) { held.and_then(Claimed::released) } else { held };
        let new = match after.get(claim) {
            Some(exclusively) => Some(Claimed::taken(by_others, *exclusively).ok_or_else(|| in_use(claim))?),
            None => by_others,
        };
        changes = changes.put_custom_key_store_claim(region, claim, stored.as_ref(), new.as_ref());
    }
    Ok(changes)
}

fn claims_of(store: Option<&CustomKeyStore>) -> BTreeMap<Claim, bool> {
    let fingerprint = |pem: &str| Fingerprint::of_pem(pem).map(|one| one.to_string()).unwrap_or_default();
    store.map(|store| store.claims(fingerprint).into_iter().collect()).unwrap_or_default()
}
