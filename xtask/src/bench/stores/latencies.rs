//! Many times, and what is said of them.

use serde::Serialize;
use std::time::Duration;

/// How long some calls took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latencies {
    /// How many there were.
    pub calls: usize,
    /// Half of them took at most these milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took at most these milliseconds.
    pub p99_ms: f64,
    /// None took longer.
    pub max_ms: f64,
}

impl Latencies {
    /// What is to be said of these.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |index: usize| times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
        let calls = times.len();
        Self {
            calls,
            p50_ms: at(calls / 2),
            p99_ms: at(calls * 99 / 100),
            max_ms: at(calls.saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_told_and_nothing_is_told_of_none() {
        let of = Latencies::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!((of.calls, of.p50_ms, of.p99_ms, of.max_ms), (200, 101.0, 199.0, 200.0));
        assert!(Latencies::of(Vec::new()).max_ms.is_nan());
    }
}
