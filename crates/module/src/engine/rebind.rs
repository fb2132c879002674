//! Binding a backing key to another region as well.

use super::Engine;
use keys::Region;
use module_api::{Key, Refusal, Reply};

impl Engine {
    pub(super) fn rebind(&mut self, _key: &Key<'_>, _region: &Region) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }
}
