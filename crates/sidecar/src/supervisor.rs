//! Keeps the process running: starts it, waits for its end, starts it again after a pause that grows.

use crate::connection::Connector;
use crate::process::{Program, Running, StartError, launch};
use rustix::process::{Signal, pidfd_send_signal};
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Runs the process for as long as it lives. Dropped, it stops the process.
pub struct Supervisor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts the program and waits until its process can serve; blocks meanwhile. One connector a seat.
    pub fn start(program: Program, seats: usize) -> Result<(Self, Vec<Connector>), StartError> {
        let failed = named(&program);
        let (started, first_start) = mpsc::sync_channel(1);
        let supervised =
            Self::supervise(program, seats, move |watch| watch.run(&started)).map_err(&failed)?;
        first_start.recv().map_err(|_| failed(io::Error::other("the supervising thread ended")))??;
        Ok(supervised)
    }

    /// The same, without waiting: a first start that fails is tried again as any other, after a pause that grows.
    pub fn start_in_time(program: Program, seats: usize) -> Result<(Self, Vec<Connector>), StartError> {
        let failed = named(&program);
        Self::supervise(program, seats, Watch::run_in_time).map_err(failed)
    }

    fn supervise(
        program: Program,
        seats: usize,
        run: impl FnOnce(Watch) + Send + 'static,
    ) -> io::Result<(Self, Vec<Connector>)> {
        let shared = Arc::new(Shared::new(program.name.clone()));
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..seats).map(|_| unbounded_channel()).unzip();
        let connectors =
            receivers.into_iter().map(|streams| Connector::new(streams, Arc::clone(&shared))).collect();
        let watch = Watch { program, senders, shared: Arc::clone(&shared) };
        // The process dies with the thread that started it, so that thread is one that lives as long as the supervisor.
        let thread = thread::Builder::new().name("sidecar".to_owned()).spawn(move || run(watch))?;
        Ok((Self { shared, thread: Some(thread) }, connectors))
    }

    /// Stops the process and waits until its process is gone. Calls that are still in flight fail.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.shared.stop();
        // A thread that panicked leaves a process without its supervisor, which ends by itself.
        let _ = thread.join();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Supervisor")
    }
}

fn named(program: &Program) -> impl Fn(io::Error) -> StartError + use<> {
    let name = program.name.clone();
    move |source| StartError::Io { name: name.clone(), source }
}

/// What the supervising thread, its owner and the connections know of the process.
pub(crate) struct Shared {
    name: String,
    run: Mutex<Run>,
    changed: Condvar,
}

#[derive(Default)]
struct Run {
    stopping: bool,
    control: Option<UnixStream>,
    handle: Option<OwnedFd>,
}

impl Shared {
    fn new(name: String) -> Self {
        Self { name, run: Mutex::default(), changed: Condvar::new() }
    }

    /// What the program is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Kills the process; the supervising thread starts the next.
    pub(crate) fn kill_process(&self) {
        self.run().kill();
    }

    /// Asks the process to end, and kills it if it does not.
    fn stop(&self) {
        let mut run = self.run();
        run.stopping = true;
        if let Some(control) = &run.control {
            let _ = control.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
        let (run, _) = self
            .changed
            .wait_timeout_while(run, ENDS_WITHIN, |run| run.handle.is_some())
            .unwrap_or_else(PoisonError::into_inner);
        run.kill();
    }

    fn began(&self, control: UnixStream, handle: OwnedFd) {
        let mut run = self.run();
        if run.stopping {
            let _ = control.shutdown(Shutdown::Both);
        }
        run.control = Some(control);
        run.handle = Some(handle);
    }

    /// The process is gone. Says whether another is wanted.
    fn ended(&self) -> bool {
        let mut run = self.run();
        (run.control, run.handle) = (None, None);
        self.changed.notify_all();
        !run.stopping
    }

    /// Waits that long, or less if the end has come. Says whether it has not.
    fn pause(&self, delay: Duration) -> bool {
        let run = self.run();
        let (run, _) = self
            .changed
            .wait_timeout_while(run, delay, |run| !run.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        !run.stopping
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn kill(&self) {
        if let Some(handle) = &self.handle {
            // It may have ended this moment.
            let _ = pidfd_send_signal(handle, Signal::KILL);
        }
    }
}

/// The supervising thread's part.
struct Watch {
    program: Program,
    senders: Vec<UnboundedSender<UnixStream>>,
    shared: Arc<Shared>,
}

impl Watch {
    fn run(mut self, started: &mpsc::SyncSender<Result<(), StartError>>) {
        let first = self.start();
        self.program.arguments_at_first.clear();
        match first {
            Ok(child) => {
                let _ = started.send(Ok(()));
                self.keep_up(Some(child));
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        }
    }

    fn run_in_time(mut self) {
        let first = self.start();
        self.program.arguments_at_first.clear();
        let first =
            first.inspect_err(|error| tracing::error!(%error, "{} does not start", self.program.name));
        self.keep_up(first.ok());
    }

    fn keep_up(&self, first: Option<Child>) {
        let mut pause = if first.is_some() { Duration::ZERO } else { FIRST_PAUSE };
        let mut running = first.or_else(|| self.start_again(&mut pause));
        while let Some(mut child) = running {
            running = self.outlive(&mut child, &mut pause);
        }
    }

    fn start(&self) -> Result<Child, StartError> {
        let (Running { child, control, handle }, streams) = launch(&self.program, self.senders.len())?;
        self.shared.began(control, handle);
        for (sender, stream) in self.senders.iter().zip(streams) {
            // A worker that is gone needs no connection.
            let _ = sender.send(stream);
        }
        Ok(child)
    }

    /// Waits for the end of the process and starts the next, if another is wanted. The pause before it grows as long as
    /// processes die young.
    fn outlive(&self, child: &mut Child, pause: &mut Duration) -> Option<Child> {
        let began = Instant::now();
        let status = child.wait();
        if !self.shared.ended() {
            return None;
        }
        tracing::error!(?status, "{} ended and is started again", self.program.name);
        if began.elapsed() > STEADY_AFTER {
            *pause = Duration::ZERO;
        }
        self.start_again(pause)
    }

    /// Starts the process after that pause, and after longer and longer ones until it does start or is not wanted any more.
    fn start_again(&self, pause: &mut Duration) -> Option<Child> {
        while self.shared.pause(*pause) {
            *pause = pause.saturating_mul(2).clamp(FIRST_PAUSE, self.program.longest_pause.max(FIRST_PAUSE));
            match self.start() {
                Ok(next) => return Some(next),
                Err(error) => tracing::error!(%error, "{} does not start", self.program.name),
            }
        }
        None
    }
}

const ENDS_WITHIN: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// A process that lived this long did not die of its start.
const STEADY_AFTER: Duration = Duration::from_secs(5);
