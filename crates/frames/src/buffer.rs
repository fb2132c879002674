//! A queue of bytes that may be secret: wiped where they are consumed, where the buffer moves or grows, and when it is dropped.

use std::fmt;
use zeroize::optimization_barrier;

/// Bytes come in at the end and go out at the front.
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// An empty buffer of that many bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity], start: 0, end: 0 }
    }

    /// What is in it.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Takes that many bytes off the front and wipes them.
    pub fn consume(&mut self, count: usize) {
        let until = self.start.saturating_add(count).min(self.end);
        if let Some(consumed) = self.bytes.get_mut(self.start..until) {
            wipe(consumed);
        }
        self.start = until;
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Free bytes behind what is in it, at least as many as asked for.
    pub fn room(&mut self, at_least: usize) -> &mut [u8] {
        if self.bytes.len().saturating_sub(self.end) < at_least {
            self.make_room(at_least);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Says that so many bytes of the room were written.
    pub fn fill(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
    }

    /// Moves what is in it to the front, of a larger allocation if need be.
    fn make_room(&mut self, at_least: usize) {
        let length = self.filled().len();
        let needed = length.saturating_add(at_least);
        if needed <= self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            if let Some(left_behind) = self.bytes.get_mut(length..self.end) {
                wipe(left_behind);
            }
        } else {
            let mut larger = vec![0; needed.next_power_of_two()];
            if let Some(front) = larger.get_mut(..length) {
                front.copy_from_slice(self.filled());
            }
            wipe(&mut self.bytes);
            self.bytes = larger;
        }
        (self.start, self.end) = (0, length);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} of {} bytes)", self.filled().len(), self.bytes.len())
    }
}

/// Overwrites with zeros, at the speed of `memset`, in a way that the compiler may not leave out.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn append(buffer: &mut Buffer, bytes: &[u8]) {
        buffer.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        buffer.fill(bytes.len());
    }

    proptest! {
        #[test]
        fn it_is_a_queue_that_holds_nothing_else(
            steps in prop::collection::vec((prop::collection::vec(1_u8.., 0..40), 0_usize..50), 0..40),
        ) {
            let mut buffer = Buffer::with_capacity(16);
            let mut model = VecDeque::new();
            for (bytes, consumed) in steps {
                append(&mut buffer, &bytes);
                model.extend(bytes);
                buffer.consume(consumed);
                model.drain(..consumed.min(model.len()));
                prop_assert_eq!(buffer.filled(), model.make_contiguous());
                let held = buffer.bytes.iter().filter(|&&byte| byte != 0).count();
                prop_assert_eq!(held, model.len(), "bytes left behind");
            }
        }
    }
}
