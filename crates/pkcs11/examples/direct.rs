//! The calls that the PKCS#11 process makes of a library to encrypt, and nothing else: what `cargo xtask bench --stores` holds Cardea
//! against. A thread for each session encrypts the same bytes under one key over and over.
//!
//! `direct LIBRARY TOKEN PIN SESSIONS PLAINTEXT ADDITIONAL_DATA`, the last two in bytes. It says `ready`; for each line of milliseconds to
//! warm up and to measure it then says how many calls there were in all, and how many ended while it measured.

#[path = "../src/gcm.rs"]
#[expect(dead_code, reason = "nothing is decrypted here")]
mod gcm;
#[path = "../src/trouble.rs"]
#[expect(dead_code, reason = "the remedies are for the process")]
mod trouble;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use gcm::Gcm;
use pkcs11_api::IV;
use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [library, token, pin, sessions, plaintext, additional_data] =
        <[String; 6]>::try_from(words).map_err(|_| "LIBRARY TOKEN PIN SESSIONS PLAINTEXT ADDITIONAL_DATA")?;
    let context = Pkcs11::new(&library)?;
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let gcm = Arc::new(Gcm::find(library.as_ref()).ok_or("the library has no AES-GCM")?);
    let slot = slot(&context, &token)?;
    // Logged in with the first session, as all sessions of an application are; it has to stay open.
    let first = context.open_rw_session(slot)?;
    first.login(UserType::User, Some(&AuthPin::new(pin.into())))?;
    let key = key(&first)?;
    let input = Arc::new(Input {
        plaintext: vec![42; plaintext.parse()?],
        additional_data: vec![7; additional_data.parse()?],
    });
    let mut callers = Vec::new();
    for _ in 0..sessions.parse::<usize>()? {
        let session = context.open_rw_session(slot)?;
        let (gcm, input) = (Arc::clone(&gcm), Arc::clone(&input));
        callers.push(Caller::start(Seat { session, gcm, key, input, next_iv: 0 }));
    }
    call_on_demand(&callers)
}

/// Has all of them call for each line that comes in.
fn call_on_demand(callers: &[Caller]) -> Result<(), Box<dyn Error>> {
    writeln!(stdout(), "ready")?;
    for line in stdin().lock().lines() {
        let line = line?;
        let (warm_up, measured) = line.split_once(' ').ok_or("two numbers are wanted")?;
        let from = Instant::now() + Duration::from_millis(warm_up.parse()?);
        let to = from + Duration::from_millis(measured.parse()?);
        callers.iter().try_for_each(|caller| caller.spans.send((from, to)))?;
        let (mut all, mut counted) = (0, 0);
        for caller in callers {
            let calls = caller.calls.recv()??;
            (all, counted) = (all + calls.0, counted + calls.1);
        }
        writeln!(stdout(), "{all} {counted}")?;
    }
    Ok(())
}

struct Input {
    plaintext: Vec<u8>,
    additional_data: Vec<u8>,
}

struct Seat {
    session: Session,
    gcm: Arc<Gcm>,
    key: ObjectHandle,
    input: Arc<Input>,
    next_iv: u64,
}

/// A thread with a seat. It lives as long as the program, so that its processor time can be read.
struct Caller {
    spans: Sender<(Instant, Instant)>,
    calls: Receiver<Result<(u64, u64), String>>,
}

impl Caller {
    fn start(mut seat: Seat) -> Self {
        let (spans, wanted) = channel();
        let (made, calls) = channel();
        thread::spawn(move || {
            for (from, to) in wanted {
                let _ = made.send(seat.encrypt_until(from, to));
            }
        });
        Self { spans, calls }
    }
}

impl Seat {
    /// All calls until then, and those of them that ended within the span.
    fn encrypt_until(&mut self, from: Instant, to: Instant) -> Result<(u64, u64), String> {
        let (mut all, mut counted) = (0, 0);
        loop {
            self.encrypt()?;
            all += 1;
            let now = Instant::now();
            if now >= to {
                return Ok((all, counted));
            }
            counted += u64::from(now >= from);
        }
    }

    fn encrypt(&mut self) -> Result<(), String> {
        let mut iv = [0; IV];
        iv.iter_mut().rev().zip(self.next_iv.to_le_bytes()).for_each(|(place, byte)| *place = byte);
        self.next_iv += 1;
        let Input { plaintext, additional_data } = &*self.input;
        let encrypted = self.gcm.encrypt(&self.session, self.key, &mut iv, additional_data, plaintext);
        encrypted.map(drop).map_err(|trouble| format!("{trouble:?}"))
    }
}

fn slot(context: &Pkcs11, token: &str) -> Result<Slot, Box<dyn Error>> {
    for slot in context.get_slots_with_token()? {
        if context.get_token_info(slot)?.label().trim_end() == token {
            return Ok(slot);
        }
    }
    Err("the token is not there".into())
}

/// Like those that the process makes.
fn key(session: &Session) -> Result<ObjectHandle, Box<dyn Error>> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Label(b"direct".into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ];
    Ok(session.generate_key(&Mechanism::AesKeyGen, &template)?)
}
