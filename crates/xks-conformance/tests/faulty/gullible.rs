//! A proxy that believes everything: any request, whole or not, is answered 200 with the same fields, over TLS of any version,
//! or none. It reads all that is sent, and waits for ever.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what is not as expected fails the test")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use faulty_proxy::Identity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Starts one, whose threads end with the test; returns where it is. `status` is that of every answer.
pub fn start(identity: &Identity, status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let certificate = CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let config = Arc::new(config.unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || serve(stream, config, status));
        }
    });
    url
}

fn serve(mut stream: TcpStream, config: Arc<ServerConfig>, status: u16) {
    let mut hello = [0; 11];
    let mut peeked = 0;
    while peeked < hello.len() && peeked != usize::MAX {
        peeked = stream.peek(&mut hello).ok().filter(|&length| length > 0).unwrap_or(usize::MAX);
    }
    match (hello.first(), hello.get(9..11), hello.get(2)) {
        (Some(22), Some([3, 3]), _) => {
            answer_all(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), status);
        }
        // An old version of TLS, and a handshake that goes on with it.
        (Some(22), _, _) => drop(stream.write_all(&[22, 3, 2, 0, 1, 2])),
        _ => answer_all(stream, status),
    }
}

/// A request is at its end when nothing more came for a while; that is slow, and right for whatever is no HTTP.
fn answer_all(mut stream: impl Read + Write + Hurried, status: u16) {
    stream.hurry(QUIET);
    let (mut buffer, mut asked) = (vec![0; 65_536], false);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => asked = true,
            Err(error) if is_quiet(&error) && asked => {
                if stream.write_all(answer(status).as_bytes()).and_then(|()| stream.flush()).is_err() {
                    return;
                }
                asked = false;
            }
            Err(error) if is_quiet(&error) => (),
            Err(_) => return,
        }
    }
}

/// Another answer each time.
fn answer(status: u16) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let body = format!(
        r#"{{"count":{count},"plaintext":"","ciphertext":"","initializationVector":"","authenticationTag":""}}"#
    );
    format!(
        "HTTP/1.1 {status} Fine\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn is_quiet(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

trait Hurried {
    fn hurry(&self, time: Duration);
}

impl Hurried for TcpStream {
    fn hurry(&self, time: Duration) {
        self.set_read_timeout(Some(time)).unwrap();
    }
}

impl Hurried for StreamOwned<ServerConnection, TcpStream> {
    fn hurry(&self, time: Duration) {
        self.sock.hurry(time);
    }
}

const QUIET: Duration = Duration::from_millis(30);
