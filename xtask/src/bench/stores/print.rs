//! The tables of custom key stores.

use super::super::report::{SLICE_HEADS, figures, median, medians};
use super::Stores;
use super::dead_proxy::{DeadProxy, OTHERS, PACE};
use super::hsm::{CALLS, Cluster};
use super::latencies::Latencies;
use super::xks::Beside;
use std::io::{self, Write};

/// Prints what was measured.
pub fn print(out: &mut impl Write, stores: &Stores) -> io::Result<()> {
    if !stores.xks.is_empty() {
        print_xks(out, &stores.xks)?;
    }
    if !stores.dead_proxy.is_empty() {
        print_dead_proxy(out, &stores.dead_proxy)?;
    }
    if !stores.hsm.is_empty() {
        print_hsm(out, &stores.hsm)?;
    }
    Ok(())
}

fn print_xks(out: &mut impl Write, measured: &[Beside]) -> io::Result<()> {
    writeln!(
        out,
        "External key stores: Encrypt over HTTP with a key in a store and with a native key (CPU is Cardea's), and the"
    )?;
    writeln!(
        out,
        "requests that Cardea makes of it sent straight to the proxy over TLS (CPU is the proxy's); medians.\n"
    )?;
    writeln!(
        out,
        "{:>5} | {:>32} | {:>32} | {:>32} |  of straight",
        "con-", "straight to the proxy   ", "through the store     ", "native key        "
    )?;
    writeln!(out, "nect. | {SLICE_HEADS} | {SLICE_HEADS} | {SLICE_HEADS} |  rate  p50 ms more")?;
    for beside in measured {
        let slice = |of: fn(&super::xks::Round) -> &super::super::load::Slice| {
            figures(&medians(beside.rounds.iter().map(of)))
        };
        let (straight, through) = (slice(|round| &round.straight), slice(|round| &round.through));
        let native = slice(|round| &round.native);
        write!(out, "{:>5} | {straight} | {through} | {native} | ", beside.connections)?;
        writeln!(out, "{:>5.2} {:>8.3}", beside.rate_ratio(), beside.added_ms())?;
    }
    writeln!(out)
}

fn print_dead_proxy(out: &mut impl Write, measured: &[DeadProxy]) -> io::Result<()> {
    writeln!(
        out,
        "Encrypt with native keys, alone and beside {OTHERS} clients of a store whose proxy never answers, each of which asks every {} ms\nunless it waits for an answer; and what those get, in ms, of all rounds.\n",
        PACE.as_millis()
    )?;
    writeln!(out, "connections    | {SLICE_HEADS}")?;
    for dead in measured {
        let quiet = figures(&medians(dead.rounds.iter().map(|round| &round.quiet)));
        let beside = figures(&medians(dead.rounds.iter().map(|round| &round.beside)));
        writeln!(
            out,
            "{:>5} alone    | {quiet}\n{:>5} beside   | {beside}",
            dead.connections, dead.connections
        )?;
        print_latencies(out, "circuit closed", dead.rounds.iter().map(|round| round.closed))?;
        print_latencies(out, "circuit open", dead.rounds.iter().map(|round| round.open))?;
        print_latencies(out, "open, alone", dead.rounds.iter().map(|round| round.open_alone))?;
        writeln!(
            out,
            "      the store is back {:.0} ms after its proxy",
            dead.of(|round| round.back_after_ms)
        )?;
    }
    writeln!(out)
}

fn print_latencies(
    out: &mut impl Write,
    what: &str,
    rounds: impl Iterator<Item = Latencies> + Clone,
) -> io::Result<()> {
    let calls: usize = rounds.clone().map(|round| round.calls).sum();
    let of = |figure: fn(Latencies) -> f64| median(rounds.clone().map(figure));
    let max = rounds.clone().map(|round| round.max_ms).reduce(f64::max).unwrap_or(f64::NAN);
    let (p50, p99) = (of(|round| round.p50_ms), of(|round| round.p99_ms));
    writeln!(out, "      {what:<15} {calls:>7} calls, p50 {p50:.3}, p99 {p99:.3}, max {max:.3}")
}

fn print_hsm(out: &mut impl Write, measured: &[Cluster]) -> io::Result<()> {
    writeln!(
        out,
        "HSM clusters of two tokens, {CALLS} calls in flight: C_EncryptInit and C_Encrypt called directly from as many sessions, the key\nstores (CPU is that of the PKCS#11 processes), and Encrypt over HTTP (CPU of all processes); medians.\n"
    )?;
    writeln!(
        out,
        "{:<20} sessions |   direct/s  CPU µs | {:>32} | {:>32} | of direct",
        "", "key stores         ", "over HTTP         "
    )?;
    writeln!(out, "{:<29} | {:18} | {SLICE_HEADS} | {SLICE_HEADS} | stores  HTTP", "", "")?;
    for cluster in measured {
        let rounds = || cluster.rounds.iter();
        let direct = median(rounds().map(|round| round.direct_rate));
        let cpu = median(rounds().map(|round| round.direct_cpu_us));
        let kind = cluster.kind;
        write!(
            out,
            "{:<20} {:>8} | {direct:>10.0} {cpu:>7.2} | ",
            kind.name,
            kind.sessions * kind.tokens.len()
        )?;
        let boundary = figures(&medians(rounds().map(|round| &round.boundary)));
        let http = figures(&medians(rounds().map(|round| &round.http)));
        let of_direct = |rate| cluster.of_direct(rate);
        writeln!(
            out,
            "{boundary} | {http} | {:>6.2} {:>5.2}",
            of_direct(|round| round.boundary.rate),
            of_direct(|round| round.http.rate)
        )?;
    }
    writeln!(out)
}
