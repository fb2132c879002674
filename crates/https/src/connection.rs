//! One connection: a socket, TLS over it, and HTTP over that. It is set up in bounded time. No task is behind it: who has a request on it
//! drives it, so that it must not be left in the middle of one and used again.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{Error, Route};

/// A connection over which requests can be sent, one after the other.
pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// What reads and writes; nothing any more if the connection is over.
    driver: Option<Driver>,
    /// Whether its server may have had enough of it without having seen the next request.
    pub(crate) may_be_closed: bool,
}

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// TLS over a socket.
pub(crate) type Stream = TlsStream<Box<dyn Socket>>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0}")]
    Http(hyper::Error),
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

impl Connection {
    pub(crate) async fn over(stream: Stream) -> Result<Box<Self>, ConnectError> {
        let mut builder = http1::Builder::new();
        let handshake = builder.max_buf_size(LONGEST_HEAD).handshake(TokioIo::new(stream));
        let (requests, driver) = handshake.await.map_err(ConnectError::Http)?;
        Ok(Box::new(Self { requests, driver: Some(driver), may_be_closed: false }))
    }

    /// What is answered to a request; its body is still to come.
    pub(crate) async fn answer(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let answer = self.requests.try_send_request(request);
        self.driving(answer).await
    }

    /// The whole answer, if its body is not longer than that.
    pub(crate) async fn whole(
        &mut self,
        answer: Response<Incoming>,
        longest: usize,
    ) -> Result<Response<Bytes>, Error> {
        let (head, body) = answer.into_parts();
        match self.driving(Limited::new(body, longest).collect()).await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(Error::TooLong),
            Err(error) => Err(Error::of(&*error)),
        }
    }

    /// Whether the next request can be sent, as far as is known here.
    pub(crate) fn is_ready(&self) -> bool {
        self.driver.is_some() && self.requests.is_ready()
    }

    /// The same for one that nobody has driven for a while.
    pub(crate) fn is_still_ready(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.is_ready()
    }

    /// What comes of something that waits for the connection.
    async fn driving<F: Future>(&mut self, something: F) -> F::Output {
        let mut something = pin!(something);
        poll_fn(|context| {
            self.drive(context);
            something.as_mut().poll(context)
        })
        .await
    }

    /// Whoever waits for something is told of an error by what it waits for.
    fn drive(&mut self, context: &mut Context<'_>) {
        if self.driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
            self.driver = None;
        }
    }
}

/// Connects as the route says, to a server that has a certificate of the name.
pub(crate) async fn stream(host: &str, route: &Route, tls: &TlsConnector) -> Result<Stream, ConnectError> {
    let name = ServerName::try_from(host)?.to_owned();
    let set_up = async {
        let socket = socket(route).await.map_err(ConnectError::Socket)?;
        tls.connect(name, socket).await.map_err(ConnectError::of_handshake)
    };
    let late = |_| ConnectError::Socket(io::ErrorKind::TimedOut.into());
    tokio::time::timeout(LONGEST_SET_UP, set_up).await.map_err(late)?
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

/// Whoever waits for a connection gives up long before; what is still under way then serves the next.
const LONGEST_SET_UP: Duration = Duration::from_secs(5);

const LONGEST_HEAD: usize = 16 * 1024;
