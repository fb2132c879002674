//! Takes a new configuration while the proxy runs: when a file that it was read from is another, or on SIGHUP. One with a mistake, or
//! with a change that needs a restart, is kept out, and the one at work stays.

use super::files::Stamp;
use super::{Audit, Config, ConfigError, Files, KeyManager, Log};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

/// What of the configuration at work stays for as long as the proxy runs, and what shows that there may be another.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    fixed: Fixed,
    /// As they were when they were last read, whatever that came to.
    files: Files,
    hangups: Signal,
}

/// A configuration is kept out.
#[derive(Debug, thiserror::Error)]
pub enum KeptOut {
    /// It has mistakes.
    #[error(transparent)]
    Mistakes(#[from] ConfigError),
    /// It changes what cannot be changed while the proxy runs.
    #[error("{} cannot be changed while the proxy runs: restart it", listed(.parts))]
    NeedsRestart {
        /// Which settings.
        parts: Vec<&'static str>,
    },
}

impl Watch {
    /// Watches the files of the configuration at work. To be called on a runtime with time and signals.
    ///
    /// # Errors
    ///
    /// SIGHUP cannot be listened for.
    pub fn new(path: &Path, at_work: &Config) -> std::io::Result<Self> {
        let hangups = signal(SignalKind::hangup())?;
        Ok(Self { path: path.to_owned(), fixed: Fixed::of(at_work), files: at_work.files.clone(), hangups })
    }

    /// Waits until there may be another configuration, and reads it.
    ///
    /// # Errors
    ///
    /// It is kept out.
    pub async fn changed(&mut self) -> Result<Config, KeptOut> {
        self.cause().await;
        self.read()
    }

    /// Reads the configuration now.
    ///
    /// # Errors
    ///
    /// It is kept out.
    pub fn read(&mut self) -> Result<Config, KeptOut> {
        let (config, files) = Config::read_noting_files(&self.path);
        self.files = files;
        let config = config?;
        let parts = Fixed::of(&config).differences(&self.fixed);
        if parts.is_empty() { Ok(config) } else { Err(KeptOut::NeedsRestart { parts }) }
    }

    /// Waits for SIGHUP, or for files that are others and have been the same for a moment: a certificate and its key are two files.
    async fn cause(&mut self) {
        let mut before = self.stamps();
        loop {
            tokio::select! {
                _ = self.hangups.recv() => return,
                () = sleep(LOOKS_EVERY) => {}
            }
            let now = self.stamps();
            let is_other = self.files.iter().map(|(_, stamp)| *stamp).ne(now.iter().copied());
            if is_other && now == before {
                return;
            }
            before = now;
        }
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        self.files.iter().map(|(path, _)| Stamp::of(path)).collect()
    }
}

/// What a configuration says that a running proxy cannot follow.
#[derive(Debug)]
struct Fixed {
    listen: SocketAddr,
    metrics: Option<SocketAddr>,
    workers: Option<NonZeroUsize>,
    data: PathBuf,
    log: Log,
    audit: Audit,
    key_managers: Vec<KeyManager>,
}

impl Fixed {
    fn of(config: &Config) -> Self {
        Self {
            listen: config.listen,
            metrics: config.metrics,
            workers: config.workers,
            data: config.data.clone(),
            log: config.log.clone(),
            audit: config.audit.clone(),
            key_managers: config.key_managers.clone(),
        }
    }

    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let parts = [
            ("listen", self.listen != other.listen),
            ("metrics", self.metrics != other.metrics),
            ("workers", self.workers != other.workers),
            ("data", self.data != other.data),
            ("log", self.log != other.log),
            ("audit", self.audit != other.audit),
            ("key_manager", self.key_managers != other.key_managers),
        ];
        parts.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

fn listed(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ")
}

const LOOKS_EVERY: Duration = Duration::from_secs(1);
