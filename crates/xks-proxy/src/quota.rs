//! How much of the proxy one store may use: calls a second, and calls at one time. Taken from only by who has proved who he is, so that
//! nobody else can use it up. Never blocks, and never waits.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a store may use.
#[derive(Debug)]
pub(crate) struct Quota {
    rate: Rate,
    most_at_once: usize,
    at_once: AtomicUsize,
}

impl Quota {
    /// So many calls a second, and so many at one time.
    pub(crate) fn new(per_second: NonZeroU32, most_at_once: usize) -> Self {
        Self { rate: Rate::new(per_second), most_at_once, at_once: AtomicUsize::new(0) }
    }

    /// Whether this one allows just that much: then it may go on being counted after a reload.
    pub(crate) fn is(&self, per_second: NonZeroU32, most_at_once: usize) -> bool {
        self.rate.per_second == per_second && self.most_at_once == most_at_once
    }

    /// A place for one call now, given back when dropped; or nothing.
    pub(crate) fn take(&self, now: Instant) -> Option<Place<'_>> {
        // The place first: who finds none uses up nothing.
        let place = self.place()?;
        self.rate.take(now).then_some(place)
    }

    fn place(&self) -> Option<Place<'_>> {
        let place = Place(&self.at_once);
        let taken = self.at_once.fetch_add(1, Ordering::Relaxed);
        (taken < self.most_at_once).then_some(place)
    }
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A token bucket that holds one second's worth, kept as the time at which it will be full again.
#[derive(Debug)]
struct Rate {
    per_second: NonZeroU32,
    begun: Instant,
    /// In nanoseconds after `begun`.
    full_at: AtomicU64,
}

impl Rate {
    fn new(per_second: NonZeroU32) -> Self {
        Self { per_second, begun: Instant::now(), full_at: AtomicU64::new(0) }
    }

    fn take(&self, now: Instant) -> bool {
        let now = nanos(now.saturating_duration_since(self.begun));
        let one = nanos(SECOND) / u64::from(self.per_second.get());
        let after = |full_at: u64| {
            let then = full_at.max(now).saturating_add(one);
            (then <= now.saturating_add(nanos(SECOND))).then_some(then)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).is_ok()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(per_second: u32, most_at_once: usize) -> Quota {
        Quota::new(NonZeroU32::new(per_second).unwrap(), most_at_once)
    }

    fn taken(quota: &Quota, now: Instant) -> usize {
        (0..1000).take_while(|_| quota.take(now).is_some()).count()
    }

    #[test]
    fn a_second_s_worth_may_come_at_once_and_no_more_until_time_passes() {
        let quota = quota(10, 100);
        let now = Instant::now();
        assert_eq!(taken(&quota, now), 10);
        assert_eq!(taken(&quota, now + Duration::from_millis(500)), 5);
        assert_eq!(taken(&quota, now + Duration::from_secs(60)), 10);
    }

    #[test]
    fn a_place_is_free_again_when_its_call_is_over() {
        let quota = quota(1000, 2);
        let now = Instant::now();
        let [one, two] = [quota.take(now), quota.take(now)];
        assert!(one.is_some() && two.is_some());
        assert!(quota.take(now).is_none());
        drop(one);
        assert!(quota.take(now).is_some());
    }

    #[test]
    fn who_finds_no_place_uses_up_nothing_of_the_rate() {
        let quota = quota(2, 1);
        let now = Instant::now();
        let held = quota.take(now);
        assert!(quota.take(now).is_none());
        drop(held);
        assert!(quota.take(now).is_some());
        assert!(quota.take(now).is_none(), "the rate is used up");
    }
}
