//! Keeps the module running: starts it, waits for its end, starts it again after a pause that grows.

use crate::connection::Connector;
use crate::process::{Config, Running, StartError, launch};
use rustix::process::{Signal, pidfd_send_signal};
use std::fmt;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Runs the module for as long as it lives. Dropped, it stops the module.
pub struct Supervisor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts the module and waits until it can serve; blocks meanwhile. One connector a worker.
    pub fn start(config: Config, workers: usize) -> Result<(Self, Vec<Connector>), StartError> {
        let shared = Arc::new(Shared::default());
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| unbounded_channel()).unzip();
        let connectors =
            receivers.into_iter().map(|streams| Connector::new(streams, Arc::clone(&shared))).collect();
        let (started, first_start) = mpsc::sync_channel(1);
        let watch = Watch { config, senders, shared: Arc::clone(&shared) };
        // The module dies with the thread that started it, so that thread is one that lives as long as the supervisor.
        let thread = thread::Builder::new().name("module".to_owned()).spawn(move || watch.run(&started))?;
        let this = Self { shared, thread: Some(thread) };
        first_start.recv().map_err(|_| std::io::Error::other("the supervising thread ended"))??;
        Ok((this, connectors))
    }

    /// Stops the module and waits until its process is gone. Calls that are still in flight fail.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.shared.stop();
        // A thread that panicked leaves a module without its supervisor, which ends by itself.
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

/// What the supervising thread, its owner and the connections know of the module's process.
#[derive(Default)]
pub(crate) struct Shared {
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
    /// Kills the process; the supervising thread starts the next.
    pub(crate) fn kill_module(&self) {
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
    config: Config,
    senders: Vec<UnboundedSender<UnixStream>>,
    shared: Arc<Shared>,
}

impl Watch {
    fn run(mut self, started: &mpsc::SyncSender<Result<(), StartError>>) {
        let first = self.start();
        // What is made on the first start is never made again: a restart finds the files or fails.
        self.config.initialise = false;
        let mut child = match first {
            Ok(child) => child,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        let _ = started.send(Ok(()));
        let mut pause = Duration::ZERO;
        while let Some(next) = self.outlive(&mut child, &mut pause) {
            child = next;
        }
    }

    fn start(&self) -> Result<Child, StartError> {
        let (Running { child, control, handle }, streams) = launch(&self.config, self.senders.len())?;
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
        tracing::error!(?status, "the security module ended and is started again");
        if began.elapsed() > STEADY_AFTER {
            *pause = Duration::ZERO;
        }
        while self.shared.pause(*pause) {
            *pause = pause.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            match self.start() {
                Ok(next) => return Some(next),
                Err(error) => tracing::error!(%error, "the security module does not start"),
            }
        }
        None
    }
}

const ENDS_WITHIN: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Shorter than a call's deadline, so that one call in a bad time can still see the next start.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A process that lived this long did not die of its start.
const STEADY_AFTER: Duration = Duration::from_secs(5);
