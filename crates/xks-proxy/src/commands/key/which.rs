//! Which key store is meant: the one of a configuration, or one that is named with what opens it.

use super::passphrase;
use crate::config::{Config, KeyManagerKind};
use key_manager_software::{
    KeyStore, ModuleProtector, Pkcs11Protector, Protector, ProtectorSettings, Settings,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub struct Which {
    /// The configuration of the proxy.
    // Of its own name to clap, to which all that is global is one: the proxy's own --config has a default.
    #[arg(id = "key_store_config", long = "config", global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The name of the key manager; may be left out if one of them is a software key manager.
    #[arg(long, global = true, value_name = "NAME")]
    key_manager: Option<String>,
    /// The key store file, in place of a configuration.
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,
    /// What it is sealed by: passphrase, pkcs11 or module. Follows from the options below; a passphrase if there are none.
    #[arg(long, global = true, value_name = "PROTECTOR", value_parser = ["passphrase", "pkcs11", "module"])]
    protector: Option<String>,
    /// The file with the passphrase.
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    token: Token,
    #[command(flatten)]
    module: Module,
}

#[derive(Debug, clap::Args)]
struct Token {
    /// For pkcs11: the vendor's library.
    #[arg(long, global = true, value_name = "FILE")]
    library: Option<PathBuf>,
    /// For pkcs11: the label of the token.
    #[arg(long, global = true, value_name = "LABEL")]
    token: Option<String>,
    /// For pkcs11: the file with the PIN of the crypto user.
    #[arg(long, global = true, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// For pkcs11: the label of the AES-256 key.
    #[arg(long = "token-key", global = true, value_name = "LABEL")]
    key: Option<String>,
    /// For pkcs11: a variable of the library's environment. May be given several times; the library has no other.
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,
}

#[derive(Debug, clap::Args)]
struct Module {
    /// For module: the file of the key that seals its domain key.
    #[arg(long, global = true, value_name = "FILE")]
    seal_file: Option<PathBuf>,
    /// For module: the file of its sealed domain key.
    #[arg(long, global = true, value_name = "FILE")]
    domain_file: Option<PathBuf>,
}

impl Which {
    /// The key store; a passphrase that nobody has yet is asked for twice.
    pub fn store(&self, is_new: bool) -> Result<KeyStore, Box<dyn Error>> {
        match (&self.config, &self.store) {
            (Some(config), None) => self.configured(config),
            (None, Some(file)) => Ok(KeyStore::at(file.clone(), self.protector(is_new)?)),
            _ => Err("name the key store: either --config FILE or --store FILE".into()),
        }
    }

    fn configured(&self, config: &Path) -> Result<KeyStore, Box<dyn Error>> {
        let is_software = |key_manager: crate::config::KeyManager| match key_manager.kind {
            KeyManagerKind::Software(settings) => Some((key_manager.name, settings)),
            _ => None,
        };
        if self.protector.is_some()
            || self.passphrase_file.is_some()
            || self.token.is_named()
            || self.module.is_named()
        {
            return Err("what seals the key store is in the configuration: name it there only".into());
        }
        let mut stores: Vec<(String, Settings)> =
            Config::read(config)?.key_managers.into_iter().filter_map(is_software).collect();
        if let Some(name) = &self.key_manager {
            stores.retain(|(of, _)| of == name);
        }
        match (stores.as_slice(), &self.key_manager) {
            ([(_, settings)], _) => Ok(KeyStore::new(settings)),
            ([], Some(name)) => Err(format!("there is no software key manager `{name}`").into()),
            ([], None) => Err("the configuration has no software key manager".into()),
            _ => {
                Err("the configuration has several software key managers: say which with --key-manager"
                    .into())
            }
        }
    }

    fn protector(&self, is_new: bool) -> Result<Protector, Box<dyn Error>> {
        let implied = match (self.token.is_named(), self.module.is_named()) {
            (true, _) => "pkcs11",
            (false, true) => "module",
            (false, false) => "passphrase",
        };
        match self.protector.as_deref().unwrap_or(implied) {
            "pkcs11" => self.token.protector(),
            "module" => self.module.protector(),
            _ => match &self.passphrase_file {
                Some(file) => Ok(Protector::new(&ProtectorSettings::PassphraseFile(file.clone()))),
                None => passphrase::present(is_new),
            },
        }
    }
}

impl Token {
    const fn is_named(&self) -> bool {
        self.library.is_some() || self.token.is_some() || self.pin_file.is_some() || self.key.is_some()
    }

    fn protector(&self) -> Result<Protector, Box<dyn Error>> {
        let Self { library, token, pin_file, key, environment } = self;
        let (Some(library), Some(token), Some(pin_file), Some(key)) = (library, token, pin_file, key) else {
            return Err("a key in a token takes --library, --token, --pin-file and --token-key".into());
        };
        Ok(Protector::new(&ProtectorSettings::Pkcs11(Pkcs11Protector {
            library: library.clone(),
            token: token.clone(),
            pin_file: pin_file.clone(),
            key: key.clone(),
            environment: BTreeMap::from_iter(environment.clone()),
            program: None,
        })))
    }
}

impl Module {
    const fn is_named(&self) -> bool {
        self.seal_file.is_some() || self.domain_file.is_some()
    }

    fn protector(&self) -> Result<Protector, Box<dyn Error>> {
        let (Some(seal_file), Some(domain_file)) = (&self.seal_file, &self.domain_file) else {
            return Err("a security module takes --seal-file and --domain-file".into());
        };
        let (seal_file, domain_file) = (seal_file.clone(), domain_file.clone());
        let settings = ModuleProtector { seal_file, domain_file, program: None };
        Ok(Protector::new(&ProtectorSettings::Module(settings)))
    }
}

fn variable(text: &str) -> Result<(String, String), &'static str> {
    let variable = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = variable.ok_or("a variable is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
