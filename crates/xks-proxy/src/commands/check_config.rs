//! Says whether a configuration is one, and what it would do. Shows no secret.

use super::Outcome;
use crate::config::{Config, KeyManager, KeyManagerKind, Log, Store, Tls};
use crate::credential::Credential;
use crate::health::Seen;
use crate::key_managers::KeyManagers;
use jiff::{SignedDuration, Timestamp};
use key_manager::{HealthStatus, Member};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tokio::task::LocalSet;

/// Says whether a configuration is one, and what it would do
///
/// Every mistake is told with its file, line and column; the exit code is 1 then.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration of the proxy.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Open the key managers too, and try each of their members out. If one is not active the exit code is 1.
    #[arg(long)]
    open: bool,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Outcome {
    let config = match Config::read(&arguments.config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let now = Timestamp::now();
    let mut out = io::stdout().lock();
    writeln!(out, "{}: OK", arguments.config.display())?;
    for line in summary(&config, now) {
        writeln!(out, "{line}")?;
    }
    for warning in config.warnings(now) {
        writeln!(out, "warning: {warning}")?;
    }
    if arguments.open && !try_out(&config, &mut out)? {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether every member of every key manager is active.
fn try_out(config: &Config, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    // Why a member is not active is in the log.
    http_server::logging::start(&Log { filter: "warn".to_owned(), ..Log::default() }, None)?;
    let key_managers = KeyManagers::open(&config.key_managers, 1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = Seen::new(&key_managers.names());
    LocalSet::new().block_on(&runtime, async {
        for (at, session) in key_managers.sessions(0).into_iter().enumerate() {
            seen.look_first(at, &*session).await;
        }
    });
    let mut all_active = true;
    for (name, health) in seen.all(Instant::now()) {
        for Member { id, model, status } in &health.members {
            writeln!(out, "key manager {name}: {id}, {model}: {}", status.as_str())?;
            all_active &= *status == HealthStatus::Active;
        }
    }
    Ok(all_active)
}

fn summary(config: &Config, now: Timestamp) -> Vec<String> {
    let metrics = config.metrics.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let mut lines = vec![
        format!(
            "listens at https://{}, metrics at {metrics}, data in {}",
            config.listen,
            config.data.display()
        ),
        format!("certificate of {}, {}", config.tls.subject, ends(config.tls.not_after, now)),
        clients(&config.tls),
    ];
    lines.extend(config.key_managers.iter().map(key_manager));
    lines.extend(config.stores.iter().flat_map(|one| store(one, config.host.as_deref(), now)));
    lines
}

fn clients(tls: &Tls) -> String {
    match &tls.clients {
        None => "takes connections of everybody: mTLS is off".to_owned(),
        Some(clients) => format!(
            "takes connections of {} with a certificate of {} CAs: mTLS is on",
            clients.subjects.join(", "),
            clients.authorities.len()
        ),
    }
}

fn key_manager(key_manager: &KeyManager) -> String {
    let what = match &key_manager.kind {
        KeyManagerKind::Pkcs11(settings) => {
            format!("pkcs11, tokens {} by {}", settings.tokens.join(", "), settings.library.display())
        }
        KeyManagerKind::Vault(settings) => {
            let addresses: Vec<_> = settings.addresses.iter().map(ToString::to_string).collect();
            format!("vault, {} at {}", settings.mount, addresses.join(", "))
        }
        KeyManagerKind::Software(settings) => format!("software, {}", settings.file.display()),
    };
    format!("key manager {}: {what}", key_manager.name)
}

fn store(store: &Store, host: Option<&str>, now: Timestamp) -> Vec<String> {
    let origin = host.map(|host| format!("https://{host}")).unwrap_or_default();
    let keys =
        store.keys.as_ref().map_or_else(|| "all keys".to_owned(), |keys| format!("{} keys", keys.len()));
    let path = format!("{origin}{}{}", store.path_prefix, xks_api::API_PATH);
    let (key_manager, quota) = (&store.key_manager, store.requests_per_second);
    let mut lines = vec![format!("store {path}: {keys} of {key_manager}, {quota} requests a second")];
    lines.extend(store.credentials.iter().map(|one| credential(one, now)));
    lines.extend(store.policy.iter().map(|policy| format!("  policy {}", policy.path.display())));
    let of_keys = store.key_policies.iter();
    lines.extend(of_keys.map(|(key, policy)| format!("  policy of {key}: {}", policy.path.display())));
    lines
}

fn credential(credential: &Credential, now: Timestamp) -> String {
    let validity = match (credential.not_before, credential.not_after) {
        (Some(from), _) if now < from => format!("good from {from}"),
        (_, Some(end)) => ends(end, now),
        (_, None) => "never expires".to_owned(),
    };
    let age = days(now.duration_since(credential.written));
    format!("  credential {}: {age} old, {validity}", credential.access_key_id)
}

fn ends(end: Timestamp, now: Timestamp) -> String {
    let left = end.duration_since(now);
    if left <= SignedDuration::ZERO {
        format!("EXPIRED at {end}")
    } else {
        format!("expires at {end}, in {}", days(left))
    }
}

fn days(length: SignedDuration) -> String {
    match length.as_hours() / 24 {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
