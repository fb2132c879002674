//! What the cryptographic operations reach over HTTP, as a share of the raw rate of the same primitive on the same cores; and what
//! operations that take long do to those that do not.

mod primitive;
mod raw;

pub use primitive::Primitive;

use super::cardea::Cardea;
use super::load::{Slice, Window, drive, send_until};
use super::operation::{Operation, encrypt_bodies};
use super::store::remove;
use super::{BenchError, Options, Places, note};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Everything that was measured of cryptography.
#[derive(Debug, Serialize)]
pub struct Crypto {
    /// Each primitive, raw and over HTTP.
    pub shares: Vec<Share>,
    /// `Encrypt` in peace, and beside operations that take long.
    pub crowding: Crowding,
}

/// A primitive, raw and over HTTP.
#[derive(Debug, Serialize)]
pub struct Share {
    /// Which.
    pub primitive: Primitive,
    /// What the rounds showed.
    pub rounds: Vec<ShareRound>,
}

/// A slice of each, one after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ShareRound {
    /// Calls of the library a second, with a thread for each core.
    pub raw_rate: f64,
    /// The operation over HTTP at 16 connections.
    pub http: Slice,
}

/// `Encrypt` over HTTP at 16 connections.
#[derive(Debug, Default, Serialize)]
pub struct Crowding {
    /// Alone.
    pub quiet: Vec<Slice>,
    /// While 4 more clients have `RSA_4096` data key pairs made.
    pub crowded: Vec<Slice>,
    /// How many pairs those got meanwhile, in each round.
    pub pairs: Vec<usize>,
}

impl Crypto {
    /// Measures each primitive raw and over HTTP in turn, in every round.
    pub fn measure(places: &Places, options: &Options) -> Result<Self, BenchError> {
        let data = places.bench.join("crypto");
        remove(&data)?;
        let subject = Subject { cardea: Cardea::start(places, &data)?, window: options.window() };
        let wrapping = subject.new_key("{}")?;
        let mut works = Vec::new();
        for primitive in Primitive::ALL {
            let key =
                primitive.new_key().map_or_else(|| Ok(wrapping.clone()), |body| subject.new_key(&body))?;
            works.push((primitive.bodies(&key), Share { primitive, rounds: Vec::new() }));
        }
        let mut crowding = Crowding::default();
        for round in 1..=options.rounds {
            note(&format!("cryptography, round {round} of {}", options.rounds));
            for (bodies, share) in &mut works {
                share.rounds.push(subject.share(share.primitive, bodies)?);
            }
            subject.crowd(&wrapping, &mut crowding)?;
        }
        Ok(Self { shares: works.into_iter().map(|(_, share)| share).collect(), crowding })
    }
}

/// The service that is measured, and for how long.
struct Subject {
    cardea: Cardea,
    window: Window,
}

impl Subject {
    fn new_key(&self, body: &str) -> Result<String, BenchError> {
        let made = self.cardea.call_all("CreateKey", &[body.to_owned()], 1)?;
        let id = made.first().and_then(|made| made.pointer("/KeyMetadata/KeyId")?.as_str());
        id.map(str::to_owned).ok_or_else(|| BenchError::malformed("an answer", format!("{made:?}")))
    }

    fn share(&self, primitive: Primitive, bodies: &[String]) -> Result<ShareRound, BenchError> {
        let Window { warm_up, measured } = self.window;
        let window = Window { warm_up, measured: measured * primitive.slices() };
        let raw_rate = raw::rate(primitive, window)?;
        let requests = Arc::new(self.cardea.sign(primitive.operation(), bodies)?);
        let servers = self.cardea.server.processes();
        Ok(ShareRound { raw_rate, http: drive(&self.cardea.http, &requests, CONNECTIONS, window, servers)? })
    }

    fn crowd(&self, key: &str, crowding: &mut Crowding) -> Result<(), BenchError> {
        crowding.quiet.push(self.encrypt(key)?);
        let (crowded, pairs) = self.beside_slow_operations(key, || self.encrypt(key))?;
        crowding.crowded.push(crowded);
        crowding.pairs.push(pairs);
        Ok(())
    }

    fn encrypt(&self, key: &str) -> Result<Slice, BenchError> {
        let keys = vec![key.to_owned(); DISTINCT_REQUESTS];
        let signed = self.cardea.sign(Operation::Encrypt.name(), &encrypt_bodies(keys.iter()))?;
        let servers = self.cardea.server.processes();
        drive(&self.cardea.http, &Arc::new(signed), CONNECTIONS, self.window, servers)
    }

    /// What comes of it while some clients ask for what takes longest, over and over; and how often they got it.
    fn beside_slow_operations<T>(
        &self,
        key: &str,
        work: impl FnOnce() -> Result<T, BenchError>,
    ) -> Result<(T, usize), BenchError> {
        let body = format!(r#"{{"KeyId":"{key}","KeyPairSpec":"RSA_4096"}}"#);
        let requests = Arc::new(self.cardea.sign("GenerateDataKeyPair", &[body])?);
        let over = Arc::new(AtomicBool::new(false));
        thread::scope(|scope| {
            let slow = scope.spawn(|| send_until(&self.cardea.http, &requests, SLOW_CLIENTS, &over));
            let worked = work();
            over.store(true, Ordering::Relaxed);
            let answered = slow.join().map_err(|_| BenchError::ThreadLost)??;
            Ok((worked?, answered))
        })
    }
}

const CONNECTIONS: usize = 16;
const DISTINCT_REQUESTS: usize = 256;
const SLOW_CLIENTS: usize = 4;
