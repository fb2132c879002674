//! Checks any XKS proxy against the specification. Secrets come from files or the environment, never from the line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use xks_conformance::{Credential, Error, Identity, Options, Store, Target};
use zeroize::Zeroizing;

use super::Outcome;

/// Checks any XKS proxy against the specification.
///
/// Ends with 0 if nothing failed that a proxy must do, with 1 if something did, and with 2 if it could not look. What is not
/// lent (keys, credentials, certificates) is not looked at; the report says what it would have taken.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The proxy: `https://HOST[:PORT][/PREFIX]`, with or without `/kms/xks/v1`
    url: String,
    /// The Region that requests are signed for
    #[arg(long)]
    region: String,
    /// The access key id of the store
    #[arg(long)]
    access_key_id: String,
    /// A file with its secret access key; without it CARDEA_XKS_SECRET_ACCESS_KEY is read
    #[arg(long, value_name = "FILE")]
    secret_access_key_file: Option<PathBuf>,
    /// The id of a key that encrypts and decrypts
    #[arg(long, value_name = "ID")]
    key: String,
    /// Another such key, of other material
    #[arg(long, value_name = "ID")]
    other_key: Option<String>,
    /// A key that only encrypts
    #[arg(long, value_name = "ID")]
    encrypt_only_key: Option<String>,
    /// A key that only decrypts
    #[arg(long, value_name = "ID")]
    decrypt_only_key: Option<String>,
    /// A key that is disabled
    #[arg(long, value_name = "ID")]
    disabled_key: Option<String>,
    /// A key of 128 bits
    #[arg(long, value_name = "ID")]
    small_key: Option<String>,
    /// An id that no key has
    #[arg(long, value_name = "ID")]
    unknown_key: Option<String>,
    /// A second credential of the store: its access key id
    #[arg(long, value_name = "ID", requires = "second_secret_file")]
    second_access_key_id: Option<String>,
    /// A second credential of the store: a file with its secret
    #[arg(long, value_name = "FILE", requires = "second_access_key_id")]
    second_secret_file: Option<PathBuf>,
    /// Another store of the same proxy: its URL
    #[arg(long, value_name = "URL", requires_all = ["other_store_access_key_id", "other_store_secret_file", "other_store_key"])]
    other_store: Option<String>,
    /// The access key id of the other store
    #[arg(long, value_name = "ID", requires = "other_store")]
    other_store_access_key_id: Option<String>,
    /// A file with the secret of the other store
    #[arg(long, value_name = "FILE", requires = "other_store")]
    other_store_secret_file: Option<PathBuf>,
    /// A key of the other store that this one has not
    #[arg(long, value_name = "ID", requires = "other_store")]
    other_store_key: Option<String>,
    /// A principal whom the policy of the store denies to encrypt and decrypt with the key
    #[arg(long, value_name = "ARN")]
    denied_principal: Option<String>,
    /// Authorities to trust besides the system's, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// What to show to a proxy that asks for a certificate, in PEM
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// Its private key; without this it is in the same file
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// A client that the proxy must refuse (another subject, another authority): certificate and key in one file. May be
    /// given again
    #[arg(long, value_name = "FILE")]
    refused_client: Vec<PathBuf>,
    /// The path that load balancers ask, such as /ping
    #[arg(long, value_name = "PATH")]
    ping: Option<String>,
    /// Look at these requirements only, such as P22,P23
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    only: Vec<String>,
    /// Put the proxy under load, to see whether it throttles
    #[arg(long)]
    load: bool,
    /// Take minutes, to see how long half a request is awaited
    #[arg(long)]
    slow: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Outcome {
    Ok(report(arguments).unwrap_or_else(|error| {
        eprintln!("cardea-xks-proxy: {error}");
        ExitCode::from(COULD_NOT_LOOK)
    }))
}

fn report(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut options = Options::default();
    options.only.clone_from(&arguments.only);
    options.load = arguments.load;
    options.slow = arguments.slow.then_some(AWHILE);
    let report = xks_conformance::run(target(arguments)?, &options)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn target(arguments: &Arguments) -> Result<Target, Unusable> {
    let credential = credential(&arguments.access_key_id, arguments.secret_access_key_file.as_deref())?;
    let mut target = Target::new(&arguments.url, &arguments.region, credential, &arguments.key)?;
    target.other_key.clone_from(&arguments.other_key);
    target.encrypt_only_key.clone_from(&arguments.encrypt_only_key);
    target.decrypt_only_key.clone_from(&arguments.decrypt_only_key);
    target.disabled_key.clone_from(&arguments.disabled_key);
    target.small_key.clone_from(&arguments.small_key);
    target.denied_principal.clone_from(&arguments.denied_principal);
    target.ping.clone_from(&arguments.ping);
    if let Some(unknown) = &arguments.unknown_key {
        target.unknown_key.clone_from(unknown);
    }
    if let (Some(id), Some(file)) = (&arguments.second_access_key_id, &arguments.second_secret_file) {
        target.second_credential = Some(credential_of(id, file)?);
    }
    target.other_store = other_store(arguments)?;
    lend_certificates(arguments, &mut target)?;
    Ok(target)
}

fn other_store(arguments: &Arguments) -> Result<Option<(Store, String)>, Unusable> {
    let (Some(url), Some(id), Some(file), Some(key)) = (
        &arguments.other_store,
        &arguments.other_store_access_key_id,
        &arguments.other_store_secret_file,
        &arguments.other_store_key,
    ) else {
        return Ok(None);
    };
    Ok(Some((Store::new(url, credential_of(id, file)?)?, key.clone())))
}

fn lend_certificates(arguments: &Arguments, target: &mut Target) -> Result<(), Unusable> {
    if let Some(file) = &arguments.ca {
        target.trust(&read(file)?, &file.display().to_string())?;
    }
    if let Some(certificate) = &arguments.client_certificate {
        let key = arguments.client_key.as_ref().unwrap_or(certificate);
        target.client = Some(identity(certificate, key)?);
    }
    for file in &arguments.refused_client {
        target.refused_clients.push((file.display().to_string(), identity(file, file)?));
    }
    Ok(())
}

fn identity(certificate: &Path, key: &Path) -> Result<Identity, Unusable> {
    let from = format!("{} and {}", certificate.display(), key.display());
    Ok(Identity::from_pem(&read(certificate)?, &read(key)?, &from)?)
}

fn credential(id: &str, file: Option<&Path>) -> Result<Credential, Unusable> {
    match file {
        Some(file) => credential_of(id, file),
        None => {
            let secret = std::env::var(SECRET).map_err(|_| Unusable::NoSecret)?;
            Ok(Credential::new(id, Zeroizing::new(secret).trim()))
        }
    }
}

fn credential_of(id: &str, file: &Path) -> Result<Credential, Unusable> {
    let bytes = read(file)?;
    let secret = str::from_utf8(&bytes).map_err(|_| Unusable::NoText { path: file.to_owned() })?;
    Ok(Credential::new(id, secret.trim()))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let unreadable = |source| Unusable::File { path: path.to_owned(), source };
    fs::read(path).map(Zeroizing::new).map_err(unreadable)
}

/// Why what was told cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("cannot read {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("neither --secret-access-key-file nor {SECRET} says the secret access key")]
    NoSecret,
    #[error("{} is no text", path.display())]
    NoText { path: PathBuf },
    #[error(transparent)]
    Target(#[from] Error),
}

/// How long half a request may be awaited.
const AWHILE: Duration = Duration::from_secs(61);
const COULD_NOT_LOOK: u8 = 2;
const SECRET: &str = "CARDEA_XKS_SECRET_ACCESS_KEY";
