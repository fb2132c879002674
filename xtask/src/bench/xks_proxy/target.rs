//! The figures that the XKS proxy is to reach, and whether it did.

use super::super::report::median;
use super::super::target::{Bound, Verdict, megabytes, verdict};
use super::XksProxy;
use super::api::Call;
use super::beside_bare::BesideBare;
use super::hsm::{BesidePeer, Slow};
use super::strain::{Beside, Peak};

/// The targets for the XKS proxy.
pub fn verdicts(measured: &XksProxy) -> Vec<Verdict> {
    let software = measured.software.iter().flat_map(of_software);
    let hsm = measured.hsm.iter().filter_map(of_hsm);
    let slow = measured.slow_hsm.iter().map(of_slow);
    let memory = measured.memory.iter().map(of_memory);
    software.chain(hsm).chain(slow).chain(memory).chain(of_flood(&measured.flood)).collect()
}

impl BesideBare {
    /// The proxy's rate by the bare server's, round by round.
    pub fn rate_ratio(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.proxy.rate / round.bare.rate))
    }

    /// The same of processor time a request.
    pub fn cpu_ratio(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.proxy.cpu_us / round.bare.cpu_us))
    }
}

impl BesidePeer {
    /// The proxy's rate by the other one's, round by round; not a number if there is no other.
    pub fn rate_ratio(&self) -> f64 {
        median(self.rounds.iter().filter_map(|round| Some(round.proxy.rate / round.peer?.rate)))
    }
}

impl Slow {
    /// The rate by the ideal one.
    pub fn of_ideal(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.rate)) / self.ideal_rate()
    }
}

fn of_software(beside: &BesideBare) -> Vec<Verdict> {
    if (beside.call, beside.connections) != (Call::Encrypt, 64) {
        return Vec::new();
    }
    let p99 = median(beside.rounds.iter().map(|round| round.proxy.p99_us)) / 1e3;
    let of = |what: &str| format!("XKS proxy, software keys, Encrypt, connections: 64, {what}");
    vec![
        verdict(of("rate, of the bare TLS server's"), beside.rate_ratio(), Bound::AtLeast(0.45)),
        verdict(of("p99 in ms"), p99, Bound::Under(20.0)),
    ]
}

fn of_hsm(beside: &BesidePeer) -> Option<Verdict> {
    let is_judged = beside.call == Call::Encrypt
        && beside.connections == 64
        && beside.rounds.iter().all(|round| round.peer.is_some());
    let of = "XKS proxy on SoftHSM, Encrypt, connections: 64, times the other proxy's rate";
    is_judged.then(|| verdict(of.to_owned(), beside.rate_ratio(), Bound::AtLeast(4.0)))
}

fn of_slow(slow: &Slow) -> Verdict {
    let of = format!("XKS proxy on a slow HSM, {}: rate, of the ideal one", slow.call.name());
    verdict(of, slow.of_ideal(), Bound::AtLeast(0.9))
}

fn of_memory(peak: &Peak) -> Verdict {
    verdict(format!("XKS proxy, most memory in MB: {}", peak.of), megabytes(peak.most), Bound::Under(64.0))
}

fn of_flood(rounds: &[Beside]) -> Option<Verdict> {
    let left = median(rounds.iter().map(|round| round.beside.rate / round.quiet.rate));
    let of = "XKS proxy beside a flood of unauthenticated requests: good rate, of the quiet one";
    (!rounds.is_empty()).then(|| verdict(of.to_owned(), left, Bound::AtLeast(0.5)))
}

#[cfg(test)]
mod tests {
    use super::super::super::load::Slice;
    use super::super::{beside_bare, hsm};
    use super::*;

    fn slice(rate: f64) -> Slice {
        Slice { rate, p50_us: 1.0, p99_us: 19_999.0, cpu_us: 1.0, generator_cpu_us: 1.0 }
    }

    #[test]
    fn only_encrypt_at_64_connections_is_held_to_the_bare_server() {
        let rounds = || vec![beside_bare::Round { bare: slice(100.0), proxy: slice(45.0) }];
        let of = |call, connections| of_software(&BesideBare { call, connections, rounds: rounds() });
        assert_eq!(of(Call::Encrypt, 64).iter().map(|verdict| verdict.met).collect::<Vec<_>>(), [true, true]);
        assert!(of(Call::Encrypt, 1).is_empty() && of(Call::Decrypt, 64).is_empty());
    }

    #[test]
    fn nothing_is_said_of_another_proxy_that_was_not_there() {
        let of = |peer| {
            let rounds = vec![hsm::Round { proxy: slice(400.0), peer }];
            of_hsm(&BesidePeer { call: Call::Encrypt, connections: 64, rounds })
        };
        assert!(of(None).is_none());
        assert!(of(Some(slice(100.0))).unwrap().met);
        assert!(!of(Some(slice(101.0))).unwrap().met);
    }

    #[test]
    fn the_ideal_rate_is_of_the_calls_that_are_made() {
        let slow = |slow_calls, rate| Slow { call: Call::Encrypt, slow_calls, rounds: vec![slice(rate)] };
        assert!((slow(1.0, 4800.0).of_ideal() - 0.9).abs() < 1e-9);
        assert!((slow(2.0, 2400.0).of_ideal() - 0.9).abs() < 1e-9);
    }
}
