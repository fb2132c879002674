//! The ids that calls go by, drawn from the system many at a time.

use operations::CallIds;
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use std::cell::RefCell;
use uuid::Builder;

/// The ids of one worker's calls.
///
/// They name calls and protect nothing. Two machines that go on from one snapshot may give out the same few.
#[derive(Debug, Default)]
pub(super) struct Ids(RefCell<Vec<[[u8; 16]; 2]>>);

impl Ids {
    /// The next two.
    pub(super) fn next(&self) -> Result<CallIds, Errno> {
        let mut drawn = self.0.borrow_mut();
        if drawn.is_empty() {
            let mut random = [[[0; 16]; 2]; AT_ONCE];
            getrandom(random.as_flattened_mut().as_flattened_mut(), GetRandomFlags::empty())?;
            drawn.extend(random);
        }
        let [request, event] =
            drawn.pop().unwrap_or_default().map(|id| Builder::from_random_bytes(id).into_uuid());
        Ok(CallIds { request, event })
    }
}

/// Few enough that the system gives all of them in one piece: up to 256 bytes are never cut short.
const AT_ONCE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_id_comes_twice() {
        let ids = Ids::default();
        let both = (0..1000).flat_map(|_| ids.next().map(|ids| [ids.request, ids.event]).unwrap());
        assert_eq!(both.collect::<HashSet<_>>().len(), 2000);
    }
}
