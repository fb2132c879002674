//! Slow commands: those that make RSA keys go to threads of their own, which run when nothing else wants to.
//!
//! A work thread hands such a command over and goes on. The answer goes out on the same connection once it is there, written by a
//! thread of normal priority: a thread that gives way to all others must never hold what they wait for. Accounts take turns.
//!
//! On a machine that is never idle those threads do not get on. One more, which gives way less, takes what is late, whether another
//! has begun it or not; who is first answers.

use crate::Engine;
use crate::door::{Connection, answer, refuse};
use crate::turns::Turns;
use frames::{Buffer, Frame, wipe};
use keys::AccountId;
use module_api::{Command, Refusal};
use rustix::io::Errno;
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The way from the work threads to the generating threads, and the way of the answers back.
#[must_use]
pub fn start() -> (Generator, Workshop, Latecomers, Courier) {
    let waiting = Arc::new(Turns::new());
    let ((late, latecomers), (answers, finished)) = (channel(), channel());
    let generator = Generator { waiting: Arc::clone(&waiting), late };
    (generator, Workshop { waiting, answers }, Latecomers(latecomers), Courier { finished })
}

/// Where a work thread hands slow commands over.
#[derive(Clone)]
pub struct Generator {
    waiting: Arc<Turns<Arc<Job>>>,
    late: Sender<(Instant, Weak<Job>)>,
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
        let answered = AtomicBool::new(false);
        let job = Arc::new(Job { connection, frame: frame.to_vec(), since, answered });
        let unanswered = Arc::downgrade(&job);
        self.waiting.add(account, job).map_err(|_| Refusal::Busy)?;
        // Without the thread for what is late the process is at its end.
        let _ = self.late.send((since, unanswered));
        Ok(())
    }
}

/// A generating thread's side.
#[derive(Clone)]
pub struct Workshop {
    waiting: Arc<Turns<Arc<Job>>>,
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
            self.carry_out(&self.waiting.next(), engine);
        }
    }

    /// Makes this thread give way, but not to everything.
    pub fn give_way_a_little() -> Result<(), Errno> {
        setpriority_process(Some(gettid()), LOW_PRIORITY)
    }

    /// Answers one slow command after another that is late.
    pub fn serve_late(&self, Latecomers(jobs): &Latecomers, engine: &mut Engine) {
        for (since, job) in jobs {
            be_late(since);
            if let Some(job) = job.upgrade() {
                self.carry_out(&job, engine);
            }
        }
    }

    fn carry_out(&self, job: &Job, engine: &mut Engine) {
        let mut reply = Buffer::with_capacity(0);
        if job.is_open() {
            job.carry_out(engine, &mut reply);
        }
        if !job.answered.swap(true, Ordering::AcqRel) {
            // Without a courier the process is at its end.
            let _ = self.answers.send(Finished { connection: Arc::clone(&job.connection), reply });
        }
    }
}

/// All slow commands and since when they wait, to be looked at again when they are late; none of those that are answered is kept for it.
pub struct Latecomers(Receiver<(Instant, Weak<Job>)>);

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
    /// Whether somebody has answered it.
    answered: AtomicBool,
}

impl Job {
    fn is_open(&self) -> bool {
        !self.answered.load(Ordering::Acquire)
    }

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

/// Returns when what waits since then is late.
fn be_late(since: Instant) {
    // INVARIANT: nobody sends anything here, so that only time ends it; to sleep is not on the list of system calls.
    let (_sender, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(LATE.saturating_sub(since.elapsed()));
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

shown!(Generator Workshop Latecomers Courier);

/// Whoever asked gives up after eight seconds; what waited this long would be made for nobody.
const PATIENCE: Duration = Duration::from_secs(6);
/// On a machine with nothing else to do the longest key is made by then.
const LATE: Duration = Duration::from_secs(2);
const LOWEST_PRIORITY: i32 = 19;
/// A tenth of a core or two beside others that want all of it: enough for all but the longest keys, and little for those others.
const LOW_PRIORITY: i32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;
    use crate::domain::Domain;
    use frames::{MAX_FRAME, RequestId, append};
    use keys::{KeyId, KeyOrigin, KeySpec, KeyUsage};
    use module_api::{NewKey, Reply};
    use std::borrow::Cow;
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::thread;

    fn frame() -> Buffer {
        let key = NewKey {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: KeyId::single_region([7; 16]),
            spec: KeySpec::Rsa2048,
            usage: KeyUsage::SignVerify,
            origin: KeyOrigin::AwsKms,
        };
        let mut frame = Buffer::with_capacity(MAX_FRAME);
        append(&mut frame, RequestId(1), &Command::GenerateKey { key: Cow::Owned(key) }).unwrap();
        frame
    }

    fn engine() -> Engine {
        let arena = Arena::with_long(Engine::places(1) + 1, Engine::LONG_PLACES).unwrap();
        let domain = Domain::with_key(arena.secret(32).unwrap()).unwrap();
        Engine::new(Arc::new(domain), 1).unwrap()
    }

    /// As on a machine whose cores others have for themselves.
    #[test]
    fn what_no_generating_thread_gets_on_with_is_answered_late_and_once() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let connection = Connection::new(near.into());
        let (generator, workshop, latecomers, courier) = start();
        generator.hand_over(&connection, frame().filled(), "123456789012".parse().unwrap()).unwrap();
        drop(generator);
        let begun = workshop.waiting.next();
        let late = workshop.clone();
        thread::spawn(move || late.serve_late(&latecomers, &mut engine())).join().unwrap();
        assert!(begun.since.elapsed() >= LATE && !begun.is_open());
        workshop.carry_out(&begun, &mut engine());
        drop(workshop);
        courier.serve();
        let mut bytes = vec![0; MAX_FRAME];
        let count = far.read(&mut bytes).unwrap();
        let answer = Frame::first(&bytes[..count]).unwrap().unwrap();
        assert!(matches!(answer.decode().unwrap(), Reply::Key { .. }));
        assert_eq!(answer.length, count, "one answer");
    }

    #[test]
    fn of_what_is_answered_nothing_is_kept_until_it_would_be_late() {
        let (near, _far) = UnixStream::pair().unwrap();
        let (generator, workshop, Latecomers(late), _courier) = start();
        let account = "123456789012".parse().unwrap();
        generator.hand_over(&Connection::new(near.into()), frame().filled(), account).unwrap();
        let (_since, unanswered) = late.recv().unwrap();
        assert!(unanswered.upgrade().is_some());
        workshop.carry_out(&workshop.waiting.next(), &mut engine());
        assert!(unanswered.upgrade().is_none());
    }
}
