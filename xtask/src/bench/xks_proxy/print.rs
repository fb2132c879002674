//! The tables of the XKS proxy.

use super::super::report::{SLICE_HEADS, figures, median, medians};
use super::super::target::megabytes;
use super::XksProxy;
use super::beside_bare::BesideBare;
use super::hsm::{self, BesidePeer, Slow};
use super::strain::{self, Beside, Peak};
use std::io::{self, Write};

/// Prints what was measured.
pub fn print(out: &mut impl Write, measured: &XksProxy) -> io::Result<()> {
    if !measured.software.is_empty() {
        print_software(out, &measured.software)?;
    }
    if !measured.hsm.is_empty() {
        print_hsm(out, &measured.hsm)?;
    }
    if !measured.slow_hsm.is_empty() {
        print_slow(out, &measured.slow_hsm)?;
    }
    if !measured.memory.is_empty() {
        print_memory(out, &measured.memory)?;
    }
    if !measured.flood.is_empty() {
        print_flood(out, &measured.flood)?;
    }
    Ok(())
}

fn print_software(out: &mut impl Write, measured: &[BesideBare]) -> io::Result<()> {
    writeln!(
        out,
        "XKS proxy with software keys over TLS, and a bare TLS server that reads and answers as many bytes; medians. Encrypt is of 300\nbytes with an integrity value, for which the proxy decrypts what it answers.\n"
    )?;
    writeln!(
        out,
        "{:<17}{:>5} | {:>32} | {:>32} | of bare",
        "", "con-", "bare server        ", "XKS proxy         "
    )?;
    writeln!(out, "{:<17}{:>5} | {SLICE_HEADS} | {SLICE_HEADS} |  rate   CPU", "call", "nect.")?;
    for beside in measured {
        let bare = figures(&medians(beside.rounds.iter().map(|round| &round.bare)));
        let proxy = figures(&medians(beside.rounds.iter().map(|round| &round.proxy)));
        let (rate, cpu) = (beside.rate_ratio(), beside.cpu_ratio());
        writeln!(
            out,
            "{:<17}{:>5} | {bare} | {proxy} | {rate:>5.2} {cpu:>5.2}",
            beside.call.name(),
            beside.connections
        )?;
    }
    writeln!(out)
}

fn print_hsm(out: &mut impl Write, measured: &[BesidePeer]) -> io::Result<()> {
    writeln!(
        out,
        "XKS proxy on a token of SoftHSM with {} sessions, and the other proxy if one was named; medians.\n",
        hsm::FAST_SESSIONS
    )?;
    writeln!(
        out,
        "{:<17}{:>5} | {:>32} | {:>32} | times",
        "", "con-", "XKS proxy         ", "the other proxy      "
    )?;
    writeln!(out, "{:<17}{:>5} | {SLICE_HEADS} | {SLICE_HEADS} | its rate", "call", "nect.")?;
    for beside in measured {
        let proxy = figures(&medians(beside.rounds.iter().map(|round| &round.proxy)));
        let peer = figures(&medians(beside.rounds.iter().filter_map(|round| round.peer.as_ref())));
        writeln!(
            out,
            "{:<17}{:>5} | {proxy} | {peer} | {:>5.2}",
            beside.call.name(),
            beside.connections,
            beside.rate_ratio()
        )?;
    }
    writeln!(out)
}

fn print_slow(out: &mut impl Write, measured: &[Slow]) -> io::Result<()> {
    let (functions, milliseconds, sessions) = (hsm::SLOW.join(" and "), hsm::MILLISECONDS, hsm::SESSIONS);
    writeln!(
        out,
        "XKS proxy on a token of SoftHSM whose library takes {milliseconds} ms longer for each {functions}, and not for the Init before it;\n{sessions} sessions, {} connections. Such calls a request were counted; the ideal rate is {sessions} sessions / {milliseconds} ms / those calls. Medians.\n",
        hsm::CONNECTIONS
    )?;
    writeln!(out, "{:<17}calls |    ideal | {SLICE_HEADS} | of ideal", "call")?;
    for slow in measured {
        let slice = figures(&medians(slow.rounds.iter()));
        let (calls, ideal, share) = (slow.slow_calls, slow.ideal_rate(), slow.of_ideal());
        writeln!(out, "{:<17}{calls:>5.0} | {ideal:>8.0} | {slice} | {share:>5.2}", slow.call.name())?;
    }
    writeln!(out)
}

fn print_memory(out: &mut impl Write, peaks: &[Peak]) -> io::Result<()> {
    writeln!(out, "Memory of the XKS proxy with software keys: resident MB at first, and at most.\n")?;
    for Peak { of, before, most, done } in peaks {
        writeln!(out, "{:>6.1} {:>6.1}  {of} ({done} times)", megabytes(*before), megabytes(*most))?;
    }
    writeln!(out)
}

fn print_flood(out: &mut impl Write, rounds: &[Beside]) -> io::Result<()> {
    writeln!(
        out,
        "Encrypt over {} connections, alone and beside {} with bad credentials or none; medians.\n",
        strain::GOOD,
        strain::FLOODERS_BESIDE
    )?;
    writeln!(out, "       | {SLICE_HEADS}")?;
    writeln!(out, "alone  | {}", figures(&medians(rounds.iter().map(|round| &round.quiet))))?;
    writeln!(out, "beside | {}", figures(&medians(rounds.iter().map(|round| &round.beside))))?;
    let rate = median(rounds.iter().map(|round| round.flood_rate));
    writeln!(out, "The flood got {rate:.0} answers a second.\n")
}
