//! Whether a proxy is worth asking, as all workers of the node found it. It reads no clock and asks nobody.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::XksFailure;

/// Opens after some requests in a row that nobody answered, and closes with the first answer of whatever kind.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// Requests in a row that were not answered.
    unanswered: AtomicU32,
    /// What was wrong with the last of them.
    last: Mutex<Option<XksFailure>>,
    is_probed: AtomicBool,
}

impl Circuit {
    /// Why a request need not be tried: the circuit is open.
    pub(crate) fn refusal(&self) -> Option<XksFailure> {
        if self.unanswered.load(Ordering::Relaxed) < OPENS_AFTER {
            return None;
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The proxy answered.
    pub(crate) fn answered(&self) {
        // Read first: most of the time nothing changes, and other workers read the same line of memory.
        if self.unanswered.load(Ordering::Relaxed) != 0 {
            self.unanswered.store(0, Ordering::Relaxed);
        }
    }

    /// It did not, for that reason.
    pub(crate) fn unanswered(&self, failure: XksFailure) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        let _ =
            self.unanswered.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add(1));
    }

    /// True for one at a time: who is to ask the proxy until it answers.
    pub(crate) fn claim_probe(&self) -> bool {
        !self.is_probed.load(Ordering::Relaxed) && !self.is_probed.swap(true, Ordering::AcqRel)
    }

    /// Whoever claimed it asks no more.
    pub(crate) fn release_probe(&self) {
        self.is_probed.store(false, Ordering::Release);
    }
}

/// More than the two tries of one slow call, and of two.
const OPENS_AFTER: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(circuit: &Circuit, times: u32) {
        (0..times).for_each(|_| circuit.unanswered(XksFailure::TimedOut));
    }

    #[test]
    fn some_requests_in_a_row_that_nobody_answers_open_it() {
        let circuit = Circuit::default();
        failed(&circuit, OPENS_AFTER - 1);
        assert_eq!(circuit.refusal(), None);
        circuit.unanswered(XksFailure::Unreachable);
        assert_eq!(circuit.refusal(), Some(XksFailure::Unreachable));
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let circuit = Circuit::default();
        for _ in 0..10 {
            failed(&circuit, OPENS_AFTER - 1);
            circuit.answered();
        }
        assert_eq!(circuit.refusal(), None);
    }

    #[test]
    fn one_answer_closes_it_however_long_it_was_open() {
        let circuit = Circuit::default();
        circuit.unanswered.store(u32::MAX, Ordering::Relaxed);
        failed(&circuit, 2);
        assert_eq!(circuit.refusal(), Some(XksFailure::TimedOut));
        circuit.answered();
        assert_eq!(circuit.refusal(), None);
    }

    #[test]
    fn one_probes_at_a_time() {
        let circuit = Circuit::default();
        assert!(circuit.claim_probe());
        assert!(!circuit.claim_probe());
        circuit.release_probe();
        assert!(circuit.claim_probe());
    }
}
