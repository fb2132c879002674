//! What an idle connection costs. Its clients are another process, this same program, so that their memory is not counted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "door/service.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod service;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use service::{exchange_once, limits, localhost, open, post_and_stay};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[tokio::test]
async fn an_idle_connection_of_http1_costs_little() {
    assert_costs_less("http/1.1", 18 << 10).await;
}

#[tokio::test]
async fn an_idle_connection_of_http2_costs_little() {
    assert_costs_less("h2", 36 << 10).await;
}

async fn assert_costs_less(protocol: &str, at_most: usize) {
    if let Ok(order) = std::env::var(ORDER) {
        return hold_connections(&order).await;
    }
    let door = open(limits()).await;
    let certificate: String = door.identity.certificate.iter().map(|byte| format!("{byte:02x}")).collect();
    let warm = clients(door.https, protocol, &certificate, 20).await;
    let before = resident();
    let mut idle = Vec::new();
    for _ in 0..BATCHES {
        idle.push(clients(door.https, protocol, &certificate, CONNECTIONS / BATCHES).await);
        tokio::time::sleep(BUFFERS_ARE_GIVEN_BACK).await;
    }
    let each = (resident() - before) / CONNECTIONS;
    println!("an idle connection of {protocol} costs {each} bytes");
    assert!(each < at_most, "an idle connection of {protocol} costs {each} bytes");
    drop((warm, idle));
    door.door.close().await;
}

/// Another process with so many connections, each of which has had an answer.
async fn clients(address: SocketAddr, protocol: &str, certificate: &str, count: usize) -> Clients {
    let order = format!("{address} {protocol} {certificate} {count}");
    tokio::task::spawn_blocking(move || {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "an_idle_connection_of_http1_costs_little", "--nocapture"])
            .env(ORDER, order)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains(READY) {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the clients have failed");
        }
        Clients { process, _output: output }
    })
    .await
    .unwrap()
}

struct Clients {
    process: Child,
    _output: BufReader<ChildStdout>,
}

impl Drop for Clients {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

async fn hold_connections(order: &str) {
    let parts: Vec<&str> = order.split(' ').collect();
    let [address, protocol, certificate, count] = parts.try_into().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let connector = TlsConnector::from(Arc::new(client(protocol, certificate)));
    let mut connections = Vec::new();
    for _ in 0..count.parse().unwrap() {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut stream = connector.connect(localhost(), stream).await.unwrap();
        if protocol == "http/1.1" {
            exchange_once(&mut stream, &post_and_stay("x")).await;
            connections.push((Some(stream), None));
        } else {
            let mut sender = service::http2(stream).await;
            sender.send_request(service::http2_request("/", "x")).await.unwrap();
            connections.push((None, Some(sender)));
        }
    }
    println!("\n{READY}");
    std::io::stdout().flush().unwrap();
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}

fn client(protocol: &str, certificate: &str) -> ClientConfig {
    let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    let certificate: Vec<u8> = certificate.as_bytes().chunks(2).map(byte).collect();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate)).unwrap();
    let mut config = ClientConfig::builder_with_provider(http_server::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    config
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

const ORDER: &str = "HOLD_CONNECTIONS";
const READY: &str = "every connection is open";
const CONNECTIONS: usize = 800;

/// As in life, where connections are opened over a while: what one batch gives back the next one takes.
const BATCHES: usize = 4;
const BUFFERS_ARE_GIVEN_BACK: Duration = Duration::from_millis(2_500);
