//! The task that moves frames between a worker's calls and the process, over one connection after another.

use crate::Client;
use crate::calls::{Calls, TICK};
use crate::supervisor::Shared;
use frames::{Buffer, MAX_FRAME};
use std::fmt;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::UnboundedReceiver;

/// What becomes of calls while the process is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileDown {
    /// They fail at once, those in flight included.
    Fail,
    /// They wait for the next start, within their limit; those in flight are made again once.
    Wait,
}

/// One worker's place at the process's door.
pub struct Connector {
    streams: UnboundedReceiver<StdStream>,
    supervisor: Arc<Shared>,
}

impl Connector {
    pub(crate) const fn new(streams: UnboundedReceiver<StdStream>, supervisor: Arc<Shared>) -> Self {
        Self { streams, supervisor }
    }

    /// Starts the task that carries the frames, on the runtime that this is called on. It ends with the supervisor.
    #[must_use]
    pub fn connect(self, while_down: WhileDown) -> Client {
        let calls = Calls::new(while_down);
        tokio::spawn(carry(self, Arc::clone(&calls)));
        Client::new(calls)
    }
}

async fn carry(mut connector: Connector, calls: Arc<Calls>) {
    let connected = AtomicBool::new(false);
    let supervisor = Arc::clone(&connector.supervisor);
    tokio::select! {
        () = follow(&mut connector, &calls, &connected) => (),
        () = watch_the_time(&calls, &connected, &supervisor) => (),
    }
    calls.close();
}

/// Serves each connection until it ends; every restart of the process brings the next.
async fn follow(connector: &mut Connector, calls: &Calls, connected: &AtomicBool) {
    while let Some(stream) = connector.streams.recv().await {
        connected.store(true, Ordering::Relaxed);
        calls.connected();
        let ended = serve(stream, calls).await;
        connected.store(false, Ordering::Relaxed);
        if let Err(error) = ended
            && error.kind() == io::ErrorKind::InvalidData
        {
            let name = connector.supervisor.name();
            tracing::error!(%error, "{name} is killed: it does not speak our protocol");
            connector.supervisor.kill_process();
        }
        calls.disconnected();
    }
}

async fn serve(stream: StdStream, calls: &Calls) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let mut stream = UnixStream::from_std(stream)?;
    let (read, write) = stream.split();
    tokio::select! {
        ended = read_replies(read, calls) => ended,
        ended = write_commands(write, calls) => ended,
    }
}

async fn read_replies(mut from: ReadHalf<'_>, calls: &Calls) -> io::Result<()> {
    let mut buffer = Buffer::with_capacity(READ);
    let mut wakers = Vec::new();
    loop {
        let count = from.read(buffer.room(MAX_FRAME)).await?;
        if count == 0 {
            return Ok(());
        }
        buffer.fill(count);
        calls
            .deliver(&mut buffer, &mut wakers)
            .map_err(|broken| io::Error::new(io::ErrorKind::InvalidData, broken))?;
    }
}

/// Yields once before it writes, so that the commands of all tasks that are ready share a write; never waits on a timer.
async fn write_commands(mut to: WriteHalf<'_>, calls: &Calls) -> io::Result<()> {
    let mut writing = Buffer::with_capacity(READ);
    loop {
        if !calls.has_unwritten() {
            calls.submitted.notified().await;
        }
        tokio::task::yield_now().await;
        calls.take_unwritten(&mut writing);
        to.write_all(writing.filled()).await?;
        let written = writing.filled().len();
        writing.consume(written);
    }
}

/// Ends overdue calls. A process that is connected and does not answer is stuck: it is killed, and started again by that.
async fn watch_the_time(calls: &Calls, connected: &AtomicBool, supervisor: &Shared) {
    loop {
        tokio::time::sleep(TICK).await;
        match calls.tick() {
            None => calls.begun.notified().await,
            Some(true) if connected.load(Ordering::Relaxed) => {
                tracing::error!("{} is killed: it does not answer", supervisor.name());
                supervisor.kill_process();
            }
            Some(_) => (),
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

const READ: usize = 2 * MAX_FRAME;
