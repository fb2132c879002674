//! The module's process, which a [`sidecar::Supervisor`] keeps running.

use crate::ModuleClient;
use sidecar::{Program, StartError, User, WhileDown};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What the module's process is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The program, `cardea-module`.
    pub program: PathBuf,
    /// The file of the key that seals the domain key. Only the module reads it.
    pub seal_file: PathBuf,
    /// The file of the sealed domain key. Only the module reads it.
    pub domain_file: PathBuf,
    /// Whether missing files are made. True on the very first start only: a domain key that is made anew opens no old token.
    pub initialise: bool,
    /// The user that the module runs as; the files must belong to it. Takes a supervisor that runs as root.
    pub user: Option<User>,
}

impl Config {
    fn program(self) -> Program {
        let mut arguments: Vec<OsString> = vec!["--seal-file".into(), self.seal_file.into()];
        arguments.extend(["--domain-file".into(), self.domain_file.into()]);
        Program {
            name: "the security module".to_owned(),
            path: self.program,
            arguments,
            // What is made on the first start is never made again: a restart finds the files or fails.
            arguments_at_first: self.initialise.then(|| "--initialise".into()).into_iter().collect(),
            environment: Vec::new(),
            user: self.user,
            longest_pause: LONGEST_PAUSE,
        }
    }
}

/// Runs the module for as long as it lives. Dropped, it stops the module.
#[derive(Debug)]
pub struct Supervisor(sidecar::Supervisor);

impl Supervisor {
    /// Starts the module and waits until it can serve; blocks meanwhile. One connector a worker.
    pub fn start(config: Config, workers: usize) -> Result<(Self, Vec<Connector>), StartError> {
        let (supervisor, connectors) = sidecar::Supervisor::start(config.program(), workers)?;
        Ok((Self(supervisor), connectors.into_iter().map(Connector).collect()))
    }

    /// Stops the module and waits until its process is gone. Calls that are still in flight fail.
    pub fn stop(self) {
        self.0.stop();
    }
}

/// One worker's place at the module's door.
#[derive(Debug)]
pub struct Connector(sidecar::Connector);

impl Connector {
    /// Starts the task that carries the frames, on the runtime that this is called on. It ends with the supervisor.
    #[must_use]
    pub fn connect(self) -> ModuleClient {
        ModuleClient::new(self.0.connect(WhileDown::Wait))
    }
}

/// Shorter than a call's deadline, so that one call in a bad time can still see the next start.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
