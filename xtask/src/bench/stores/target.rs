//! The figures that custom key stores are to reach, and whether they did.

use super::super::report::median;
use super::super::target::{Bound, Verdict, verdict};
use super::Stores;
use super::dead_proxy::{self, DeadProxy};
use super::hsm::{self, Cluster};
use super::xks::{self, Beside};

/// The targets for custom key stores.
pub fn verdicts(stores: &Stores) -> Vec<Verdict> {
    let xks = stores.xks.iter().filter_map(of_xks);
    let dead_proxy = stores.dead_proxy.iter().flat_map(of_dead_proxy);
    xks.chain(dead_proxy).chain(stores.hsm.iter().flat_map(of_hsm)).collect()
}

impl Beside {
    /// What Cardea adds at the median over the proxy's own answer, in milliseconds, round by round.
    pub fn added_ms(&self) -> f64 {
        let added = |round: &xks::Round| (round.through.p50_us - round.straight.p50_us) / 1e3;
        median(self.rounds.iter().map(added))
    }

    /// Cardea's rate by that of the proxy asked straight, round by round.
    pub fn rate_ratio(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.through.rate / round.straight.rate))
    }
}

impl DeadProxy {
    /// The p99 of native keys beside the dead store by the quiet one, round by round.
    pub fn times_quiet(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.beside.p99_us / round.quiet.p99_us))
    }

    /// The median over the rounds.
    pub fn of(&self, figure: fn(&dead_proxy::Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure))
    }

    /// The worst of all rounds.
    pub fn worst(&self, figure: fn(&dead_proxy::Round) -> f64) -> f64 {
        self.rounds.iter().map(figure).reduce(f64::max).unwrap_or(f64::NAN)
    }
}

impl Cluster {
    /// A rate by that of the direct calls, round by round.
    pub fn of_direct(&self, rate: fn(&hsm::Round) -> f64) -> f64 {
        median(self.rounds.iter().map(|round| rate(round) / round.direct_rate))
    }
}

fn of_xks(beside: &Beside) -> Option<Verdict> {
    let verdict = |what: &str, measured: f64, bound: Bound| {
        let connections = beside.connections;
        Some(verdict(
            format!("Encrypt through an external key store, connections: {connections}, {what}"),
            measured,
            bound,
        ))
    };
    match beside.connections {
        1 => verdict("p50 beyond the proxy's own in ms", beside.added_ms(), Bound::AtMost(1.0)),
        64 => verdict("rate, of the proxy's asked straight", beside.rate_ratio(), Bound::AtLeast(0.6)),
        _ => None,
    }
}

fn of_dead_proxy(dead: &DeadProxy) -> [Verdict; 4] {
    let verdict = |what: &str, measured: f64, bound: Bound| {
        verdict(format!("Beside a dead proxy, connections: {}, {what}", dead.connections), measured, bound)
    };
    [
        verdict("p99 of native keys, times the quiet one", dead.times_quiet(), Bound::AtMost(1.5)),
        verdict(
            "the longest call to it in ms",
            dead.worst(|round| round.closed.max_ms),
            Bound::AtMost(520.0),
        ),
        verdict(
            "p99 of calls to it once the circuit is open, in ms",
            dead.of(|round| round.open.p99_ms),
            Bound::Under(5.0),
        ),
        verdict(
            "the same with nothing else to do",
            dead.of(|round| round.open_alone.p99_ms),
            Bound::Under(5.0),
        ),
    ]
}

fn of_hsm(cluster: &Cluster) -> [Verdict; 2] {
    let verdict = |where_: &str, rate: fn(&hsm::Round) -> f64| {
        let of = format!("{}, {where_}: rate, of direct calls", cluster.kind.name);
        verdict(of, cluster.of_direct(rate), Bound::AtLeast(0.7))
    };
    [
        verdict("at the key stores' door", |round| round.boundary.rate),
        verdict("over HTTP", |round| round.http.rate),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::super::load::Slice;
    use super::*;
    use std::time::Duration;

    fn slice(rate: f64, p50_us: f64, p99_us: f64) -> Slice {
        Slice { rate, p50_us, p99_us, cpu_us: 1.0, generator_cpu_us: 1.0 }
    }

    #[test]
    fn an_external_key_store_is_judged_by_what_it_adds_and_by_the_rate_it_keeps() {
        let round = xks::Round {
            straight: slice(10_000.0, 100.0, 1.0),
            through: slice(6_000.0, 1_200.0, 1.0),
            native: slice(1.0, 1.0, 1.0),
        };
        let of = |connections| of_xks(&Beside { connections, rounds: vec![round; 3] });
        let (one, many) = (of(1).unwrap(), of(64).unwrap());
        assert_eq!((one.measured, one.met, many.measured, many.met), (1.1, false, 0.6, true));
        assert!(of(16).is_none());
    }

    #[test]
    fn a_dead_proxy_is_judged_by_the_worst_call_of_all_rounds() {
        let latencies =
            |longest| super::super::latencies::Latencies::of(vec![Duration::from_millis(longest); 2]);
        let round = |longest| dead_proxy::Round {
            quiet: slice(1.0, 1.0, 1_000.0),
            beside: slice(1.0, 1.0, 1_600.0),
            closed: latencies(longest),
            open: latencies(4),
            open_alone: latencies(5),
            back_after_ms: 1.0,
        };
        let rounds = vec![round(500), round(521), round(500)];
        let verdicts = of_dead_proxy(&DeadProxy { connections: 16, rounds });
        assert_eq!(verdicts.map(|verdict| verdict.met), [false, false, true, false]);
    }
}
