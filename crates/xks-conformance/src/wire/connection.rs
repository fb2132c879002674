//! One connection of HTTP/1.1: what is written and what is read go on at the same time, so that an answer is seen that comes
//! before all was sent.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{CipherSuite, ClientConfig, ProtocolVersion};
use tokio::io::{AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Answer, Lost, Request, tls};
use crate::target::Store;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    /// What was read, and belongs to no answer yet.
    left: Vec<u8>,
}

/// What became of something long that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// How many bytes the proxy's side took.
    pub(crate) bytes: u64,
    pub(crate) answer: Result<Answer, Lost>,
    pub(crate) took: Duration,
}

impl Connection {
    pub(crate) async fn open(store: &Store, config: Arc<ClientConfig>) -> Result<Self, Lost> {
        let stream = within(PATIENCE, tls::connect(store, config)).await?;
        Ok(Self { stream, left: Vec::new() })
    }

    /// What was agreed on.
    pub(crate) fn agreed(&self) -> (Option<ProtocolVersion>, Option<CipherSuite>, Option<Vec<u8>>) {
        let session = self.stream.get_ref().1;
        let suite = session.negotiated_cipher_suite().map(|suite| suite.suite());
        (session.protocol_version(), suite, session.alpn_protocol().map(<[u8]>::to_vec))
    }

    pub(crate) fn into_stream(self) -> TlsStream<TcpStream> {
        self.stream
    }

    /// Sends a request, and awaits its answer.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Answer, Lost> {
        self.send(std::iter::once(request.bytes()), PATIENCE).await.answer
    }

    /// Sends pieces until an answer comes or there are no more; waits `patience` in all.
    pub(crate) async fn send(&mut self, pieces: impl Iterator<Item = Vec<u8>>, patience: Duration) -> Sent {
        let began = Instant::now();
        let mut bytes = 0;
        let (mut reader, mut writer) = split(&mut self.stream);
        let answer = within(patience, async {
            let mut answer = std::pin::pin!(Answer::read(&mut reader, &mut self.left));
            tokio::select! {
                biased;
                answer = &mut answer => answer,
                // A broken pipe is no end: an answer may have come before it.
                _ = write(&mut writer, pieces, &mut bytes) => within(AFTERWARDS, answer).await,
            }
        });
        let answer = answer.await;
        Sent { bytes, answer, took: began.elapsed() }
    }
}

async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    pieces: impl Iterator<Item = Vec<u8>>,
    bytes: &mut u64,
) -> Result<(), std::io::Error> {
    for piece in pieces {
        writer.write_all(&piece).await?;
        writer.flush().await?;
        *bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
    }
    Ok(())
}

/// What a future comes to, if it comes to something in that time.
pub(crate) async fn within<T>(
    patience: Duration,
    future: impl Future<Output = Result<T, Lost>>,
) -> Result<T, Lost> {
    let late = |_| Lost(format!("nothing came within {} s", patience.as_secs()));
    tokio::time::timeout(patience, future).await.map_err(late)?
}

/// How long an ordinary answer may take. KMS waits 250 ms; here a slow proxy is to be told from a dead one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer may take when everything was sent.
const AFTERWARDS: Duration = Duration::from_secs(10);
