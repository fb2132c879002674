//! A key in a token. The data: initialisation vector of 12 bytes ‖ tag ‖ the file key encrypted, 32 bytes.
//!
//! The token is logged in to only while it is asked, and the vendor's library is in a process of its own.

use crate::Error;
use crate::crypto::{IV, KEY, Secret, TAG};
use crate::disk::read_private;
use crate::format::StoreId;
use crate::protector::program;
use crate::settings::Pkcs11Protector;
use frames::Bytes;
use pkcs11_api::{Command, Iv, KeyLabel, KeyName, Pin, Reply};
use pkcs11_client::{Hsm, Settings, Times, Trouble, Way};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// AES-256-GCM(the token's key, an initialisation vector of its making, file key, label ‖ store).
pub fn seal(settings: &Pkcs11Protector, store: &StoreId, file_key: &Secret) -> Result<Vec<u8>, Error> {
    let name = name(settings)?;
    let bound = bound(store);
    let seal = Command::Seal { name, additional_data: Bytes(&bound), plaintext: Bytes(file_key.bytes()) };
    ask(settings, &seal, |reply| match reply {
        Reply::Sealed { iv, ciphertext, tag } => Some([&iv[..], &tag, ciphertext.0].concat()),
        _ => None,
    })
    .map_err(failed)?
    .map_err(failed)
}

/// The file key; `None` if another key sealed it, or it is of another store.
pub fn open(settings: &Pkcs11Protector, store: &StoreId, data: &[u8]) -> Result<Option<Secret>, Error> {
    let Some((iv, rest)) = data.split_first_chunk::<IV>() else { return Ok(None) };
    let Some((tag, ciphertext)) = rest.split_first_chunk::<TAG>() else { return Ok(None) };
    let bound = bound(store);
    let open = Command::Open {
        name: name(settings)?,
        iv: Iv::from(iv),
        additional_data: Bytes(&bound),
        ciphertext: Bytes(ciphertext),
        tag: *tag,
    };
    let opened = ask(settings, &open, |reply| match reply {
        Reply::Opened(plaintext) => Some(<&[u8; KEY]>::try_from(plaintext.0).ok().map(Secret::copied)),
        _ => None,
    })?;
    match opened {
        Ok(file_key) => Ok(file_key),
        Err(Trouble::InvalidCiphertext) => Ok(None),
        Err(trouble) => Err(failed(trouble)),
    }
}

/// Starts the process of the token, logs in, asks, and stops it.
fn ask<T: Send>(
    settings: &Pkcs11Protector,
    command: &Command<'_>,
    read: impl Fn(Reply<'_>) -> Option<T> + Send,
) -> Result<Result<T, Trouble>, Error> {
    let pin = read_private(&settings.pin_file, LONGEST_PIN)?;
    let pin = std::str::from_utf8(pin.trim_ascii_end()).map_err(failed)?;
    let pin = Pin::new(pin).map_err(failed)?;
    let (hsm, mut seats) = Hsm::start(of_one_token(settings)?, 1).map_err(failed)?;
    let answer = super::on_a_runtime_of_its_own(async || match seats.pop() {
        Some(seat) => Ok(logged_in(&seat.take(&Arc::new(())), pin, command, read).await),
        None => Err(failed("it has no seat")),
    });
    hsm.stop();
    answer
}

async fn logged_in<T>(
    way: &Way,
    pin: Pin<'_>,
    command: &Command<'_>,
    read: impl Fn(Reply<'_>) -> Option<T>,
) -> Result<T, Trouble> {
    let now = Instant::now();
    let end = now.checked_add(WITHIN).unwrap_or(now);
    way.members().log_in(pin);
    way.members().wait_until_settled(end).await;
    let token = way.members().active_member(0)?;
    way.attempt(token, end, command, read).await
}

fn of_one_token(settings: &Pkcs11Protector) -> Result<Settings, Error> {
    Ok(Settings {
        library: settings.library.clone(),
        tokens: vec![settings.token.clone()],
        sessions: 1,
        requests_a_session: 1,
        program: program(settings.program.as_deref(), "cardea-pkcs11")?,
        environment: settings.environment.clone(),
        times: Times { request: WITHIN, answer: WITHIN, stuck: WITHIN },
    })
}

fn name(settings: &Pkcs11Protector) -> Result<KeyName<'_>, Error> {
    KeyLabel::new(&settings.key).map(KeyName::Label).map_err(failed)
}

fn bound(store: &StoreId) -> Vec<u8> {
    [LABEL, store].concat()
}

fn failed(error: impl ToString) -> Error {
    Error::Protector { protector: "token", reason: error.to_string() }
}

const LABEL: &[u8] = b"cardea key store token v1";
const LONGEST_PIN: usize = 512;
const WITHIN: Duration = Duration::from_secs(15);
