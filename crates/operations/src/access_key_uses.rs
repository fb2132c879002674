//! When access keys were last used: noted in memory by whoever authenticates a call, written to the catalog by a job.
//!
//! Costs a call next to nothing: a lock is taken at most once a second for each access key and place. What is lost if the process is
//! killed is at most the uses since the job last ran.

use catalog::{AccessKey, AccessKeyUse, Stored};
use keys::{Moment, Region};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last uses that are not in the catalog yet; shared by all workers.
#[derive(Debug, Default)]
pub struct AccessKeyUses(Mutex<HashMap<Box<str>, AccessKeyUse>>);

/// A digest of the second, the service and the region of the last use that was noted, kept beside the record in memory.
struct Noted(AtomicU64);

impl AccessKeyUses {
    /// Notes a use.
    pub fn note(&self, access_key: &Stored<AccessKey>, service: &'static str, region: Region, at: Moment) {
        let digest = digest(service, region, at);
        let Noted(noted) = access_key.derived(|_| Noted(AtomicU64::new(0)));
        if noted.load(Ordering::Relaxed) == digest {
            return;
        }
        noted.store(digest, Ordering::Relaxed);
        let last = AccessKeyUse { at, service: service.to_owned(), region: region.to_string() };
        self.all().insert(access_key.id.as_str().into(), last);
    }

    /// The last use of an access key since the job last wrote it down.
    #[must_use]
    pub fn last(&self, access_key_id: &str) -> Option<AccessKeyUse> {
        self.all().get(access_key_id).cloned()
    }

    /// All that is to be written down. It stays here until it is.
    #[must_use]
    pub(crate) fn unwritten(&self) -> Vec<(Box<str>, AccessKeyUse)> {
        self.all().iter().map(|(id, last)| (id.clone(), last.clone())).collect()
    }

    /// Lets go of what is written down, unless there was a use since.
    pub(crate) fn written(&self, uses: &[(Box<str>, AccessKeyUse)]) {
        let mut all = self.all();
        for (id, last) in uses {
            if all.get(id) == Some(last) {
                all.remove(id);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Box<str>, AccessKeyUse>> {
        // INVARIANT: nothing panics while it holds the map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Never 0, which stands for no use yet.
fn digest(service: &str, region: Region, at: Moment) -> u64 {
    let mut hasher = DefaultHasher::new();
    (service, region.as_str(), at.as_seconds()).hash(&mut hasher);
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn uses_in_the_same_second_and_place_are_one_and_all_others_are_told_apart() {
        let (here, there): (Region, Region) = ("eu-central-1".parse().unwrap(), "us-east-1".parse().unwrap());
        let first = digest("kms", here, at(1000));
        assert_eq!(first, digest("kms", here, at(1999)));
        for other in
            [digest("kms", here, at(2000)), digest("kms", there, at(1000)), digest("iam", here, at(1000))]
        {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn what_was_used_again_while_it_was_written_down_stays_to_be_written() {
        let uses = AccessKeyUses::default();
        let used =
            |millis| AccessKeyUse { at: at(millis), service: "kms".into(), region: "us-east-1".into() };
        uses.all().insert("AKIA1".into(), used(1));
        uses.all().insert("AKIA2".into(), used(1));
        let unwritten = uses.unwritten();
        uses.all().insert("AKIA2".into(), used(2));
        uses.written(&unwritten);
        assert_eq!((uses.last("AKIA1"), uses.last("AKIA2")), (None, Some(used(2))));
    }
}
