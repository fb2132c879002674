//! `Encrypt` through an external key store, and the same signed requests straight to its proxy, in turn.

use super::super::cardea::Cardea;
use super::super::load::{Slice, drive};
use super::super::operation::{Operation, encrypt_bodies};
use super::super::store::remove;
use super::super::{BenchError, Options, Places, note};
use super::custom_key_store::{CustomKeyStore, new_key};
use super::proxy::{Proxy, REMEMBERED, Seen};
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Both with so many connections.
#[derive(Debug, Serialize)]
pub struct Beside {
    /// How many, each with one request in flight.
    pub connections: usize,
    /// What the rounds showed.
    pub rounds: Vec<Round>,
}

/// A slice of each, one after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// The proxy, asked by the load generator over TLS. CPU is the proxy's.
    pub straight: Slice,
    /// Cardea over HTTP, with a key in the store. CPU is Cardea's.
    pub through: Slice,
    /// The same with a native key.
    pub native: Slice,
}

/// Measures every number of connections in every round.
pub fn measure(places: &Places, options: &Options) -> Result<Vec<Beside>, BenchError> {
    let directory = places.bench.join("xks-stores");
    remove(&directory)?;
    fs::create_dir_all(&directory).map_err(BenchError::io("make a directory"))?;
    let proxy = Proxy::start(places, &directory.join("proxy"))?;
    let places = with_proxies(places, &directory, &[&proxy])?;
    let cardea = Cardea::start(&places, &directory.join("data"))?;
    let store = CustomKeyStore::connected(&cardea, "bench", &proxy.as_custom_key_store())?;
    let subject = Subject {
        key: store.new_key(&Proxy::key())?,
        native_key: new_key(&cardea, &json!({}))?,
        cardea: &cardea,
        proxy: &proxy,
    };
    let seen = subject.seen()?;
    let mut measured: Vec<_> = options
        .connections()
        .into_iter()
        .map(|connections| Beside { connections, rounds: Vec::new() })
        .collect();
    for round in 1..=options.rounds {
        note(&format!("external key stores, round {round} of {}", options.rounds));
        for Beside { connections, rounds } in &mut measured {
            rounds.push(subject.round(&seen, *connections, options)?);
        }
    }
    Ok(measured)
}

/// The places with a configuration for Cardea that knows those proxies, beside what it has already.
pub fn with_proxies(places: &Places, directory: &Path, proxies: &[&Proxy]) -> Result<Places, BenchError> {
    let files: Vec<_> = proxies.iter().map(|proxy| proxy.ca().display().to_string()).collect();
    // More than can be reached: the quota is not what is measured.
    let text =
        format!("[custom_key_stores]\nrequests_per_second = 1000000\n\n[xks]\nextra_ca_files = {files:?}\n");
    places.with_more_config(directory, &text)
}

struct Subject<'a> {
    cardea: &'a Cardea,
    proxy: &'a Proxy,
    key: String,
    native_key: String,
}

impl Subject<'_> {
    /// What Cardea asks the proxy for an `Encrypt` of 32 bytes.
    fn seen(&self) -> Result<Vec<Seen>, BenchError> {
        self.cardea.call_all(Operation::Encrypt.name(), &bodies(&self.key, REMEMBERED), 1)?;
        let seen = self.proxy.seen()?;
        match seen.len() {
            0 => Err(BenchError::malformed("what the proxy has seen", "no request to encrypt")),
            _ => Ok(seen),
        }
    }

    fn round(&self, seen: &[Seen], connections: usize, options: &Options) -> Result<Round, BenchError> {
        let window = options.window();
        let requests = Arc::new(self.proxy.sign(seen, &self.cardea.caller.region)?);
        let processes = self.proxy.server.processes();
        let straight = drive(&self.proxy.endpoint, &requests, connections, window, processes)?;
        let encrypt = |key: &str| {
            let signed = self.cardea.sign(Operation::Encrypt.name(), &bodies(key, DISTINCT_REQUESTS))?;
            let processes = self.cardea.server.processes();
            drive(&self.cardea.http, &Arc::new(signed), connections, window, processes)
        };
        Ok(Round { straight, through: encrypt(&self.key)?, native: encrypt(&self.native_key)? })
    }
}

fn bodies(key: &str, count: usize) -> Vec<String> {
    encrypt_bodies(vec![key.to_owned(); count].iter())
}

const DISTINCT_REQUESTS: usize = 256;
