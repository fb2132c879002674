//! One connection: a socket, and TLS over it. It is set up in bounded time, and says of its server what the certificate says.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::{Connected, Connection};
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Route;

/// A connection over which requests can be sent.
pub(crate) struct Established {
    stream: TlsStream<Box<dyn Socket>>,
    history: History,
}

/// Whether a connection has served before: only then its server may have had enough of it without having seen the next request.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<AtomicBool>);

impl History {
    pub(crate) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_served(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0}")]
    Socket(io::Error),
    #[error("{0}")]
    Tls(io::Error),
    #[error("the name of the host cannot be that of a server")]
    Name(#[from] InvalidDnsNameError),
}

impl ConnectError {
    /// Whoever closes the connection in the middle of a handshake has said nothing about TLS.
    fn of_handshake(error: io::Error) -> Self {
        if is_tls(&error) { Self::Tls(error) } else { Self::Socket(error) }
    }
}

/// Whether TLS found something wrong, or was told by the server.
pub(crate) fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

impl Established {
    pub(crate) async fn set_up(host: &str, route: &Route, tls: &TlsConnector) -> Result<Self, ConnectError> {
        let name = ServerName::try_from(host)?.to_owned();
        let set_up = async {
            let socket = socket(route).await.map_err(ConnectError::Socket)?;
            let stream = tls.connect(name, socket).await;
            stream.map_err(ConnectError::of_handshake)
        };
        let late = |_| ConnectError::Socket(io::ErrorKind::TimedOut.into());
        let stream = tokio::time::timeout(LONGEST_SET_UP, set_up).await.map_err(late)??;
        Ok(Self { stream, history: History::default() })
    }

    pub(crate) fn session(&self) -> &rustls::ClientConnection {
        self.stream.get_ref().1
    }

    pub(crate) const fn history(&self) -> &History {
        &self.history
    }
}

/// What TLS runs over.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl Socket for TcpStream {}
impl Socket for UnixStream {}

async fn socket(route: &Route) -> io::Result<Box<dyn Socket>> {
    match route {
        Route::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Route::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            SockRef::from(&stream).set_tcp_keepalive(&keepalive())?;
            Ok(Box::new(stream))
        }
    }
}

/// An idle connection whose server is gone is found dead before a request is.
fn keepalive() -> TcpKeepalive {
    let seconds = Duration::from_secs;
    TcpKeepalive::new().with_time(seconds(15)).with_interval(seconds(5)).with_retries(3)
}

impl Connection for Established {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.history.clone())
    }
}

impl AsyncRead for Established {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Established {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Whoever waits for a connection gives up long before; what is still under way then serves the next.
const LONGEST_SET_UP: Duration = Duration::from_secs(5);
