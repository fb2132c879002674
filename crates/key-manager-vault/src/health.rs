//! How the servers are: each one on its own says so, and encrypts and decrypts under a key that no customer uses.

use crate::asking::Question;
use crate::message::{self, About, Ciphertext, to_decrypt, to_encrypt};
use crate::refusal::Refusal;
use crate::servers::Server;
use crate::session::TransitSession;
use bytes::Bytes;
use key_manager::{Health, HealthStatus, Member, together};
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::Instant;

/// What the servers said of themselves when they were last tried.
pub(crate) struct Tried(RefCell<Vec<Option<About>>>);

impl Tried {
    pub(crate) fn new(servers: usize) -> Self {
        Self(RefCell::new(vec![None; servers]))
    }

    /// Tries all servers at the same time.
    pub(crate) async fn all(&self, session: &TransitSession) -> Health {
        let servers = session.shared.servers.all().iter().enumerate();
        let members = together(servers.map(|(at, server)| self.one(session, at, server))).await;
        let about = self.0.borrow();
        let vendor = about.iter().flatten().next().map_or(UNKNOWN_VENDOR, About::vendor);
        Health { vendor: vendor.to_owned(), members }
    }

    async fn one(&self, session: &TransitSession, at: usize, server: &Server) -> Member {
        let status = match self.try_out(session, at, server).await {
            Ok(status) => status,
            Err(why) => {
                tracing::warn!(server = server.name, %why, "a server does not do with the test key what it is to do");
                HealthStatus::Unavailable
            }
        };
        if status == HealthStatus::Active {
            server.is_well();
        }
        let about = self.0.borrow().get(at).cloned().flatten();
        let model = about.map_or_else(|| UNKNOWN_MODEL.to_owned(), |about| about.model());
        Member { id: server.name.clone(), model, status }
    }

    /// Who is slow at it is degraded, and so is who has too much to do and a standby that would have others asked.
    async fn try_out(
        &self,
        session: &TransitSession,
        at: usize,
        server: &Server,
    ) -> Result<HealthStatus, Refusal> {
        let end = Instant::now() + PATIENCE;
        let answer = session.asker.health(&server.address, end).await?;
        let about = message::about(answer.body()).ok_or(Refusal::Odd("no word about itself"))?;
        let is_standby = about.standby;
        if let Some(known) = self.0.borrow_mut().get_mut(at) {
            *known = Some(about);
        }
        if !SERVES.contains(&answer.status().as_u16()) {
            return Err(Refusal::of(&answer));
        }
        let slow = session.shared.settings.try_timeout;
        match there_and_back(session, server, end).await {
            Ok(slowest) if slowest > slow => Ok(HealthStatus::Degraded),
            Ok(_) => Ok(HealthStatus::Active),
            Err(Refusal::Busy) => Ok(HealthStatus::Degraded),
            Err(Refusal::Unfit(text)) if is_standby && text.starts_with(REDIRECTS) => {
                Ok(HealthStatus::Degraded)
            }
            Err(why) => Err(why),
        }
    }
}

/// How long the slower of both took.
async fn there_and_back(
    session: &TransitSession,
    server: &Server,
    end: Instant,
) -> Result<Duration, Refusal> {
    let key = &session.shared.settings.test_key;
    let question = |what, body: Option<Bytes>| {
        let body = body.ok_or(Refusal::Odd("no way to be asked"))?;
        Ok::<_, Refusal>(Question::to_do(session.path(what, key), body))
    };
    let began = Instant::now();
    let to_encrypt = question("encrypt", to_encrypt(TEXT, TEXT, None))?;
    let text = ask(session, server, &to_encrypt, end, message::ciphertext).await?;
    Ciphertext::read(&text).ok_or(Refusal::Odd("no ciphertext"))?;
    let between = Instant::now();
    let to_decrypt = question("decrypt", to_decrypt(&text, TEXT))?;
    let plaintext = ask(session, server, &to_decrypt, end, message::plaintext).await?;
    let slowest = between.elapsed().max(between - began);
    if plaintext.as_slice() == TEXT { Ok(slowest) } else { Err(Refusal::Odd("another plaintext")) }
}

/// That server and no other, with another token if the token was not good any more.
async fn ask<T>(
    session: &TransitSession,
    server: &Server,
    question: &Question,
    end: Instant,
    read: fn(&[u8]) -> Option<T>,
) -> Result<T, Refusal> {
    let no_token = || Refusal::Unfit("there is no token".to_owned());
    let token = session.tokens.current(end).await.ok_or_else(no_token)?;
    let asked = session.asker.ask(&server.address, question, Some(&token), end, read).await;
    match asked {
        Err(Refusal::Denied) => {
            let token = session.tokens.after(&token, end).await.ok_or(Refusal::Denied)?;
            session.asker.ask(&server.address, question, Some(&token), end, read).await
        }
        asked => asked,
    }
}

impl About {
    /// Vault says whether it is the enterprise edition, and was below version 2 when it did not; OpenBao began with version 2.
    fn vendor(&self) -> &'static str {
        if self.is_openbao() { "OpenBao" } else { "HashiCorp Vault" }
    }

    fn is_openbao(&self) -> bool {
        let major = self.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        self.enterprise.is_none() && major.is_some_and(|major| major >= 2)
    }

    fn model(&self) -> String {
        let name = if self.is_openbao() { "OpenBao" } else { "Vault" };
        let state = match (self.initialized, self.sealed, self.standby) {
            (false, ..) => ", not initialized",
            (_, true, _) => ", sealed",
            (.., true) => ", standby",
            _ => "",
        };
        let version: String =
            self.version.chars().filter(char::is_ascii_graphic).take(LONGEST_VERSION).collect();
        format!("{name} {version}{state}")
    }
}

/// What is encrypted to try a server out.
pub(crate) const TEXT: &[u8] = b"cardea-xks-proxy tries this server out";
/// Active, a standby, or one that serves reads: all of them take requests.
const SERVES: [u16; 3] = [200, 429, 473];
const REDIRECTS: &str = "status 307";
const UNKNOWN_VENDOR: &str = "unknown";
const UNKNOWN_MODEL: &str = "Vault or OpenBao";
const LONGEST_VERSION: usize = 40;
/// A server that takes longer is of no use to who has a quarter of a second.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_by_what_it_says_of_itself() {
        let about = |version: &str, enterprise| About {
            initialized: true,
            sealed: false,
            standby: false,
            version: version.to_owned(),
            enterprise,
        };
        for (about, vendor, model) in [
            (about("2.7.2", None), "OpenBao", "OpenBao 2.7.2"),
            (about("1.21.0", Some(false)), "HashiCorp Vault", "Vault 1.21.0"),
            (about("2.0.1+ent", Some(true)), "HashiCorp Vault", "Vault 2.0.1+ent"),
            (about("1.4.0", None), "HashiCorp Vault", "Vault 1.4.0"),
            (About { standby: true, ..about("2.7.2", None) }, "OpenBao", "OpenBao 2.7.2, standby"),
            (About { sealed: true, ..about("2.7.2", None) }, "OpenBao", "OpenBao 2.7.2, sealed"),
        ] {
            assert_eq!((about.vendor(), about.model().as_str()), (vendor, model));
        }
    }
}
