//! Floods: connections that do nothing good, as many as are wanted, from a thread of their own, until they are called off.

use super::super::BenchError;
use super::super::connection::Connection;
use super::super::load::runtime;
use super::super::request::Requests;
use super::api::Api;
use super::rig::ACCESS_KEY_ID;
use http::header;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// What a connection of a flood does, again and again; when it is closed, another is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// Every other one has no credentials, and the rest bad ones: an id that is known and another secret, or an unknown id.
    Unauthenticated,
    /// Well-signed heads, with bodies of many megabytes; every other one does not say how long.
    OversizedBody,
    /// Well-signed heads, and all but the end of the longest body that is taken.
    SlowBody,
    /// Heads that do not end.
    SlowHeader,
}

/// A flood that goes on.
pub struct Flood {
    thread: JoinHandle<Result<(), BenchError>>,
    over: oneshot::Sender<()>,
    done: Arc<AtomicUsize>,
}

impl Kind {
    /// What it is called in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "a flood of unauthenticated requests",
            Self::OversizedBody => "a flood of bodies that are too long",
            Self::SlowBody => "a flood of bodies that do not end",
            Self::SlowHeader => "a flood of heads that do not end",
        }
    }
}

impl Flood {
    /// Begins.
    pub fn start(api: &Api, kind: Kind, connections: usize) -> Result<Self, BenchError> {
        let work = Arc::new(Work::new(api, kind)?);
        let (endpoint, done) = (api.endpoint.clone(), Arc::new(AtomicUsize::new(0)));
        let (over, is_over) = oneshot::channel();
        let counted = Arc::clone(&done);
        let thread = thread::spawn(move || {
            let runtime = runtime()?;
            runtime.block_on(async {
                let mut flooders = tokio::task::JoinSet::new();
                for number in 0..connections {
                    let (endpoint, work, done) = (endpoint.clone(), Arc::clone(&work), Arc::clone(&counted));
                    flooders.spawn(async move {
                        loop {
                            // The other end may close, or refuse, as it likes.
                            if let Ok(mut connection) = Connection::open(&endpoint).await {
                                let _ = work.until_closed(&mut connection, number, &done).await;
                            }
                            tokio::task::yield_now().await;
                        }
                    });
                }
                let _ = is_over.await;
            });
            Ok(())
        });
        Ok(Self { thread, over, done })
    }

    /// What has been done until now: answers to a flood that gets any, else requests begun.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Ends it.
    pub fn stop(self) -> Result<usize, BenchError> {
        let _ = self.over.send(());
        self.thread.join().map_err(|_| BenchError::ThreadLost)??;
        Ok(self.done.load(Ordering::Relaxed))
    }
}

impl std::fmt::Debug for Flood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flood").field("done", &self.done).finish_non_exhaustive()
    }
}

/// What is sent.
enum Work {
    /// Requests that are answered.
    Requests(Vec<Requests>),
    /// By each connection one of these, and then so many pieces.
    Begun { heads: Vec<Box<[u8]>>, piece: Vec<u8>, pieces: usize },
}

impl Work {
    fn new(api: &Api, kind: Kind) -> Result<Self, BenchError> {
        let json = |length: usize| vec![b' '; length];
        let chunked =
            |piece: Vec<u8>| [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
        Ok(match kind {
            Kind::Unauthenticated => Self::Requests(vec![
                api.unsigned()?,
                api.forged(ACCESS_KEY_ID)?,
                api.unsigned()?,
                api.forged(UNKNOWN)?,
            ]),
            Kind::OversizedBody => Self::Begun {
                heads: vec![
                    api.head_of(b"", &[(header::CONTENT_LENGTH, OVERSIZED)])?,
                    api.head_of(b"", &[(header::TRANSFER_ENCODING, "chunked")])?,
                ],
                piece: chunked(json(60 << 10)),
                pieces: 256,
            },
            Kind::SlowBody => Self::Begun {
                heads: vec![api.head_of(b"", &[(header::CONTENT_LENGTH, LONGEST)])?],
                piece: json(63 << 10),
                pieces: 1,
            },
            Kind::SlowHeader => {
                let head = api.head_of(b"", &[])?;
                let unended = head.strip_suffix(b"\r\n").unwrap_or(&head);
                let more = format!("x-more: {}\r\n", "x".repeat(1000)).repeat(13);
                Self::Begun { heads: vec![unended.into()], piece: more.into_bytes(), pieces: 1 }
            }
        })
    }

    async fn until_closed(
        &self,
        connection: &mut Connection,
        number: usize,
        done: &AtomicUsize,
    ) -> Result<(), BenchError> {
        match self {
            Self::Requests(kinds) => {
                let requests = kinds.iter().cycle().nth(number);
                for request in (0..).map_while(|next| requests?.at(next % requests?.len())) {
                    connection.send(request).await?;
                    connection.status().await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }
            Self::Begun { heads, piece, pieces } => {
                let head = heads.iter().cycle().nth(number).map(AsRef::as_ref).unwrap_or_default();
                connection.send(head).await?;
                done.fetch_add(1, Ordering::Relaxed);
                for _ in 0..*pieces {
                    connection.send(piece).await?;
                }
                // Until it is closed: an answer is not all that is waited for.
                while connection.status().await.is_ok() {}
                Ok(())
            }
        }
    }
}

/// An id that no store has.
const UNKNOWN: &str = "UNKNOWNCREDENTIAL234567A";
/// Bytes of a body, far more than the proxy takes.
const OVERSIZED: &str = "16777216";
/// As many as it takes.
const LONGEST: &str = "65536";
