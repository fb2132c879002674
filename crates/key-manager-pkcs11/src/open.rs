//! Opening the tokens, once for the whole proxy.

use crate::Settings;
use crate::session::TokenSession;
use key_manager::{
    Decrypted, Encrypted, ExternalKeyId, Health, HealthStatus, KeyDescription, KeyManager, Member, Sealed,
    Session, Trouble, Work,
};
use pkcs11_client::{Hsm, Pin, Seat, Times};
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// The tokens of an HSM that hold the same keys. Dropped, it ends their processes and waits until they are gone.
pub struct Pkcs11KeyManager {
    hsm: Hsm,
    seats: Mutex<Vec<Option<Seat>>>,
    shared: Arc<Shared>,
}

/// What all sessions have of it.
pub(crate) struct Shared {
    pub(crate) pin_file: PathBuf,
    pub(crate) test_key: String,
    pub(crate) aws_sample_metadata: Option<Vec<u8>>,
}

impl Pkcs11KeyManager {
    /// Starts a process of `cardea-pkcs11`, which is that program, for each token, and logs in. That a token, or the library, is away is no
    /// failure: it is told by [`Session::health`], and looked for again.
    ///
    /// # Errors
    ///
    /// The PIN cannot be read.
    pub fn open(settings: Settings, program: PathBuf, workers: usize) -> Result<Self, OpenError> {
        let pin = read_pin(&settings.pin_file)?;
        let shared = Arc::new(Shared {
            pin_file: settings.pin_file.clone(),
            test_key: settings.test_key.clone(),
            aws_sample_metadata: settings.aws_sample_metadata.clone(),
        });
        let hsm = of_hsm(settings, program);
        let (hsm, seats) = Hsm::start(hsm, workers).map_err(OpenError::Start)?;
        hsm.members().log_in(Pin::new(&pin).map_err(|_| OpenError::Pin)?);
        Ok(Self { hsm, seats: Mutex::new(seats.into_iter().map(Some).collect()), shared })
    }
}

impl KeyManager for Pkcs11KeyManager {
    fn session(&self, worker: usize) -> Rc<dyn Session> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        match seats.get_mut(worker).and_then(Option::take) {
            Some(seat) => Rc::new(TokenSession::new(Arc::clone(&self.shared), seat.take(&Arc::new(())))),
            None => Rc::new(NoSeat),
        }
    }
}

impl fmt::Debug for Pkcs11KeyManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11KeyManager").field("hsm", &self.hsm).finish_non_exhaustive()
    }
}

/// What a worker has that is one too many, or asks twice.
struct NoSeat;

impl NoSeat {
    fn fails<'a, T: 'a>() -> Work<'a, Result<T, Trouble>> {
        Box::pin(async { Err(Trouble::Failed("the tokens were opened for fewer workers".to_owned())) })
    }
}

impl Session for NoSeat {
    fn describe<'a>(&'a self, _: ExternalKeyId<'a>) -> Work<'a, Result<KeyDescription, Trouble>> {
        Self::fails()
    }

    fn encrypt<'a>(
        &'a self,
        _: ExternalKeyId<'a>,
        _: &'a [u8],
        _: &'a [u8],
    ) -> Work<'a, Result<Encrypted, Trouble>> {
        Self::fails()
    }

    fn decrypt<'a>(
        &'a self,
        _: ExternalKeyId<'a>,
        _: Sealed<'a>,
        _: &'a [u8],
    ) -> Work<'a, Result<Decrypted, Trouble>> {
        Self::fails()
    }

    fn health(&self) -> Work<'_, Health> {
        let (id, model, status) = ("no seat".to_owned(), "none".to_owned(), HealthStatus::Unavailable);
        let health = Health { vendor: "none".to_owned(), members: vec![Member { id, model, status }] };
        Box::pin(async { health })
    }
}

/// Why the tokens cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The PIN is empty or too long.
    #[error("the PIN in the file is empty or too long")]
    Pin,
    /// The file with the PIN cannot be read.
    #[error("the file with the PIN, `{}`, cannot be read: {source}", path.display())]
    PinFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The processes of the tokens cannot be started at all.
    #[error("the processes of the tokens cannot be started: {0}")]
    Start(std::io::Error),
}

/// What is in the file with the PIN, if it can be one.
pub(crate) fn read_pin(path: &Path) -> Result<Zeroizing<String>, OpenError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|source| OpenError::PinFile { path: path.to_owned(), source })?;
    // As an editor leaves it.
    let pin = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    Pin::new(&pin).map_err(|_| OpenError::Pin)?;
    Ok(pin)
}

fn of_hsm(settings: Settings, program: PathBuf) -> pkcs11_client::Settings {
    let Settings { library, tokens, sessions, try_timeout, timeout, environment, .. } = settings;
    pkcs11_client::Settings {
        library,
        tokens,
        sessions: sessions.get(),
        requests_a_session: REQUESTS_A_SESSION,
        program,
        environment,
        times: Times { request: timeout, answer: try_timeout, stuck: STUCK.max(try_timeout) },
    }
}

/// More than that would wait longer for a session than KMS waits for the proxy.
const REQUESTS_A_SESSION: usize = 32;
/// A token that is slow is asked no more for a while; one that answers nothing for so long is stuck.
const STUCK: Duration = Duration::from_secs(1);
