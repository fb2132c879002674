//! Tokens of SoftHSM in a directory of their own.

use super::program;
use keystores::ClusterSettings;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Tokens of SoftHSM, and the library that injects faults in front of them.
pub struct SoftHsm {
    directory: TempDir,
    tokens: Vec<String>,
}

impl SoftHsm {
    /// Initialised tokens with those labels.
    pub fn with(tokens: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let this = Self { directory, tokens: tokens.iter().map(|&token| token.to_owned()).collect() };
        fs::create_dir(this.path("tokens")).unwrap();
        let configuration = format!("directories.tokendir = {}\n", this.path("tokens").display());
        fs::write(this.path("softhsm2.conf"), configuration).unwrap();
        tokens.iter().for_each(|token| this.initialise(&["--free", "--label", token]));
        this
    }

    /// The cluster of all tokens.
    pub fn cluster(&self) -> ClusterSettings {
        let members: Vec<_> = self.tokens.iter().map(String::as_str).collect();
        self.cluster_of(&members)
    }

    /// The cluster of those tokens.
    pub fn cluster_of(&self, members: &[&str]) -> ClusterSettings {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        ClusterSettings {
            account: None,
            id: "cluster-abcdefghijk".to_owned(),
            library: program("libfaulty_pkcs11.so"),
            members: members.iter().map(|&member| member.to_owned()).collect(),
            trust_anchor: Vec::new(),
            synchronises: false,
            sessions: 4,
            program: program("cardea-pkcs11"),
            environment: BTreeMap::from([
                ("SOFTHSM2_CONF".to_owned(), text(self.path("softhsm2.conf"))),
                ("FAULTY_PKCS11_LIBRARY".to_owned(), text(library())),
                ("FAULTY_PKCS11_FAULTS".to_owned(), text(self.path("faults"))),
            ]),
        }
    }

    /// Switches these faults on, and all others off.
    pub fn faults(&self, lines: &str) {
        fs::write(self.path("faults.new"), lines).unwrap();
        fs::rename(self.path("faults.new"), self.path("faults")).unwrap();
    }

    /// Initialises a token: all that was in it is gone.
    pub fn initialise(&self, what: &[&str]) {
        let made = Command::new("softhsm2-util")
            .arg("--init-token")
            .args(what)
            .args(["--pin", PIN, "--so-pin", "87654321"])
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .output()
            .expect(HOW_TO_INSTALL);
        assert!(made.status.success(), "softhsm2-util: {}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// The library of SoftHSM, where it is installed.
fn library() -> PathBuf {
    let named = std::env::var_os("SOFTHSM2_LIBRARY").map(PathBuf::from);
    let mut places = named.into_iter().chain(PLACES.map(PathBuf::from));
    places.find(|place| place.exists()).expect(HOW_TO_INSTALL)
}

/// The crypto user's PIN.
pub const PIN: &str = "kmsuser123";
const PLACES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
];
const HOW_TO_INSTALL: &str =
    "these tests take SoftHSM 2: `apt-get install softhsm2`, or name its library in `SOFTHSM2_LIBRARY`";
