//! Who keeps the token: one thread for all, that reads its file again, logs in, renews it before it ends, and looks into doubts about it.
//! It also looks whether a server that failed is well again. It never logs a token, and never logs in more than once for one doubt.

use crate::asking::{Asker, Question};
use crate::health::TEXT;
use crate::message::{Lease, ciphertext, login, looked_up, to_encrypt, to_log_in};
use crate::open::Shared;
use crate::refusal::Refusal;
use crate::servers::Server;
use crate::tokens::{Doubt, Token, Tokens};
use crate::{AppRole, Login, OpenError, Settings};
use bytes::Bytes;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use zeroize::Zeroizing;

/// The thread, until it is dropped.
pub(crate) struct Keeper {
    tokens: Tokens,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(shared: Arc<Shared>, secrets: Secrets) -> std::io::Result<Self> {
        let (publish, current) = watch::channel(None);
        let (doubts, of_doubts) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            runtime.block_on(async {
                let keeping = Keeping::new(shared, publish).keep(secrets, of_doubts);
                tokio::select! {
                    () = keeping => (),
                    _ = stopped => (),
                }
            });
        };
        let thread = std::thread::Builder::new().name("vault-token".to_owned()).spawn(work)?;
        Ok(Self { tokens: Tokens::new(current, doubts), stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It panics nowhere, and there is nobody to tell.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// What the files of a login hold.
pub(crate) enum Secrets {
    Token(Zeroizing<Vec<u8>>),
    AppRole(Zeroizing<String>, Zeroizing<String>),
}

impl Secrets {
    pub(crate) fn read(login: &Login) -> Result<Self, OpenError> {
        match login {
            Login::TokenFile(file) => {
                let text = secret(file)?;
                Ok(Self::Token(Zeroizing::new(text.as_bytes().to_vec())))
            }
            Login::AppRole(AppRole { role_id_file, secret_id_file, .. }) => {
                Ok(Self::AppRole(secret(role_id_file)?, secret(secret_id_file)?))
            }
        }
    }
}

/// The one line of a file, as an editor leaves it.
fn secret(path: &Path) -> Result<Zeroizing<String>, OpenError> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let line = text.trim();
    let is_one = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_graphic());
    let line = is_one.then(|| Zeroizing::new(line.to_owned()));
    line.ok_or_else(|| OpenError::NoSecret { path: path.to_owned() })
}

/// What the thread does.
struct Keeping {
    shared: Arc<Shared>,
    asker: Asker,
    publish: watch::Sender<Option<Token>>,
    generation: u64,
    /// When the token is to be renewed, or got.
    due: Option<Instant>,
    /// How long a token was good when it was new, in seconds.
    whole_lease: u64,
    /// When a doubt was looked into last without another token coming of it.
    found_good: Option<Instant>,
}

impl Keeping {
    fn new(shared: Arc<Shared>, publish: watch::Sender<Option<Token>>) -> Self {
        let asker = Asker::new(&shared.tls, &shared.settings);
        Self { shared, asker, publish, generation: 0, due: None, whole_lease: 0, found_good: None }
    }

    async fn keep(mut self, secrets: Secrets, mut doubts: mpsc::UnboundedReceiver<Doubt>) {
        match secrets {
            Secrets::Token(token) => drop(self.adopt(token)),
            Secrets::AppRole(..) => self.log_in().await,
        }
        let mut looks = interval(LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = self.due;
            let renewal = async move {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                doubt = doubts.recv() => match doubt {
                    Some(doubt) => self.look_into(doubt).await,
                    None => return,
                },
                () = renewal => self.renew().await,
                _ = looks.tick() => self.look_around().await,
            }
        }
    }

    /// A doubt about a token that is not the current one any more was looked into before.
    async fn look_into(&mut self, doubt: Doubt) {
        let was_just_good = self.found_good.is_some_and(|when| when.elapsed() < DOUBTS_EVERY);
        if doubt.generation >= self.generation && !was_just_good && !self.read_again() {
            match self.look_up().await {
                Ok(_) => tracing::debug!("the token is good: what was refused is not allowed to it"),
                Err(Refusal::Denied) if self.is_by_role() => self.log_in().await,
                Err(why) => tracing::error!(%why, "the token is refused, and there is no other"),
            }
            self.found_good = Some(Instant::now());
        }
        doubt.answer();
    }

    async fn look_around(&mut self) {
        self.read_again();
        for server in self.shared.servers.all().iter().filter(|server| server.is_aside()) {
            if self.serves(server).await {
                server.is_well();
            }
        }
    }

    /// Whether a server encrypts with the test key in time, or refuses to for a reason that is not its own.
    async fn serves(&self, server: &Server) -> bool {
        let Settings { mount, test_key, try_timeout, .. } = &self.shared.settings;
        let token = self.publish.borrow().clone();
        let Some(body) = to_encrypt(TEXT, TEXT, None) else { return false };
        let question = Question::to_do(format!("{mount}/encrypt/{test_key}"), body);
        let end = Instant::now() + *try_timeout;
        let answer = self.asker.ask(&server.address, &question, token.as_ref(), end, ciphertext).await;
        !answer.is_err_and(|refusal| refusal.is_of_server())
    }

    /// Whether there is another token in the file. One that is being replaced may not be there for a moment.
    fn read_again(&mut self) -> bool {
        if self.is_by_role() {
            return false;
        }
        match Secrets::read(&self.shared.settings.login) {
            Ok(Secrets::Token(token)) => self.adopt(token),
            _ => false,
        }
    }

    /// Whether it is another one.
    fn adopt(&mut self, token: Zeroizing<Vec<u8>>) -> bool {
        let Some(token) = Token::new(token, self.generation.saturating_add(1)) else { return false };
        let is_same = self.publish.borrow().as_ref().is_some_and(|current| current.is(&token));
        if !is_same {
            self.generation = self.generation.saturating_add(1);
            self.found_good = None;
            // Looked up at once, to know until when it is good.
            (self.due, self.whole_lease) = (Some(Instant::now()), 0);
            self.publish.send_replace(Some(token));
        }
        !is_same
    }

    /// Knows how long the token is good, or makes it good for longer, or gets another.
    async fn renew(&mut self) {
        self.due = None;
        let has_token = self.publish.borrow().is_some();
        let outcome = match self.whole_lease {
            _ if !has_token => return self.log_in().await,
            0 => self.look_up().await,
            _ => self.ask("auth/token/renew-self", Some(Bytes::from_static(b"{}"))).await,
        };
        match outcome {
            Ok(lease) if self.is_by_role() && lease.seconds.saturating_mul(3) < self.whole_lease => {
                self.log_in().await;
            }
            Ok(lease) => self.is_good_for(lease),
            Err(why) if why.is_of_server() || why == Refusal::Busy => {
                tracing::warn!(%why, "the token cannot be renewed now");
                self.due = Some(Instant::now() + AGAIN_AFTER);
            }
            Err(_) if self.is_by_role() => self.log_in().await,
            Err(why) => tracing::error!(%why, "the token cannot be renewed: its file is to be replaced"),
        }
    }

    fn is_good_for(&mut self, lease: Lease) {
        self.whole_lease = self.whole_lease.max(lease.seconds);
        let two_thirds = Duration::from_millis(lease.seconds.min(LONGEST_LEASE).saturating_mul(667));
        let is_renewed = lease.seconds > 0 && (lease.is_renewable || self.is_by_role());
        self.due = is_renewed.then(|| Instant::now() + two_thirds);
        tracing::debug!(seconds = lease.seconds, renewable = lease.is_renewable, "the token is good");
    }

    /// Another token by AppRole; nothing if the token is from a file.
    async fn log_in(&mut self) {
        let Login::AppRole(role) = &self.shared.settings.login else { return };
        let path = format!("auth/{}/login", role.mount);
        let body = match Secrets::read(&self.shared.settings.login) {
            Ok(Secrets::AppRole(role, secret)) => to_log_in(&role, &secret),
            Ok(Secrets::Token(_)) => None,
            Err(why) => {
                tracing::error!(%why, "there is nothing to log in with");
                None
            }
        };
        self.due = Some(Instant::now() + AGAIN_AFTER);
        let Some(body) = body else { return };
        match self.all_in_turn(&Question::to_do(path, body), None, login).await {
            Ok((token, lease)) => {
                self.adopt(token);
                self.is_good_for(lease);
                tracing::info!(seconds = lease.seconds, "logged in by AppRole");
            }
            Err(why) => tracing::error!(%why, "the login by AppRole failed"),
        }
    }

    async fn look_up(&self) -> Result<Lease, Refusal> {
        self.ask("auth/token/lookup-self", None).await
    }

    async fn ask(&self, path: &str, body: Option<Bytes>) -> Result<Lease, Refusal> {
        let token = self.publish.borrow().clone();
        match body {
            None => self.all_in_turn(&Question::to_read(path.to_owned()), token, looked_up).await,
            Some(body) => {
                let read = |answer: &[u8]| login(answer).map(|(_, lease)| lease);
                self.all_in_turn(&Question::to_do(path.to_owned(), body), token, read).await
            }
        }
    }

    async fn all_in_turn<T>(
        &self,
        question: &Question,
        token: Option<Token>,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, Refusal> {
        let mut last = Refusal::TimedOut;
        for (_, server) in self.shared.servers.in_turn() {
            let end = Instant::now() + PATIENCE;
            match self.asker.ask(&server.address, question, token.as_ref(), end, &read).await {
                Err(why) if why.is_of_server() => last = why,
                outcome => return outcome,
            }
        }
        Err(last)
    }

    fn is_by_role(&self) -> bool {
        matches!(self.shared.settings.login, Login::AppRole(_))
    }
}

/// Files are read again, and servers that failed are looked at.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// A token that was found good is doubted in vain for that long: what is refused then is so by its policies.
const DOUBTS_EVERY: Duration = Duration::from_secs(1);
/// After what a server was not there for.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Nobody waits for that but who has no token, and has its own deadline.
const PATIENCE: Duration = Duration::from_secs(2);
/// In seconds: about a year, so that sums stay in range.
const LONGEST_LEASE: u64 = 32_000_000;
