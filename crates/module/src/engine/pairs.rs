//! Data key pairs.

use super::Engine;
use keys::DataKeyPairSpec;
use module_api::{CanonicalContext, Key, Recipient, Refusal, Reply};

impl Engine {
    pub(super) fn generate_data_key_pair(
        &mut self,
        _key: &Key<'_>,
        _context: CanonicalContext<'_>,
        _spec: DataKeyPairSpec,
        _recipient: Option<Recipient<'_>>,
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }

    pub(super) fn generate_data_key_pair_without_plaintext(
        &mut self,
        _key: &Key<'_>,
        _context: CanonicalContext<'_>,
        _spec: DataKeyPairSpec,
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }
}
