//! Making and checking MACs.

use super::Engine;
use keys::MacAlgorithm;
use module_api::{Key, Refusal, Reply};

impl Engine {
    pub(super) fn generate_mac(
        &mut self,
        _key: &Key<'_>,
        _algorithm: MacAlgorithm,
        _message: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }

    pub(super) fn verify_mac(
        &mut self,
        _key: &Key<'_>,
        _algorithm: MacAlgorithm,
        _message: &[u8],
        _mac: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }
}
