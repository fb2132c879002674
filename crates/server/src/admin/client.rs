//! The administrator's end of the socket, and what is done without a service where none runs.

use super::protocol::{AdminRequest, AdminResponse, LONGEST_LINE, Status};
use super::{Errand, ServiceName, ServiceSummary};
use crate::ServerError;
use crate::config::{Config, Span};
use crate::data_dir::DataDir;
use crate::node::run_offline;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Makes an account, by the running service if there is one. Gives the lines that a shell reads to use it.
pub fn create_account(data: &Path, config: &Config) -> Result<Zeroizing<String>, ServerError> {
    credentials(run(data, config, Errand::CreateAccount)?)
}

/// Makes an integrated service, by the running service if there is one. Gives the lines that a shell reads to call as it.
pub fn create_service(
    data: &Path,
    config: &Config,
    service: ServiceName,
) -> Result<Zeroizing<String>, ServerError> {
    credentials(run(data, config, Errand::CreateService { service })?)
}

/// Makes another access key for an integrated service. Gives the lines that a shell reads to call with it.
pub fn create_service_access_key(
    data: &Path,
    config: &Config,
    service: ServiceName,
) -> Result<Zeroizing<String>, ServerError> {
    credentials(run(data, config, Errand::CreateServiceAccessKey { service })?)
}

/// Deletes an integrated service with its access keys.
pub fn delete_service(data: &Path, config: &Config, service: ServiceName) -> Result<(), ServerError> {
    deleted(run(data, config, Errand::DeleteService { service })?)
}

/// Deletes an access key of an integrated service.
pub fn delete_service_access_key(
    data: &Path,
    config: &Config,
    service: ServiceName,
    access_key_id: String,
) -> Result<(), ServerError> {
    deleted(run(data, config, Errand::DeleteServiceAccessKey { service, access_key_id })?)
}

/// The integrated services, in the order of their names.
pub fn list_services(data: &Path, config: &Config) -> Result<Vec<ServiceSummary>, ServerError> {
    match run(data, config, Errand::ListServices)? {
        AdminResponse::Services { services } => Ok(services),
        other => Err(unexpected(other)),
    }
}

/// Moves the clock of the running service, and gives its time.
pub fn advance_clock(data: &Path, by: Span) -> Result<String, ServerError> {
    match ask(&DataDir::open(data)?, &AdminRequest::AdvanceClock { by })? {
        AdminResponse::ClockAdvanced { now } => Ok(now),
        other => Err(unexpected(other)),
    }
}

/// How the running service does.
pub fn status(data: &Path) -> Result<Status, ServerError> {
    match ask(&DataDir::open(data)?, &AdminRequest::Status)? {
        AdminResponse::Status(status) => Ok(status),
        other => Err(unexpected(other)),
    }
}

/// Has an errand run by the running service, or runs it here if there is none.
fn run(data: &Path, config: &Config, errand: Errand) -> Result<AdminResponse, ServerError> {
    let dir = DataDir::open(data)?;
    match ask(&dir, &AdminRequest::Errand { errand: errand.clone() }) {
        Err(ServerError::NotRunning { .. }) => run_offline(data, config, &errand),
        answered => answered,
    }
}

fn credentials(response: AdminResponse) -> Result<Zeroizing<String>, ServerError> {
    match response {
        AdminResponse::Credentials { lines } => Ok(lines),
        other => Err(unexpected(other)),
    }
}

fn deleted(response: AdminResponse) -> Result<(), ServerError> {
    match response {
        AdminResponse::Deleted => Ok(()),
        other => Err(unexpected(other)),
    }
}

fn ask(dir: &DataDir, request: &AdminRequest) -> Result<AdminResponse, ServerError> {
    let path = dir.admin_socket();
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(ServerError::NotRunning { path: dir.path().to_owned() });
        }
        Err(error) => return Err(ServerError::file("reach the service at", &path)(error)),
    };
    exchange(stream, request).map_err(ServerError::file("talk to the service at", &path))
}

fn exchange(mut stream: UnixStream, request: &AdminRequest) -> io::Result<AdminResponse> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST_LINE).unwrap_or_default()));
    BufReader::new(stream.take(LONGEST_LINE)).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

fn unexpected(response: AdminResponse) -> ServerError {
    let reason = match response {
        AdminResponse::Refused { reason } => reason,
        _ => "it answered something else than it was asked".to_owned(),
    };
    ServerError::AdminRefused { reason }
}

/// Longer than the service takes at most.
const TIMEOUT: Duration = Duration::from_secs(70);
