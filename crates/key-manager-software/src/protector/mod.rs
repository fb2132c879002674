//! What a file key is sealed with. Each kind is a file beside this one.
//!
//! All block: they are for whoever opens or changes a store, never for a worker.

mod module;
mod passphrase;
mod pkcs11;

use crate::Error;
use crate::crypto::Secret;
use crate::format::{Protected, ProtectorKind, StoreId};
use crate::settings::{ModuleProtector, Pkcs11Protector, ProtectorSettings};
use std::path::{Path, PathBuf};

pub use passphrase::Passphrase;

/// What a file key is sealed with.
#[derive(Debug)]
pub enum Protector {
    /// A security module of the proxy's own.
    Module(ModuleProtector),
    /// A passphrase.
    Passphrase(Passphrase),
    /// A key in a token.
    Pkcs11(Pkcs11Protector),
}

impl Protector {
    /// The one that is configured.
    #[must_use]
    pub fn new(settings: &ProtectorSettings) -> Self {
        match settings {
            ProtectorSettings::Module(module) => Self::Module(module.clone()),
            ProtectorSettings::PassphraseFile(file) => Self::Passphrase(Passphrase::in_file(file.clone())),
            ProtectorSettings::Pkcs11(token) => Self::Pkcs11(token.clone()),
        }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ProtectorKind {
        match self {
            Self::Module(_) => ProtectorKind::Module,
            Self::Passphrase(_) => ProtectorKind::Passphrase,
            Self::Pkcs11(_) => ProtectorKind::Pkcs11,
        }
    }

    /// Seals the key of that store's file. What the protector itself needs is made, if it is not there yet.
    pub(crate) fn seal(&self, store: &StoreId, file_key: &Secret) -> Result<Protected, Error> {
        let data = match self {
            Self::Module(settings) => module::seal(settings, store, file_key),
            Self::Passphrase(passphrase) => passphrase.seal(store, file_key),
            Self::Pkcs11(settings) => pkcs11::seal(settings, store, file_key),
        };
        data.map(|data| Protected { kind: self.kind(), data })
    }

    /// The key of that store's file.
    pub(crate) fn open(&self, file: &Path, store: &StoreId, protected: &Protected) -> Result<Secret, Error> {
        let (sealed, configured) = (protected.kind, self.kind());
        if sealed != configured {
            return Err(Error::OtherProtector { file: file.to_owned(), sealed, configured });
        }
        let opened = match self {
            Self::Module(settings) => module::open(settings, store, &protected.data),
            Self::Passphrase(passphrase) => passphrase.open(store, &protected.data),
            Self::Pkcs11(settings) => pkcs11::open(settings, store, &protected.data),
        };
        opened?.ok_or_else(|| Error::WrongProtector { file: file.to_owned(), protector: configured })
    }
}

/// The program that is configured, or the one of that name beside the running one.
fn program(configured: Option<&Path>, name: &str) -> Result<PathBuf, Error> {
    let program = match configured {
        Some(program) => program.to_owned(),
        None => {
            let running = std::env::current_exe().map_err(Error::at("find", Path::new(name)))?;
            running.with_file_name(name)
        }
    };
    std::fs::metadata(&program).map_err(Error::at("find", &program))?;
    Ok(program)
}

/// Waits for it on a thread without another runtime, which would not let its own be waited on.
fn on_a_runtime_of_its_own<T: Send>(
    question: impl AsyncFnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let wait = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(Error::at("start a runtime for", Path::new("the protector")))?.block_on(question())
    };
    let failed = || Error::Protector { protector: "key of the store", reason: "its thread ended".to_owned() };
    std::thread::scope(|scope| scope.spawn(wait).join().unwrap_or_else(|_| Err(failed())))
}
