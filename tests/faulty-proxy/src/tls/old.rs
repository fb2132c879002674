//! A server that speaks TLS 1.1 and nothing newer, which rustls cannot: a child process of OpenSSL. It never answers a
//! request; that its handshake fails is what it is for.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::NamedTempFile;

use crate::error::Error;
use crate::tls::Identity;

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct OldTlsServer {
    child: Child,
    address: SocketAddr,
}

impl OldTlsServer {
    /// Starts `openssl s_server` at a free port of loopback with that certificate.
    pub fn start(identity: &Identity) -> Result<Self, Error> {
        let file = pem_file(identity).map_err(Error::io("cannot write the certificate for openssl"))?;
        let mut child = Command::new("openssl")
            .args(["s_server", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-accept", "127.0.0.1:0", "-cert"])
            .arg(file.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io("cannot start openssl"))?;
        match announced_address(&mut child) {
            Ok(address) => Ok(Self { child, address }),
            Err(source) => {
                end(&mut child);
                Err(Error::Io { context: "openssl does not listen", source })
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for OldTlsServer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn pem_file(identity: &Identity) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(identity.certificate_pem().as_bytes())?;
    file.write_all(identity.key_pem().as_bytes())?;
    Ok(file)
}

/// It prints `ACCEPT 127.0.0.1:40669` when it listens, and has read its files by then.
fn announced_address(child: &mut Child) -> io::Result<SocketAddr> {
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    for line in BufReader::new(output).lines() {
        if let Some(address) = line?.strip_prefix("ACCEPT ") {
            return address.parse().map_err(io::Error::other);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// A child that ended by itself is as good.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}
