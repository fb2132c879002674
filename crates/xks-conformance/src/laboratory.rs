//! What checks work with: the proxy, a connection that is kept, and all that was answered so far.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde_json::Value;
use xks_api::Operation;

use crate::calls::{self, Encrypted};
use crate::error::Error;
use crate::requirement::Miss;
use crate::run::Options;
use crate::target::{Store, Target};
use crate::wire::{Answer, Connection, Hello, Lost, Request, Signer, Tls};

/// What checks work with. It does one thing at a time.
#[derive(Debug)]
pub(crate) struct Laboratory {
    pub(crate) target: Target,
    pub(crate) options: Options,
    tls: Tls,
    usual: Arc<ClientConfig>,
    kept: RefCell<Option<Connection>>,
    seen: RefCell<Vec<Answer>>,
    serial: Cell<u64>,
}

impl Laboratory {
    pub(crate) fn new(target: Target, options: Options) -> Result<Self, Error> {
        let tls = Tls::of(&target)?;
        let usual = Arc::new(tls.config(&Hello::usual(&target))?);
        Ok(Self {
            target,
            options,
            tls,
            usual,
            kept: RefCell::default(),
            seen: RefCell::default(),
            serial: Cell::new(0),
        })
    }

    /// A good signer for the store, now.
    pub(crate) fn signer(&self) -> Signer<'_> {
        Signer::new(&self.target.store.credential, &self.target.region)
    }

    /// A request of the store, not signed yet.
    pub(crate) fn unsigned(&self, operation: Operation, key: &str, body: &Value) -> Request {
        request(&self.target.store, operation, key, body)
    }

    /// The same, signed well.
    pub(crate) fn signed(&self, operation: Operation, key: &str, body: &Value) -> Request {
        let mut request = self.unsigned(operation, key, body);
        self.signer().sign(&mut request);
        request
    }

    /// The same, of another store or by another credential.
    pub(crate) fn signed_by(
        &self,
        signer: &Signer<'_>,
        store: &Store,
        operation: Operation,
        key: &str,
        body: &Value,
    ) -> Request {
        let mut request = request(store, operation, key, body);
        signer.sign(&mut request);
        request
    }

    /// Asks, well signed.
    pub(crate) async fn ask(&self, operation: Operation, key: &str, body: &Value) -> Result<Answer, Miss> {
        self.send(&self.signed(operation, key, body)).await
    }

    /// Sends a request over the connection that is kept, or a new one if that is of no use any more.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Miss> {
        let kept = self.kept.take();
        if let Some(mut connection) = kept
            && let Ok(answer) = connection.ask(request).await
        {
            return Ok(self.keep(connection, answer));
        }
        let mut connection = self.connect().await?;
        let answer = connection.ask(request).await?;
        Ok(self.keep(connection, answer))
    }

    /// A new connection, as KMS makes them.
    pub(crate) async fn connect(&self) -> Result<Connection, Lost> {
        Connection::open(&self.target.store, Arc::clone(&self.usual)).await
    }

    /// A new connection of another kind.
    pub(crate) async fn connect_by(&self, hello: &Hello<'_>) -> Result<Connection, Lost> {
        let config = self.tls.config(hello).map_err(|error| Lost(error.to_string()))?;
        Connection::open(&self.target.store, Arc::new(config)).await
    }

    /// Remembers what was answered by another way than [`send`](Self::send).
    pub(crate) fn remember(&self, answer: &Answer) {
        self.seen.borrow_mut().push(answer.clone());
    }

    /// The first answer so far of which that is true.
    pub(crate) fn seen(&self, wanted: impl Fn(&Answer) -> bool) -> Option<Answer> {
        self.seen.borrow().iter().find(|answer| wanted(answer)).cloned()
    }

    /// What a good call of that operation says. A decryption is of something that was just encrypted.
    pub(crate) async fn good_body(&self, operation: Operation) -> Result<Value, Miss> {
        let plaintext = calls::plaintext(32);
        match operation {
            Operation::Decrypt => {
                let encrypted = self.encrypt(&plaintext, Some(AAD)).await?;
                Ok(self.decrypt_body(&encrypted, Some(AAD)))
            }
            Operation::Encrypt => Ok(self.encrypt_body(&plaintext, Some(AAD))),
            Operation::GetHealthStatus | Operation::GetKeyMetadata => {
                Ok(calls::plain(operation, self.next()))
            }
        }
    }

    /// Asks what would be good but for these fields.
    pub(crate) async fn ask_edited(
        &self,
        operation: Operation,
        edits: &[(&str, Option<Value>)],
    ) -> Result<Answer, Miss> {
        let mut body = self.good_body(operation).await?;
        for (path, value) in edits {
            body = calls::edited(&body, path, value.clone());
        }
        self.ask(operation, &self.target.key, &body).await
    }

    pub(crate) fn encrypt_body(&self, plaintext: &[u8], aad: Option<&[u8]>) -> Value {
        calls::encrypt(plaintext, aad, self.next())
    }

    pub(crate) fn decrypt_body(&self, encrypted: &Encrypted, aad: Option<&[u8]>) -> Value {
        calls::decrypt(encrypted, aad, self.next())
    }

    /// Encrypts under the key.
    pub(crate) async fn encrypt(&self, plaintext: &[u8], aad: Option<&[u8]>) -> Result<Encrypted, Miss> {
        let body = self.encrypt_body(plaintext, aad);
        Encrypted::of(&self.ask(Operation::Encrypt, &self.target.key, &body).await?)
    }

    /// Asks for a decryption under the key.
    pub(crate) async fn decrypt(&self, encrypted: &Encrypted, aad: Option<&[u8]>) -> Result<Answer, Miss> {
        let body = self.decrypt_body(encrypted, aad);
        self.ask(Operation::Decrypt, &self.target.key, &body).await
    }

    /// Whether the proxy answers, now or soon: one that is started again by whoever watches it has time for that.
    pub(crate) async fn is_alive(&self) -> bool {
        for _ in 0..REVIVALS {
            let body = calls::plain(Operation::GetHealthStatus, self.next());
            if self.ask(Operation::GetHealthStatus, "", &body).await.is_ok() {
                return true;
            }
            tokio::time::sleep(BETWEEN_REVIVALS).await;
        }
        false
    }

    /// That the proxy outlived what was sent, told by its name: the very next call, on a new connection, is answered.
    pub(crate) async fn ensure_alive(&self, after: &str) -> Result<(), Miss> {
        self.kept.take();
        let body = calls::plain(Operation::GetHealthStatus, self.next());
        let outcome = self.ask(Operation::GetHealthStatus, "", &body).await;
        let dead = |miss| match miss {
            Miss::Lost(found) => Miss::failed(format!("the proxy still answers after {after}"), found),
            other => other,
        };
        outcome.map(drop).map_err(dead)
    }

    fn keep(&self, connection: Connection, answer: Answer) -> Answer {
        if answer.keeps_connection() {
            self.kept.replace(Some(connection));
        }
        self.remember(&answer);
        answer
    }

    /// A number that no other request of this run has.
    pub(crate) fn next(&self) -> u64 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }
}

fn request(store: &Store, operation: Operation, key: &str, body: &Value) -> Request {
    let path = format!("{}{}", store.path, operation.path(key));
    let mut request = Request::new("POST", path, store.authority(), body.to_string().into_bytes());
    request.add("Content-Type", "application/json");
    request
}

/// What most ciphertexts of a run are bound to.
pub(crate) const AAD: &[u8] = b"project=nile,department=marketing";

const REVIVALS: u32 = 5;
const BETWEEN_REVIVALS: Duration = Duration::from_secs(1);
