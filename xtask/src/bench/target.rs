//! The figures that Cardea is to reach, and whether it did.

use super::crypto::Crypto;
use super::growth::Growth;
use super::operation::Operation;
use super::report::{Summary, median};
use super::side_by_side::{Cell, Scheme};
use serde::Serialize;

/// A figure to reach and the figure that was measured.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Of what.
    pub of: String,
    /// What was measured.
    pub measured: f64,
    /// The figure to reach.
    pub bound: Bound,
    /// Whether it was reached.
    pub met: bool,
}

/// What a figure must be.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Bound {
    /// That or more.
    AtLeast(f64),
    /// That or less.
    AtMost(f64),
    /// Less than that.
    Under(f64),
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(bound) => measured >= bound,
            Self::AtMost(bound) => measured <= bound,
            Self::Under(bound) => measured < bound,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::Under(bound) => write!(f, "under {bound}"),
        }
    }
}

/// The targets for what ran side by side.
pub fn of_side_by_side(cells: &[Cell]) -> Vec<Verdict> {
    let targeted = |cell: &&Cell| {
        cell.scheme == Scheme::Http && matches!(cell.operation, Operation::Encrypt | Operation::Decrypt)
    };
    cells.iter().filter(targeted).flat_map(of_cell).collect()
}

fn of_cell(cell: &Cell) -> Vec<Verdict> {
    let summary = Summary::of(cell);
    let verdict = |what: &str, measured: f64, bound: Bound| {
        let name = cell.operation.name();
        let connections = if cell.connections == 1 { "connection" } else { "connections" };
        verdict(format!("{name} over HTTP, {} {connections}: {what}", cell.connections), measured, bound)
    };
    match cell.connections {
        1 => vec![verdict("p50 in µs", summary.cardea.p50_us, Bound::Under(150.0))],
        64 => vec![
            verdict("CPU a request, times the bare server's", summary.cpu_ratio, Bound::AtMost(3.5)),
            verdict("rate, of the bare server's", summary.rate_ratio, Bound::AtLeast(0.38)),
            verdict("p99 in ms", summary.cardea.p99_us / 1e3, Bound::Under(5.0)),
        ],
        _ => Vec::new(),
    }
}

/// The targets for cryptography.
pub fn of_crypto(crypto: &Crypto) -> Vec<Verdict> {
    let shares = crypto.shares.iter().map(|share| {
        let (_, of_raw) = share.medians();
        let primitive = share.primitive;
        let of = format!("{} over HTTP, 16 connections, of the raw rate", primitive.name());
        verdict(of, of_raw, Bound::AtLeast(primitive.share()))
    });
    let rounds = crypto.crowding.quiet.iter().zip(&crypto.crowding.crowded);
    let times_quiet = median(rounds.map(|(quiet, crowded)| crowded.p99_us / quiet.p99_us));
    let of = "p99 of Encrypt beside 4 clients with RSA_4096 pairs, times the quiet one";
    shares.chain([verdict(of.to_owned(), times_quiet, Bound::Under(5.0))]).collect()
}

/// The targets for growth.
pub fn of_growth(growth: &Growth) -> Vec<Verdict> {
    let Growth { few, many } = growth;
    let ratios = few.encrypt.iter().zip(&many.encrypt).map(|(few, many)| many.rate / few.rate);
    let grown = megabytes(many.loaded_bytes) - megabytes(few.loaded_bytes);
    vec![
        verdict(
            format!("Encrypt with {} keys, of the rate with {}", many.keys, few.keys),
            median(ratios),
            Bound::AtLeast(0.9),
        ),
        verdict(
            format!("start to ready with {} keys, in s", many.keys),
            median(many.ready_seconds.iter().copied()),
            Bound::AtMost(3.0),
        ),
        verdict(
            format!("growth of resident memory with {} keys, in MB", many.keys),
            grown,
            Bound::Under(200.0),
        ),
        verdict(
            format!("idle memory of both processes with {} keys, in MB", few.keys),
            megabytes(few.idle_bytes),
            Bound::Under(60.0),
        ),
    ]
}

/// Millions of bytes.
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Whether a figure is within its bound.
pub fn verdict(of: String, measured: f64, bound: Bound) -> Verdict {
    Verdict { of, measured, bound, met: bound.holds(measured) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::crypto::{Crowding, Primitive, Share, ShareRound};
    use crate::bench::load::Slice;
    use crate::bench::side_by_side::Round;

    fn slice(rate: f64, cpu_us: f64) -> Slice {
        Slice { rate, p50_us: 100.0, p99_us: 4999.0, cpu_us, generator_cpu_us: 1.0 }
    }

    fn cell(connections: usize, cardea: Slice) -> Cell {
        let rounds = vec![Round { bare: slice(100.0, 10.0), cardea }];
        Cell { operation: Operation::Encrypt, scheme: Scheme::Http, connections, rounds }
    }

    fn met(cells: &[Cell]) -> Vec<bool> {
        of_side_by_side(cells).iter().map(|verdict| verdict.met).collect()
    }

    #[test]
    fn a_figure_on_its_bound_is_met_and_one_beside_it_is_missed() {
        assert_eq!(met(&[cell(64, slice(38.0, 35.0))]), [true, true, true]);
        assert_eq!(met(&[cell(64, slice(37.9, 35.1))]), [false, false, true]);
        let slow = Slice { p50_us: 150.0, p99_us: 5000.0, ..slice(38.0, 35.0) };
        assert_eq!(met(&[cell(64, slow), cell(1, slow)]), [true, true, false, false]);
    }

    #[test]
    fn a_primitive_is_held_to_its_share_of_the_raw_rate_of_the_same_round() {
        let round = |raw_rate: f64, rate: f64| ShareRound { raw_rate, http: slice(rate, 1.0) };
        let rounds = vec![round(100.0, 85.0), round(1000.0, 850.0), round(10.0, 1.0)];
        let shares = vec![Share { primitive: Primitive::Rsa2048Sign, rounds }];
        let slow = Slice { p99_us: 25_000.0, ..slice(1.0, 1.0) };
        let crowding = Crowding { quiet: vec![slice(1.0, 1.0)], crowded: vec![slow], pairs: vec![1] };
        let verdicts = of_crypto(&Crypto { shares, crowding });
        assert_eq!(verdicts.iter().map(|verdict| verdict.met).collect::<Vec<_>>(), [true, false]);
        assert_eq!(verdicts[0].measured, 0.85);
    }

    #[test]
    fn nothing_measured_meets_no_target() {
        assert!(
            [Bound::AtLeast(0.0), Bound::AtMost(1.0), Bound::Under(1.0)]
                .iter()
                .all(|bound| !bound.holds(f64::NAN))
        );
    }
}
