//! `cardea serve` as it is shipped, on a data directory of the bench, and the few calls that prepare a measurement.

use super::connection::{Endpoint, tls_trusting};
use super::load::send_all;
use super::process::Server;
use super::request::{Caller, Requests};
use super::{BenchError, Places};
use serde_json::Value;
use sigv4::Credentials;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A Cardea server that runs.
#[derive(Debug)]
pub struct Cardea {
    /// Its processes.
    pub server: Server,
    /// Where it speaks plain HTTP.
    pub http: Endpoint,
    /// Where it speaks HTTPS.
    pub https: Endpoint,
    /// Who calls it.
    pub caller: Caller,
}

impl Cardea {
    /// Starts it on that data directory, which it makes if there is none.
    pub fn start(places: &Places, data: &Path) -> Result<Self, BenchError> {
        let port = free_port()?;
        let mut command = Command::new(places.program("cardea"));
        command.arg("serve").arg("--data").arg(data);
        command.args(["--listen", "127.0.0.1:0", "--http"]).arg(format!("127.0.0.1:{port}"));
        if let Some(config) = &places.config {
            command.arg("--config").arg(config);
        }
        let server = Server::start(command, READY, &places.log(data))?;
        let address = server.ready_line.strip_prefix(READY).and_then(|address| address.trim().parse().ok());
        let address = address.ok_or_else(|| BenchError::malformed("the ready line", &server.ready_line))?;
        let environment = Environment::read(data)?;
        let tls = tls_trusting(Path::new(environment.value("AWS_CA_BUNDLE")?))?;
        Ok(Self {
            server,
            http: Endpoint::plain((Ipv4Addr::LOCALHOST, port).into()),
            https: Endpoint::secure(address, tls),
            caller: environment.caller()?,
        })
    }

    /// Makes a call for every body and gives the answers in the same order.
    pub fn call_all(
        &self,
        operation: &str,
        bodies: &[String],
        connections: usize,
    ) -> Result<Vec<Value>, BenchError> {
        let requests = Arc::new(self.sign(operation, bodies)?);
        let answers = send_all(&self.http, &requests, connections)?;
        answers.iter().map(|answer| parse(answer)).collect()
    }

    /// Signs a request for every body.
    pub fn sign(&self, operation: &str, bodies: &[String]) -> Result<Requests, BenchError> {
        self.caller.sign(operation, bodies)
    }

    /// The ids of all keys.
    pub fn key_ids(&self) -> Result<Vec<String>, BenchError> {
        let mut ids = Vec::new();
        let mut body = vec![r#"{"Limit":1000}"#.to_owned()];
        while !body.is_empty() {
            let pages = self.call_all("ListKeys", &body, 1)?;
            body.clear();
            for page in pages {
                let keys = page.get("Keys").and_then(Value::as_array).into_iter().flatten();
                ids.extend(keys.map(|key| text(key, "KeyId")).collect::<Result<Vec<_>, _>>()?);
                let marker = page.get("NextMarker");
                body.extend(marker.map(|marker| format!(r#"{{"Limit":1000,"Marker":{marker}}}"#)));
            }
        }
        Ok(ids)
    }
}

/// A member of an answer that is a text.
pub fn text(answer: &Value, member: &str) -> Result<String, BenchError> {
    let text = answer.get(member).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| BenchError::malformed("an answer", answer.to_string()))
}

fn parse(answer: &[u8]) -> Result<Value, BenchError> {
    serde_json::from_slice(answer)
        .map_err(|_| BenchError::malformed("an answer", String::from_utf8_lossy(answer)))
}

/// The `export` lines of `root.env`.
struct Environment(String);

impl Environment {
    fn read(data: &Path) -> Result<Self, BenchError> {
        fs::read_to_string(data.join("root.env")).map(Self).map_err(BenchError::io("read `root.env`"))
    }

    fn value(&self, name: &str) -> Result<&str, BenchError> {
        let value = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('='));
        value
            .map(|value| value.trim_matches(['\'', '"']))
            .ok_or_else(|| BenchError::malformed("`root.env`", format!("no {name}")))
    }

    fn caller(&self) -> Result<Caller, BenchError> {
        let value = |name| self.value(name).map(str::to_owned);
        let credentials =
            Credentials::new(value("AWS_ACCESS_KEY_ID")?, value("AWS_SECRET_ACCESS_KEY")?, None);
        Ok(Caller { credentials, region: value("AWS_REGION")? })
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(BenchError::io("find a free port"))
}

const READY: &str = "cardea ready https://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_root_env_come_without_quotes() {
        let environment = Environment("export AWS_REGION_X='no'\nexport AWS_REGION='eu-west-1'\n".to_owned());
        assert_eq!(environment.value("AWS_REGION").unwrap(), "eu-west-1");
        assert!(environment.value("AWS_SECRET_ACCESS_KEY").is_err());
    }
}
