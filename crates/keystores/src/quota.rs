//! How many requests a second a store is sent, by all workers of the node together. It reads no clock: the time is given.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So many requests a second, of which those of one second may come at once.
#[derive(Debug)]
pub(crate) struct Quota {
    /// How far one request moves `due`, in nanoseconds.
    interval: u64,
    /// When all requests until now will have been paid for, in nanoseconds.
    due: AtomicU64,
}

impl Quota {
    pub(crate) fn new(requests_per_second: NonZeroU32) -> Self {
        let interval = SECOND / u64::from(requests_per_second.get());
        Self { interval: interval.max(1), due: AtomicU64::new(0) }
    }

    /// Whether one more request is within the quota; if so, it is counted. `now` is the time since any fixed moment.
    pub(crate) fn take(&self, now: Duration) -> bool {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let limit = now.saturating_add(SECOND);
        let after = |due: u64| {
            let after = due.max(now).saturating_add(self.interval);
            (after <= limit).then_some(after)
        };
        self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).is_ok()
    }
}

const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(rate: u32) -> Quota {
        Quota::new(NonZeroU32::new(rate).unwrap())
    }

    fn taken(quota: &Quota, now: Duration, tries: u32) -> usize {
        (0..tries).filter(|_| quota.take(now)).count()
    }

    #[test]
    fn those_of_one_second_may_come_at_once_and_no_more() {
        assert_eq!(taken(&quota(1800), Duration::ZERO, 5000), 1800);
        assert_eq!(taken(&quota(1), Duration::ZERO, 5), 1);
    }

    #[test]
    fn what_was_spent_comes_back_with_time_and_is_not_saved_up() {
        let quota = quota(100);
        assert_eq!(taken(&quota, Duration::from_secs(7), 1000), 100);
        assert_eq!(taken(&quota, Duration::from_millis(7_250), 1000), 25);
        assert_eq!(taken(&quota, Duration::from_secs(3600), 1000), 100);
    }

    #[test]
    fn requests_that_are_refused_cost_nothing() {
        let quota = quota(10);
        taken(&quota, Duration::ZERO, 1_000_000);
        assert_eq!(taken(&quota, Duration::from_secs(1), 100), 10);
    }

    #[test]
    fn threads_that_ask_at_once_get_together_what_one_would() {
        let quota = quota(1000);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| taken(&quota, Duration::ZERO, 1000))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1000);
    }
}
