//! How late answers are, drawn from a distribution; and the random numbers for it, which a seed makes come again. They protect nothing.

use super::spec::{InvalidSpec, time};
use rustix::rand::{GetRandomFlags, getrandom};
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How late answers are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Latency {
    Exponential {
        mean: Duration,
    },
    Fixed(Duration),
    Normal {
        mean: Duration,
        deviation: Duration,
    },
    /// Shares up to which an answer is so late, from 0 to 1 in order, with straight lines between.
    Table(Vec<(f64, Duration)>),
    Uniform {
        least: Duration,
        most: Duration,
    },
}

impl Latency {
    /// One of them.
    pub(super) fn draw(&self, random: &Random) -> Duration {
        let seconds = match self {
            Self::Exponential { mean } => -mean.as_secs_f64() * (1.0 - random.share()).ln(),
            Self::Fixed(time) => return *time,
            Self::Normal { mean, deviation } => {
                mean.as_secs_f64() + deviation.as_secs_f64() * random.normal()
            }
            Self::Table(table) => at(table, random.share()),
            Self::Uniform { least, most } => between(*least, *most, random.share()),
        };
        Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST)).unwrap_or_default()
    }
}

impl FromStr for Latency {
    type Err = InvalidSpec;

    fn from_str(text: &str) -> Result<Self, InvalidSpec> {
        read(text).ok_or_else(|| InvalidSpec(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Latency> {
    let (kind, rest) = text.split_once(':')?;
    let two = || rest.split_once(':').and_then(|(one, two)| Some((time(one)?, time(two)?)));
    match kind {
        "exponential" => Some(Latency::Exponential { mean: time(rest)? }),
        "fixed" => Some(Latency::Fixed(time(rest)?)),
        "normal" => two().map(|(mean, deviation)| Latency::Normal { mean, deviation }),
        "table" => table(rest),
        "uniform" => {
            two().filter(|(least, most)| least <= most).map(|(least, most)| Latency::Uniform { least, most })
        }
        _ => None,
    }
}

/// `50%=10ms;99%=200ms;100%=1s`: as percentiles are told.
fn table(text: &str) -> Option<Latency> {
    let row = |row: &str| {
        let (percent, late) = row.split_once('=')?;
        let share = percent.trim().strip_suffix('%')?.parse::<f64>().ok()? / 100.0;
        (0.0..=1.0).contains(&share).then_some((share, time(late.trim())?))
    };
    let rows: Vec<(f64, Duration)> = text.split(';').map(row).collect::<Option<_>>()?;
    let is_in_order = rows.is_sorted_by(|(share, late), (next, later)| share < next && late <= later);
    is_in_order.then_some(Latency::Table(rows))
}

/// Below the first row as late as the first, above the last as the last.
fn at(table: &[(f64, Duration)], share: f64) -> f64 {
    let mut before: Option<(f64, Duration)> = None;
    for (end, late) in table {
        if share <= *end {
            return before.map_or(late.as_secs_f64(), |(from, least)| {
                between(least, *late, (share - from) / (end - from))
            });
        }
        before = Some((*end, *late));
    }
    before.map_or(0.0, |(_, late)| late.as_secs_f64())
}

fn between(least: Duration, most: Duration, share: f64) -> f64 {
    least.as_secs_f64() + (most.as_secs_f64() - least.as_secs_f64()) * share
}

/// SplitMix64: the same numbers in the same order for the same seed, whoever asks.
#[derive(Debug)]
pub(super) struct Random {
    seed: u64,
    state: AtomicU64,
}

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, state: AtomicU64::new(seed) }
    }

    /// One that nobody chose.
    pub(super) fn seed() -> u64 {
        let mut bytes = [0; 8];
        let _ = getrandom(&mut bytes, GetRandomFlags::empty());
        u64::from_le_bytes(bytes)
    }

    /// What makes these numbers come again.
    pub(super) const fn begun_with(&self) -> u64 {
        self.seed
    }

    /// True once in so many times.
    pub(super) fn one_in(&self, number: NonZeroU64) -> bool {
        self.next().is_multiple_of(number.get())
    }

    /// From 0 up to, and without, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what it holds")]
    fn share(&self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About 0, with a deviation of 1 (Box and Muller).
    fn normal(&self) -> f64 {
        let [one, two] = [1.0 - self.share(), self.share()];
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos()
    }

    fn next(&self) -> u64 {
        let mut mixed = self.state.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Seconds. Nobody waits so long.
const LONGEST: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> Vec<Duration> {
        let (latency, random) = (text.parse::<Latency>().unwrap(), Random::new(7));
        let mut drawn: Vec<_> = (0..10_000).map(|_| latency.draw(&random)).collect();
        drawn.sort_unstable();
        drawn
    }

    fn is_near(found: Duration, expected_millis: f64) {
        let found = found.as_secs_f64() * 1e3;
        assert!(
            (found - expected_millis).abs() <= expected_millis / 10.0,
            "{found} ms, not {expected_millis} ms"
        );
    }

    #[test]
    fn each_distribution_has_its_percentiles() {
        is_near(drawn("fixed:20ms")[5000], 20.0);
        is_near(drawn("uniform:10ms:30ms")[5000], 20.0);
        is_near(drawn("normal:100ms:10ms")[5000], 100.0);
        is_near(drawn("normal:100ms:10ms")[9772], 120.0);
        is_near(drawn("exponential:100ms")[6321], 100.0);
        let table = drawn("table:50%=10ms;99%=200ms;100%=1s");
        is_near(table[5000], 10.0);
        is_near(table[9800], 196.0);
        assert!(table[9999] <= Duration::from_secs(1));
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let random = Random::new(seed);
            [random.next(), random.next(), random.next()]
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
        // As the algorithm's authors have them.
        assert_eq!(numbers(1_234_567)[..2], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn one_in_so_many_is_drawn_as_often() {
        let random = Random::new(3);
        let drawn = (0..100_000).filter(|_| random.one_in(NonZeroU64::new(100).unwrap())).count();
        assert!((900..1100).contains(&drawn), "{drawn}");
    }

    #[test]
    fn a_table_out_of_order_is_none() {
        for wrong in
            ["table:99%=10ms;50%=20ms", "table:50%=10ms;99%=5ms", "table:101%=1s", "table:", "uniform:2s:1s"]
        {
            assert!(wrong.parse::<Latency>().is_err(), "{wrong}");
        }
    }
}
