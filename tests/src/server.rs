//! A running service on a data directory of its own.

use crate::{Answer, Caller, Connection, Environment, Request, SoftHsm, program, read_journal, record_of};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `cardea serve`, stopped when it is dropped. Its methods may be called from several threads.
#[derive(Debug)]
pub struct Server {
    options: Builder,
    directory: TempDir,
    ports: Ports,
    running: Mutex<Option<Running>>,
    root: OnceLock<Caller>,
}

/// How a service is started.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    config: Option<String>,
    metrics: bool,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// The ports of a service that stay the same over its restarts.
#[derive(Clone, Copy, Debug)]
struct Ports {
    http: SocketAddr,
    metrics: SocketAddr,
}

#[derive(Debug)]
struct Running {
    process: Child,
    https: String,
}

impl Builder {
    /// With that configuration file.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        Self { config: Some(text.to_owned()), ..self }
    }

    /// With those sections of a configuration file after what it has already.
    #[must_use]
    pub fn more_config(self, text: &str) -> Self {
        let before = self.config.as_deref().unwrap_or_default();
        Self { config: Some(format!("{before}\n{text}")), ..self }
    }

    /// With the metrics endpoint.
    #[must_use]
    pub fn metrics(self) -> Self {
        Self { metrics: true, ..self }
    }

    /// With that HSM cluster.
    #[must_use]
    pub fn hsm_cluster(self, cluster: &SoftHsm) -> Self {
        self.more_config(&cluster.settings())
    }

    /// With a clock that can be moved.
    #[must_use]
    pub fn dev_clock(self) -> Self {
        self.argument("--dev-clock")
    }

    /// With one more argument.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With that variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it on an empty data directory and waits until it can serve.
    #[must_use]
    pub fn start(self) -> Server {
        let directory = tempfile::Builder::new().prefix("cardea-").tempdir().unwrap();
        for _ in 1..TRIES {
            let ports = Ports { http: free_address(), metrics: free_address() };
            match self.launch(directory.path(), ports) {
                Ok(running) => return Server::new(self, directory, ports, running),
                // Another process may have taken the port in between.
                Err(reason) if reason.contains("address") || reason.contains("Address") => {}
                Err(reason) => panic!("{reason}"),
            }
        }
        panic!("no port could be had");
    }

    /// Settings that stand in no section come before all sections. What a test does not say of custom key stores is so that it
    /// can make many without a backend.
    fn config_with(&self, ports: Ports) -> String {
        let metrics = self.metrics.then(|| format!("metrics = \"{}\"\n", ports.metrics));
        let config = self.config.as_deref().unwrap_or_default();
        let missing = [("[xks", many_services()), ("[custom_key_stores]", MANY_STORES.to_owned())];
        let missing = missing.into_iter().filter(|(section, _)| !config.contains(section));
        let missing = missing.map(|(_, text)| text).collect::<String>();
        [metrics.unwrap_or_default().as_str(), config, "\n", &missing].concat()
    }

    /// Launches the process and waits for its line. Whatever comes instead is the error.
    fn launch(&self, directory: &Path, ports: Ports) -> Result<Running, String> {
        let log = directory.join("log");
        let mut command = Command::new(program("cardea"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--http", &ports.http.to_string(), "--data"]);
        command.arg(directory.join("data")).args(&self.arguments);
        let file = directory.join("cardea.toml");
        std::fs::write(&file, self.config_with(ports)).unwrap();
        command.arg("--config").arg(file);
        let appended = File::options().create(true).append(true).open(&log).unwrap();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(appended);
        let mut process = command.spawn().unwrap();
        match ready("cardea", &mut process) {
            Ok(https) => Ok(Running { process, https }),
            Err(reason) => {
                let _ = process.kill();
                let status = process.wait().unwrap();
                Err(format!("{reason} ({status})\n{}", std::fs::read_to_string(log).unwrap()))
            }
        }
    }
}

/// The name of a VPC endpoint service that every service knows whose configuration has no section on XKS proxies, and behind which there
/// is nobody.
#[must_use]
pub fn vpc_endpoint_service(number: usize) -> String {
    assert!(number < VPC_ENDPOINT_SERVICES, "there are {VPC_ENDPOINT_SERVICES} services only");
    format!("com.amazonaws.vpce.us-east-1.vpce-svc-{number:017x}")
}

fn many_services() -> String {
    let lines = (0..VPC_ENDPOINT_SERVICES)
        .map(|number| format!("\"{}\" = \"127.0.0.1:9\"\n", vpc_endpoint_service(number)));
    format!("[xks.connect_to]\n{}", lines.collect::<String>())
}

const VPC_ENDPOINT_SERVICES: usize = 512;
const MANY_STORES: &str = "[custom_key_stores]\nper_region = 1000\n";

impl Server {
    /// A service with nothing special about it.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A service yet to be described.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn new(options: Builder, directory: TempDir, ports: Ports, running: Running) -> Self {
        Self { options, directory, ports, running: Mutex::new(Some(running)), root: OnceLock::new() }
    }

    /// Calls an operation as the first account's root.
    #[must_use]
    pub fn call(&self, operation: &str, input: &Value) -> Answer {
        self.call_as(self.root(), operation, input)
    }

    /// Calls an operation as somebody.
    #[must_use]
    pub fn call_as(&self, caller: &Caller, operation: &str, input: &Value) -> Answer {
        self.send(&self.request(operation, input.to_string()).signed(caller))
    }

    /// The same, where no answer at all is to be expected too.
    pub fn try_call_as(&self, caller: &Caller, operation: &str, input: &Value) -> io::Result<Answer> {
        let request = self.request(operation, input.to_string()).signed(caller);
        self.connect()?.exchange(&request)
    }

    /// A request for this service, not signed yet.
    #[must_use]
    pub fn request(&self, operation: &str, body: impl Into<Vec<u8>>) -> Request {
        Request::new(&self.ports.http.to_string(), operation, body)
    }

    /// Sends a request on a connection of its own.
    #[must_use]
    pub fn send(&self, request: &Request) -> Answer {
        self.connect().and_then(|mut connection| connection.exchange(request)).unwrap_or_else(|error| {
            panic!("no answer to {} {}: {error}\n{}", request.method, request.target, self.log())
        })
    }

    /// Opens a connection of plain HTTP.
    pub fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.ports.http)
    }

    /// Makes a key of the first account and says its ARN.
    #[must_use]
    pub fn create_key(&self) -> String {
        self.create_key_as(self.root())
    }

    /// Makes a key of somebody's account and says its ARN.
    #[must_use]
    pub fn create_key_as(&self, caller: &Caller) -> String {
        let made = self.call_as(caller, "CreateKey", &json!({})).output();
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// The first account's root.
    #[must_use]
    pub fn root(&self) -> &Caller {
        self.root.get_or_init(|| Caller::of(&self.root_env()))
    }

    /// What `root.env` says.
    #[must_use]
    pub fn root_env(&self) -> Environment {
        Environment::parse(&std::fs::read_to_string(self.data().join("root.env")).unwrap())
    }

    /// Makes another account, as an administrator does.
    #[must_use]
    pub fn create_account(&self) -> Caller {
        let output = self.cardea(&["admin", "account", "create"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Caller::of(&Environment::parse(&String::from_utf8(output.stdout).unwrap()))
    }

    /// The id of a caller's account.
    #[must_use]
    pub fn account_id(&self, caller: &Caller) -> String {
        let nowhere = json!({"KeyId": "00000000-0000-4000-8000-000000000000"});
        let (_, message) = self.call_as(caller, "DescribeKey", &nowhere).fault();
        message.unwrap().split(':').nth(4).expect("the key that does not exist has an ARN").to_owned()
    }

    /// Moves the clock of a service that was started with `dev_clock`, by such as `365d`.
    pub fn advance(&self, span: &str) {
        let output = self.cardea(&["dev", "advance", span]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs `cardea` on this data directory.
    #[must_use]
    pub fn cardea(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program("cardea"));
        command.args(arguments).arg("--data").arg(self.data()).output().unwrap()
    }

    /// Every record of the journal, oldest first.
    #[must_use]
    pub fn journal(&self) -> Vec<Value> {
        read_journal(&self.data())
    }

    /// The record of the call that was answered so. Reads the whole journal; for many answers see [`record_of`].
    #[must_use]
    pub fn record_of(&self, answer: &Answer) -> Value {
        record_of(&self.journal(), answer)
    }

    /// Where plain HTTP is served.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.ports.http
    }

    /// Where the metrics endpoint is, of a service that was started with one.
    #[must_use]
    pub fn metrics(&self) -> SocketAddr {
        assert!(self.options.metrics, "the service has no metrics endpoint");
        self.ports.metrics
    }

    /// The metrics as they are now, in OpenMetrics' text.
    #[must_use]
    pub fn collect_metrics(&self) -> String {
        let request = Request::get(&self.metrics().to_string(), "/metrics");
        let answer =
            Connection::open(self.metrics()).and_then(|mut metrics| metrics.exchange(&request)).unwrap();
        assert_eq!(answer.status, 200);
        answer.text()
    }

    /// The URL that the service printed when it was ready.
    #[must_use]
    pub fn https(&self) -> String {
        self.running.lock().unwrap().as_ref().expect("the service runs").https.clone()
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A directory for the test's own files, gone when the server is.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.directory.path()
    }

    /// What the service has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// The process that serves.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.lock().unwrap().as_ref().expect("the service runs").process.id()
    }

    /// The security module's process, which the serving one started.
    #[must_use]
    pub fn module_pid(&self) -> Option<u32> {
        children_of(self.pid(), "cardea-module").first().copied()
    }

    /// The processes that have loaded an HSM's library, which the serving one started: one a member.
    #[must_use]
    pub fn pkcs11_pids(&self) -> Vec<u32> {
        children_of(self.pid(), "cardea-pkcs11")
    }

    /// Kills the process as `kill -9` does. The service is down afterwards.
    pub fn kill(&self) {
        if let Some(mut running) = self.running.lock().unwrap().take() {
            running.process.kill().unwrap();
            running.process.wait().unwrap();
        }
    }

    /// Asks the process to stop as `kill` does, without waiting.
    pub fn ask_to_stop(&self) {
        signal(self.pid(), Signal::TERM);
    }

    /// Asks the process to stop and waits until it has.
    pub fn terminate(&self) -> ExitStatus {
        self.ask_to_stop();
        self.wait()
    }

    /// Waits until the process has ended by itself.
    pub fn wait(&self) -> ExitStatus {
        let mut running = self.running.lock().unwrap().take().expect("the service runs");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = running.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.log());
            std::thread::sleep(POLL);
        }
    }

    /// Starts the service again, on the same directory and the same port of plain HTTP.
    pub fn start_again(&self) {
        let running = self.options.launch(self.directory.path(), self.ports);
        *self.running.lock().unwrap() = Some(running.unwrap_or_else(|reason| panic!("{reason}")));
    }

    /// The same, where it may fail: what it said.
    pub fn try_start_again(&self) -> Result<(), String> {
        *self.running.lock().unwrap() = Some(self.options.launch(self.directory.path(), self.ports)?);
        Ok(())
    }

    /// Stops it in good order and starts it again.
    pub fn restart(&self) {
        assert!(self.terminate().success(), "{}", self.log());
        self.start_again();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the service's log ---\n{}", self.log());
        }
    }
}

/// The URL of the line that says that the program of that name can serve.
pub(crate) fn ready(program: &str, process: &mut Child) -> Result<String, String> {
    let (lines, heard) = channel();
    let stdout = BufReader::new(process.stdout.take().unwrap());
    std::thread::spawn(move || {
        // The pipe is read to its end, so that the service can never be stopped by a full one.
        stdout.lines().map_while(Result::ok).for_each(|line| drop(lines.send(line)));
    });
    match heard.recv_timeout(PATIENCE) {
        Ok(line) => match line.strip_prefix(&format!("{program} ready ")) {
            Some(url) => Ok(url.to_owned()),
            None => Err(format!("printed `{line}`")),
        },
        Err(RecvTimeoutError::Disconnected) => Err("ended before it was ready".to_owned()),
        Err(RecvTimeoutError::Timeout) => Err("was not ready in time".to_owned()),
    }
}

pub(crate) fn free_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))
}

/// A port below those that the system gives out by itself, so that no connection of another test takes it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let mine = std::process::id().wrapping_mul(61) as u16;
    loop {
        let port = 10_000 + mine.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The processes of that name that another one has started.
pub(crate) fn children_of(parent: u32, name: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let says = |field: &str, value: &str| {
            status.lines().any(|line| line.strip_prefix(field).is_some_and(|rest| rest.trim() == value))
        };
        says("Name:", name) && says("PPid:", &parent.to_string())
    };
    ids.filter(is_child).collect()
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

const TRIES: usize = 10;
/// So long may a service take to come up or to stop; it takes much less.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);
