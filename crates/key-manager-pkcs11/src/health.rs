//! How the tokens are: each one on its own encrypts and decrypts under a key that no customer uses.

use crate::open::read_pin;
use crate::session::opened;
use crate::tokens::Tokens;
use key_manager::{Health, HealthStatus, Member, together};
use pkcs11_api::{Bytes, Command, Iv, KeyLabel, KeyName, Reply};
use pkcs11_client::{Chosen, Pin, Trouble};
use std::cell::RefCell;
use tokio::time::Instant;

/// What came of trying the tokens.
pub(crate) struct Tried(RefCell<Vec<Token>>);

#[derive(Clone, Default)]
struct Token {
    about: Option<About>,
    /// Why it did not do what it was to do the last time.
    trouble: Option<Trouble>,
}

/// What a token says of itself.
#[derive(Clone)]
struct About {
    vendor: String,
    model: String,
}

impl Tried {
    pub(crate) fn new(tokens: usize) -> Self {
        Self(RefCell::new(vec![Token::default(); tokens]))
    }

    /// Tries all tokens at the same time. If one refuses the PIN, there may be another in the file by now.
    pub(crate) async fn all(&self, tokens: &Tokens) -> Health {
        let members = tokens.way.members();
        if members.is_refused() {
            log_in_refused(tokens).await;
        }
        // One that is only just being logged in to is not away.
        members.wait_until_settled(Instant::now() + members.settings().times.answer).await;
        let tried = together((0..tokens.way.count()).map(|at| self.one(tokens, at))).await;
        let known = self.0.borrow();
        let vendor = known.iter().find_map(|token| Some(token.about.as_ref()?.vendor.clone()));
        Health { vendor: vendor.unwrap_or_else(|| UNKNOWN_VENDOR.to_owned()), members: tried }
    }

    async fn one(&self, tokens: &Tokens, at: usize) -> Member {
        let id = tokens.way.members().label(at).unwrap_or_default().to_owned();
        let tried = self.status(tokens, at).await;
        self.tell(at, &id, tried.err());
        let status = tried.unwrap_or(HealthStatus::Unavailable);
        let model = self.0.borrow().get(at).and_then(|token| Some(token.about.as_ref()?.model.clone()));
        Member { id, model: model.unwrap_or_else(|| UNKNOWN_MODEL.to_owned()), status }
    }

    /// Once for each reason: a token that is away is tried again and again.
    fn tell(&self, at: usize, id: &str, trouble: Option<Trouble>) {
        let mut tokens = self.0.borrow_mut();
        let Some(token) = tokens.get_mut(at).filter(|token| token.trouble != trouble) else { return };
        token.trouble = trouble;
        if let Some(why) = trouble {
            tracing::warn!(token = id, %why, "a token does not do with the test key what it is to do");
        }
    }

    async fn status(&self, tokens: &Tokens, at: usize) -> Result<HealthStatus, Trouble> {
        let chosen = tokens.way.members().active_member(at)?;
        let status = try_out(tokens, chosen).await?;
        match tokens.ask_one(chosen, &Command::Status, About::of).await {
            Ok(about) => {
                self.0.borrow_mut().get_mut(at).map(|token| token.about.replace(about));
                Ok(status)
            }
            Err(Trouble::Busy | Trouble::Slow) => Ok(HealthStatus::Degraded),
            Err(trouble) => Err(trouble),
        }
    }
}

impl About {
    fn of(reply: Reply<'_>) -> Option<Self> {
        let Reply::Status { manufacturer, library, library_version: (major, minor), .. } = reply else {
            return None;
        };
        let or = |text: &str, other: &str| match text.trim() {
            "" => other.to_owned(),
            text => text.to_owned(),
        };
        let (vendor, library) = (or(manufacturer, UNKNOWN_VENDOR), or(library, UNKNOWN_MODEL));
        let model = format!("{library} {major}.{minor} ({vendor})");
        Some(Self { vendor, model })
    }
}

/// Reads the file on another thread: it may be where that takes long.
async fn log_in_refused(tokens: &Tokens) {
    let file = tokens.shared.pin_file.clone();
    let Ok(read) = tokio::task::spawn_blocking(move || read_pin(&file)).await else { return };
    match read {
        // INVARIANT: what was read can be one.
        Ok(pin) => drop(Pin::new(&pin).map(|pin| tokens.way.members().log_in_refused(pin))),
        Err(error) => tracing::error!(%error, "a token refuses the PIN, and there is no other"),
    }
}

/// Encrypts and decrypts. Who is slow at that, or has only just come back, is degraded.
async fn try_out(tokens: &Tokens, chosen: Chosen) -> Result<HealthStatus, Trouble> {
    let (members, began) = (tokens.way.members(), Instant::now());
    let was_on_trial = members.is_on_trial(chosen);
    match there_and_back(tokens, chosen).await {
        Ok(()) if was_on_trial || began.elapsed() > members.settings().times.answer => {
            Ok(HealthStatus::Degraded)
        }
        Ok(()) => Ok(HealthStatus::Active),
        Err(Trouble::Busy | Trouble::Slow) => Ok(HealthStatus::Degraded),
        Err(trouble) => Err(trouble),
    }
}

async fn there_and_back(tokens: &Tokens, chosen: Chosen) -> Result<(), Trouble> {
    let name = KeyName::Label(KeyLabel::new(&tokens.shared.test_key).map_err(|_| Trouble::KeyMissing)?);
    let additional_data = Bytes(TEXT);
    let seal = Command::Seal { name, additional_data, plaintext: Bytes(TEXT) };
    let read = |reply: Reply<'_>| match reply {
        Reply::Sealed { iv, ciphertext, tag } => Some((iv, ciphertext.0.to_vec(), tag)),
        _ => None,
    };
    let (iv, ciphertext, tag) = tokens.ask_one(chosen, &seal, read).await?;
    let iv = Iv::from(&iv);
    let open = Command::Open { name, iv, additional_data, ciphertext: Bytes(&ciphertext), tag };
    let plaintext = tokens.ask_one(chosen, &open, opened).await?;
    (plaintext.as_slice() == TEXT).then_some(()).ok_or(Trouble::InvalidCiphertext)
}

const TEXT: &[u8] = b"cardea-xks-proxy tries this token out";
const UNKNOWN_VENDOR: &str = "unknown";
const UNKNOWN_MODEL: &str = "PKCS#11 token";
