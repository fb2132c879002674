//! A load of Encrypt and Decrypt on several connections while something happens.

use crate::store::{PLAINTEXT, context, until};
use blackbox::{Connection, Server, base64};
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A load that runs.
pub struct Load<'a> {
    pairs: &'a AtomicUsize,
}

/// What came of it.
#[derive(Debug)]
pub struct Came {
    /// How many times something was encrypted and came back.
    pub pairs: usize,
    /// What was answered instead, and how long after the load had begun.
    pub failures: Vec<(Duration, String)>,
    /// The longest that a call took.
    pub slowest: Duration,
}

impl Load<'_> {
    /// Waits until so many more pairs have been answered rightly.
    #[track_caller]
    pub fn pass(&self, pairs: usize) {
        let end = self.pairs.load(Ordering::Relaxed) + pairs;
        until("the load has gone on", || self.pairs.load(Ordering::Relaxed) >= end);
    }
}

impl Came {
    /// No request may have failed.
    #[track_caller]
    pub fn nothing_failed(&self) {
        assert_eq!(self.failures, [], "of {} pairs", self.pairs);
        assert!(self.slowest < Duration::from_secs(8), "{:?}", self.slowest);
    }
}

/// Encrypts with a key of the first account and decrypts again, on so many connections, while `work` is done.
pub fn during(server: &Server, key: &str, clients: usize, work: impl FnOnce(&Load<'_>)) -> Came {
    let (stop, pairs) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (failures, slowest) = (Mutex::new(Vec::new()), Mutex::new(Duration::ZERO));
    let began = Instant::now();
    std::thread::scope(|scope| {
        let _ended = StopsWhenDropped(&stop);
        for _ in 0..clients {
            scope.spawn(|| {
                let mut connection = server.connect().unwrap();
                while !stop.load(Ordering::Relaxed) {
                    match pair(server, &mut connection, key) {
                        Ok(took) => {
                            pairs.fetch_add(1, Ordering::Relaxed);
                            let mut slowest = slowest.lock().unwrap();
                            *slowest = took.max(*slowest);
                        }
                        Err(failure) => failures.lock().unwrap().push((began.elapsed(), failure)),
                    }
                }
            });
        }
        work(&Load { pairs: &pairs });
    });
    Came {
        pairs: pairs.into_inner(),
        failures: failures.into_inner().unwrap(),
        slowest: slowest.into_inner().unwrap(),
    }
}

/// The longer of the two calls, or what went wrong.
fn pair(server: &Server, connection: &mut Connection, key: &str) -> Result<Duration, String> {
    let plaintext = base64(PLAINTEXT);
    let input = json!({"KeyId": key, "Plaintext": plaintext, "EncryptionContext": context()});
    let (sealed, first) = call(server, connection, "Encrypt", &input)?;
    let input = json!({"CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context()});
    let (opened, second) = call(server, connection, "Decrypt", &input)?;
    if opened["Plaintext"] == plaintext { Ok(first.max(second)) } else { Err("another plaintext".to_owned()) }
}

fn call(
    server: &Server,
    connection: &mut Connection,
    operation: &str,
    input: &serde_json::Value,
) -> Result<(serde_json::Value, Duration), String> {
    let began = Instant::now();
    let request = server.request(operation, input.to_string()).signed(server.root());
    let answer = connection.exchange(&request).map_err(|error| error.to_string())?;
    if answer.status == 200 { Ok((answer.json(), began.elapsed())) } else { Err(answer.text()) }
}

/// Also when what is done under the load fails: else its threads would never end.
struct StopsWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopsWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
