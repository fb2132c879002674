//! The token: its library, its login, and a session for each thread; how all of that is got back when it is lost.
//!
//! Whoever works at the token holds the state for reading. Login and recovery hold it for writing, and so happen when no call is in
//! the library.

use crate::gcm::Gcm;
use crate::seat::Seat;
use crate::trouble::{Remedy, Trouble};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use pkcs11_api::{Pin, Refusal};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The token with that label, behind that library.
pub(crate) struct Token {
    library: PathBuf,
    label: String,
    state: RwLock<State>,
    making: Mutex<()>,
    destructions: AtomicU64,
}

struct State {
    library: Option<Library>,
    login: Option<Login>,
    seats: Box<[Mutex<Option<Seat>>]>,
    /// How often login and sessions were made anew.
    openings: u64,
    /// When that was last tried in vain, and why it was.
    lost: Option<(Instant, Refusal)>,
}

/// The library, loaded for good and initialised.
#[derive(Clone)]
pub(crate) struct Library {
    pub(crate) pkcs11: Pkcs11,
    pub(crate) gcm: Arc<Gcm>,
}

struct Login {
    /// Where the token is; `None` while it is not found.
    slot: Option<Slot>,
    pin: Zeroizing<String>,
}

/// How library, token and sessions are.
pub(crate) struct TokenStatus {
    pub(crate) manufacturer: String,
    pub(crate) library: String,
    pub(crate) library_version: (u8, u8),
    pub(crate) serial: Option<String>,
    pub(crate) logged_in: bool,
    pub(crate) sessions: u32,
}

impl Token {
    /// Nothing is loaded yet: a library that hangs or crashes shall do so in a call that somebody waits for.
    pub(crate) fn new(library: PathBuf, label: String, seats: usize) -> Self {
        let seats = (0..seats).map(|_| Mutex::new(None)).collect();
        let state = State { library: None, login: None, seats, openings: 0, lost: None };
        let (state, making, destructions) = (RwLock::new(state), Mutex::new(()), AtomicU64::new(0));
        Self { library, label, state, making, destructions }
    }

    /// Logs the crypto user in on all sessions. An attempt with another PIN ends the login that was.
    pub(crate) fn log_in(&self, pin: Pin<'_>) -> Result<(), Refusal> {
        let mut state = self.write();
        if state.is_logged_in_with(pin) {
            return Ok(());
        }
        state.log_out();
        let pin = Zeroizing::new(pin.expose().to_owned());
        let slot = state.open(self, &pin)?;
        state.is_open(slot, pin);
        Ok(())
    }

    /// Logs out, closes the sessions and forgets the PIN.
    pub(crate) fn log_out(&self) {
        self.write().log_out();
    }

    /// Asks library and token how they are.
    pub(crate) fn status(&self) -> Result<TokenStatus, Refusal> {
        let state = self.read();
        if state.library.is_some() {
            return state.status(&self.label);
        }
        drop(state);
        let mut state = self.write();
        state.load(&self.library)?;
        state.status(&self.label)
    }

    /// Has the work done in the session of that place. What was lost is got back, as far as that helps, and the work done again.
    pub(crate) fn work<T>(
        &self,
        place: usize,
        mut work: impl FnMut(&mut Seat) -> Result<T, Trouble>,
    ) -> Result<T, Refusal> {
        let mut tries = 0;
        loop {
            let state = self.read();
            let openings = state.openings;
            let tried = state.work(place, self.destructions.load(Ordering::Acquire), &mut work);
            drop(state);
            let trouble = match tried {
                Ok(done) => return Ok(done),
                Err(trouble) => trouble,
            };
            tries += 1;
            match trouble.remedy() {
                Some(_) if tries == MOST_TRIES => return Err(trouble.refusal()),
                Some(Remedy::Reopen) => self.reopen(openings)?,
                Some(Remedy::FindAgain | Remedy::NewSession) => (),
                None => return Err(trouble.refusal()),
            }
        }
    }

    /// Held while a key is made that must be made once: two threads could both find that it is not there.
    pub(crate) fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keys were destroyed: no thread may use a handle from before.
    pub(crate) fn note_destruction(&self) {
        self.destructions.fetch_add(1, Ordering::AcqRel);
    }

    /// Finds the token and logs in again, unless that was done since there were so many openings.
    fn reopen(&self, openings: u64) -> Result<(), Refusal> {
        let mut state = self.write();
        if state.openings != openings {
            return Ok(());
        }
        if let Some((when, why)) = state.lost
            && when.elapsed() < TRY_AGAIN_AFTER
        {
            return Err(why);
        }
        let Some(Login { pin, .. }) = state.login.take() else { return Err(Refusal::NotLoggedIn) };
        eprintln!("cardea-pkcs11: the token `{}` is lost and looked for", self.label);
        let refusal = match state.open(self, &pin) {
            Ok(slot) => {
                state.is_open(slot, pin);
                return Ok(());
            }
            Err(refusal) => refusal,
        };
        // A token counts the PINs that it refuses: the same one is not tried again.
        if !refuses_the_user(refusal) {
            state.login = Some(Login { slot: None, pin });
            state.lost = Some((Instant::now(), refusal));
        }
        Err(refusal)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn work<T>(
        &self,
        place: usize,
        destructions: u64,
        work: &mut impl FnMut(&mut Seat) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let (Some(login), Some(library)) = (&self.login, &self.library) else {
            return Err(Refusal::NotLoggedIn.into());
        };
        let mut place = lock(self.seats.get(place).ok_or(Refusal::Busy)?);
        let mut seat = match place.take() {
            Some(seat) => seat,
            None => self.sit_down(library, login)?,
        };
        seat.take_account_of(destructions);
        let done = work(&mut seat);
        match done.as_ref().err().and_then(|trouble| trouble.remedy()) {
            // Dropped, the session is closed.
            Some(Remedy::NewSession | Remedy::Reopen) => drop(seat),
            Some(Remedy::FindAgain) => {
                seat.forget_handles();
                *place = Some(seat);
            }
            None => *place = Some(seat),
        }
        done
    }

    /// Whatever keeps a session from being had, the token is lost.
    fn sit_down(&self, library: &Library, login: &Login) -> Result<Seat, Trouble> {
        let Some(slot) = login.slot else { return Err(Trouble::Lost(Refusal::TokenAbsent)) };
        library.sit_down(slot, &login.pin).map_err(|trouble| Trouble::Lost(trouble.refusal()))
    }

    /// Whether that is so, and the token says so too.
    fn is_logged_in_with(&self, pin: Pin<'_>) -> bool {
        let (Some(Login { slot: Some(slot), pin: own }), Some(library)) = (&self.login, &self.library) else {
            return false;
        };
        is_same(own, pin) && library.pkcs11.get_token_info(*slot).is_ok() && self.is_user_in_a_session()
    }

    /// Finds the token, logs in and opens the sessions. A library that does not find it is initialised again: some look for tokens
    /// then only.
    fn open(&mut self, token: &Token, pin: &str) -> Result<Slot, Refusal> {
        self.close_sessions();
        let was_loaded = self.library.is_some();
        self.load(&token.library)?;
        let mut opened = self.try_to_open(&token.label, pin);
        if was_loaded && opened.is_err_and(|refusal| !refuses_the_user(refusal)) {
            self.close_sessions();
            self.initialise_again()?;
            opened = self.try_to_open(&token.label, pin);
        }
        opened.inspect_err(|refusal| {
            eprintln!("cardea-pkcs11: the token `{}` cannot be used: {refusal}", token.label);
            self.close_sessions();
        })
    }

    fn try_to_open(&self, label: &str, pin: &str) -> Result<Slot, Refusal> {
        let library = self.library.as_ref().ok_or(Refusal::LibraryUnavailable)?;
        let slot = library.find(label).map_err(Trouble::refusal)?.ok_or(Refusal::TokenAbsent)?;
        library.end_login(slot);
        for place in &self.seats {
            *lock(place) = Some(library.sit_down(slot, pin).map_err(Trouble::refusal)?);
        }
        Ok(slot)
    }

    fn is_open(&mut self, slot: Slot, pin: Zeroizing<String>) {
        self.login = Some(Login { slot: Some(slot), pin });
        self.lost = None;
        self.openings = self.openings.wrapping_add(1);
    }

    fn load(&mut self, path: &Path) -> Result<(), Refusal> {
        if self.library.is_none() {
            self.library = Some(Library::load(path)?);
        }
        Ok(())
    }

    /// INVARIANT: no session is open, and no other thread is in the library.
    fn initialise_again(&self) -> Result<(), Refusal> {
        let library = self.library.as_ref().ok_or(Refusal::LibraryUnavailable)?;
        // What cannot be finalised may be initialised all the same.
        let _ = library.pkcs11.clone().finalize();
        library.initialise()
    }

    fn log_out(&mut self) {
        // Sessions that cannot be closed would keep the login.
        let _ = self.seats.iter().find_map(|place| Some(lock(place).as_ref()?.session.logout()));
        self.close_sessions();
        (self.login, self.lost) = (None, None);
    }

    /// With its last session, a token ends the login as well.
    fn close_sessions(&self) {
        self.seats.iter().for_each(|place| drop(lock(place).take()));
    }

    fn status(&self, label: &str) -> Result<TokenStatus, Refusal> {
        let library = self.library.as_ref().ok_or(Refusal::LibraryUnavailable)?;
        let told = |error: cryptoki::error::Error| Trouble::from(error).refusal();
        let info = library.pkcs11.get_library_info().map_err(told)?;
        let token = self.own_token(library, label);
        let version = info.library_version();
        Ok(TokenStatus {
            manufacturer: info.manufacturer_id().to_owned(),
            library: info.library_description().to_owned(),
            library_version: (version.major(), version.minor()),
            logged_in: self.login.is_some() && token.is_some() && self.is_user_in_a_session(),
            serial: token.map(|token| token.serial_number().to_owned()),
            sessions: self.sessions(),
        })
    }

    /// What the token says of itself; one that cannot be asked is as good as absent. While it is where it was, no other slot is looked
    /// at: what is in that may hang.
    fn own_token(&self, library: &Library, label: &str) -> Option<TokenInfo> {
        let in_slot = |slot: Slot| library.pkcs11.get_token_info(slot).ok();
        let known = self.login.as_ref().and_then(|login| login.slot);
        let there = known.and_then(in_slot).filter(|token| token.label() == label);
        there.or_else(|| library.find(label).ok().flatten().and_then(in_slot))
    }

    /// Whether a session says so; where all are at work, they would not be if it were not so.
    fn is_user_in_a_session(&self) -> bool {
        let mut free = self.seats.iter().filter_map(|place| place.try_lock().ok());
        free.find_map(|place| place.as_ref().map(|seat| is_user(&seat.session))).unwrap_or(true)
    }

    /// One that is at work counts.
    fn sessions(&self) -> u32 {
        let open = self.seats.iter().filter(|place| place.try_lock().map_or(true, |place| place.is_some()));
        u32::try_from(open.count()).unwrap_or(u32::MAX)
    }
}

impl Library {
    fn load(path: &Path) -> Result<Self, Refusal> {
        let pkcs11 = Pkcs11::new(path).map_err(|error| {
            eprintln!("cardea-pkcs11: `{}` cannot be loaded: {error}", path.display());
            Refusal::LibraryUnavailable
        })?;
        let gcm = Arc::new(Gcm::find(path.as_os_str()).ok_or(Refusal::LibraryUnavailable)?);
        let library = Self { pkcs11, gcm };
        library.initialise()?;
        Ok(library)
    }

    fn initialise(&self) -> Result<(), Refusal> {
        let initialised = self.pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        initialised.map_err(|error| {
            eprintln!("cardea-pkcs11: the library cannot be initialised: {error}");
            Refusal::LibraryUnavailable
        })
    }

    /// The token with that label. Of two, neither is ours: the other could be meant, and would be shown the PIN. One token may be in
    /// several slots.
    fn find(&self, label: &str) -> Result<Option<Slot>, Trouble> {
        let mut found: Option<(Slot, TokenInfo)> = None;
        for slot in self.pkcs11.get_slots_with_token()? {
            // A slot whose token cannot be asked is not ours, or ours is not there.
            let token = self.pkcs11.get_token_info(slot).ok().filter(|token| token.label() == label);
            match (&found, token) {
                (None, Some(token)) => found = Some((slot, token)),
                (Some((_, first)), Some(token)) if first.serial_number() != token.serial_number() => {
                    eprintln!("cardea-pkcs11: there are two tokens with the label `{label}`");
                    return Ok(None);
                }
                _ => (),
            }
        }
        Ok(found.map(|(slot, _)| slot))
    }

    /// Ends a login that outlived its sessions: with it, the token would look at no PIN.
    fn end_login(&self, slot: Slot) {
        if let Ok(session) = self.pkcs11.open_rw_session(slot)
            && is_user(&session)
        {
            let _ = session.logout();
        }
    }

    /// Opens a session and logs in, if its token has forgotten that, or does not know it yet.
    fn sit_down(&self, slot: Slot, pin: &str) -> Result<Seat, Trouble> {
        let session = self.pkcs11.open_rw_session(slot)?;
        if !is_user(&session) {
            match session.login(UserType::User, Some(&AuthPin::from(pin.to_owned()))).map_err(Trouble::from) {
                Ok(()) | Err(Trouble::Returned(RvError::UserAlreadyLoggedIn)) => (),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(Seat::new(session, self.clone(), slot))
    }
}

pub(crate) fn is_user(session: &Session) -> bool {
    session.get_session_info().is_ok_and(|info| info.session_state() == SessionState::RwUser)
}

/// Compared in constant time.
fn is_same(pin: &str, other: Pin<'_>) -> bool {
    let (pin, other) = (pin.as_bytes(), other.expose().as_bytes());
    let differences = pin.iter().zip(other).fold(0, |differences, (one, other)| differences | (one ^ other));
    pin.len() == other.len() && black_box(differences) == 0
}

const fn refuses_the_user(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::IncorrectPin | Refusal::PinNotInitialised | Refusal::UserLocked | Refusal::UserLoggedIn
    )
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session that cannot be had, a handle that stands for nothing and a token that was away: one after the other, at most.
const MOST_TRIES: u32 = 4;
/// A library may take long to look for a token, and nobody is served meanwhile.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
