//! The key managers of a configuration, open for as long as the proxy runs.

use crate::config::{KeyManager as Settings, KeyManagerKind};
use key_manager::{KeyManager, Session};
use std::error::Error;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// The open key managers, in the order of the configuration.
pub(crate) struct KeyManagers {
    names: Arc<[Arc<str>]>,
    open: Vec<Box<dyn KeyManager>>,
}

impl KeyManagers {
    /// Opens them for so many threads.
    pub(crate) fn open(settings: &[Settings], threads: usize) -> Result<Self, Unopened> {
        let open = settings.iter().map(|settings| {
            let failed = |source| Unopened { name: settings.name.clone(), source };
            one(&settings.kind, threads).map_err(failed)
        });
        let open = open.collect::<Result<_, _>>()?;
        Ok(Self { names: settings.iter().map(|settings| Arc::from(settings.name.as_str())).collect(), open })
    }

    /// What they are called.
    pub(crate) fn names(&self) -> Arc<[Arc<str>]> {
        Arc::clone(&self.names)
    }

    /// A thread's own ways to them. To be called in that thread, once.
    pub(crate) fn sessions(&self, thread: usize) -> Vec<Rc<dyn Session>> {
        self.open.iter().map(|key_manager| key_manager.session(thread)).collect()
    }
}

impl std::fmt::Debug for KeyManagers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyManagers").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A key manager cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the key manager `{name}` cannot be opened: {source}")]
pub(crate) struct Unopened {
    name: String,
    source: Box<dyn Error + Send + Sync>,
}

type Opened = Result<Box<dyn KeyManager>, Box<dyn Error + Send + Sync>>;

fn one(kind: &KeyManagerKind, threads: usize) -> Opened {
    match kind {
        KeyManagerKind::Pkcs11(settings) => {
            let program = program("cardea-pkcs11")?;
            Ok(Box::new(key_manager_pkcs11::Pkcs11KeyManager::open(settings.clone(), program, threads)?))
        }
        KeyManagerKind::Software(settings) => {
            Ok(Box::new(key_manager_software::SoftwareKeyManager::open(settings)?))
        }
        KeyManagerKind::Vault(settings) => {
            Ok(Box::new(key_manager_vault::VaultKeyManager::open(settings.clone())?))
        }
    }
}

/// The program of that name beside the running one. It is there.
fn program(name: &str) -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    let found = std::fs::metadata(&program);
    found.map(|_| ()).map_err(|error| {
        std::io::Error::new(error.kind(), format!("the program `{}` is not there", program.display()))
    })?;
    Ok(program)
}
