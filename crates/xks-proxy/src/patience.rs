//! How much a connection on which nobody proves who he is gets: some answers at once, then a few a second. So a flood of strangers waits,
//! and callers who are known do not.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What is left of it for one connection.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// When all is forgiven.
    forgiven_at: Cell<Option<Instant>>,
}

impl Patience {
    /// How long a stranger's answer has to wait; nothing if it is too long for anybody.
    pub(crate) fn wait(&self, now: Instant) -> Option<Duration> {
        let owed = self.forgiven_at.get().map_or(Duration::ZERO, |then| then.saturating_duration_since(now));
        let wait = owed.saturating_add(EACH).saturating_sub(AT_ONCE);
        if wait > LONGEST {
            return None;
        }
        self.forgiven_at.set(now.checked_add(owed.saturating_add(EACH)));
        Some(wait)
    }
}

/// A stranger gets so many answers a second, when those that he gets at once are used up.
const EACH: Duration = Duration::from_millis(500);

/// The worth of 32 answers.
const AT_ONCE: Duration = Duration::from_secs(16);

/// Of HTTP/2, many requests could wait at one time, and with each of them its head and what came of its body.
const LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(patience: &Patience, now: Instant, number: usize) -> Vec<Option<u128>> {
        (0..number).map(|_| patience.wait(now).map(|wait| wait.as_millis())).collect()
    }

    #[test]
    fn a_few_are_answered_at_once_then_two_a_second_and_nobody_waits_for_long() {
        let (patience, now) = (Patience::default(), Instant::now());
        assert_eq!(waits(&patience, now, 32), vec![Some(0); 32]);
        assert_eq!(waits(&patience, now, 2), [Some(500), Some(1000)]);
        assert_eq!(waits(&patience, now, 10).last(), Some(&None));
        let later = now + Duration::from_secs(1);
        assert_eq!(waits(&patience, later, 2), [Some(500), Some(1000)]);
    }

    #[test]
    fn who_asks_seldom_never_waits() {
        let (patience, now) = (Patience::default(), Instant::now());
        for second in 0..1000 {
            assert_eq!(patience.wait(now + Duration::from_secs(second)), Some(Duration::ZERO));
        }
    }
}
