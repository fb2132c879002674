//! `cargo xtask bench`: what Cardea costs beside a bare server, with few and with many keys, its security module alone, what its
//! cryptography reaches of what the library can, what custom key stores cost, and the XKS proxy.
//!
//! Everything that is compared is measured in turn in one run, with the programs as they are shipped. A request that fails ends
//! the run: there is no figure of a server that answered wrongly.

mod bare;
mod cardea;
mod connection;
mod cpu;
mod crypto;
mod error;
mod growth;
mod load;
mod module;
mod operation;
mod process;
mod report;
mod request;
mod side_by_side;
mod store;
mod stores;
mod target;
mod xks_proxy;

pub use bare::{BareOptions, serve as serve_bare};
pub use error::BenchError;

use load::Window;
use operation::Operation;
use report::Report;
use side_by_side::{Pair, Scheme};
use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use store::Store;

/// What `cargo xtask bench` is told.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Seconds of each slice of load.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Slices of everything; what is reported is their median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Only cryptography: the same as `--only crypto`.
    #[arg(long, conflicts_with = "only")]
    crypto: bool,
    /// Only custom key stores: the same as `--only xks-stores,dead-proxy,hsm-stores`.
    #[arg(long, conflicts_with_all = ["crypto", "only"])]
    stores: bool,
    /// Only the XKS proxy: the same as
    /// `--only xks-proxy-software,xks-proxy-hsm,xks-proxy-slow-hsm,xks-proxy-memory,xks-proxy-flood`.
    #[arg(long, conflicts_with_all = ["crypto", "only", "stores"])]
    xks_proxy: bool,
    #[command(flatten)]
    peer: xks_proxy::PeerOptions,
    /// Only these operations.
    #[arg(long, value_enum, value_delimiter = ',')]
    operations: Vec<Operation>,
    /// Only these numbers of connections, or of calls in flight.
    #[arg(long, value_delimiter = ',')]
    connections: Vec<usize>,
    /// The profile that the programs are built in.
    #[arg(long, value_enum, default_value_t = Profile::Dist)]
    profile: Profile,
    /// How many keys are many.
    #[arg(long, default_value_t = 100_000)]
    keys: usize,
    /// A configuration file for Cardea, to try a setting out.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Takes the data directories that a former run left under `target/bench`.
    #[arg(long)]
    reuse: bool,
    /// Writes everything that was measured to a file besides.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The programs are built and lie beside this one.
    #[arg(long, hide = true)]
    built: bool,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// What cryptographic operations reach of the raw rates of their primitives.
    Crypto,
    /// Native keys beside a custom key store whose proxy never answers.
    DeadProxy,
    /// Few and many keys.
    Growth,
    /// HSM clusters of SoftHSM, and SoftHSM called directly.
    HsmStores,
    /// Side by side over plain HTTP.
    Http,
    /// Side by side over HTTPS.
    Https,
    /// The security module alone.
    Module,
    /// The XKS proxy's good load beside a flood of unauthenticated requests.
    XksProxyFlood,
    /// The XKS proxy on SoftHSM, beside another proxy if one is named.
    XksProxyHsm,
    /// Memory of the XKS proxy under many connections and floods.
    XksProxyMemory,
    /// The XKS proxy on an HSM that takes its time.
    XksProxySlowHsm,
    /// The XKS proxy with software keys beside a bare TLS server.
    XksProxySoftware,
    /// Through an external key store, and straight to its proxy.
    XksStores,
}

impl Part {
    /// Those of custom key stores.
    const STORES: [Self; 3] = [Self::XksStores, Self::DeadProxy, Self::HsmStores];

    /// Those of the XKS proxy.
    const XKS_PROXY: [Self; 5] = [
        Self::XksProxySoftware,
        Self::XksProxyHsm,
        Self::XksProxySlowHsm,
        Self::XksProxyMemory,
        Self::XksProxyFlood,
    ];
}

/// A profile of the root manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    /// What is shipped.
    Dist,
    /// Faster to build.
    Release,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        match (self.crypto, self.stores, self.xks_proxy) {
            (true, ..) => part == Part::Crypto,
            (_, true, _) => Part::STORES.contains(&part),
            (.., true) => Part::XKS_PROXY.contains(&part),
            _ => self.only.is_empty() || self.only.contains(&part),
        }
    }

    fn wants_stores(&self) -> bool {
        Part::STORES.into_iter().any(|part| self.wants(part))
    }

    fn wants_xks_proxy(&self) -> bool {
        Part::XKS_PROXY.into_iter().any(|part| self.wants(part))
    }

    fn schemes(&self) -> Vec<Scheme> {
        let schemes = [(Part::Http, Scheme::Http), (Part::Https, Scheme::Https)];
        schemes.into_iter().filter(|(part, _)| self.wants(*part)).map(|(_, scheme)| scheme).collect()
    }

    fn operations(&self) -> Vec<Operation> {
        let wanted =
            |operation: &Operation| self.operations.is_empty() || self.operations.contains(operation);
        Operation::ALL.into_iter().filter(wanted).collect()
    }

    fn connections(&self) -> Vec<usize> {
        if self.connections.is_empty() { CONNECTIONS.to_vec() } else { self.connections.clone() }
    }

    fn window(&self) -> Window {
        let measured = Duration::from_secs(self.seconds);
        Window { warm_up: WARM_UP, measured }
    }
}

/// Builds the programs and this one in the wanted profile, and lets this one, so built, measure.
pub fn run(options: &Options) -> Result<(), BenchError> {
    let places = Places::of_this_program(options)?;
    if options.built {
        return measure(&places, options);
    }
    let name = match options.profile {
        Profile::Dist => "dist",
        Profile::Release => "release",
    };
    // Apart: built together, the programs would get features that only this one needs.
    build(&["--profile", name, "--package", "cli", "--package", "module", "--bins"])?;
    if options.wants_xks_proxy() {
        build(&["--profile", name, "--package", "xks-proxy", "--bins"])?;
    }
    if options.wants_stores() || options.wants_xks_proxy() {
        build(&["--profile", name, "--package", "pkcs11", "--bins", "--example", "direct"])?;
        build(&["--profile", name, "--package", "faulty-pkcs11", "--lib"])?;
    }
    if options.wants_stores() {
        build(&["--profile", name, "--package", "faulty-proxy", "--bins"])?;
    }
    build(&["--profile", name, "--package", "xtask", "--bins"])?;
    let mut command = Command::new(places.target.join(name).join("xtask"));
    let source = command.args(env::args_os().skip(1)).arg("--built").exec();
    Err(BenchError::Io { action: "run the built program", source })
}

fn build(arguments: &[&str]) -> Result<(), BenchError> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    command.current_dir(root).args(["build", "--locked"]).args(arguments);
    let status = command.status().map_err(BenchError::io("run cargo"))?;
    if status.success() {
        return Ok(());
    }
    Err(BenchError::Build { command: format!("cargo build {}", arguments.join(" ")), status })
}

fn measure(places: &Places, options: &Options) -> Result<(), BenchError> {
    fs::create_dir_all(&places.bench).map_err(BenchError::io("make a directory"))?;
    let mut report = Report::default();
    if options.wants(Part::Module) {
        report.module_alone = module::alone(places, options)?;
    }
    if options.wants(Part::Crypto) {
        report.crypto = Some(crypto::Crypto::measure(places, options)?);
    }
    if options.wants_stores() {
        report.stores = Some(stores::Stores::measure(places, options)?);
    }
    if options.wants_xks_proxy() {
        report.xks_proxy = Some(xks_proxy::XksProxy::measure(places, options)?);
    }
    let schemes = options.schemes();
    if !schemes.is_empty() || options.wants(Part::Growth) {
        let few = Store::prepare(places, FEW_KEYS, options.reuse)?;
        if !schemes.is_empty() {
            let cardea = cardea::Cardea::start(places, &few.data)?;
            let bare = bare::Bare::start(&places.this, &few.data, &places.bench.join("bare.log"))?;
            let pair = Pair { cardea: &cardea, bare: &bare, keys: &few.keys };
            report.side_by_side = pair.measure(&schemes, options)?;
        }
        if options.wants(Part::Growth) {
            report.growth = Some(growth::Growth::measure(places, options, few)?);
        }
    }
    report.print().map_err(BenchError::io("print the report"))?;
    options.json.as_deref().map_or(Ok(()), |file| report.write(file))
}

/// Where the programs are and where what is measured may write.
#[derive(Clone, Debug)]
struct Places {
    this: PathBuf,
    target: PathBuf,
    bench: PathBuf,
    config: Option<PathBuf>,
}

impl Places {
    fn of_this_program(options: &Options) -> Result<Self, BenchError> {
        let this = env::current_exe().map_err(BenchError::io("find this program"))?;
        let target = this.ancestors().nth(2).unwrap_or(Path::new(".")).to_owned();
        Ok(Self { bench: target.join("bench"), config: options.config.clone(), this, target })
    }

    /// The same with more in Cardea's configuration, which is written to that directory.
    fn with_more_config(&self, directory: &Path, text: &str) -> Result<Self, BenchError> {
        let before = self.config.as_ref().map(fs::read_to_string).transpose();
        let before = before.map_err(BenchError::io("read the configuration"))?.unwrap_or_default();
        let file = directory.join("cardea.toml");
        fs::write(&file, format!("{before}\n{text}")).map_err(BenchError::io("write a configuration"))?;
        Ok(Self { config: Some(file), ..self.clone() })
    }

    /// A program beside this one.
    fn program(&self, name: &str) -> PathBuf {
        self.this.with_file_name(name)
    }

    /// The log of the server on that data directory.
    fn log(&self, data: &Path) -> PathBuf {
        data.with_extension("log")
    }
}

/// Says what is going on, apart from the report.
fn note(text: &str) {
    eprintln!("bench: {text}");
}

const CONNECTIONS: [usize; 3] = [1, 16, 64];
const FEW_KEYS: usize = 10;
const WARM_UP: Duration = Duration::from_millis(300);
