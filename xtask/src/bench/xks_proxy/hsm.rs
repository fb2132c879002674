//! The proxy with a token of SoftHSM: beside another proxy, and with a library that takes its time.

use super::super::load::{Slice, drive};
use super::super::stores::{PIN, SoftHsm};
use super::super::{BenchError, Options, Places, note};
use super::api::{Api, Call};
use super::rig::{Folder, KEY, Proxy};
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The proxy on SoftHSM, and another one.
#[derive(Debug, Serialize)]
pub struct BesidePeer {
    /// The call.
    pub call: Call,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// What the rounds showed.
    pub rounds: Vec<Round>,
}

/// A slice of each, one after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// The proxy.
    pub proxy: Slice,
    /// The other one, if it was named. Its processor time is not known.
    pub peer: Option<Slice>,
}

/// The proxy with a slow library.
#[derive(Debug, Serialize)]
pub struct Slow {
    /// The call.
    pub call: Call,
    /// How many calls of the library that take so long are made for a request, by count.
    pub slow_calls: f64,
    /// What the rounds showed.
    pub rounds: Vec<Slice>,
}

impl Slow {
    /// What the sessions could do if they were never idle.
    pub fn ideal_rate(&self) -> f64 {
        SESSIONS as f64 * 1e3 / (MILLISECONDS as f64 * self.slow_calls)
    }
}

/// Measures both proxies in every round.
pub fn beside_peer(places: &Places, options: &Options) -> Result<Vec<BesidePeer>, BenchError> {
    let peer = options.peer.api()?;
    let token = Token::new(places, "xks-proxy-hsm", FAST_SESSIONS)?;
    let proxy = token.start(&SoftHsm::library()?, &[])?;
    let cell = |(call, connections)| BesidePeer { call, connections, rounds: Vec::new() };
    let calls = [Call::Encrypt, Call::Decrypt].into_iter();
    let cells = calls.flat_map(|call| options.connections().into_iter().map(move |number| (call, number)));
    let mut measured: Vec<_> = cells.map(cell).collect();
    for round in 1..=options.rounds {
        note(&format!("XKS proxy on SoftHSM, round {round} of {}", options.rounds));
        for BesidePeer { call, connections, rounds } in &mut measured {
            let slice = |api: &Api, processes| {
                let requests = Arc::new(api.requests(*call)?);
                drive(&api.endpoint, &requests, *connections, options.window(), processes)
            };
            let unknown = super::super::cpu::Processes::unknown();
            rounds.push(Round {
                peer: peer.as_ref().map(|peer| slice(peer, &unknown)).transpose()?,
                proxy: slice(&proxy.api, &proxy.server.processes_now()?)?,
            });
        }
    }
    Ok(measured)
}

/// Measures with the library that injects faults.
pub fn slow(places: &Places, options: &Options) -> Result<Vec<Slow>, BenchError> {
    let token = Token::new(places, "xks-proxy-slow-hsm", SESSIONS)?;
    token.hsm.faults(&SLOW.map(|function| format!("* {function} delay {MILLISECONDS}\n")).concat())?;
    let library = places.program("libfaulty_pkcs11.so");
    let calls = [Call::EncryptOnly, Call::Decrypt, Call::Encrypt];
    let mut measured = calls
        .into_iter()
        .map(|call| {
            let slow_calls = token.slow_calls(&library, call)?;
            Ok(Slow { call, slow_calls, rounds: Vec::new() })
        })
        .collect::<Result<Vec<_>, BenchError>>()?;
    let proxy = token.start(&library, &[])?;
    for round in 1..=options.rounds {
        note(&format!("XKS proxy on a slow HSM, round {round} of {}", options.rounds));
        for Slow { call, rounds, .. } in &mut measured {
            let requests = Arc::new(proxy.api.requests(*call)?);
            let processes = proxy.server.processes_now()?;
            rounds.push(drive(&proxy.api.endpoint, &requests, CONNECTIONS, options.window(), &processes)?);
        }
    }
    Ok(measured)
}

/// A token with an external key and one to try it out, and the files of a proxy.
struct Token {
    hsm: SoftHsm,
    folder: Folder,
    sessions: u32,
}

impl Token {
    fn new(places: &Places, name: &str, sessions: u32) -> Result<Self, BenchError> {
        let folder = Folder::new(places, places.bench.join(name))?;
        let hsm = SoftHsm::with(&folder.path().join("hsm"), [LABEL])?;
        hsm.import_key(LABEL, KEY, &folder.write("key", "0123456789abcdef0123456789abcdef")?)?;
        hsm.import_key(LABEL, TEST_KEY, &folder.write("test-key", "fedcba9876543210fedcba9876543210")?)?;
        folder.write("pin", PIN)?;
        Ok(Self { hsm, folder, sessions })
    }

    fn start(&self, library: &Path, more: &[(&str, &Path)]) -> Result<Proxy, BenchError> {
        let mut text = format!(
            "kind = 'pkcs11'\nlibrary = {library:?}\ntokens = ['{LABEL}']\npin_file = 'pin'\ntest_key = '{TEST_KEY}'\nsessions = {}\n\n[key_manager.environment]\n",
            self.sessions
        );
        let environment = self.hsm.environment()?;
        environment.iter().for_each(|(name, value)| text += &format!("{name} = {value:?}\n"));
        more.iter().for_each(|(name, value)| text += &format!("{name} = {value:?}\n"));
        self.folder.start(&text)
    }

    /// What a proxy of its own notes of a hundred requests, those besides that it makes to see whether the token is there.
    fn slow_calls(&self, library: &Path, call: Call) -> Result<f64, BenchError> {
        let calls = self.folder.path().join("calls");
        let proxy = self.start(library, &[("FAULTY_PKCS11_CALLS", &calls)])?;
        let requests = Arc::new(proxy.api.requests(call)?);
        // The library is loaded by the first call, at the latest.
        proxy.api.answer_length(call)?;
        let count = || {
            let text = fs::read_to_string(&calls).map_err(BenchError::io("read the calls of a library"))?;
            Ok::<_, BenchError>(text.lines().filter(|line| SLOW.contains(line)).count())
        };
        let before = count()?;
        super::super::load::send_all(&proxy.api.endpoint, &requests, 1)?;
        let made = count()?.saturating_sub(before) as f64 / requests.len() as f64;
        fs::remove_file(&calls).map_err(BenchError::io("remove a file"))?;
        Ok(made.round())
    }
}

/// Of the two calls of an operation, the one that a network HSM has to travel for; an `Init` is done by its library.
pub const SLOW: [&str; 2] = ["C_Encrypt", "C_Decrypt"];
/// How long each of those takes, at least.
pub const MILLISECONDS: u32 = 3;
/// Sessions with the slow token.
pub const SESSIONS: u32 = 16;
/// Sessions with the fast one: SoftHSM computes on our own cores, and more threads in it wait for its locks.
pub const FAST_SESSIONS: u32 = 8;
/// More than sessions, so that none is idle; no more than that, for a token that falls behind is given fewer calls.
pub const CONNECTIONS: usize = 32;
const LABEL: &str = "bench";
const TEST_KEY: &str = "health";
