//! A buffer that begins at a multiple of a page in memory, as direct input and output wants it.

/// Bytes to be written; grows when it has to and then stays as large.
#[derive(Debug)]
pub(super) struct AlignedBuffer {
    room: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// An empty buffer that takes `capacity` bytes without growing.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let room = vec![b'\n'; capacity + ALIGNMENT];
        let start = room.as_ptr().align_offset(ALIGNMENT);
        Self { room, start, length: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        let end = self.start + self.length;
        if let Some(place) = self.room.get_mut(end..end + bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    /// Adds line feeds up to a multiple of `block`.
    pub(super) fn pad(&mut self, block: usize) {
        self.feed(self.length.next_multiple_of(block) - self.length);
    }

    /// Makes the buffer hold `length` line feeds and nothing else.
    pub(super) fn fill_blank(&mut self, length: usize) {
        self.clear();
        self.feed(length);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.room.get(self.start..self.start + self.length).unwrap_or_default()
    }

    fn feed(&mut self, count: usize) {
        self.reserve(count);
        let end = self.start + self.length;
        if let Some(place) = self.room.get_mut(end..end + count) {
            place.fill(b'\n');
            self.length += count;
        }
    }

    /// INVARIANT: afterwards there is room for `more` bytes.
    fn reserve(&mut self, more: usize) {
        if self.start + self.length + more <= self.room.len() {
            return;
        }
        let mut larger = Self::with_capacity((self.length + more) * 2);
        larger.extend(self.bytes());
        *self = larger;
    }
}

/// A page; every disk's blocks divide it.
const ALIGNMENT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out_aligned_and_padded() {
        let mut buffer = AlignedBuffer::with_capacity(16);
        let mut expected = Vec::new();
        for round in 0..2000_u32 {
            buffer.extend(&round.to_be_bytes());
            expected.extend(round.to_be_bytes());
        }
        buffer.pad(512);
        expected.resize(8192, b'\n');
        assert_eq!(buffer.bytes(), expected);
        assert_eq!(buffer.bytes().as_ptr().align_offset(ALIGNMENT), 0);
    }

    #[test]
    fn padding_overwrites_what_the_buffer_held_before() {
        let mut buffer = AlignedBuffer::with_capacity(1024);
        buffer.extend(&[b'x'; 1024]);
        buffer.clear();
        buffer.extend(b"y");
        buffer.pad(512);
        assert_eq!(buffer.bytes(), [b"y".as_slice(), &[b'\n'; 511]].concat());
    }
}
