//! What is told at the end: tables, a verdict for every target, and all of it as JSON.

use super::BenchError;
use super::crypto::{Crypto, Share, ShareRound};
use super::growth::{Growth, Size};
use super::load::Slice;
use super::module::InFlight;
use super::side_by_side::{Cell, Round};
use super::stores::{self, Stores};
use super::target::{Verdict, megabytes, of_crypto, of_growth, of_side_by_side};
use super::xks_proxy::{self, XksProxy};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Cardea beside the bare server.
    pub side_by_side: Vec<Cell>,
    /// Cryptography.
    pub crypto: Option<Crypto>,
    /// Few and many keys.
    pub growth: Option<Growth>,
    /// Custom key stores.
    pub stores: Option<Stores>,
    /// The XKS proxy.
    pub xks_proxy: Option<XksProxy>,
    /// The security module alone.
    pub module_alone: Vec<InFlight>,
}

/// The medians of a cell.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// The bare server.
    pub bare: Slice,
    /// Cardea.
    pub cardea: Slice,
    /// Cardea's rate by the bare server's, of each round.
    pub rate_ratio: f64,
    /// Cardea's processor time a request by the bare server's, of each round.
    pub cpu_ratio: f64,
}

impl Summary {
    /// The medians of its rounds.
    pub fn of(cell: &Cell) -> Self {
        let rounds = || cell.rounds.iter();
        let ratio =
            |of: fn(&Slice) -> f64| median(rounds().map(|Round { bare, cardea }| of(cardea) / of(bare)));
        Self {
            bare: medians(rounds().map(|round| &round.bare)),
            cardea: medians(rounds().map(|round| &round.cardea)),
            rate_ratio: ratio(|slice| slice.rate),
            cpu_ratio: ratio(|slice| slice.cpu_us),
        }
    }
}

/// The median; not a number if there is none.
pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = figures.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    let upper = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(at(upper.saturating_sub(1)), at(upper))
    } else {
        at(upper)
    }
}

impl Share {
    /// The median rate of the library, and that of the operation by it, round by round.
    pub fn medians(&self) -> (f64, f64) {
        let rounds = || self.rounds.iter();
        let share = |ShareRound { raw_rate, http }: &ShareRound| http.rate / raw_rate;
        (median(rounds().map(|round| round.raw_rate)), median(rounds().map(share)))
    }
}

/// The medians of slices.
pub fn medians<'a>(slices: impl Iterator<Item = &'a Slice> + Clone) -> Slice {
    let of = |figure: fn(&Slice) -> f64| median(slices.clone().map(figure));
    Slice {
        rate: of(|slice| slice.rate),
        p50_us: of(|slice| slice.p50_us),
        p99_us: of(|slice| slice.p99_us),
        cpu_us: of(|slice| slice.cpu_us),
        generator_cpu_us: of(|slice| slice.generator_cpu_us),
    }
}

impl Report {
    /// Prints it for people.
    pub fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.side_by_side.is_empty() {
            print_side_by_side(&mut out, &self.side_by_side)?;
        }
        if !self.module_alone.is_empty() {
            print_module_alone(&mut out, &self.module_alone)?;
        }
        if let Some(crypto) = &self.crypto {
            print_crypto(&mut out, crypto)?;
        }
        if let Some(growth) = &self.growth {
            print_growth(&mut out, growth)?;
        }
        if let Some(stores) = &self.stores {
            stores::print(&mut out, stores)?;
        }
        if let Some(xks_proxy) = &self.xks_proxy {
            xks_proxy::print(&mut out, xks_proxy)?;
        }
        print_verdicts(&mut out, &self.verdicts())
    }

    /// Writes it for programs.
    pub fn write(&self, file: &Path) -> Result<(), BenchError> {
        let summaries: Vec<_> = self.side_by_side.iter().map(Summary::of).collect();
        let all = serde_json::json!({ "report": self, "summaries": summaries, "verdicts": self.verdicts() });
        std::fs::write(file, all.to_string()).map_err(BenchError::io("write the report"))
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let crypto = self.crypto.iter().flat_map(of_crypto);
        let growth = self.growth.iter().flat_map(of_growth);
        let stores = self.stores.iter().flat_map(stores::verdicts);
        let xks_proxy = self.xks_proxy.iter().flat_map(xks_proxy::verdicts);
        let side_by_side = of_side_by_side(&self.side_by_side).into_iter();
        side_by_side.chain(crypto).chain(growth).chain(stores).chain(xks_proxy).collect()
    }
}

fn print_side_by_side(out: &mut impl Write, cells: &[Cell]) -> io::Result<()> {
    writeln!(
        out,
        "Side by side, medians. CPU is user and system time a request, over all processes of a server.\n"
    )?;
    writeln!(
        out,
        "{:<16}{:<6}{:>5} | {:>32} | {:>32} | {:>11} | {:>5}",
        "", "", "con-", "bare server        ", "Cardea         ", "of bare  ", "load"
    )?;
    writeln!(
        out,
        "{:<16}{:<6}{:>5} | {SLICE_HEADS} | {SLICE_HEADS} | {:>5} {:>5} | {:>5}",
        "operation", "", "nect.", "rate", "CPU", "CPU"
    )?;
    for cell in cells {
        let Summary { bare, cardea, rate_ratio, cpu_ratio } = Summary::of(cell);
        let (name, scheme) = (cell.operation.name(), format!("{:?}", cell.scheme).to_uppercase());
        write!(
            out,
            "{name:<16}{scheme:<6}{:>5} | {} | {} | ",
            cell.connections,
            figures(&bare),
            figures(&cardea)
        )?;
        writeln!(out, "{rate_ratio:>5.2} {cpu_ratio:>5.2} | {:>5.1}", cardea.generator_cpu_us)?;
    }
    writeln!(out)
}

/// A slice's figures, below [`SLICE_HEADS`].
pub fn figures(slice: &Slice) -> String {
    format!("{:>8.0} {:>7.0} {:>7.0} {:>7.2}", slice.rate, slice.p50_us, slice.p99_us, slice.cpu_us)
}

fn print_module_alone(out: &mut impl Write, measured: &[InFlight]) -> io::Result<()> {
    writeln!(out, "The security module alone: Encrypt of 32 bytes over its socket, medians.\n")?;
    writeln!(out, "in flight | {SLICE_HEADS}")?;
    for InFlight { calls, rounds } in measured {
        writeln!(out, "{calls:>9} | {}", figures(&medians(rounds.iter())))?;
    }
    writeln!(out)
}

fn print_crypto(out: &mut impl Write, crypto: &Crypto) -> io::Result<()> {
    writeln!(
        out,
        "Cryptography over HTTP at 16 connections, and the library alone with a thread a core, medians.\n"
    )?;
    writeln!(out, "{:<24} | {:>8} | {SLICE_HEADS} | of raw", "", "raw/s")?;
    for share in &crypto.shares {
        let (raw, of_raw) = share.medians();
        let http = medians(share.rounds.iter().map(|round| &round.http));
        writeln!(out, "{:<24} | {raw:>8.0} | {} | {of_raw:>6.3}", share.primitive.name(), figures(&http))?;
    }
    writeln!(out, "\nEncrypt over HTTP at 16 connections.\n\n{:<24} | {SLICE_HEADS} | pairs", "")?;
    let crowding = &crypto.crowding;
    writeln!(out, "{:<24} | {} |", "alone", figures(&medians(crowding.quiet.iter())))?;
    let pairs: usize = crowding.pairs.iter().sum();
    writeln!(
        out,
        "{:<24} | {} | {pairs}\n",
        "beside RSA_4096 pairs",
        figures(&medians(crowding.crowded.iter()))
    )
}

fn print_growth(out: &mut impl Write, growth: &Growth) -> io::Result<()> {
    writeln!(
        out,
        "Growth: Encrypt over HTTP at 64 connections, with keys at random from all. Memory is resident, MB.\n"
    )?;
    writeln!(out, "{:>7} | {SLICE_HEADS} | {:>8} | {:>6} {:>6}", "keys", "ready s", "idle", "loaded")?;
    for size in [&growth.few, &growth.many] {
        let Size { keys, ready_seconds, idle_bytes, loaded_bytes, encrypt, .. } = size;
        write!(out, "{keys:>7} | {} | ", figures(&medians(encrypt.iter())))?;
        write!(out, "{:>8.3} | ", median(ready_seconds.iter().copied()))?;
        writeln!(out, "{:>6.1} {:>6.1}", megabytes(*idle_bytes), megabytes(*loaded_bytes))?;
    }
    if let Some(creation) = growth.many.creation {
        let (keys, seconds, rate) = (creation.keys, creation.seconds, creation.rate);
        writeln!(out, "CreateKey over 64 connections: {keys} keys in {seconds:.1} s, {rate:.0} a second.")?;
    }
    writeln!(out)
}

fn print_verdicts(out: &mut impl Write, verdicts: &[Verdict]) -> io::Result<()> {
    for Verdict { of, measured, bound, met } in verdicts {
        let word = if *met { "met   " } else { "MISSED" };
        writeln!(out, "{word}  {of}: {measured:.3} ({bound})")?;
    }
    Ok(())
}

/// The heads of a slice's figures.
pub const SLICE_HEADS: &str = "   req/s  p50 µs  p99 µs  CPU µs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), 2.5);
        assert!(median(std::iter::empty()).is_nan());
    }
}
