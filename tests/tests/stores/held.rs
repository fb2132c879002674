//! A service whose external key store is over our own proxy, which has the keys from a file, from tokens, or from another server.

use crate::proxied::{credential, input};
use crate::store::{SHORT_JOURNAL, Store, until};
use blackbox::{
    Answer, Builder, Caller, Request, Server, SoftHsm, TlsConnection, Transit, XksProxy, base64, stand_in,
};
use faulty_proxy::{Authority, Identity, Leaf};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The proxy, whose store at [`PREFIX`] shows the keys [`KEYS`].
pub struct Held {
    pub proxy: XksProxy,
    pub authority: Authority,
    pub backend: Backend,
    /// Its first credential, as the configuration has it.
    pub credential: String,
    /// The id of that.
    pub first: String,
    /// What the configuration has before its tables, and between them.
    before: String,
    key_manager: String,
    store: String,
}

/// What the proxy has the keys from.
pub enum Backend {
    File,
    Tokens(#[expect(dead_code, reason = "the tokens are gone when it is dropped")] SoftHsm),
    Transit(Transit),
}

impl Held {
    /// Keys in a sealed file.
    pub fn in_a_file() -> Self {
        let proxy = XksProxy::new();
        proxy.write("passphrase", "a passphrase that nobody guesses");
        let key_manager = "kind = 'software'\nfile = 'keys'\nprotector.passphrase_file = 'passphrase'\n";
        let this = Self::with(proxy, Backend::File, key_manager);
        this.configure("");
        this.key(&["init"]);
        KEYS.iter().for_each(|key| this.key(&["create", key]));
        this
    }

    /// The same keys in two tokens, behind a library that misbehaves as told.
    pub fn in_tokens() -> Self {
        let (proxy, tokens) = (XksProxy::new(), SoftHsm::of_tokens(&TOKENS));
        for (number, key) in KEYS.iter().chain(&[TEST_KEY]).enumerate() {
            let file = proxy.path("key");
            std::fs::write(&file, [number as u8 + 1; 32]).unwrap();
            TOKENS.iter().for_each(|token| tokens.import_key(token, key, &file));
        }
        proxy.write("pin", SoftHsm::PIN);
        proxy.write("faults", "");
        let environment = [
            ("SOFTHSM2_CONF", tokens.configuration()),
            ("FAULTY_PKCS11_FAULTS", proxy.path("faults")),
            ("FAULTY_PKCS11_LIBRARY", SoftHsm::library()),
        ];
        let environment = environment.map(|(name, value)| format!("{name} = {value:?}\n")).concat();
        let library = stand_in("libfaulty_pkcs11.so");
        let key_manager = format!(
            "kind = 'pkcs11'\nlibrary = {library:?}\ntokens = {TOKENS:?}\npin_file = 'pin'\nsessions = 4\ntest_key = '{TEST_KEY}'\n[key_manager.environment]\n{environment}"
        );
        Self::with(proxy, Backend::Tokens(tokens), &key_manager)
    }

    /// Keys in another server, which speaks the API of Vault's Transit engine.
    pub fn in_transit() -> Self {
        let (proxy, transit) = (XksProxy::new(), Transit::start(&[&KEYS[..], &[TEST_KEY]].concat()));
        proxy.write("token", &transit.token());
        let (url, authority) = (&transit.url, transit.authority());
        let key_manager = format!(
            "kind = 'vault'\naddresses = ['{url}']\nca_files = [{authority:?}]\ntoken_file = 'token'\ntest_key = '{TEST_KEY}'\n"
        );
        Self::with(proxy, Backend::Transit(transit), &key_manager)
    }

    fn with(proxy: XksProxy, backend: Backend, key_manager: &str) -> Self {
        let authority = Authority::new().unwrap();
        proxy.write("ca.pem", authority.pem());
        let credential = proxy.must(&["credential", "new"]);
        let store = format!(
            "[[store]]\npath_prefix = '{PREFIX}'\nkey_manager = 'own'\nkeys = {KEYS:?}\npolicy = 'policy.json'\ndefault = 'allow'\n{credential}"
        );
        let this = Self {
            proxy,
            authority,
            backend,
            first: id_of(&credential),
            credential,
            before: String::new(),
            key_manager: key_manager.to_owned(),
            store,
        };
        this.show(&this.authority.issue(&Leaf::server()).unwrap());
        this.proxy.write("policy.json", &policy().to_string());
        this.configure("");
        this
    }

    /// With lines of the configuration before its first table, or tables.
    pub fn configured(mut self, before: &str) -> Self {
        self.before += before;
        self.configure("");
        self
    }

    /// Starts the proxy, and a service that trusts it.
    pub fn start(&self) -> Server {
        self.proxy.start();
        self.builder("").start()
    }

    /// The service, yet to be started, with more lines in its section `[xks]`.
    pub fn builder(&self, settings: &str) -> Builder {
        let trusted = format!("{SHORT_JOURNAL}[xks]\nextra_ca_files = [{:?}]\n", self.proxy.path("ca.pem"));
        Server::builder().metrics().config(&(trusted + settings))
    }

    /// A store over the proxy, connected as soon as the proxy is well.
    #[track_caller]
    pub fn connected<'a>(&self, server: &'a Server) -> Store<'a> {
        let mut made = server.call("CreateCustomKeyStore", &self.input());
        until("the proxy is well", || {
            if made.status != 200 {
                made = server.call("CreateCustomKeyStore", &self.input());
            }
            made.status == 200
        });
        let id = made.output()["CustomKeyStoreId"].as_str().unwrap().to_owned();
        let store = Store { server, caller: server.root().clone(), id };
        store.connect();
        store
    }

    /// What CreateCustomKeyStore takes for a store over the proxy.
    pub fn input(&self) -> Value {
        let mut input = input("own", &self.proxy.endpoint(), &format!("{PREFIX}/kms/xks/v1"));
        input["XksProxyAuthenticationCredential"] = self.as_kms_takes(&self.first);
        input
    }

    /// A credential of the proxy's, as KMS takes it.
    pub fn as_kms_takes(&self, id: &str) -> Value {
        credential(id, &self.secret(id))
    }

    /// The secret of a credential.
    pub fn secret(&self, id: &str) -> String {
        std::fs::read_to_string(self.proxy.path(&format!("{id}.secret"))).unwrap()
    }

    /// Writes the configuration, with this at its end.
    pub fn configure(&self, after: &str) {
        self.configure_with("", &format!("{}{after}", self.store));
    }

    /// The same with more tables, and with those stores only.
    pub fn configure_with(&self, tables: &str, stores: &str) {
        let Self { before, key_manager, .. } = self;
        let mutual = match self.proxy.path("clients.pem").exists() {
            true => format!("client_ca_files = ['clients.pem']\nclient_subjects = ['{CLIENT}']\n"),
            false => String::new(),
        };
        let text = format!(
            "listen = '{}'\ndata = 'data'\nworkers = 2\nhealth_interval = '1s'\n{before}\n[tls]\ncertificate = 'tls.pem'\nprivate_key = 'tls-key.pem'\n{mutual}{tables}\n[[key_manager]]\nname = 'own'\n{key_manager}\n{stores}",
            self.proxy.address()
        );
        self.proxy.write("proxy.toml", &text);
    }

    /// Its store with that credential in place of the first.
    pub fn store_with(&self, credential: &str) -> String {
        let (store, _) = self.store.split_once("[[store.credential]]").unwrap();
        format!("{store}{credential}")
    }

    /// Gives the proxy another certificate to show.
    pub fn show(&self, identity: &Identity) {
        self.proxy.write("tls-key.pem", identity.key_pem());
        self.proxy.write("tls.pem", identity.certificate_pem());
    }

    /// Lets in nobody but who shows a certificate of [`CLIENT`], which it writes for the service. Says what the service needs to know.
    pub fn only_for_the_client(&self) -> String {
        let clients = Authority::new().unwrap();
        self.proxy.write("clients.pem", clients.pem());
        self.configure("");
        self.certified(&clients, CLIENT)
    }

    /// Issues the service a certificate of that name.
    pub fn certified(&self, clients: &Authority, name: &str) -> String {
        let identity = clients.issue(&Leaf::client(name)).unwrap();
        self.proxy.write("client.pem", identity.certificate_pem());
        self.proxy.write("client-key.pem", identity.key_pem());
        let (certificate, key) = (self.proxy.path("client.pem"), self.proxy.path("client-key.pem"));
        format!("client_certificate = {certificate:?}\nclient_key = {key:?}\n")
    }

    /// Does something with the keys in the file.
    #[track_caller]
    pub fn key(&self, arguments: &[&str]) {
        let _ = self.proxy.must(&[&["key"], arguments, &["--config", "proxy.toml"]].concat());
    }

    /// Switches faults of the tokens' library on, and all others off.
    pub fn faults(&self, lines: &str) {
        self.proxy.write("faults", lines);
    }

    /// A connection to the proxy of somebody who is no KMS.
    pub fn connect(&self) -> TlsConnection {
        self.proxy.connect(self.authority.pem())
    }

    /// Both logs must know of the same.
    #[track_caller]
    pub fn logs_agree(&self, server: &Server) {
        let (status, report) = self.reconcile(server, &self.proxy.journal_directory());
        assert_eq!(status, Some(0), "{report}");
        assert!(report["counts"]["agreed"].as_u64().unwrap() > 0, "{report}");
    }

    /// How `cardea-xks-proxy reconcile` ends, and what it says.
    pub fn reconcile(&self, server: &Server, journal: &Path) -> (Option<i32>, Value) {
        let (kms, now) = (server.data().join("journal"), Timestamp::now());
        let (from, to) = ((now - HOUR).to_string(), (now + HOUR).to_string());
        let places = [kms.to_str().unwrap(), journal.to_str().unwrap()];
        let arguments =
            ["reconcile", "--json", "--from", &from, "--to", &to, "--kms", places[0], "--proxy", places[1]];
        let output = self.proxy.run(&arguments);
        let report = serde_json::from_slice(&output.stdout);
        (
            output.status.code(),
            report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))),
        )
    }

    /// Asks the proxy as somebody does who has the credential and is no KMS.
    #[track_caller]
    pub fn ask_directly(&self, connection: &mut TlsConnection, path: &str, body: &Value) -> Answer {
        let host = self.proxy.endpoint().replace("https://", "");
        let mut request = Request::get(&host, &format!("{PREFIX}/kms/xks/v1/{path}"));
        "POST".clone_into(&mut request.method);
        request.body = body.to_string().into_bytes();
        let thief = Caller {
            access_key_id: self.first.clone(),
            secret_access_key: self.secret(&self.first),
            session_token: None,
            region: "us-east-1".to_owned(),
        };
        let request = request.with("content-type", "application/json");
        connection.exchange(&request.signed_for(&thief, "kms-xks-proxy", Timestamp::now())).unwrap()
    }
}

/// The id in a credential as `cardea-xks-proxy credential new` prints it.
pub fn id_of(credential: &str) -> String {
    credential.split('"').nth(1).unwrap().to_owned()
}

/// What KMS asks of a proxy for GenerateDataKey.
pub fn data_key_request(plaintext: &[u8]) -> Value {
    json!({
        "requestMetadata": {
            "awsPrincipalArn": "arn:aws:iam::111122223333:user/thief",
            "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab",
            "kmsOperation": "GenerateDataKey",
            "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        },
        "plaintext": base64(plaintext),
        "encryptionAlgorithm": "AES_GCM",
    })
}

/// Nobody opens what was sealed with the key of saturn.
fn policy() -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "SaturnStaysShut", "Effect": "Deny", "Action": ["kms:Decrypt", "kms:ReEncrypt"], "Resource": "*",
            "Condition": {"StringEquals": {"xks:ExternalKeyId": SATURN}}}
    ]})
}

/// What the store's path begins with.
pub const PREFIX: &str = "/nile";
/// The external keys.
pub const KEYS: [&str; 3] = ["mercury", "venus", SATURN];
/// The one of them with which nothing is decrypted.
pub const SATURN: &str = "saturn";
/// The tokens.
pub const TOKENS: [&str; 2] = ["one", "two"];
const HOUR: Duration = Duration::from_secs(3600);
const TEST_KEY: &str = "health";
/// Who a proxy lets in that asks who is there.
pub const CLIENT: &str = "cks.kms.us-east-1.amazonaws.com";
