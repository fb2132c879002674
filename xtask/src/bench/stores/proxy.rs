//! An XKS proxy that runs as a program, scripted through its control port, and the requests that Cardea sent it, signed anew to be
//! sent to it straight.

use super::super::connection::{Endpoint, tls_trusting};
use super::super::load::send_all;
use super::super::process::Server;
use super::super::request::{Requests, as_sent};
use super::super::{BenchError, Places};
use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sigv4::{Credentials, Signer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// A proxy that runs.
#[derive(Debug)]
pub struct Proxy {
    /// Its process.
    pub server: Server,
    /// Where it speaks the API of XKS proxies.
    pub endpoint: Endpoint,
    control: Endpoint,
    port: u16,
    ca: PathBuf,
}

/// A request as it came to the proxy.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    path: String,
    body: String,
}

impl Proxy {
    /// Starts it with one external key. Its certificates go to a directory, beside its log.
    pub fn start(places: &Places, directory: &Path) -> Result<Self, BenchError> {
        let mut command = Command::new(places.program("faulty-xks-proxy"));
        command.args(["--access-key-id", ACCESS_KEY_ID, "--secret", SECRET, "--key", EXTERNAL_KEY]);
        command.args(["--control", "127.0.0.1:0", "--remember"]).arg(REMEMBERED.to_string());
        command.arg("--certificate-dir").arg(directory);
        let server = Server::start(command, READY, &directory.with_extension("log"))?;
        let addresses = addresses(&server.ready_line);
        let (address, control) =
            addresses.ok_or_else(|| BenchError::malformed("the ready line", &server.ready_line))?;
        let ca = directory.join("ca.pem");
        let endpoint = Endpoint::secure(address, tls_trusting(&ca)?);
        let control = Endpoint::plain(control);
        Ok(Self { server, endpoint, control, port: address.port(), ca })
    }

    /// The certificate authority that vouches for it.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// What `CreateCustomKeyStore` is told of it.
    pub fn as_custom_key_store(&self) -> Value {
        json!({
            "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": format!("https://localhost:{}", self.port),
            "XksProxyUriPath": "/kms/xks/v1",
            "XksProxyAuthenticationCredential": { "AccessKeyId": ACCESS_KEY_ID, "RawSecretAccessKey": SECRET },
        })
    }

    /// What `CreateKey` is told of its key.
    pub fn key() -> Value {
        json!({ "Origin": "EXTERNAL_KEY_STORE", "XksKeyId": EXTERNAL_KEY })
    }

    /// Has the proxy do something.
    pub fn command(&self, command: &Value) -> Result<(), BenchError> {
        self.control("POST", "/", &command.to_string()).map(drop)
    }

    /// The last requests for encryption that it has seen.
    pub fn seen(&self) -> Result<Vec<Seen>, BenchError> {
        let answer = self.control("GET", "/requests", "")?;
        let seen: Vec<Seen> = serde_json::from_slice(&answer).map_err(|_| {
            BenchError::malformed("what the proxy has seen", String::from_utf8_lossy(&answer))
        })?;
        Ok(seen.into_iter().filter(|request| request.path.ends_with("/encrypt")).collect())
    }

    /// The same requests, signed now as Cardea signs them.
    pub fn sign(&self, seen: &[Seen], region: &str) -> Result<Requests, BenchError> {
        let credentials = Credentials::new(ACCESS_KEY_ID.to_owned(), SECRET.to_owned(), None);
        let signer = Signer { credentials: &credentials, region, service: "kms-xks-proxy" };
        let now = Timestamp::now();
        let signed = seen.iter().map(|request| self.signed(request, &signer, now));
        signed.collect::<Result<Vec<_>, _>>().map(Requests::from)
    }

    fn signed(&self, seen: &Seen, signer: &Signer<'_>, now: Timestamp) -> Result<Box<[u8]>, BenchError> {
        let host = format!("localhost:{}", self.port);
        let request = Request::post(seen.path.as_str()).header(header::HOST, host).body(());
        let request = request.map_err(|error| BenchError::malformed("a request", error.to_string()))?;
        let (mut parts, ()) = request.into_parts();
        signer.sign(&mut parts, seen.body.as_bytes(), now)?;
        // Not signed, as Cardea does not sign them.
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(seen.body.len()));
        Ok(as_sent(&parts, seen.body.as_bytes()))
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Result<Vec<u8>, BenchError> {
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
        let request = Requests::from(vec![[head, body.to_owned()].concat().into_bytes().into()]);
        Ok(send_all(&self.control, &Arc::new(request), 1)?.pop().unwrap_or_default())
    }
}

/// Where a ready line says that the API and the control port are.
fn addresses(ready_line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (api, control) = ready_line.strip_prefix(READY)?.trim().split_once(" control http://")?;
    let port = api.rsplit_once(':')?.1.parse().ok()?;
    Some(((std::net::Ipv4Addr::LOCALHOST, port).into(), control.parse().ok()?))
}

/// How many requests the proxy remembers: few enough for one answer of its control port.
pub const REMEMBERED: usize = 64;
const READY: &str = "faulty-xks-proxy ready ";
const ACCESS_KEY_ID: &str = "BENCHCREDENTIAL234567AAA";
const SECRET: &str = "bench/secret+of/forty/three/characters=====";
const EXTERNAL_KEY: &str = "bench-key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_says_where_both_ports_are() {
        let line = "faulty-xks-proxy ready https://localhost:4443 control http://127.0.0.1:8080\n";
        let (api, control) = addresses(line).unwrap();
        assert_eq!(
            (api.to_string(), control.to_string()),
            ("127.0.0.1:4443".into(), "127.0.0.1:8080".into())
        );
        assert!(addresses("faulty-xks-proxy ready https://localhost:4443\n").is_none());
    }
}
