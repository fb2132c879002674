//! A running `cardea-xks-proxy` with its files.

use crate::journal::read_records;
use crate::server::{children_of, free_address, ready, signal};
use crate::{TlsConnection, program};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use tempfile::TempDir;

/// `cardea-xks-proxy` in a folder of its own, where its configuration is `proxy.toml` and its data are in `data`. Stopped when it is
/// dropped. Its port stays the same over its restarts.
#[derive(Debug)]
pub struct XksProxy {
    directory: TempDir,
    address: SocketAddr,
    running: Mutex<Option<Child>>,
}

impl XksProxy {
    /// An empty folder and a port for one that is yet to be started.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("xks-proxy-").tempdir().unwrap();
        Self { directory, address: free_address(), running: Mutex::default() }
    }

    /// Where it listens, or will.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What CreateCustomKeyStore takes as its `XksProxyUriEndpoint`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// A file of its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of its folder that nobody else can read, in one step.
    pub fn write(&self, name: &str, text: &str) {
        let new = self.path(&format!("{name}.new"));
        let file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&new);
        file.unwrap().write_all(text.as_bytes()).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    /// Starts it and waits until it can serve.
    pub fn start(&self) {
        self.launch(Command::new(program(NAME)));
    }

    /// Starts it where its folder `data` is a disk of that size. What else that disk holds is below [`Self::on_small_disk`].
    pub fn start_on_small_disk(&self, size: &str) {
        let mut command = Command::new("unshare");
        let script = "mkdir -p data && mount -t tmpfs -o \"size=$0,mode=0700\" none data && exec \"$@\"";
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, size]);
        command.arg(program(NAME));
        self.launch(command);
    }

    /// A file on the small disk, which nobody sees but by the process that has mounted it.
    #[must_use]
    pub fn on_small_disk(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.pid()));
        let folder = self.directory.path().canonicalize().unwrap();
        root.join(folder.strip_prefix("/").unwrap()).join("data").join(name)
    }

    fn launch(&self, mut command: Command) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        command.arg("--config").arg(self.path("proxy.toml")).current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().unwrap();
        let begun = ready(NAME, &mut process);
        *self.running.lock().unwrap() = Some(process);
        assert!(begun.is_ok(), "{begun:?}\n{}", self.log());
    }

    /// Runs `cardea-xks-proxy` with those arguments in its folder to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program(NAME));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null()).output().unwrap()
    }

    /// The same, which must succeed: what it printed.
    #[track_caller]
    pub fn must(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Connects as somebody who is no KMS, and believes that authority.
    #[must_use]
    pub fn connect(&self, authority_pem: &str) -> TlsConnection {
        TlsConnection::open(self.address, authority_pem).unwrap()
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.lock().unwrap().as_ref().expect("the proxy runs").id()
    }

    /// The process that has loaded an HSM's library for that token, if there is one.
    #[must_use]
    pub fn pkcs11_pid(&self, token: &str) -> Option<u32> {
        let is_of = |pid: &u32| {
            let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            arguments.split('\0').any(|argument| argument == token)
        };
        children_of(self.pid(), "cardea-pkcs11").into_iter().find(is_of)
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&self) {
        if let Some(mut running) = self.running.lock().unwrap().take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    /// Asks it to stop and waits until it has.
    pub fn terminate(&self) -> ExitStatus {
        signal(self.pid(), Signal::TERM);
        self.running.lock().unwrap().take().expect("the proxy runs").wait().unwrap()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Where its journal is.
    #[must_use]
    pub fn journal_directory(&self) -> PathBuf {
        self.path("data").join("audit")
    }

    /// Every record of its journal, oldest first, each checked against the chain.
    #[must_use]
    pub fn journal(&self) -> Vec<Value> {
        read_records(&self.journal_directory())
    }
}

impl Default for XksProxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for XksProxy {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the proxy's log ---\n{}", self.log());
        }
    }
}

const NAME: &str = "cardea-xks-proxy";
