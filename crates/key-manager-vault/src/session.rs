//! A worker's session: what is asked of a key manager, done by the servers.

use crate::asking::{Asker, Question};
use crate::health::Tried;
use crate::keys::{Keys, Use};
use crate::message::{self, Ciphertext, TransitKey, to_decrypt, to_encrypt};
use crate::open::Shared;
use crate::refusal::Refusal;
use crate::settings::is_segment;
use crate::tokens::{Token, Tokens};
use key_manager::{
    Decrypted, Encrypted, ExternalKeyId, Health, KeyDescription, Sealed, Session, Trouble, Work, bound_data,
};
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

/// A worker's session.
pub(crate) struct TransitSession {
    pub(crate) shared: Arc<Shared>,
    pub(crate) asker: Asker,
    pub(crate) tokens: Tokens,
    keys: Keys,
    names: Vec<Rc<str>>,
    tried: Tried,
}

impl TransitSession {
    pub(crate) fn new(shared: Arc<Shared>, tokens: Tokens) -> Self {
        let names = shared.servers.all().iter().map(|server| server.name.as_str().into()).collect();
        let asker = Asker::new(&shared.tls, &shared.settings);
        let tried = Tried::new(shared.servers.all().len());
        Self { shared, asker, tokens, keys: Keys::default(), names, tried }
    }

    pub(crate) fn path(&self, what: &str, key: &str) -> String {
        format!("{}/{what}/{key}", self.shared.settings.mount)
    }

    /// What the servers say of the key, or have said just now.
    async fn key(&self, id: ExternalKeyId<'_>, end: Instant) -> Result<Rc<TransitKey>, Trouble> {
        match self.keys.fresh(id.as_str()) {
            Some(known) => Ok(known),
            None => self.read_key(id, end).await,
        }
    }

    async fn read_key(&self, id: ExternalKeyId<'_>, end: Instant) -> Result<Rc<TransitKey>, Trouble> {
        // Names that servers give to no key could mean another path.
        if !is_segment(id.as_str()) {
            return Err(Trouble::KeyNotFound);
        }
        let question = Question::to_read(self.path("keys", id.as_str()));
        match self.ask(&question, end, message::key).await {
            Ok((_, key)) => Ok(self.keys.note(id.as_str(), key)),
            Err(refusal) => {
                self.keys.forget(id.as_str());
                Err(told(&question, refusal))
            }
        }
    }

    async fn encrypted(
        &self,
        id: ExternalKeyId<'_>,
        plaintext: &[u8],
        additional_data: &[u8],
    ) -> Result<Encrypted, Trouble> {
        let end = Instant::now() + self.shared.settings.timeout;
        within(plaintext)?;
        let key = self.key(id, end).await?;
        key.check(Use::Encrypt)?;
        let question = |version| {
            let bound = bound_data(additional_data, &metadata(version)).ok_or_else(too_long)?;
            let body = to_encrypt(plaintext, &bound, Some(version)).ok_or_else(too_long)?;
            Ok::<_, Trouble>(Question::to_do(self.path("encrypt", id.as_str()), body))
        };
        let mut version = key.latest_version;
        let mut outcome = self.ask(&question(version)?, end, sealed(version, plaintext.len())).await;
        if outcome.as_ref().is_err_and(Refusal::is_of_version) {
            let key = self.read_key(id, end).await?;
            key.check(Use::Encrypt)?;
            version = key.latest_version;
            outcome = self.ask(&question(version)?, end, sealed(version, plaintext.len())).await;
        }
        match outcome {
            Ok((at, Ciphertext { version, iv, ciphertext, tag })) => Ok(Encrypted {
                ciphertext,
                iv,
                tag,
                metadata: metadata(version).to_vec(),
                key_version: Some(version.to_string()),
                member: self.name(at),
            }),
            Err(refusal) => Err(self.refused(id, &question(version)?, refusal, Refusal::trouble, end).await),
        }
    }

    async fn decrypted(
        &self,
        id: ExternalKeyId<'_>,
        sealed: Sealed<'_>,
        additional_data: &[u8],
    ) -> Result<Decrypted, Trouble> {
        let end = Instant::now() + self.shared.settings.timeout;
        let Sealed { ciphertext, iv, tag, metadata } = sealed;
        within(ciphertext)?;
        let key = self.key(id, end).await?;
        key.check(Use::Decrypt)?;
        let version = version(metadata).filter(|_| iv.len() == IV).ok_or(Trouble::InvalidCiphertext)?;
        let bound = bound_data(additional_data, metadata).ok_or_else(too_long)?;
        let body =
            to_decrypt(&Ciphertext::write(version, iv, ciphertext, tag), &bound).ok_or_else(too_long)?;
        let question = Question::to_do(self.path("decrypt", id.as_str()), body);
        let length = ciphertext.len();
        let read = |answer: &[u8]| message::plaintext(answer).filter(|plaintext| plaintext.len() == length);
        match self.ask(&question, end, read).await {
            Ok((at, plaintext)) => {
                Ok(Decrypted { plaintext, key_version: Some(version.to_string()), member: self.name(at) })
            }
            // A server that has not heard of the newest version yet.
            Err(refusal) if refusal.is_too_new() && version <= key.latest_version => {
                Err(Trouble::Failed(refusal.to_string()))
            }
            Err(refusal) => Err(self.refused(id, &question, refusal, Refusal::of_decryption, end).await),
        }
    }

    /// Asks the servers one after the other, and again if the token was not good any more.
    async fn ask<T>(
        &self,
        question: &Question,
        end: Instant,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<(usize, T), Refusal> {
        let no_token = || Refusal::Unfit("there is no token".to_owned());
        let token = self.tokens.current(end).await.ok_or_else(no_token)?;
        let mut token = Some(token);
        let mut is_second = false;
        loop {
            let outcome = self.ask_in_turn(question, token.as_ref(), end, &read).await;
            match (outcome, token.take()) {
                (Err(Refusal::Denied), Some(refused)) if !is_second => {
                    is_second = true;
                    token = Some(self.tokens.after(&refused, end).await.ok_or(Refusal::Denied)?);
                }
                (outcome, _) => return outcome,
            }
        }
    }

    async fn ask_in_turn<T>(
        &self,
        question: &Question,
        token: Option<&Token>,
        end: Instant,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<(usize, T), Refusal> {
        let mut last = Refusal::TimedOut;
        for (at, server) in self.shared.servers.in_turn() {
            let now = Instant::now();
            if now >= end {
                break;
            }
            let whole_try = now + self.shared.settings.try_timeout;
            let until = end.min(whole_try);
            match self.asker.ask(&server.address, question, token, until, &read).await {
                Ok(value) => {
                    server.is_well();
                    return Ok((at, value));
                }
                Err(refusal) if refusal.is_of_server() => {
                    let had_no_time = refusal == Refusal::TimedOut && until < whole_try;
                    if !had_no_time && !matches!(refusal, Refusal::Odd(_)) {
                        server.set_aside(&refusal);
                    }
                    last = refusal;
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Err(last)
    }

    /// What a refusal to use a key that was there comes to. Servers that would make a key anew tell nobody that it is gone: they say that
    /// this is not allowed.
    async fn refused(
        &self,
        id: ExternalKeyId<'_>,
        question: &Question,
        refusal: Refusal,
        trouble: impl Fn(Refusal) -> Trouble,
        end: Instant,
    ) -> Trouble {
        self.keys.forget(id.as_str());
        if refusal == Refusal::Denied
            && let Err(Trouble::KeyNotFound) = self.read_key(id, end).await
        {
            return Trouble::KeyNotFound;
        }
        log_denied(question, &refusal);
        trouble(refusal)
    }

    fn name(&self, at: usize) -> Rc<str> {
        self.names.get(at).map_or_else(|| "".into(), Rc::clone)
    }
}

impl Session for TransitSession {
    fn describe<'a>(&'a self, key: ExternalKeyId<'a>) -> Work<'a, Result<KeyDescription, Trouble>> {
        Box::pin(async move {
            let end = Instant::now() + self.shared.settings.timeout;
            Ok(self.key(key, end).await?.described())
        })
    }

    fn encrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        plaintext: &'a [u8],
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Encrypted, Trouble>> {
        Box::pin(self.encrypted(key, plaintext, additional_data))
    }

    fn decrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        sealed: Sealed<'a>,
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Decrypted, Trouble>> {
        Box::pin(self.decrypted(key, sealed, additional_data))
    }

    fn health(&self) -> Work<'_, Health> {
        Box::pin(self.tried.all(self))
    }
}

/// The scheme, and the version of the key.
fn metadata(version: u32) -> [u8; 5] {
    let [a, b, c, d] = version.to_be_bytes();
    [SCHEME, a, b, c, d]
}

/// Of metadata that are ours. There is no version 0, which servers take for the first.
fn version(metadata: &[u8]) -> Option<u32> {
    let (&scheme, version) = metadata.split_first()?;
    let version = u32::from_be_bytes(version.try_into().ok()?);
    (scheme == SCHEME && version > 0).then_some(version)
}

/// Reads a ciphertext of that version and length.
pub(crate) fn sealed(version: u32, length: usize) -> impl Fn(&[u8]) -> Option<Ciphertext> {
    move |answer| {
        let read = Ciphertext::read(&message::ciphertext(answer)?)?;
        (read.version == version && read.ciphertext.len() == length).then_some(read)
    }
}

fn told(question: &Question, refusal: Refusal) -> Trouble {
    log_denied(question, &refusal);
    refusal.trouble()
}

fn log_denied(question: &Question, refusal: &Refusal) {
    if *refusal == Refusal::Denied {
        tracing::error!(
            path = question.path,
            "the token is not valid, or its policies do not allow this path"
        );
    }
}

fn within(bytes: &[u8]) -> Result<(), Trouble> {
    if bytes.len() <= MOST_PLAINTEXT { Ok(()) } else { Err(too_long()) }
}

fn too_long() -> Trouble {
    Trouble::Unsupported("more data than the servers are given at once".to_owned())
}

/// The first scheme, which is the specification's.
const SCHEME: u8 = 1;
const IV: usize = 12;
/// Its Base64 fits into an answer of the longest kind.
const MOST_PLAINTEXT: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_the_scheme_and_the_version_and_nothing_else() {
        assert_eq!(metadata(7), [1, 0, 0, 0, 7]);
        assert_eq!(version(&metadata(u32::MAX)), Some(u32::MAX));
        for wrong in
            [b"".as_slice(), b"\x01", b"\x01\0\0\0", b"\x01\0\0\0\0", b"\x02\0\0\0\x01", b"\x01\0\0\0\x01\0"]
        {
            assert_eq!(version(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_ciphertext_of_another_version_or_length_is_not_taken() {
        let text = Ciphertext::write(7, &[0; 12], b"abc", &[0; 16]);
        let answer = serde_json::json!({ "data": { "ciphertext": text } }).to_string();
        assert!(sealed(7, 3)(answer.as_bytes()).is_some());
        assert!(sealed(8, 3)(answer.as_bytes()).is_none() && sealed(7, 4)(answer.as_bytes()).is_none());
    }
}
