//! Real SoftHSM tokens, and a real `cardea-pkcs11` for each that is wanted.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose token or process is not there fails")]

use pkcs11_api::{
    Bytes, Command, Iv, KeyDescription, KeyLabel, KeyName, OaepDigest, ObjectId, Pin, PublicKey, Refusal,
    Reply, WrappedKey,
};
use serde::Serialize;
use sidecar::{CallError, Client, Limit, Program, Supervisor, WhileDown};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// A SoftHSM with tokens of its own.
pub struct SoftHsm {
    pub directory: TempDir,
}

impl SoftHsm {
    /// Makes the tokens with those labels.
    pub fn with_tokens(labels: &[&str]) -> Self {
        assert!(Path::new(LIBRARY).exists(), "{LIBRARY} is not there: install the package softhsm2");
        let this = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(this.tokens()).unwrap();
        let configuration =
            format!("directories.tokendir = {}\nlog.level = ERROR\n", this.tokens().display());
        fs::write(this.configuration(), configuration).unwrap();
        for label in labels {
            this.make_token(label);
        }
        this
    }

    pub fn make_token(&self, label: &str) {
        let words = ["--init-token", "--free", "--label", label, "--so-pin", "so-pin", "--pin", PIN];
        let made = self.command("softhsm2-util").args(words).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// A command that sees these tokens.
    pub fn command(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.env("SOFTHSM2_CONF", self.configuration());
        command
    }

    pub fn tokens(&self) -> PathBuf {
        self.directory.path().join("tokens")
    }

    fn configuration(&self) -> PathBuf {
        self.directory.path().join("softhsm2.conf")
    }

    /// Starts a process for that token.
    pub fn start(&self, token: &str, sessions: usize) -> Member {
        Member::start(self.program(LIBRARY, token, sessions))
    }

    pub fn program(&self, library: &str, token: &str, sessions: usize) -> Program {
        let words = ["--library", library, "--token", token, "--sessions", &sessions.to_string()];
        Program {
            name: format!("the PKCS#11 process of {token}"),
            path: env!("CARGO_BIN_EXE_cardea-pkcs11").into(),
            arguments: words.map(OsString::from).to_vec(),
            arguments_at_first: Vec::new(),
            environment: vec![("SOFTHSM2_CONF".into(), self.configuration().into())],
            user: None,
            longest_pause: Duration::from_millis(100),
        }
    }
}

/// A process, and what can be asked of it.
pub struct Member {
    pub client: Client,
    pub supervisor: Supervisor,
}

/// A transport key, out of its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    pub id: Vec<u8>,
    pub modulus: Vec<u8>,
    pub exponent: Vec<u8>,
    pub digest: OaepDigest,
}

impl Transport {
    pub fn public_key(&self) -> PublicKey<'_> {
        PublicKey { modulus: Bytes(&self.modulus), exponent: Bytes(&self.exponent), digest: self.digest }
    }
}

/// A wrapped key, out of its reply.
#[derive(Clone, Debug)]
pub struct Wrapped {
    pub digest: OaepDigest,
    pub bytes: Vec<u8>,
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub iv: Vec<u8>,
    pub ciphertext: Vec<u8>,
    pub tag: [u8; 16],
}

impl Member {
    pub fn start(program: Program) -> Self {
        let (supervisor, mut connectors) = Supervisor::start(program, 1).unwrap();
        Self { client: connectors.pop().unwrap().connect(WhileDown::Fail), supervisor }
    }

    /// The body of the reply. Just after a start the connection may not be there yet.
    pub async fn body<C: Serialize>(&self, command: &C) -> Result<Zeroizing<Vec<u8>>, CallError> {
        loop {
            match self.client.call(command, Limit::KillAfter(Duration::from_secs(20))).await {
                Err(CallError::Gone) => tokio::time::sleep(Duration::from_millis(5)).await,
                answered => return answered,
            }
        }
    }

    async fn ask<T>(
        &self,
        command: Command<'_>,
        read: impl FnOnce(Reply<'_>) -> Option<T>,
    ) -> Result<T, Refusal> {
        let body = self.body(&command).await.unwrap();
        match frames::decode::<Reply<'_>>(&body).unwrap() {
            Reply::Refused(refusal) => Err(refusal),
            reply => {
                let kind = format!("{reply:?}");
                Ok(read(reply).unwrap_or_else(|| panic!("{kind} to {command:?}")))
            }
        }
    }

    pub async fn log_in(&self, pin: &str) -> Result<Status, Refusal> {
        self.ask(Command::LogIn { pin: Pin::new(pin).unwrap() }, status).await
    }

    pub async fn status(&self) -> Result<Status, Refusal> {
        self.ask(Command::Status, status).await
    }

    pub async fn log_out(&self) -> Result<(), Refusal> {
        self.ask(Command::LogOut, |reply| matches!(reply, Reply::LoggedOut).then_some(())).await
    }

    pub async fn generate(&self, id: &[u8]) -> Result<bool, Refusal> {
        self.ask(Command::GenerateTokenKey { id: name(id), label: label() }, made).await
    }

    pub async fn find(&self, id: &[u8]) -> Result<(), Refusal> {
        self.find_named(name(id).into()).await
    }

    pub async fn find_named(&self, name: KeyName<'_>) -> Result<(), Refusal> {
        self.ask(Command::FindKey { name }, |reply| matches!(reply, Reply::Found).then_some(())).await
    }

    pub async fn describe(&self, name: KeyName<'_>) -> Result<KeyDescription, Refusal> {
        self.ask(Command::DescribeKey { name }, |reply| match reply {
            Reply::KeyDescription(key) => Some(key),
            _ => None,
        })
        .await
    }

    pub async fn destroy(&self, id: &[u8]) -> Result<u32, Refusal> {
        self.ask(Command::DestroyKey { id: name(id) }, |reply| match reply {
            Reply::Destroyed { objects } => Some(objects),
            _ => None,
        })
        .await
    }

    pub async fn transport_key(&self) -> Result<Transport, Refusal> {
        self.ask(Command::TransportKey, |reply| match reply {
            Reply::TransportKey { id, public_key: PublicKey { modulus, exponent, digest } } => {
                Some(Transport {
                    id: id.as_bytes().to_vec(),
                    modulus: modulus.0.to_vec(),
                    exponent: exponent.0.to_vec(),
                    digest,
                })
            }
            _ => None,
        })
        .await
    }

    pub async fn generate_wrapped(&self, recipients: &[Transport]) -> Result<Vec<Wrapped>, Refusal> {
        let recipients = recipients.iter().map(Transport::public_key).collect();
        self.ask(Command::GenerateWrappedKey { recipients }, |reply| match reply {
            Reply::WrappedKeys(keys) => Some(
                keys.iter().map(|key| Wrapped { digest: key.digest, bytes: key.bytes.0.to_vec() }).collect(),
            ),
            _ => None,
        })
        .await
    }

    pub async fn unwrap(&self, id: &[u8], wrapped: &Wrapped) -> Result<bool, Refusal> {
        let wrapped = WrappedKey { digest: wrapped.digest, bytes: Bytes(&wrapped.bytes) };
        self.ask(Command::UnwrapKey { id: name(id), label: label(), wrapped }, made).await
    }

    pub async fn seal(&self, id: &[u8], additional_data: &[u8], plaintext: &[u8]) -> Result<Sealed, Refusal> {
        self.seal_named(name(id).into(), additional_data, plaintext).await
    }

    pub async fn seal_named(
        &self,
        name: KeyName<'_>,
        additional_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Sealed, Refusal> {
        let (additional_data, plaintext) = (Bytes(additional_data), Bytes(plaintext));
        self.ask(Command::Seal { name, additional_data, plaintext }, |reply| match reply {
            Reply::Sealed { iv, ciphertext, tag } => {
                Some(Sealed { iv: iv.to_vec(), ciphertext: ciphertext.0.to_vec(), tag })
            }
            _ => None,
        })
        .await
    }

    pub async fn open(&self, id: &[u8], additional_data: &[u8], sealed: &Sealed) -> Result<Vec<u8>, Refusal> {
        self.open_named(name(id).into(), additional_data, sealed).await
    }

    pub async fn open_named(
        &self,
        name: KeyName<'_>,
        additional_data: &[u8],
        sealed: &Sealed,
    ) -> Result<Vec<u8>, Refusal> {
        let (iv, tag) = (Iv::new(&sealed.iv).unwrap(), sealed.tag);
        let (additional_data, ciphertext) = (Bytes(additional_data), Bytes(&sealed.ciphertext));
        self.ask(Command::Open { name, iv, additional_data, ciphertext, tag }, |reply| match reply {
            Reply::Opened(plaintext) => Some(plaintext.0.to_vec()),
            _ => None,
        })
        .await
    }

    pub async fn random(&self, length: u16) -> Result<Vec<u8>, Refusal> {
        self.ask(Command::Random { length }, |reply| match reply {
            Reply::Random(bytes) => Some(bytes.0.to_vec()),
            _ => None,
        })
        .await
    }
}

/// How a member is, out of its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub manufacturer: String,
    pub library: String,
    pub library_version: (u8, u8),
    pub serial: Option<String>,
    pub logged_in: bool,
    pub sessions: u32,
}

fn status(reply: Reply<'_>) -> Option<Status> {
    match reply {
        Reply::Status { manufacturer, library, library_version, serial, logged_in, sessions } => {
            Some(Status {
                manufacturer: manufacturer.to_owned(),
                library: library.to_owned(),
                library_version,
                serial: serial.map(str::to_owned),
                logged_in,
                sessions,
            })
        }
        _ => None,
    }
}

fn made(reply: Reply<'_>) -> Option<bool> {
    match reply {
        Reply::Key { made } => Some(made),
        _ => None,
    }
}

fn name(id: &[u8]) -> ObjectId<'_> {
    ObjectId::new(id).unwrap()
}

fn label() -> KeyLabel<'static> {
    KeyLabel::new("a KMS key").unwrap()
}

pub const LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub const PIN: &str = "user-pin-1234";
