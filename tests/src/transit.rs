//! A server that speaks the API of Vault's Transit engine, as a process.

use crate::server::ready;
use crate::{Answer, Request, TlsConnection, stand_in};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// `stand-in-transit`, stopped when it is dropped.
#[derive(Debug)]
pub struct Transit {
    directory: TempDir,
    process: Child,
    /// Where it is served.
    pub url: String,
}

impl Transit {
    /// One with these keys.
    #[must_use]
    pub fn start(keys: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("transit-").tempdir().unwrap();
        let mut command = Command::new(stand_in("stand-in-transit"));
        command.arg("--dir").arg(directory.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.args(keys.iter().flat_map(|key| ["--key", key]));
        let mut process = command.spawn().unwrap();
        let url = ready("stand-in-transit", &mut process).unwrap();
        Self { directory, process, url }
    }

    /// The file of the authority that vouches for it.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The token of its root.
    #[must_use]
    pub fn token(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("token")).unwrap().trim().to_owned()
    }

    /// Changes a key as its owner does, such as by `rotate`.
    pub fn change(&self, key: &str, action: &str, input: &Value) {
        let host = self.url.strip_prefix("https://").unwrap();
        let address: SocketAddr = host.parse().unwrap();
        let mut request = Request::get(host, &format!("/v1/transit/keys/{key}/{action}"));
        "POST".clone_into(&mut request.method);
        request.body = input.to_string().into_bytes();
        let request = request.with("x-vault-token", &self.token());
        let authority = std::fs::read_to_string(self.authority()).unwrap();
        let answer: Answer = TlsConnection::open(address, &authority).unwrap().exchange(&request).unwrap();
        assert!([200, 204].contains(&answer.status), "{}", answer.text());
    }
}

impl Drop for Transit {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
