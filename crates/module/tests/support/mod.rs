//! A module's process on a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test whose process does not start fails")]

use module_client::{Config, ModuleClient, Supervisor, User};
use std::path::Path;
use tempfile::TempDir;

/// A running module; its files go with it.
pub struct Process {
    pub client: ModuleClient,
    pub supervisor: Supervisor,
    pub directory: TempDir,
}

/// Starts a module for one worker, on new files.
pub fn start() -> Process {
    let directory = tempfile::tempdir().unwrap();
    let (supervisor, mut connectors) = Supervisor::start(config(directory.path(), None), 1).unwrap();
    Process { client: connectors.pop().unwrap().connect(), supervisor, directory }
}

/// The configuration of a first start in that directory.
pub fn config(directory: &Path, user: Option<User>) -> Config {
    Config {
        program: env!("CARGO_BIN_EXE_cardea-module").into(),
        seal_file: directory.join("module.seal"),
        domain_file: directory.join("module.domain"),
        initialise: true,
        user,
    }
}
