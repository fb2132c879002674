//! Grants: finding, making and deleting them.

use crate::cache::GranteeAddress;
use crate::changes::Changes;
use crate::reader::{Page, Reader, decode};
use crate::stored::{Stored, encode};
use crate::{CatalogError, KeyAddress, layout};
use bytes::Bytes;
use keys::{Grant, GrantId, Key, Region};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::{Change, Condition, Entry, Revision};

/// The grants of one name on a key, as they were read: what making another one of that name must name.
#[derive(Debug)]
pub struct NamedGrants {
    /// The grants, in the order of their ids.
    pub grants: Vec<Arc<Stored<Grant>>>,
    claimed: Option<Revision>,
}

impl Reader {
    /// A grant.
    pub async fn grant(
        &self,
        key: &KeyAddress,
        id: &GrantId,
    ) -> Result<Option<Arc<Stored<Grant>>>, CatalogError> {
        Ok(self.read(&layout::grant(key, id)).await?.map(Arc::new))
    }

    /// The grants on a key in the order of their ids, from the one after `after` on.
    pub async fn grants(
        &self,
        key: &KeyAddress,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<Stored<Grant>>>, CatalogError> {
        self.records(&layout::grants(key), after, limit).await
    }

    /// The grants on a key whose grantee has that unique id or, of one that has none, that name, in the order of their ids:
    /// from memory where it can.
    pub async fn grants_to(&self, key: &KeyAddress, grantee: &str) -> Result<Arc<Vec<Grant>>, CatalogError> {
        let read = async {
            let entries = self.all(&layout::grants_to(key, grantee)).await?;
            let grants = entries.iter().map(|entry| decode(entry).map(|grant| Grant::clone(&grant)));
            Ok(Some(Arc::new(grants.collect::<Result<_, _>>()?)))
        };
        let address = GranteeAddress { key: key.clone(), grantee: grantee.into() };
        Ok(self.hot.grants.find(&address, read).await?.unwrap_or_default())
    }

    /// The grants of a name on a key.
    pub async fn grants_named(&self, key: &KeyAddress, name: &str) -> Result<NamedGrants, CatalogError> {
        // Read first: whoever makes another grant from now on changes it.
        let claim = self.storage.get(&layout::grant_claim(key, name)).await?;
        let ids = self.suffixes(&layout::grants_named(key, name)).await?;
        let mut grants = Vec::with_capacity(ids.len());
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            grants.extend(self.grant(key, &id).await?);
        }
        Ok(NamedGrants { grants, claimed: claim.map(|claim| claim.revision) })
    }

    /// The grants of a region, on whosever keys, that the principal of that unique id or, if it has none, that name may
    /// retire, from the one after `after` on.
    pub async fn retirable(
        &self,
        principal: &str,
        region: &Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<(KeyAddress, Arc<Stored<Grant>>)>, CatalogError> {
        let prefix = layout::all_retiring(principal, region);
        let page = self.page(&prefix, after, limit).await?;
        let place = |entry: &Entry| layout::parse_retiring(*region, crate::reader::suffix(&prefix, entry)?);
        let mut entries = Vec::with_capacity(page.entries.len());
        for (key, id) in page.entries.iter().filter_map(place) {
            // One that was deleted since the page was read is passed over.
            entries.extend(self.grant(&key, &id).await?.map(|grant| (key, grant)));
        }
        Ok(Page { entries, next: page.next })
    }

    /// How many grants a key has.
    pub async fn grant_count(&self, key: &KeyAddress) -> Result<u64, CatalogError> {
        Ok(self.read::<u64>(&layout::grant_count(key)).await?.map_or(0, |count| *count))
    }
}

impl Changes {
    /// Makes a grant on a key that is still as it was read, unless the key has `limit` grants already. A grant with a name
    /// is made only if nobody made another one of that name since `named` was read.
    #[must_use]
    pub fn create_grant(
        mut self,
        key: &Stored<Key>,
        grant: &Grant,
        named: Option<&NamedGrants>,
        limit: u64,
    ) -> Self {
        let address = KeyAddress::of(key);
        let at = layout::grant(&address, &grant.id);
        self.conditions.push(Condition::At(layout::key(&address), key.revision));
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, encode(grant));
        self.put(layout::grant_to(&address, grant.grantee.identity(), &grant.id), encode(grant));
        self.index(&BTreeSet::new(), &entries(&address, grant));
        if let Some(name) = &grant.name {
            let claim = layout::grant_claim(&address, name);
            self.conditions.extend(named.map(|named| match named.claimed {
                Some(revision) => Condition::At(claim.clone(), revision),
                None => Condition::Absent(claim.clone()),
            }));
            self.put(claim, Bytes::new());
        }
        self.count(layout::grant_count(&address), 1, Some(limit));
        self
    }

    /// Deletes a grant.
    #[must_use]
    pub fn delete_grant(self, key: &KeyAddress, grant: &Arc<Stored<Grant>>) -> Self {
        self.delete_grants(key, std::slice::from_ref(grant))
    }

    /// Deletes grants of one key, at most [`GRANTS_A_COMMIT`]. One history entry, under the first of them, holds all.
    #[must_use]
    pub fn delete_grants(mut self, key: &KeyAddress, grants: &[Arc<Stored<Grant>>]) -> Self {
        let Some(first) = grants.first() else { return self };
        let former: Vec<&Grant> = grants.iter().map(|grant| &***grant).collect();
        self.delete_at(layout::grant(key, &first.id), first.revision, &former);
        for grant in grants.iter().skip(1) {
            let at = layout::grant(key, &grant.id);
            self.conditions.push(Condition::At(at.clone(), grant.revision));
            self.changes.push(Change::Delete { key: at });
        }
        let found_by = |grant: &&Grant| {
            let claim = grant.name.as_deref().map(|name| layout::grant_claim(key, name));
            let grantee = layout::grant_to(key, grant.grantee.identity(), &grant.id);
            entries(key, grant).into_iter().chain(claim).chain([grantee])
        };
        self.index(&former.iter().flat_map(found_by).collect(), &BTreeSet::new());
        self.count(layout::grant_count(key), 0_i64.saturating_sub_unsigned(grants.len() as u64), None);
        self
    }
}

/// The entries that find a grant by its name and by who may retire it.
fn entries(key: &KeyAddress, grant: &Grant) -> BTreeSet<Bytes> {
    let name = grant.name.as_deref().map(|name| layout::grant_named(key, name, &grant.id));
    let retiring =
        grant.retiring.as_ref().map(|retiring| layout::retiring(retiring.identity(), key, &grant.id));
    name.into_iter().chain(retiring).collect()
}

/// The most grants that one commit deletes, so that it stays within what every engine takes: five changes each, the count
/// and the history.
pub const GRANTS_A_COMMIT: usize = 25;
