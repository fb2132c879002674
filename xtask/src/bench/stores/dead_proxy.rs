//! `Encrypt` with a native key, alone and while others keep asking for a key in a store whose proxy never answers; and what those
//! others get.

use super::super::cardea::Cardea;
use super::super::connection::{Connection, Endpoint};
use super::super::load::{Slice, drive, runtime};
use super::super::operation::{Operation, encrypt_bodies};
use super::super::request::Requests;
use super::super::store::remove;
use super::super::{BenchError, Options, Places, note};
use super::custom_key_store::{CustomKeyStore, new_key};
use super::latencies::Latencies;
use super::proxy::Proxy;
use super::xks::with_proxies;
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// With so many connections to native keys.
#[derive(Debug, Serialize)]
pub struct DeadProxy {
    /// How many, each with one request in flight.
    pub connections: usize,
    /// What the rounds showed.
    pub rounds: Vec<Round>,
}

/// One after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// Native keys alone.
    pub quiet: Slice,
    /// Native keys while others ask for the dead store.
    pub beside: Slice,
    /// What those others met while the circuit was closed: calls that began before the first one ended that failed at once.
    pub closed: Latencies,
    /// What they met from then on.
    pub open: Latencies,
    /// What they met afterwards, when nobody else asked for anything.
    pub open_alone: Latencies,
    /// From when the proxy answered again until a call with the store's key succeeded.
    pub back_after_ms: f64,
}

/// Measures every number of connections in every round.
pub fn measure(places: &Places, options: &Options) -> Result<Vec<DeadProxy>, BenchError> {
    let directory = places.bench.join("dead-proxy");
    remove(&directory)?;
    fs::create_dir_all(&directory).map_err(BenchError::io("make a directory"))?;
    let proxy = Proxy::start(places, &directory.join("proxy"))?;
    let places = with_proxies(places, &directory, &[&proxy])?;
    let cardea = Cardea::start(&places, &directory.join("data"))?;
    let store = CustomKeyStore::connected(&cardea, "dead", &proxy.as_custom_key_store())?;
    let subject = Subject {
        key: store.new_key(&Proxy::key())?,
        native_key: new_key(&cardea, &json!({}))?,
        cardea: &cardea,
        proxy: &proxy,
        options,
    };
    subject.await_answer()?;
    let numbers = options.connections().into_iter().filter(|connections| *connections > 1);
    let mut measured: Vec<_> =
        numbers.map(|connections| DeadProxy { connections, rounds: Vec::new() }).collect();
    for round in 1..=options.rounds {
        note(&format!("a proxy that never answers, round {round} of {}", options.rounds));
        for DeadProxy { connections, rounds } in &mut measured {
            rounds.push(subject.round(*connections)?);
        }
    }
    Ok(measured)
}

struct Subject<'a> {
    cardea: &'a Cardea,
    proxy: &'a Proxy,
    key: String,
    native_key: String,
    options: &'a Options,
}

impl Subject<'_> {
    fn round(&self, connections: usize) -> Result<Round, BenchError> {
        let quiet = self.native(connections)?;
        self.proxy.command(&json!({ "inject": { "fault": "never_answer" } }))?;
        let (beside, asked) = self.beside_the_dead_store(|| self.native(connections))?;
        let (closed, open) = split(&asked);
        let (_, open_alone) = split(&self.dead_store_alone()?);
        self.proxy.command(&json!("clear_faults"))?;
        let began = Instant::now();
        self.await_answer()?;
        let back_after_ms = began.elapsed().as_secs_f64() * 1e3;
        Ok(Round { quiet, beside, closed, open, open_alone, back_after_ms })
    }

    fn native(&self, connections: usize) -> Result<Slice, BenchError> {
        let requests = Arc::new(self.encrypt(&self.native_key)?);
        let servers = self.cardea.server.processes();
        drive(&self.cardea.http, &requests, connections, self.options.window(), servers)
    }

    fn encrypt(&self, key: &str) -> Result<Requests, BenchError> {
        let keys = vec![key.to_owned(); DISTINCT_REQUESTS];
        self.cardea.sign(Operation::Encrypt.name(), &encrypt_bodies(keys.iter()))
    }

    /// What comes of it while others ask for the store's key over and over, from when the load is warm; and what they met.
    fn beside_the_dead_store<T>(
        &self,
        work: impl FnOnce() -> Result<T, BenchError>,
    ) -> Result<(T, Vec<Asked>), BenchError> {
        let requests = Arc::new(self.encrypt(&self.key)?);
        let over = Arc::new(AtomicBool::new(false));
        thread::scope(|scope| {
            let others = scope.spawn(|| {
                thread::sleep(self.options.window().warm_up);
                ask_until(&self.cardea.http, &requests, &over)
            });
            let worked = work();
            over.store(true, Ordering::Relaxed);
            let asked = others.join().map_err(|_| BenchError::ThreadLost)??;
            Ok((worked?, asked))
        })
    }

    fn dead_store_alone(&self) -> Result<Vec<Asked>, BenchError> {
        let window = self.options.window();
        let wait = || {
            thread::sleep(window.warm_up + window.measured);
            Ok(())
        };
        self.beside_the_dead_store(wait).map(|((), asked)| asked)
    }

    /// Waits until a call with the store's key succeeds.
    fn await_answer(&self) -> Result<(), BenchError> {
        let requests = Arc::new(self.encrypt(&self.key)?);
        let began = Instant::now();
        runtime()?.block_on(async {
            let mut connection = Connection::open(&self.cardea.http).await?;
            loop {
                let request = requests.at(0).unwrap_or_default();
                match connection.exchange(request).await {
                    Ok(_) => return Ok(()),
                    Err(error) if !is_of_the_store(&error) || began.elapsed() > BACK_WITHIN => {
                        return Err(error);
                    }
                    Err(_) => tokio::time::sleep(ASK_AGAIN).await,
                }
            }
        })
    }
}

/// A call that failed because of the store.
#[derive(Clone, Copy, Debug)]
struct Asked {
    began: Instant,
    ended: Instant,
}

impl Asked {
    fn took(&self) -> Duration {
        self.ended.duration_since(self.began)
    }
}

/// The calls of each state of the circuit.
fn split(asked: &[Asked]) -> (Latencies, Latencies) {
    let at_once = asked.iter().filter(|call| call.took() < AT_ONCE).map(|call| call.ended).min();
    let (open, closed): (Vec<_>, Vec<_>) =
        asked.iter().partition(|call| at_once.is_some_and(|opened| call.began >= opened));
    let times = |calls: Vec<&Asked>| Latencies::of(calls.into_iter().map(Asked::took).collect());
    (times(closed), times(open))
}

fn ask_until(
    endpoint: &Endpoint,
    requests: &Arc<Requests>,
    over: &Arc<AtomicBool>,
) -> Result<Vec<Asked>, BenchError> {
    runtime()?.block_on(async {
        let mut others = JoinSet::new();
        for number in 0..OTHERS {
            let connection = Connection::open(endpoint).await?;
            others.spawn(ask_in_turn(connection, Arc::clone(requests), number, Arc::clone(over)));
        }
        let mut asked = Vec::new();
        while let Some(other) = others.join_next().await {
            asked.append(&mut other.map_err(|_| BenchError::ThreadLost)??);
        }
        Ok(asked)
    })
}

/// One client: a call whenever it is its turn and the one before has ended.
async fn ask_in_turn(
    mut connection: Connection,
    requests: Arc<Requests>,
    number: usize,
    over: Arc<AtomicBool>,
) -> Result<Vec<Asked>, BenchError> {
    let mut asked = Vec::new();
    let mut turns = tokio::time::interval_at(first_turn(number).into(), PACE);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !over.load(Ordering::Relaxed) {
        turns.tick().await;
        let began = Instant::now();
        let request = requests.at((number + asked.len()) % requests.len()).unwrap_or_default();
        match connection.exchange(request).await {
            Err(error) if is_of_the_store(&error) => asked.push(Asked { began, ended: Instant::now() }),
            Err(error) => return Err(error),
            Ok(_) => return Err(BenchError::malformed("a dead proxy", "it answered")),
        }
    }
    Ok(asked)
}

/// The turns of all clients are spread over the pace, so that they do not come in bursts.
fn first_turn(number: usize) -> Instant {
    let clients = u32::try_from(OTHERS).unwrap_or(u32::MAX);
    Instant::now() + PACE * u32::try_from(number).unwrap_or(0) / clients
}

fn is_of_the_store(error: &BenchError) -> bool {
    matches!(error, BenchError::Answer { status: 400, body } if body.contains("KMSInvalidStateException"))
}

/// Clients that ask for the dead store.
pub const OTHERS: usize = 64;
/// How often each of them asks, if it is answered in time: together 640 calls a second, and nearly each costs Cardea what one with a
/// native key costs.
pub const PACE: Duration = Duration::from_millis(100);
/// No try of a proxy ends as early by itself.
const AT_ONCE: Duration = Duration::from_millis(100);
const DISTINCT_REQUESTS: usize = 256;
const BACK_WITHIN: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_belong_to_the_open_circuit_from_the_first_that_failed_at_once() {
        let zero = Instant::now();
        let call = |began: u64, took: u64| {
            let began = zero + Duration::from_millis(began);
            Asked { began, ended: began + Duration::from_millis(took) }
        };
        let (closed, open) = split(&[call(0, 500), call(10, 500), call(260, 2), call(263, 3), call(300, 90)]);
        assert_eq!((closed.calls, closed.max_ms.round()), (3, 500.0));
        assert_eq!((open.calls, open.max_ms.round()), (2, 90.0));
        let (closed, open) = split(&[call(0, 500)]);
        assert_eq!((closed.calls, open.calls), (1, 0));
    }
}
