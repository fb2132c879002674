//! A service and an XKS proxy that it trusts.

use crate::store::{SHORT_JOURNAL, Store};
use blackbox::{Builder, Server};
use faulty_proxy::{Authority, Credential, ExternalKey, Leaf, Proxy, Setup, Tls};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// A proxy, its authority, and a directory for what a service is told of them.
pub struct Proxied {
    pub proxy: Proxy,
    pub authority: Authority,
    directory: TempDir,
}

impl Proxied {
    /// One with the paths [`PATH`] and [`OTHER_PATH`] and the keys [`KEYS`].
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// The same with something changed.
    pub fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let authority = Authority::new().unwrap();
        let mut setup = Setup::with_tls(Tls::new(authority.issue(&Leaf::server()).unwrap()));
        setup.uri_prefixes = vec![String::new(), "/other".to_owned()];
        setup.keys = KEYS.iter().map(|&name| (name.to_owned(), ExternalKey::new())).collect();
        setup.remembered = 10_000;
        change(&mut setup);
        let directory = tempfile::Builder::new().prefix("proxied-").tempdir().unwrap();
        std::fs::write(directory.path().join(AUTHORITY), authority.pem()).unwrap();
        Self { proxy: Proxy::start(setup).unwrap(), authority, directory }
    }

    /// A service with metrics that trusts the proxy's authority.
    pub fn server(&self) -> Server {
        self.server_with("")
    }

    /// The same with more lines in the configuration's section `[xks]`, and sections after it.
    pub fn server_with(&self, settings: &str) -> Server {
        self.builder(settings).start()
    }

    /// The same, yet to be started.
    pub fn builder(&self, settings: &str) -> Builder {
        let trusted = format!("{SHORT_JOURNAL}[xks]\nextra_ca_files = [{:?}]\n", self.file(AUTHORITY));
        Server::builder().metrics().config(&(trusted + settings))
    }

    /// A file of the test's own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A store over the proxy, connected.
    pub fn connected<'a>(&self, server: &'a Server) -> Store<'a> {
        let store = Store::create(server, &self.input("first", PATH));
        store.connect();
        store
    }

    /// What CreateCustomKeyStore takes for a store over the proxy.
    pub fn input(&self, name: &str, path: &str) -> Value {
        input(name, &self.proxy.endpoint(), path)
    }
}

/// What CreateCustomKeyStore takes for a store over a proxy at that endpoint.
pub fn input(name: &str, endpoint: &str, path: &str) -> Value {
    json!({
        "CustomKeyStoreName": name,
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": endpoint,
        "XksProxyUriPath": path,
        "XksProxyAuthenticationCredential": credential(Credential::EXAMPLE_ID, Credential::EXAMPLE_SECRET),
    })
}

/// A credential as requests have it.
pub fn credential(id: &str, secret: &str) -> Value {
    json!({"AccessKeyId": id, "RawSecretAccessKey": secret})
}

/// The proxy's path.
pub const PATH: &str = "/kms/xks/v1";
/// Another one of the same proxy, for another store.
pub const OTHER_PATH: &str = "/other/kms/xks/v1";
/// The external keys.
pub const KEYS: [&str; 4] = ["mercury", "venus", "earth", "mars"];
/// Another credential, which the proxy does not know until it is told.
pub const OTHER_CREDENTIAL: (&str, &str) =
    ("OTHERCREDENTIAL234567ABC", "another/secret+of/forty/three/characters/xyz=");
const AUTHORITY: &str = "ca.pem";
