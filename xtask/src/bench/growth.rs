//! The same service with few and with many keys: how fast it encrypts, how soon it serves, what memory it takes.

use super::cardea::Cardea;
use super::load::{Slice, drive, send_all};
use super::operation::{Operation, encrypt_bodies};
use super::store::{Creation, Store};
use super::{BenchError, Options, Places, note};
use serde::Serialize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Both sizes, measured in turn.
#[derive(Debug, Serialize)]
pub struct Growth {
    /// With few keys.
    pub few: Size,
    /// With many.
    pub many: Size,
}

/// One size.
#[derive(Debug, Serialize)]
pub struct Size {
    /// How many keys there are.
    pub keys: usize,
    /// How they were made, if in this run.
    pub creation: Option<Creation>,
    /// From the start of the process to its ready line, each start.
    pub ready_seconds: Vec<f64>,
    /// Resident bytes of all processes, before the first request.
    pub idle_bytes: u64,
    /// The same after the load.
    pub loaded_bytes: u64,
    /// `Encrypt` over HTTP at 64 connections, with keys at random from all there are.
    pub encrypt: Vec<Slice>,
}

impl Growth {
    /// Measures both sizes side by side.
    pub fn measure(places: &Places, options: &Options, few: Store) -> Result<Self, BenchError> {
        let many = Store::prepare(places, options.keys, options.reuse)?;
        let requests = many.keys.len();
        let (mut few, mut many) = (Subject::start(places, few)?, Subject::start(places, many)?);
        few.warm_up()?;
        many.warm_up()?;
        for round in 1..=options.rounds {
            note(&format!("growth, round {round} of {}", options.rounds));
            few.round(requests, round, options)?;
            many.round(requests, round, options)?;
        }
        Ok(Self { few: few.done()?, many: many.done()? })
    }
}

/// A running service of one size, and what is known of it so far.
struct Subject {
    cardea: Cardea,
    store: Store,
    size: Size,
}

impl Subject {
    /// Starts it a few times, and leaves it running.
    fn start(places: &Places, store: Store) -> Result<Self, BenchError> {
        let mut ready_seconds = Vec::new();
        let cardea = loop {
            let cardea = Cardea::start(places, &store.data)?;
            ready_seconds.push(cardea.server.ready_after.as_secs_f64());
            if ready_seconds.len() >= STARTS {
                break cardea;
            }
        };
        // Nothing tells when a process has come to rest.
        thread::sleep(REST);
        let size = Size {
            keys: store.keys.len(),
            creation: store.creation,
            ready_seconds,
            idle_bytes: cardea.server.processes().resident()?,
            loaded_bytes: 0,
            encrypt: Vec::new(),
        };
        Ok(Self { cardea, store, size })
    }

    /// Uses every key once.
    fn warm_up(&self) -> Result<(), BenchError> {
        let bodies = encrypt_bodies(self.store.keys.iter());
        let signed = Arc::new(self.cardea.sign(Operation::Encrypt.name(), &bodies)?);
        send_all(&self.cardea.http, &signed, CONNECTIONS).map(drop)
    }

    /// As many distinct requests as there are keys at most, whatever the size, so that the load generator's own memory is
    /// the same for both.
    fn round(&mut self, requests: usize, round: u32, options: &Options) -> Result<(), BenchError> {
        let bodies = encrypt_bodies(at_random(&self.store.keys, u64::from(round)).take(requests));
        let signed = Arc::new(self.cardea.sign(Operation::Encrypt.name(), &bodies)?);
        let servers = self.cardea.server.processes();
        self.size.encrypt.push(drive(&self.cardea.http, &signed, CONNECTIONS, options.window(), servers)?);
        Ok(())
    }

    fn done(mut self) -> Result<Size, BenchError> {
        self.size.loaded_bytes = self.cardea.server.processes().resident()?;
        Ok(self.size)
    }
}

/// Keys drawn uniformly for ever, by SplitMix64: the same draws in every run.
fn at_random(keys: &[String], seed: u64) -> impl Iterator<Item = &String> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
    .filter_map(|drawn| keys.get(usize::try_from(drawn).ok()? % keys.len()))
}

const CONNECTIONS: usize = 64;
const STARTS: usize = 3;
const REST: Duration = Duration::from_secs(1);
