//! Makes a credential, and the JSON that the console of AWS KMS takes for a store. A secret leaves it for a file that only its owner can
//! read, or, where it is asked to, for standard output.

use super::Outcome;
use crate::config::{Config, Store};
use crate::credential::Credential;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Makes a credential, and the JSON that the console of AWS KMS takes for a store
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Makes a credential: writes its secret to a new file and prints what to add to the configuration
    New(New),
    /// Gives the JSON that the console of AWS KMS takes as the configuration of a store's proxy
    Console(Console),
}

#[derive(Debug, clap::Args)]
struct New {
    /// The path prefix of the store that it is for.
    #[arg(long, value_name = "PREFIX")]
    store: Option<String>,
    /// Where the file of the secret is put.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    directory: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Console {
    /// The configuration of the proxy.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The path prefix of the store.
    #[arg(long, value_name = "PREFIX")]
    store: String,
    /// Which credential; may be left out if only one of the store's is good now.
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// A new file, which only its owner can read; standard output if absent.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Outcome {
    match &arguments.what {
        What::New(arguments) => make(arguments),
        What::Console(arguments) => console(arguments),
    }
}

fn make(arguments: &New) -> Outcome {
    let made = Made::random()?;
    let file = std::path::absolute(&arguments.directory)?.join(format!("{}.secret", made.access_key_id));
    write_private(&file, made.secret.as_bytes())?;
    let mut out = io::stdout().lock();
    if let Some(store) = &arguments.store {
        writeln!(out, "# Below the [[store]] with path_prefix = {}", toml::Value::from(store.as_str()))?;
    }
    writeln!(out, "[[store.credential]]")?;
    writeln!(out, "access_key_id = \"{}\"", made.access_key_id)?;
    let file = file.to_str().ok_or("the path of the file is not UTF-8")?;
    writeln!(out, "secret_access_key_file = {}", toml::Value::from(file))?;
    Ok(ExitCode::SUCCESS)
}

/// What a credential is made of. Neither part says anything of the other.
struct Made {
    access_key_id: String,
    secret: Zeroizing<String>,
}

impl Made {
    //= xks-proxy: ids 20-30 of A-Z 2-7 that reveal nothing of the secret; secrets with 256 bits of entropy
    fn random() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut id = [0; ACCESS_KEY_ID];
        aws_lc_rs::rand::fill(&mut id)?;
        let mut secret = Zeroizing::new([0; SECRET]);
        aws_lc_rs::rand::fill(&mut *secret)?;
        let access_key_id = id.iter().map(|byte| letter(*byte)).collect();
        Ok(Self { access_key_id, secret: Zeroizing::new(STANDARD.encode(secret.as_slice())) })
    }
}

/// The lowest five bits as RFC 4648 writes them in Base32.
fn letter(byte: u8) -> char {
    match byte & 31 {
        low @ 0..=25 => char::from(b'A'.saturating_add(low)),
        high => char::from(b'2'.saturating_add(high.saturating_sub(26))),
    }
}

fn console(arguments: &Console) -> Outcome {
    let config = Config::read(&arguments.config)?;
    let store = config.stores.iter().find(|store| store.path_prefix == arguments.store);
    let store = store.ok_or_else(|| format!("there is no store with the prefix `{}`", arguments.store))?;
    let credential = chosen(store, arguments.access_key_id.as_deref(), Timestamp::now())?;
    let json = settings(store, credential)?;
    match &arguments.output {
        Some(file) => write_private(file, &json)?,
        None => io::stdout().lock().write_all(&json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen<'a>(store: &'a Store, id: Option<&str>, now: Timestamp) -> Result<&'a Credential, String> {
    if let Some(id) = id {
        let named = store.credentials.iter().find(|one| one.access_key_id == id);
        return named.ok_or_else(|| format!("the store has no credential `{id}`"));
    }
    let good: Vec<_> = store.credentials.iter().filter(|one| one.is_valid(now)).collect();
    match *good {
        [one] => Ok(one),
        [] => Err("none of the store's credentials is good now: name one with --access-key-id".to_owned()),
        _ => Err("several of the store's credentials are good now: name one with --access-key-id".to_owned()),
    }
}

fn settings(store: &Store, credential: &Credential) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let settings = Settings {
        path: format!("{}{}", store.path_prefix, xks_api::API_PATH),
        credential: SettingsCredential {
            access_key_id: &credential.access_key_id,
            secret: credential.secret.expose(),
        },
    };
    // Room for all of it, so that no copy is left behind by a buffer that grew.
    let mut json = Zeroizing::new(Vec::with_capacity(1024));
    serde_json::to_writer_pretty(&mut *json, &settings)?;
    json.push(b'\n');
    Ok(json)
}

/// What the console of AWS KMS takes.
#[derive(Serialize)]
struct Settings<'a> {
    #[serde(rename = "XksProxyUriPath")]
    path: String,
    #[serde(rename = "XksProxyAuthenticationCredential")]
    credential: SettingsCredential<'a>,
}

#[derive(Serialize)]
struct SettingsCredential<'a> {
    #[serde(rename = "AccessKeyId")]
    access_key_id: &'a str,
    #[serde(rename = "RawSecretAccessKey")]
    secret: &'a str,
}

/// A new file. One that is there already stays as it is.
fn write_private(path: &Path, contents: &[u8]) -> Result<(), String> {
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(contents)?;
        file.sync_all()
    };
    written().map_err(|error: io::Error| format!("`{}` cannot be written: {error}", path.display()))
}

/// Thirty letters of five bits each.
const ACCESS_KEY_ID: usize = 30;

/// In Base64 the 64 characters that a secret may have.
const SECRET: usize = 48;
