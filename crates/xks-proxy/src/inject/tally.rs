//! What callers got, and the answer to: would KMS have failed you?

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What callers got.
#[derive(Debug)]
pub(super) struct Tally {
    /// By how long they took.
    times: Box<[AtomicU64]>,
    failed: AtomicU64,
    /// That failed right after one that failed, too.
    failed_again: AtomicU64,
    last_failed: AtomicBool,
}

/// One call of KMS.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    pub(super) took: Duration,
    /// It was answered wrongly, or not at all.
    pub(super) is_wrong: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            times: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            failed: AtomicU64::new(0),
            failed_again: AtomicU64::new(0),
            last_failed: AtomicBool::new(false),
        }
    }
}

impl Tally {
    pub(super) fn count(&self, one: &Try) {
        if let Some(bucket) = self.times.get(bucket(one.took)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let has_failed = one.is_wrong || one.took > KMS_WAITS;
        let had_failed = self.last_failed.swap(has_failed, Ordering::Relaxed);
        if has_failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        if has_failed && had_failed {
            self.failed_again.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn tries(&self) -> u64 {
        self.times.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The time within which so many of a thousand were answered; up to 1.6 % more than it was.
    fn percentile(&self, per_thousand: u64) -> Duration {
        let rank = self.tries().saturating_mul(per_thousand).div_ceil(1000);
        let mut below = 0_u64;
        for (at, bucket) in self.times.iter().enumerate() {
            below = below.saturating_add(bucket.load(Ordering::Relaxed));
            if below >= rank {
                return end(at);
            }
        }
        Duration::ZERO
    }
}

/// A table for people.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tries = self.tries();
        let [failed, again] = [&self.failed, &self.failed_again].map(|one| one.load(Ordering::Relaxed));
        let share = share(failed, tries);
        writeln!(f, "would KMS have failed you?")?;
        writeln!(f, "  calls                                  {tries:>12}")?;
        for (name, per_thousand) in [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)] {
            let time = format!("{:.1} ms", self.percentile(per_thousand).as_secs_f64() * 1e3);
            writeln!(f, "  answered within, {name:<21} {time:>12}")?;
        }
        row(f, "calls that failed", share)?;
        row(f, "KMS requests that would have failed", share * share)?;
        row(f, "the same, by calls as they came", self::share(again, tries))?;
        write!(f, "{HOW}")
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, share: f64) -> fmt::Result {
    writeln!(f, "  {name:<38} {:>12}", format!("{:.4} %", share * 100.0))
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Microseconds up to 128 one by one, then 64 buckets for each doubling.
fn bucket(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let doublings = micros.max(1).ilog2().saturating_sub(FINE_BITS);
    let bucket = u64::from(doublings).saturating_mul(FINE).saturating_add(micros >> doublings);
    usize::try_from(bucket).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The longest time that is in a bucket.
fn end(bucket: usize) -> Duration {
    let bucket = bucket as u64;
    if bucket < 2 * FINE {
        return Duration::from_micros(bucket);
    }
    let doublings = bucket / FINE - 1;
    let first = (bucket % FINE + FINE) << doublings;
    Duration::from_micros(first.saturating_add(1 << doublings).saturating_sub(1))
}

//= xks §2: KMS waits for 250 ms
const KMS_WAITS: Duration = Duration::from_millis(250);

const FINE_BITS: u32 = 6;
const FINE: u64 = 1 << FINE_BITS;

/// Up to more than an hour.
const BUCKETS: usize = 28 * 64;

const HOW: &str = "  A call fails if it is not answered well within 250 ms. KMS tries once more, within 500 ms in all, which leaves 250 ms for
  that, too: so a request of KMS fails if both calls do. The first share of those takes the calls to fail independently of each
  other, the second takes a call with the one before it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_that_ends_with_it_or_a_little_later() {
        for micros in (0..300).chain([1000, 4095, 4096, 250_000, 1_000_000, 59_999_999]) {
            let (time, end) = (Duration::from_micros(micros), end(bucket(Duration::from_micros(micros))));
            assert!(end >= time && end.as_secs_f64() <= time.as_secs_f64() * 1.017, "{time:?} {end:?}");
        }
    }

    #[test]
    fn buckets_are_in_order_and_every_one_is_used() {
        let buckets: Vec<usize> = (0..10_000).map(|micros| bucket(Duration::from_micros(micros))).collect();
        assert!(buckets.is_sorted_by(|one, next| next - one <= 1));
    }

    #[test]
    fn the_report_tells_percentiles_and_what_fails_once_and_twice() {
        let tally = Tally::default();
        for number in 0..1000 {
            // Ten times two in a row that are late.
            let took = Duration::from_millis(if number % 100 < 2 { 400 } else { 10 });
            tally.count(&Try { took, is_wrong: false });
        }
        let report = tally.to_string();
        assert_eq!(tally.percentile(500).as_millis(), 10);
        assert!(tally.percentile(990).as_millis() >= 400);
        for line in ["1000", "p99.9", "2.0000 %", "0.0400 %", "1.0000 %"] {
            assert!(report.contains(line), "{line} is not in\n{report}");
        }
    }

    #[test]
    fn a_wrong_answer_fails_however_fast_it_is() {
        let tally = Tally::default();
        tally.count(&Try { took: Duration::from_millis(1), is_wrong: true });
        assert!(tally.to_string().contains("100.0000 %"));
    }
}
