//! An HSM cluster in software: tokens of SoftHSM 2 in a directory of their own, each with its crypto user, and the certificate of an
//! authority that vouches for them.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A cluster of SoftHSM's tokens, which is gone when it is dropped. A service that is started with [`Builder::hsm_cluster`] has it.
///
/// [`Builder::hsm_cluster`]: crate::Builder::hsm_cluster
#[derive(Debug)]
pub struct SoftHsm {
    directory: TempDir,
    library: PathBuf,
    members: Vec<String>,
    /// The certificate that vouches for it, in PEM: `TrustAnchorCertificate`.
    pub trust_anchor: String,
}

impl SoftHsm {
    /// The id that the configuration gives it: `CloudHsmClusterId`.
    pub const CLUSTER_ID: &str = "cluster-softhsm2345";
    /// The PIN of its crypto user: `KeyStorePassword`.
    pub const PIN: &str = "cryptouser7";

    /// One of two members, each ready for its crypto user.
    #[must_use]
    pub fn two_tokens() -> Self {
        Self::of_tokens(&["cardea one", "cardea two"])
    }

    /// One of these members, each ready for its crypto user.
    #[must_use]
    pub fn of_tokens(labels: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("softhsm-").tempdir().unwrap();
        let tokens = directory.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(directory.path().join(CONFIGURATION), configuration).unwrap();
        let trust_anchor = authority();
        std::fs::write(directory.path().join(TRUST_ANCHOR), &trust_anchor).unwrap();
        let members = labels.iter().map(|&label| label.to_owned()).collect();
        let this = Self { directory, library: library(), members, trust_anchor };
        labels.iter().for_each(|label| this.make_token(label));
        this
    }

    /// The same cluster behind another PKCS#11 library, such as one that misbehaves in front of SoftHSM's.
    #[must_use]
    pub fn behind(self, library: &Path) -> Self {
        Self { library: library.to_owned(), ..self }
    }

    /// Makes an empty token with that label, for a member to come or one whose token is gone.
    pub fn make_token(&self, label: &str) {
        self.util(&["--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", Self::PIN]);
    }

    /// Destroys a token and all keys in it.
    pub fn delete_token(&self, label: &str) {
        self.util(&["--delete-token", "--token", label]);
    }

    /// Puts the AES-256 key of a file into a token.
    pub fn import_key(&self, token: &str, key: &str, file: &Path) {
        let id: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        let key = ["--aes", "--token", token, "--label", key, "--id", &id, "--pin", Self::PIN];
        self.util(&[&["--import", file.to_str().unwrap()][..], &key].concat());
    }

    /// The labels of its members' tokens.
    #[must_use]
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// Its part of the configuration of a service.
    #[must_use]
    pub fn settings(&self) -> String {
        let Self { library, members, .. } = self;
        let trust_anchor = self.directory.path().join(TRUST_ANCHOR);
        format!(
            "[[hsm_cluster]]\nid = {:?}\nenvironment = {{ {VARIABLE} = {:?} }}\nlibrary = {library:?}\nmembers = {members:?}\ntrust_anchor = {trust_anchor:?}\n",
            Self::CLUSTER_ID,
            self.configuration()
        )
    }

    /// What the library reads: the value of the variable `SOFTHSM2_CONF`.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.directory.path().join(CONFIGURATION)
    }

    /// SoftHSM's library, as Debian's package has it.
    #[must_use]
    pub fn library() -> PathBuf {
        library()
    }

    fn util(&self, arguments: &[&str]) {
        let mut util = Command::new("softhsm2-util");
        let output = util.args(arguments).env(VARIABLE, self.configuration()).output();
        let output = output.expect("softhsm2-util is installed: `cargo xtask test --prepare` does it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn authority() -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "cluster of SoftHSM");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn library() -> PathBuf {
    let found = LIBRARIES.iter().map(Path::new).find(|path| path.exists());
    found.expect("SoftHSM is installed: `cargo xtask test --prepare` does it").to_owned()
}

/// The variable that says where SoftHSM's tokens are.
const VARIABLE: &str = "SOFTHSM2_CONF";
const CONFIGURATION: &str = "softhsm2.conf";
const TRUST_ANCHOR: &str = "trust-anchor.pem";
const SO_PIN: &str = "securityofficer7";
const LIBRARIES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
