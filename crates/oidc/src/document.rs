//! One document over HTTPS: GET, a bounded answer, nothing followed. It keeps no cookie, and sets no deadline: who asks does.

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, StatusCode, Uri, header};
use https::{Error, Routes, Tls};

/// Asks servers that the TLS configuration trusts.
#[derive(Clone)]
pub(crate) struct Client(https::Client);

impl Client {
    pub(crate) fn new(tls: Tls) -> Self {
        Self(https::Client::new(tls, Routes::default(), None))
    }

    /// The body of a 200 answer, if it is not longer than `limit` bytes.
    pub(crate) async fn document(&self, address: &Address, limit: usize) -> Result<Bytes, FetchError> {
        let answer = self.0.send(&address.request()?, limit).await.map_err(|error| match error {
            Error::TooLong => FetchError::Unusable(format!("it answers more than {limit} bytes")),
            error => FetchError::Unreachable(error.to_string()),
        })?;
        accept(answer.status())?;
        Ok(answer.into_body())
    }
}

/// Where a document is: an `https` URL.
pub(crate) struct Address(Uri);

impl Address {
    /// Nothing of a URL that is not `https`, has no host, or names a user.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return None;
        }
        let rest = authority.as_str().strip_prefix(authority.host())?;
        if !rest.is_empty() {
            rest.strip_prefix(':')?.parse::<u16>().ok()?;
        }
        let bare_host = authority.host().trim_start_matches('[').trim_end_matches(']');
        rustls::pki_types::ServerName::try_from(bare_host).ok()?;
        Some(Self(uri))
    }

    fn request(&self) -> Result<Request<Bytes>, FetchError> {
        let request = Request::get(self.0.clone()).header(header::ACCEPT, "application/json");
        request.body(Bytes::new()).map_err(|error| FetchError::Unusable(error.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_for_as_it_is() {
        for url in [
            "https://a.example/",
            "https://a.example:8443/x/y?z=1",
            "https://10.0.0.1/x",
            "https://[::1]:8443/x",
        ] {
            assert_eq!(Address::parse(url).unwrap().request().unwrap().uri().to_string(), url);
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
