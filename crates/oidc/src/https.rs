//! One document over HTTPS: GET, a bounded answer, nothing followed. It keeps no connection and no cookie, and sets no deadline:
//! who asks does.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Asks servers that the TLS configuration trusts.
#[derive(Clone)]
pub(crate) struct Client(TlsConnector);

impl Client {
    pub(crate) fn new(tls: Arc<ClientConfig>) -> Self {
        Self(TlsConnector::from(tls))
    }

    /// The body of a 200 answer, if it is not longer than `limit` bytes.
    pub(crate) async fn document(&self, address: &Address, limit: usize) -> Result<Bytes, FetchError> {
        let stream = self.connect(address).await?;
        let handshake =
            http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(unreachable)?;
        // Dropped with this future, and the connection with it.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let answer = sender.send_request(address.request()?).await.map_err(unreachable)?;
        accept(answer.status())?;
        body(answer.into_body(), limit).await
    }

    async fn connect(&self, address: &Address) -> Result<TlsStream<TcpStream>, FetchError> {
        let stream = TcpStream::connect((address.host(), address.port)).await.map_err(unreachable)?;
        self.0.connect(address.name.clone(), stream).await.map_err(unreachable)
    }
}

/// Where a document is: an `https` URL.
pub(crate) struct Address {
    uri: Uri,
    name: ServerName<'static>,
    port: u16,
}

impl Address {
    /// Nothing of a URL that is not `https`, has no host, or names a user.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return None;
        }
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => 443,
            rest => rest.strip_prefix(':')?.parse().ok()?,
        };
        let name = ServerName::try_from(bare(authority.host())).ok()?.to_owned();
        Some(Self { name, port, uri })
    }

    fn host(&self) -> &str {
        bare(self.uri.host().unwrap_or_default())
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, FetchError> {
        let target = self.uri.path_and_query().map_or("/", |target| target.as_str());
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let request =
            Request::get(target).header(header::HOST, host).header(header::ACCEPT, "application/json");
        request.body(Empty::new()).map_err(|error| FetchError::Unusable(error.to_string()))
    }
}

/// Why there is no document.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// Nobody is there, or nobody who can be trusted, or not now.
    Unreachable(String),
    /// There is an answer, and it is of no use.
    Unusable(String),
}

fn accept(status: StatusCode) -> Result<(), FetchError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err(FetchError::Unreachable(format!("it answers {status}"))),
        _ if status.is_server_error() => Err(FetchError::Unreachable(format!("it answers {status}"))),
        _ if status.is_redirection() => {
            Err(FetchError::Unusable(format!("it answers {status}, which is not followed")))
        }
        _ => Err(FetchError::Unusable(format!("it answers {status}"))),
    }
}

async fn body(body: Incoming, limit: usize) -> Result<Bytes, FetchError> {
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(FetchError::Unusable(format!("it answers more than {limit} bytes")))
        }
        Err(error) => Err(FetchError::Unreachable(error.to_string())),
    }
}

/// The host of a URL without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn unreachable(error: impl std::fmt::Display) -> FetchError {
    FetchError::Unreachable(error.to_string())
}

const LONGEST_HEAD: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_whom_to_connect_to_and_what_to_ask() {
        for (url, host, port, asked_of, target) in [
            ("https://a.example", "a.example", 443, "a.example", "/"),
            ("https://a.example:8443/x/y?z=1#f", "a.example", 8443, "a.example:8443", "/x/y?z=1"),
            ("HTTPS://10.0.0.1/x", "10.0.0.1", 443, "10.0.0.1", "/x"),
            ("https://[::1]:8443/x", "::1", 8443, "[::1]:8443", "/x"),
        ] {
            let address = Address::parse(url).unwrap();
            let request = address.request().unwrap();
            assert_eq!((address.host(), address.port), (host, port));
            assert_eq!(address.name.to_str(), host);
            assert_eq!(
                (request.headers()["host"].to_str().unwrap(), request.uri().to_string()),
                (asked_of, target.into())
            );
        }
    }

    #[test]
    fn what_is_not_plainly_an_https_url_is_no_address() {
        for url in [
            "http://a.example",
            "a.example",
            "/x",
            "https://",
            "https:///x",
            "ftp://a.example",
            "https://a.examplea@a.example",
            "https://user@a.example",
            "https://user:word@a.example",
            "https://a b",
            "https://a.example:port",
            "https://-",
            "",
        ] {
            assert!(Address::parse(url).is_none(), "{url}");
        }
    }
}
