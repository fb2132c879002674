//! The token as sessions have it: the one that is good now, and a way to say that it seems not to be. There is one for all threads, and
//! whoever keeps it ([`crate::keeper`]) looks into a doubt once, however many have it.

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

/// A token. It is overwritten when nobody has it any more.
#[derive(Clone)]
pub(crate) struct Token {
    value: HeaderValue,
    /// Counts up with each other token.
    generation: u64,
}

impl Token {
    /// None if that cannot be one.
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>, generation: u64) -> Option<Self> {
        let is_one = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes)).ok().filter(|_| is_one)?;
        value.set_sensitive(true);
        Some(Self { value, generation })
    }

    pub(crate) fn value(&self) -> HeaderValue {
        self.value.clone()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Somebody was refused with the token of that generation.
pub(crate) struct Doubt {
    pub(crate) generation: u64,
    looked_into: oneshot::Sender<()>,
}

impl Doubt {
    /// There is nothing better now than what is published.
    pub(crate) fn answer(self) {
        // Who asked may have given up.
        let _ = self.looked_into.send(());
    }
}

/// A session's view of the token.
#[derive(Clone)]
pub(crate) struct Tokens {
    current: watch::Receiver<Option<Token>>,
    doubts: mpsc::UnboundedSender<Doubt>,
}

impl Tokens {
    pub(crate) fn new(current: watch::Receiver<Option<Token>>, doubts: mpsc::UnboundedSender<Doubt>) -> Self {
        Self { current, doubts }
    }

    /// The token, or the first if there is none yet.
    pub(crate) async fn current(&self, end: Instant) -> Option<Token> {
        if let Some(token) = &*self.current.borrow() {
            return Some(token.clone());
        }
        let mut coming = self.current.clone();
        let token = timeout_at(end, coming.wait_for(Option::is_some)).await.ok()?.ok()?;
        token.clone()
    }

    /// Another token after one was refused, if there is another.
    pub(crate) async fn after(&self, refused: &Token, end: Instant) -> Option<Token> {
        let (looked_into, answer) = oneshot::channel();
        self.doubts.send(Doubt { generation: refused.generation, looked_into }).ok()?;
        timeout_at(end, answer).await.ok()?.ok()?;
        self.current.borrow().clone().filter(|token| token.generation > refused.generation)
    }
}
