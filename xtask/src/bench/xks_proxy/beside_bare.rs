//! The proxy with the software key manager, and a bare TLS server that reads the same bytes and answers as many, in turn.

use super::super::bare::Bare;
use super::super::load::{Slice, drive};
use super::super::{BenchError, Options, Places, note};
use super::api::Call;
use super::rig::{Folder, Proxy};
use serde::Serialize;
use std::sync::Arc;

/// One call over so many connections.
#[derive(Debug, Serialize)]
pub struct BesideBare {
    /// The call.
    pub call: Call,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// What the rounds showed.
    pub rounds: Vec<Round>,
}

/// A slice of each server, one after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// The bare server.
    pub bare: Slice,
    /// The proxy.
    pub proxy: Slice,
}

/// Measures every number of connections in every round.
pub fn measure(places: &Places, options: &Options) -> Result<Vec<BesideBare>, BenchError> {
    let folder = Folder::new(places, places.bench.join("xks-proxy-software"))?;
    let proxy = folder.start(&folder.software()?)?;
    let bare = Bare::start(&places.this, folder.path(), &folder.path().join("bare.log"))?;
    let cell = |(call, connections)| BesideBare { call, connections, rounds: Vec::new() };
    let calls = [Call::Encrypt, Call::Decrypt].into_iter();
    let cells = calls.flat_map(|call| options.connections().into_iter().map(move |number| (call, number)));
    let mut measured: Vec<_> = cells.map(cell).collect();
    for round in 1..=options.rounds {
        note(&format!("XKS proxy beside a bare server, round {round} of {}", options.rounds));
        for BesideBare { call, connections, rounds } in &mut measured {
            rounds.push(one_round(&proxy, &bare, *call, *connections, options)?);
        }
    }
    Ok(measured)
}

fn one_round(
    proxy: &Proxy,
    bare: &Bare,
    call: Call,
    connections: usize,
    options: &Options,
) -> Result<Round, BenchError> {
    let requests = proxy.api.requests(call)?;
    let asked_of_bare = Arc::new(requests.for_bare(proxy.api.answer_length(call)?));
    let window = options.window();
    Ok(Round {
        bare: drive(&bare.https, &asked_of_bare, connections, window, bare.server.processes())?,
        proxy: drive(
            &proxy.api.endpoint,
            &Arc::new(requests),
            connections,
            window,
            proxy.server.processes(),
        )?,
    })
}
