//! The faulty proxy as a program, for scripts and for the benchmark: it makes its own certificates, prints one line when it
//! is ready, and runs until it is killed. Keys are gone then.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use faulty_proxy::{Authority, ClientAuth, Control, Credential, ExternalKey, Leaf, Proxy, Setup, Tls};

/// An XKS proxy for tests that misbehaves as told.
#[derive(Parser)]
#[command(name = "faulty-xks-proxy")]
struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// An access key id that may call; without any credential, an example that everybody knows.
    #[arg(long, requires = "secret")]
    access_key_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "access_key_id")]
    secret: Option<String>,
    /// One more credential, as ID:SECRET.
    #[arg(long = "credential", value_name = "ID:SECRET")]
    credentials: Vec<String>,
    /// The only Region that may be signed for.
    #[arg(long)]
    region: Option<String>,
    /// What comes before /kms/xks/v1.
    #[arg(long = "prefix")]
    prefixes: Vec<String>,
    /// The name of an external key.
    #[arg(long = "key", default_value = Setup::KEY)]
    keys: Vec<String>,
    /// Where ca.pem is written.
    #[arg(long)]
    certificate_dir: PathBuf,
    /// A DNS name of the certificate, besides localhost and 127.0.0.1.
    #[arg(long, default_value = "xks.example.com")]
    name: String,
    /// Lets in only clients with a certificate of this authority, in PEM.
    #[arg(long, requires = "client_name")]
    client_ca: Option<PathBuf>,
    /// The common name that such a certificate must have.
    #[arg(long, requires = "client_ca")]
    client_name: Option<String>,
    /// Where to take commands in plain HTTP.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// Threads that serve; as many as there are cores by default.
    #[arg(long)]
    threads: Option<usize>,
    /// How many of the last requests are kept for the control port.
    #[arg(long, default_value_t = 100)]
    remember: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let control = options.control;
    let prefix = options.prefixes.first().cloned().unwrap_or_default();
    let proxy = Arc::new(Proxy::start(setup(options)?)?);
    let control = control.map(|listen| Control::start(Arc::clone(&proxy), listen)).transpose()?;
    let mut output = std::io::stdout().lock();
    write!(output, "faulty-xks-proxy ready {}{prefix}", proxy.endpoint())?;
    if let Some(control) = &control {
        write!(output, " control http://{}", control.address())?;
    }
    writeln!(output)?;
    output.flush()?;
    loop {
        std::thread::park();
    }
}

fn setup(options: Options) -> Result<Setup, Box<dyn Error>> {
    let authority = Authority::new()?;
    std::fs::create_dir_all(&options.certificate_dir)?;
    std::fs::write(options.certificate_dir.join("ca.pem"), authority.pem())?;
    let mut leaf = Leaf::server();
    leaf.names.insert(0, options.name);
    let mut tls = Tls::new(authority.issue(&leaf)?);
    if let (Some(file), Some(common_name)) = (options.client_ca, options.client_name) {
        tls.client_auth = Some(ClientAuth { authority_pem: std::fs::read_to_string(file)?, common_name });
    }
    let mut setup = Setup::with_tls(tls);
    let given = options.access_key_id.zip(options.secret);
    let more = options.credentials.iter().map(|text| credential(text)).collect::<Result<Vec<_>, _>>()?;
    let credentials: Vec<Credential> =
        given.map(|(id, secret)| Credential::new(&id, &secret)).into_iter().chain(more).collect();
    if !credentials.is_empty() {
        setup.credentials = credentials;
    }
    if !options.prefixes.is_empty() {
        setup.uri_prefixes = options.prefixes;
    }
    setup.listen = options.listen;
    setup.region = options.region;
    setup.keys = options.keys.into_iter().map(|name| (name, ExternalKey::new())).collect();
    setup.threads =
        options.threads.or(std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    setup.remembered = options.remember;
    Ok(setup)
}

/// The text is not repeated to whoever mistyped it: it holds a secret.
fn credential(text: &str) -> Result<Credential, &'static str> {
    let (id, secret) = text.split_once(':').ok_or("a credential is ID:SECRET")?;
    Ok(Credential::new(id, secret))
}
