//! What the configuration says of a software key manager.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A software key manager.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The key store file.
    pub file: PathBuf,
    /// What its file key is sealed with.
    pub protector: ProtectorSettings,
}

impl Settings {
    /// The same, with relative paths taken from that folder.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        self.paths_mut().into_iter().for_each(|path| *path = folder.join(&*path));
        self
    }

    fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![&mut self.file];
        match &mut self.protector {
            ProtectorSettings::PassphraseFile(file) => paths.push(file),
            ProtectorSettings::Pkcs11(Pkcs11Protector { library, pin_file, program, .. }) => {
                paths.extend([library, pin_file]);
                paths.extend(program);
            }
            ProtectorSettings::Module(ModuleProtector { seal_file, domain_file, program }) => {
                paths.extend([seal_file, domain_file]);
                paths.extend(program);
            }
        }
        paths
    }
}

/// What the key that seals a key store file is itself sealed with: exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectorSettings {
    /// A security module of the proxy's own.
    Module(ModuleProtector),
    /// The file with the passphrase, which nobody but the proxy's user may read.
    PassphraseFile(PathBuf),
    /// An AES-256 key in a token.
    Pkcs11(Pkcs11Protector),
}

/// A security module of the proxy's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleProtector {
    /// The file of the key that seals its domain key.
    pub seal_file: PathBuf,
    /// The file of its sealed domain key.
    pub domain_file: PathBuf,
    /// `cardea-module`, if it is not beside the running program.
    pub program: Option<PathBuf>,
}

/// An AES-256 key in a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11Protector {
    /// The vendor's library.
    pub library: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The file with the PIN of the crypto user, which nobody but the proxy's user may read.
    pub pin_file: PathBuf,
    /// The label of the key.
    pub key: String,
    /// The whole environment of the library, such as the variable that names its configuration.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// `cardea-pkcs11`, if it is not beside the running program.
    pub program: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Settings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn each_protector_is_written_as_documented_and_its_paths_are_relative_to_the_configuration() {
        let folder = Path::new("/etc/proxy");
        let text = "file = 'keys'\nprotector.passphrase_file = 'secret'";
        let protector = ProtectorSettings::PassphraseFile("/etc/proxy/secret".into());
        let expected = Settings { file: "/etc/proxy/keys".into(), protector };
        assert_eq!(parsed(text).unwrap().relative_to(folder), expected);
        let text = "file = '/k'\n[protector.module]\nseal_file = 's'\ndomain_file = '/d'\nprogram = 'm'";
        let protector = ProtectorSettings::Module(ModuleProtector {
            seal_file: "/etc/proxy/s".into(),
            domain_file: "/d".into(),
            program: Some("/etc/proxy/m".into()),
        });
        assert_eq!(parsed(text).unwrap().relative_to(folder), Settings { file: "/k".into(), protector });
        let text = "file = '/k'\n[protector.pkcs11]\nlibrary = '/l.so'\ntoken = 't'\npin_file = 'p'\nkey = 'k'\nenvironment.CONF = 'c'";
        let protector = ProtectorSettings::Pkcs11(Pkcs11Protector {
            library: "/l.so".into(),
            token: "t".into(),
            pin_file: "/etc/proxy/p".into(),
            key: "k".into(),
            environment: BTreeMap::from([("CONF".to_owned(), "c".to_owned())]),
            program: None,
        });
        assert_eq!(parsed(text).unwrap().relative_to(folder), Settings { file: "/k".into(), protector });
    }

    #[test]
    fn what_is_not_known_and_two_protectors_are_refused() {
        for text in [
            "file = 'k'",
            "protector.passphrase_file = 'p'",
            "file = 'k'\nprotector.passphrase = 'p'",
            "file = 'k'\nfiles = 'k'\nprotector.passphrase_file = 'p'",
            "file = 'k'\nprotector.module = { seal_file = 's', domain_file = 'd' }\nprotector.passphrase_file = 'p'",
            "file = 'k'\nprotector.module = { seal_file = 's', domain_file = 'd', key = 'k' }",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
