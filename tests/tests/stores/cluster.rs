//! A service and an HSM cluster of SoftHSM's tokens behind a library that misbehaves as told.

use crate::store::{SHORT_JOURNAL, Store};
use blackbox::{Builder, Server, SoftHsm, stand_in};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A cluster of the members [`MEMBERS`].
pub struct Cluster {
    pub tokens: SoftHsm,
    directory: TempDir,
}

impl Cluster {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("cluster-").tempdir().unwrap();
        let this = Self { tokens: SoftHsm::of_tokens(&MEMBERS), directory };
        std::fs::write(this.trust_anchor(), &this.tokens.trust_anchor).unwrap();
        this.faults("");
        this
    }

    /// A service with that cluster.
    pub fn server(&self) -> Server {
        self.builder().start()
    }

    /// The same, yet to be started.
    pub fn builder(&self) -> Builder {
        self.builder_with(&stand_in("libfaulty_pkcs11.so"))
    }

    /// The same with another library.
    pub fn builder_with(&self, library: &Path) -> Builder {
        let environment = [
            ("SOFTHSM2_CONF", self.tokens.configuration()),
            ("FAULTY_PKCS11_FAULTS", self.file("faults")),
            ("FAULTY_PKCS11_LIBRARY", SoftHsm::library()),
        ];
        let environment = environment.map(|(name, value)| format!("{name} = {value:?}")).join(", ");
        let (id, trust_anchor) = (SoftHsm::CLUSTER_ID, self.trust_anchor());
        Server::builder().metrics().config(&format!(
            "{SHORT_JOURNAL}[[hsm_cluster]]\nid = {id:?}\nmembers = {MEMBERS:?}\nlibrary = {library:?}\ntrust_anchor = {trust_anchor:?}\nenvironment = {{ {environment} }}\n"
        ))
    }

    /// Switches these faults on, and all others off: a token or `*`, a function or `*`, and what happens there.
    pub fn faults(&self, lines: &str) {
        let new = self.file("faults.new");
        std::fs::write(&new, lines).unwrap();
        std::fs::rename(new, self.file("faults")).unwrap();
    }

    /// What CreateCustomKeyStore takes for a store on it.
    pub fn input(&self) -> Value {
        json!({
            "CustomKeyStoreName": "hsms",
            "CloudHsmClusterId": SoftHsm::CLUSTER_ID,
            "KeyStorePassword": SoftHsm::PIN,
            "TrustAnchorCertificate": self.tokens.trust_anchor,
        })
    }

    /// A store on it, connected, and a key in it.
    pub fn connected<'a>(&self, server: &'a Server) -> (Store<'a>, String) {
        let store = Store::create(server, &self.input());
        store.connect();
        let key = store.create_key();
        (store, key)
    }

    /// The file of the certificate that vouches for it.
    pub fn trust_anchor(&self) -> PathBuf {
        self.file("trust-anchor.pem")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// The labels of the members' tokens.
pub const MEMBERS: [&str; 2] = ["one", "two"];
