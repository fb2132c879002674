//! The load: so many clients, each with one call in flight, on as many threads of our own as there are cores.
//!
//! Calls that end inside the window count; what connecting, shaking hands, signing and warming up cost does not.

use super::BenchError;
use super::connection::{Connection, Endpoint};
use super::cpu::Processes;
use super::request::Requests;
use serde::Serialize;
use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How long a slice of load is.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Before anything counts.
    pub warm_up: Duration,
    /// Then this long.
    pub measured: Duration,
}

/// What one slice of load showed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Slice {
    /// Calls a second.
    pub rate: f64,
    /// Half of the calls took at most these microseconds.
    pub p50_us: f64,
    /// 99 of 100 calls took at most these microseconds.
    pub p99_us: f64,
    /// Microseconds of processor time a call, over all processes of the server.
    pub cpu_us: f64,
    /// The same for the load generator.
    pub generator_cpu_us: f64,
}

/// Somebody with one call in flight.
pub trait Client: Send + 'static {
    /// Makes one call and waits for its answer.
    fn call(&mut self) -> impl Future<Output = Result<(), BenchError>> + Send;
}

/// Loads a server over so many connections.
pub fn drive(
    endpoint: &Endpoint,
    requests: &Arc<Requests>,
    connections: usize,
    window: Window,
    servers: &Processes,
) -> Result<Slice, BenchError> {
    let open = async |share: Range<usize>| {
        let mut clients = Vec::with_capacity(share.len());
        for number in share {
            // Spread over the list, so that no two connections send the same at the same time.
            let next = number * requests.len() / connections;
            let connection = Connection::open(endpoint).await?;
            clients.push(Sender { connection, requests: Arc::clone(requests), next });
        }
        Ok(clients)
    };
    measure(connections, window, servers, open)
}

/// Has so many clients call as fast as they can. Each thread opens its own share of them.
pub fn measure<C: Client>(
    clients: usize,
    window: Window,
    servers: &Processes,
    open: impl AsyncFn(Range<usize>) -> Result<Vec<C>, BenchError> + Sync,
) -> Result<Slice, BenchError> {
    let shares = shares(clients);
    let (opened, start, over) =
        (Barrier::new(shares.len() + 1), OnceLock::new(), Arc::new(AtomicBool::new(false)));
    thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| {
                scope.spawn(|| {
                    let runtime = runtime()?;
                    let clients = runtime.block_on(open(share));
                    opened.wait();
                    call_until_over(&runtime, clients?, Span::of(*start.wait(), window), &over)
                })
            })
            .collect();
        opened.wait();
        let span = Span::of(*start.get_or_init(Instant::now), window);
        // The load goes on until all is read, so that what is read is of servers under load.
        let spent = Spent::during(span, servers);
        over.store(true, Ordering::Relaxed);
        let mut latencies = Vec::new();
        for thread in threads {
            latencies.append(&mut thread.join().map_err(|_| BenchError::ThreadLost)??);
        }
        Ok(Slice::of(latencies, window.measured, spent?))
    })
}

/// Sends every request once, over so many connections, and gives the bodies of the answers in the requests' order.
pub fn send_all(
    endpoint: &Endpoint,
    requests: &Arc<Requests>,
    connections: usize,
) -> Result<Vec<Vec<u8>>, BenchError> {
    runtime()?.block_on(async {
        let next = Arc::new(AtomicUsize::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..connections.min(requests.len()) {
            let connection = Connection::open(endpoint).await?;
            senders.spawn(send_next(connection, Arc::clone(requests), Arc::clone(&next)));
        }
        let mut answers = Vec::with_capacity(requests.len());
        while let Some(sent) = senders.join_next().await {
            answers.append(&mut sent.map_err(|_| BenchError::ThreadLost)??);
        }
        answers.sort_unstable_by_key(|(number, _)| *number);
        Ok(answers.into_iter().map(|(_, body)| body).collect())
    })
}

/// Sends the list round and round over so many connections until it is over, and says how many requests were answered.
pub fn send_until(
    endpoint: &Endpoint,
    requests: &Arc<Requests>,
    connections: usize,
    over: &Arc<AtomicBool>,
) -> Result<usize, BenchError> {
    runtime()?.block_on(async {
        let mut senders = JoinSet::new();
        for number in 0..connections {
            let next = number * requests.len() / connections;
            let connection = Connection::open(endpoint).await?;
            let sender = Sender { connection, requests: Arc::clone(requests), next };
            senders.spawn(count_until(sender, Arc::clone(over)));
        }
        let mut answered = 0;
        while let Some(counted) = senders.join_next().await {
            answered += counted.map_err(|_| BenchError::ThreadLost)??;
        }
        Ok(answered)
    })
}

async fn count_until(mut sender: Sender, over: Arc<AtomicBool>) -> Result<usize, BenchError> {
    let mut calls = 0;
    while !over.load(Ordering::Relaxed) {
        sender.call().await?;
        calls += 1;
    }
    Ok(calls)
}

async fn send_next(
    mut connection: Connection,
    requests: Arc<Requests>,
    next: Arc<AtomicUsize>,
) -> Result<Vec<(usize, Vec<u8>)>, BenchError> {
    let mut answers = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.at(number) else { return Ok(answers) };
        answers.push((number, connection.exchange(request).await?.to_vec()));
    }
}

/// A connection that sends the list round and round.
struct Sender {
    connection: Connection,
    requests: Arc<Requests>,
    next: usize,
}

impl Client for Sender {
    async fn call(&mut self) -> Result<(), BenchError> {
        let request = self.requests.at(self.next).unwrap_or_default();
        self.next = (self.next + 1) % self.requests.len();
        self.connection.exchange(request).await.map(drop)
    }
}

/// From when to when calls count.
#[derive(Clone, Copy)]
struct Span {
    from: Instant,
    to: Instant,
}

impl Span {
    fn of(start: Instant, window: Window) -> Self {
        let from = start + window.warm_up;
        Self { from, to: from + window.measured }
    }
}

/// Processor nanoseconds a second.
struct Spent {
    servers: f64,
    generator: f64,
}

impl Spent {
    /// Waits for the span's beginning and its end. Reading takes time, so it is divided by what really passed.
    fn during(span: Span, servers: &Processes) -> Result<Self, BenchError> {
        let generator = Processes::this();
        sleep_until(span.from);
        let (began, servers_before, generator_before) = (Instant::now(), servers.cpu()?, generator.cpu()?);
        sleep_until(span.to);
        let seconds = began.elapsed().as_secs_f64();
        let servers = servers.cpu()?.since(&servers_before) as f64 / seconds;
        Ok(Self { servers, generator: generator.cpu()?.since(&generator_before) as f64 / seconds })
    }
}

impl Slice {
    fn of(mut latencies: Vec<u32>, measured: Duration, spent: Spent) -> Self {
        latencies.sort_unstable();
        let rate = latencies.len() as f64 / measured.as_secs_f64();
        let at =
            |hundredth: usize| latencies.get(latencies.len() * hundredth / 100).copied().unwrap_or_default();
        Self {
            rate,
            p50_us: f64::from(at(50)) / 1e3,
            p99_us: f64::from(at(99)) / 1e3,
            cpu_us: spent.servers / rate / 1e3,
            generator_cpu_us: spent.generator / rate / 1e3,
        }
    }
}

fn call_until_over<C: Client>(
    runtime: &Runtime,
    clients: Vec<C>,
    span: Span,
    over: &Arc<AtomicBool>,
) -> Result<Vec<u32>, BenchError> {
    runtime.block_on(async {
        let mut callers: JoinSet<_> =
            clients.into_iter().map(|client| call_in_turn(client, span, Arc::clone(over))).collect();
        let mut latencies = Vec::new();
        while let Some(called) = callers.join_next().await {
            latencies.append(&mut called.map_err(|_| BenchError::ThreadLost)??);
        }
        Ok(latencies)
    })
}

/// The nanoseconds of each call that ended in the span.
async fn call_in_turn<C: Client>(
    mut client: C,
    span: Span,
    over: Arc<AtomicBool>,
) -> Result<Vec<u32>, BenchError> {
    let mut latencies = Vec::new();
    let mut began = Instant::now();
    while !over.load(Ordering::Relaxed) {
        client.call().await?;
        let ended = Instant::now();
        if (span.from..span.to).contains(&ended) {
            latencies.push(u32::try_from((ended - began).as_nanos()).unwrap_or(u32::MAX));
        }
        began = ended;
    }
    Ok(latencies)
}

/// The numbers of the clients, divided among as many threads as there are cores.
fn shares(clients: usize) -> Vec<Range<usize>> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(clients);
    (0..threads).map(|thread| thread * clients / threads..(thread + 1) * clients / threads).collect()
}

/// For one thread.
pub fn runtime() -> Result<Runtime, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    runtime.map_err(BenchError::io("start a runtime"))
}

fn sleep_until(then: Instant) {
    thread::sleep(then.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_is_in_exactly_one_share() {
        for clients in [1, 2, 3, 16, 64, 65] {
            assert_eq!(
                shares(clients).into_iter().flatten().collect::<Vec<_>>(),
                (0..clients).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn percentiles_are_of_the_sorted_calls_and_cpu_is_by_call() {
        let latencies = (1..=1000).rev().map(|microseconds| microseconds * 1000).collect();
        let spent = Spent { servers: 5e6, generator: 1e6 };
        let slice = Slice::of(latencies, Duration::from_secs(2), spent);
        assert_eq!((slice.rate, slice.p50_us, slice.p99_us), (500.0, 501.0, 991.0));
        assert_eq!((slice.cpu_us, slice.generator_cpu_us), (10.0, 2.0));
    }
}
