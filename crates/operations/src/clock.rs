//! The service's clock. With `--dev-clock` it can be moved ahead of the real one, so that time can be seen to pass.

use jiff::Timestamp;
use keys::Moment;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The time by which keys live: created, deleted, expired. Clones show the same time.
///
/// Signatures are not checked by it but by the real clock: clients sign with theirs.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_millis: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that is so many milliseconds ahead of the real one.
    #[must_use]
    pub fn ahead_by(millis: i64) -> Self {
        Self { ahead_millis: Arc::new(AtomicI64::new(millis)) }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::from_millis(Timestamp::now().as_millisecond().saturating_add(self.ahead_millis()))
    }

    /// How far it is ahead of the real clock.
    #[must_use]
    pub fn ahead_millis(&self) -> i64 {
        self.ahead_millis.load(Ordering::Relaxed)
    }

    /// Moves it ahead.
    pub fn advance(&self, millis: i64) {
        let further = |ahead: i64| Some(ahead.saturating_add(millis));
        // The closure never declines, so the update always happens.
        let _ = self.ahead_millis.fetch_update(Ordering::Relaxed, Ordering::Relaxed, further);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_moves_with_the_clock() {
        let clock = Clock::ahead_by(1000);
        let clone = clock.clone();
        clock.advance(86_400_000);
        assert_eq!(clone.ahead_millis(), 86_401_000);
        assert!(clone.now().as_millis() >= Timestamp::now().as_millisecond() + 86_400_000);
    }
}
