//! Slow commands: those that make RSA keys go to threads of their own, which run when nothing else wants to.
//!
//! A work thread hands such a command over and goes on. The answer goes out on the same connection once it is there, written by a
//! thread of normal priority: a thread that gives way to all others must never hold what they wait for. Accounts take turns.

use crate::Engine;
use crate::door::{Connection, answer, refuse};
use crate::turns::Turns;
use keys::AccountId;
use module_api::frame::Frame;
use module_api::{Buffer, Command, Refusal, wipe};
use rustix::io::Errno;
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// The way from the work threads to the generating threads, and the way of the answers back.
#[must_use]
pub fn start() -> (Generator, Workshop, Courier) {
    let waiting = Arc::new(Turns::new());
    let (answers, finished) = channel();
    (Generator { waiting: Arc::clone(&waiting) }, Workshop { waiting, answers }, Courier { finished })
}

/// Where a work thread hands slow commands over.
#[derive(Clone)]
pub struct Generator {
    waiting: Arc<Turns<Job>>,
}

impl Generator {
    /// Takes the command in that frame over, which is for that account; it is answered on that connection. `Busy` if too many are
    /// waiting.
    pub fn hand_over(
        &self,
        connection: &Arc<Connection>,
        frame: &[u8],
        account: AccountId,
    ) -> Result<(), Refusal> {
        let (connection, since) = (Arc::clone(connection), Instant::now());
        let job = Job { connection, frame: frame.to_vec(), since };
        self.waiting.add(account, job).map_err(|_| Refusal::Busy)
    }
}

/// A generating thread's side.
#[derive(Clone)]
pub struct Workshop {
    waiting: Arc<Turns<Job>>,
    answers: Sender<Finished>,
}

impl Workshop {
    /// Makes this thread give way to all others, for good. The filter forbids it later.
    pub fn give_way() -> Result<(), Errno> {
        setpriority_process(Some(gettid()), LOWEST_PRIORITY)
    }

    /// Answers one slow command after another.
    pub fn serve(&self, engine: &mut Engine) -> ! {
        loop {
            let job = self.waiting.next();
            let mut reply = Buffer::with_capacity(0);
            job.carry_out(engine, &mut reply);
            // Without a courier the process is at its end.
            let _ = self.answers.send(Finished { connection: Arc::clone(&job.connection), reply });
        }
    }
}

/// The thread that writes the answers to slow commands.
pub struct Courier {
    finished: Receiver<Finished>,
}

impl Courier {
    /// Writes one answer after another.
    pub fn serve(&self) {
        for Finished { connection, mut reply } in &self.finished {
            // If its far end is gone, nobody misses the answer; the connection's own thread finds that out, too.
            let _ = connection.write(&mut reply);
        }
    }
}

/// A slow command that waits.
struct Job {
    connection: Arc<Connection>,
    /// The whole frame.
    frame: Vec<u8>,
    since: Instant,
}

impl Job {
    fn carry_out(&self, engine: &mut Engine, reply: &mut Buffer) {
        // INVARIANT: the work thread has read the frame before, and the command in it.
        let Ok(Some(frame)) = Frame::first(&self.frame) else { return };
        match frame.decode::<Command<'_>>() {
            Ok(command) if self.since.elapsed() < PATIENCE => answer(frame.request, &command, engine, reply),
            Ok(_) => refuse(frame.request, Refusal::Busy, reply),
            Err(_) => refuse(frame.request, Refusal::Malformed, reply),
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        wipe(&mut self.frame);
    }
}

struct Finished {
    connection: Arc<Connection>,
    reply: Buffer,
}

macro_rules! shown {
    ($($name:ident)+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )+};
}

shown!(Generator Workshop Courier);

/// Whoever asked gives up after eight seconds; what waited this long would be made for nobody.
const PATIENCE: Duration = Duration::from_secs(6);
const LOWEST_PRIORITY: i32 = 19;
