//! From the start of the process to its end: fence, keys, threads, filter, and then nothing but commands.
//!
//! Standard input is the control connection. The supervisor sends the work connections over it and reads one line from it: `ready`,
//! or why not. When it closes, the process ends.

use crate::algorithms::random;
use crate::domain::{Domain, DomainError};
use crate::door::{self, Connection, DoorError};
use crate::engine::Engine;
use crate::generator::{self, Workshop};
use crate::memory::Arena;
use crate::sandbox::{self, SandboxError};
use module_api::Refusal;
use rustix::io::{Errno, write};
use sidecar_process::{NoConnections, abort_on_panic, await_end, harden, receive_connections};
use std::ffi::OsString;
use std::io::{self, Stdin};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::sync::{Arc, Barrier};
use std::thread;

/// What the process is told on its command line.
#[derive(Debug)]
pub struct Arguments {
    seal_file: PathBuf,
    domain_file: PathBuf,
    initialise: bool,
}

impl Arguments {
    /// Reads `--seal-file FILE --domain-file FILE [--initialise]`.
    pub fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Self, StartError> {
        let (mut seal_file, mut domain_file, mut initialise) = (None, None, false);
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--seal-file") => seal_file = words.next().map(PathBuf::from),
                Some("--domain-file") => domain_file = words.next().map(PathBuf::from),
                Some("--initialise") => initialise = true,
                _ => return Err(StartError::Arguments),
            }
        }
        let (Some(seal_file), Some(domain_file)) = (seal_file, domain_file) else {
            return Err(StartError::Arguments);
        };
        Ok(Self { seal_file, domain_file, initialise })
    }
}

/// The whole life of the process.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    abort_on_panic("cardea-module");
    let control = io::stdin();
    match serve(words, &control) {
        Ok(()) => {
            await_end(&control);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let reason = error.to_string().replace('\n', " ");
            eprintln!("cardea-module: {reason}");
            // If nobody listens, the log has it.
            let _ = write(&control, format!("{reason}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

/// Starts all threads, closes the filter over all of them, and only then lets them serve.
fn serve(words: impl Iterator<Item = OsString>, control: &Stdin) -> Result<(), StartError> {
    let arguments = Arguments::parse(words)?;
    harden().map_err(SandboxError::from)?;
    let connections = receive_connections(control)?;
    let generating = thread::available_parallelism().map_or(1, NonZero::get);
    let cached_keys = cached_keys(connections.len());
    let places = Engine::places(cached_keys)
        .saturating_mul(connections.len())
        .saturating_add(Engine::places(KEYS_OPEN_A_GENERATOR).saturating_mul(generating.saturating_add(LATE)))
        .saturating_add(PLACES_AT_START);
    let engines = connections.len().saturating_add(generating).saturating_add(LATE);
    let long_places = Engine::LONG_PLACES.saturating_mul(engines);
    let arena = Arena::with_long(places, long_places).map_err(DomainError::Memory)?;
    let Arguments { seal_file, domain_file, initialise } = arguments;
    let domain = Arc::new(Domain::load(&seal_file, &domain_file, initialise, &arena)?);
    let all_locked = sandbox::lock_all_memory();
    let gate = Gate::new(engines.saturating_add(1));
    let served = connections.len();
    start_threads(
        &gate,
        connections,
        generating,
        |keys| Engine::new(Arc::clone(&domain), keys),
        cached_keys,
    )?;
    gate.close()?;
    let locked =
        if all_locked { "all memory is locked" } else { "memory of keys is locked, other memory may not be" };
    eprintln!("cardea-module: serves {served} connections; {locked}");
    write(control, b"ready\n")?;
    Ok(())
}

/// One thread a connection, as many as there are cores for slow commands and one for those that are late, and one that brings the
/// answers of all those.
fn start_threads(
    gate: &Gate,
    connections: Vec<OwnedFd>,
    generating: usize,
    engine: impl Fn(usize) -> Result<Engine, Refusal>,
    cached_keys: usize,
) -> Result<(), StartError> {
    let (generator, workshop, latecomers, courier) = generator::start();
    for connection in connections.into_iter().map(Connection::new) {
        let (mut engine, generator) = (engine(cached_keys)?, generator.clone());
        gate.spawn("work", at_normal_priority, move || door::serve(&connection, &mut engine, &generator))?;
    }
    for _ in 0..generating {
        let (mut engine, workshop) = (engine(KEYS_OPEN_A_GENERATOR)?, workshop.clone());
        gate.spawn("generate", Workshop::give_way, move || workshop.serve(&mut engine))?;
    }
    let mut engine = engine(KEYS_OPEN_A_GENERATOR)?;
    gate.spawn("late", Workshop::give_way_a_little, move || {
        workshop.serve_late(&latecomers, &mut engine);
        Ok(())
    })?;
    gate.spawn("courier", at_normal_priority, move || {
        courier.serve();
        Ok(())
    })
}

/// Such is every thread's from the beginning.
const fn at_normal_priority() -> Result<(), Errno> {
    Ok(())
}

/// Where the threads wait until the filter is closed over all of them.
#[derive(Clone)]
struct Gate(Arc<Barrier>);

impl Gate {
    /// A gate for that many threads and the one that closes it.
    fn new(threads: usize) -> Self {
        Self(Arc::new(Barrier::new(threads.saturating_add(1))))
    }

    /// Starts a thread that prepares itself, waits, and then lives its life.
    fn spawn(
        &self,
        name: &str,
        set_priority: fn() -> Result<(), Errno>,
        life: impl FnOnce() -> Result<(), DoorError> + Send + 'static,
    ) -> Result<(), StartError> {
        let gate = self.clone();
        let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        let whole_life = move || {
            // The random generator of a thread is set up on its first use, which is no matter for the fenced process.
            let prepared = random::array::<32>().map_err(StartError::from).and_then(|_| Ok(set_priority()?));
            gate.0.wait();
            gate.0.wait();
            rest(prepared.and_then(|()| Ok(life()?)))
        };
        thread.spawn(whole_life).map_err(StartError::Thread)?;
        Ok(())
    }

    /// Closes the filter when all are prepared, and lets them go.
    fn close(&self) -> Result<(), StartError> {
        self.0.wait();
        sandbox::close()?;
        self.0.wait();
        Ok(())
    }
}

/// The end of a thread's life. A failure is the process's own: the front end cannot go on with the connection, and the supervisor
/// starts a new process with new ones. Otherwise the far end is gone. To end a thread is not on the list of system calls; one that
/// sleeps costs nothing, and there is one a worker.
fn rest(life: Result<(), StartError>) {
    if let Err(reason) = life {
        eprintln!("cardea-module: ends: {reason}");
        exit(1);
    }
    loop {
        thread::park();
    }
}

/// As many keys as the arena has room for, shared by the connections.
fn cached_keys(connections: usize) -> usize {
    KEYS_OPEN.checked_div(connections).unwrap_or(0).clamp(1, KEYS_OPEN_A_CONNECTION)
}

/// Why the module cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The command line is wrong.
    #[error(
        "usage: cardea-module --seal-file FILE --domain-file FILE [--initialise]; started by `cardea serve`"
    )]
    Arguments,
    /// No work connections came over the control connection.
    #[error(transparent)]
    Connections(#[from] NoConnections),
    /// The control connection failed.
    #[error("the control connection failed: {0}")]
    Control(#[from] Errno),
    /// A work connection failed.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// There is no domain key.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The cryptographic library failed.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// There is no fence.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(io::Error),
}

/// With 64 bytes each, 2 MiB of locked memory; with the long places of 253 connections still within a limit of 8 MiB, the common one.
const KEYS_OPEN: usize = 32 * 1024;
const KEYS_OPEN_A_CONNECTION: usize = 4 * 1024;
/// What a generating thread opens is opened for a command that takes long anyway.
const KEYS_OPEN_A_GENERATOR: usize = 1;
/// Threads for slow commands that are late.
const LATE: usize = 1;
const PLACES_AT_START: usize = 8;
const STACK: usize = 512 * 1024;
