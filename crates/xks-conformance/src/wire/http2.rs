//! One call by HTTP/2. The host is in `:authority`.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::{Answer, Connection, Lost, PATIENCE, Request, within};

/// Sends a request over a connection that has agreed on HTTP/2.
pub(crate) async fn call(connection: Connection, request: &Request) -> Result<Answer, Lost> {
    within(PATIENCE, async {
        let stream = TokioIo::new(connection.into_stream());
        let (mut sender, driver) = http2::handshake(TokioExecutor::new(), stream).await.map_err(lost)?;
        let driver = tokio::spawn(driver);
        let response = sender.send_request(converted(request)?).await.map_err(lost)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(lost)?.to_bytes().to_vec();
        driver.abort();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok(Answer { status: parts.status.as_u16(), headers, body })
    })
    .await
}

fn converted(request: &Request) -> Result<http::Request<Full<Bytes>>, Lost> {
    let uri = format!("https://{}{}", request.header("host").unwrap_or_default(), request.path);
    let mut builder = http::Request::builder().method(request.method).uri(uri);
    for (name, value) in request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
        builder = builder.header(name, value);
    }
    let body = Full::new(Bytes::from(request.body.clone()));
    builder.body(body).map_err(|error| Lost(format!("no request of HTTP/2: {error}")))
}

fn lost(error: hyper::Error) -> Lost {
    Lost(format!("HTTP/2: {error}"))
}
