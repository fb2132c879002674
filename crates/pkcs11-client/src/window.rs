//! How many calls a member is given at a time: fewer when it falls behind.
//!
//! A call that waits for its session as long as anybody waits for an answer is of no use to anyone, and is carried out all the same:
//! with too many of them a token does nothing but what nobody waits for. So the window halves when answers become slow, and opens again
//! one by one, as that of a TCP connection.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How many calls a member is given at a time by one worker.
#[derive(Debug)]
pub(crate) struct Window {
    least: usize,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    size: usize,
    /// Answers in time since the window last changed.
    in_time: usize,
    halved: Option<Instant>,
}

impl Window {
    pub(crate) fn new(least: usize, most: usize) -> Self {
        let least = least.max(1);
        let most = most.max(least);
        Self { least, most, state: Mutex::new(State { size: most, in_time: 0, halved: None }) }
    }

    pub(crate) fn size(&self) -> usize {
        self.state().size
    }

    /// An answer came in time.
    pub(crate) fn kept_up(&self) {
        let mut state = self.state();
        state.in_time = state.in_time.saturating_add(1);
        if state.in_time >= state.size && state.size < self.most {
            (state.size, state.in_time) = (state.size.saturating_add(1), 0);
        }
    }

    /// An answer was late, or is. Calls that are under way were made before that was known: their answers tell nothing new.
    pub(crate) fn fell_behind(&self, late: Duration) {
        let mut state = self.state();
        let now = Instant::now();
        if state.halved.is_none_or(|halved| now.saturating_duration_since(halved) > late) {
            (state.size, state.in_time) = ((state.size / 2).max(self.least), 0);
            state.halved = Some(now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_window_halves_once_for_what_is_under_way_and_opens_one_by_one() {
        let window = Window::new(3, 100);
        let late = Duration::from_millis(50);
        for _ in 0..100 {
            window.fell_behind(late);
        }
        assert_eq!(window.size(), 50);
        for _ in 0..10 {
            tokio::time::advance(late * 2).await;
            window.fell_behind(late);
        }
        assert_eq!(window.size(), 3);
        for (answers, size) in [(2, 3), (1, 4), (4, 5), (5, 6)] {
            (0..answers).for_each(|_| window.kept_up());
            assert_eq!(window.size(), size);
        }
        (0..10_000).for_each(|_| window.kept_up());
        assert_eq!(window.size(), 100);
    }
}
