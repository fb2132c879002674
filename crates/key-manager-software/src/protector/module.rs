//! A security module of the proxy's own. The data: the sealed message that the module made of store ‖ file key.
//!
//! The module runs only while it is asked: what it guards at rest is in this process while the proxy serves, anyway.

use crate::Error;
use crate::crypto::{KEY, Secret};
use crate::format::StoreId;
use crate::protector::program;
use crate::settings::ModuleProtector;
use module_api::{MessagePurpose, Refusal};
use module_client::{CallError, Config, ModuleClient, Supervisor};
use zeroize::Zeroizing;

/// The file key, sealed. The module's files are made if both are missing.
pub fn seal(settings: &ModuleProtector, store: &StoreId, file_key: &Secret) -> Result<Vec<u8>, Error> {
    let message = Zeroizing::new([&store[..], file_key.bytes()].concat());
    let initialise = !settings.seal_file.exists() && !settings.domain_file.exists();
    ask(settings, initialise, async |module| module.seal_message(PURPOSE, &message).await.map_err(failed))
}

/// The file key; `None` if another module sealed it, or it is of another store.
pub fn open(settings: &ModuleProtector, store: &StoreId, data: &[u8]) -> Result<Option<Secret>, Error> {
    let message = ask(settings, false, async |module| match module.open_message(PURPOSE, data).await {
        Ok(message) => Ok(Some(Zeroizing::new(message))),
        Err(CallError::Refused(Refusal::MessageRefused)) => Ok(None),
        Err(error) => Err(failed(error)),
    })?;
    let file_key = message.as_ref().and_then(|message| message.strip_prefix(store));
    let file_key: Option<&[u8; KEY]> = file_key.and_then(|file_key| file_key.try_into().ok());
    Ok(file_key.map(Secret::copied))
}

/// Starts the module, asks it, and stops it.
fn ask<T: Send>(
    settings: &ModuleProtector,
    initialise: bool,
    question: impl AsyncFnOnce(&ModuleClient) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let config = Config {
        program: program(settings.program.as_deref(), "cardea-module")?,
        seal_file: settings.seal_file.clone(),
        domain_file: settings.domain_file.clone(),
        initialise,
        user: None,
    };
    let (supervisor, mut connectors) = Supervisor::start(config, 1).map_err(failed)?;
    let answer = super::on_a_runtime_of_its_own(async || match connectors.pop() {
        Some(connector) => question(&connector.connect()).await,
        None => Err(failed("it has no connection")),
    });
    supervisor.stop();
    answer
}

fn failed(error: impl ToString) -> Error {
    Error::Protector { protector: "security module", reason: error.to_string() }
}

const PURPOSE: MessagePurpose = MessagePurpose::KeyStoreFile;
