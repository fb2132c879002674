//! Taking in key material from outside.

use super::Engine;
use keys::{WrappingAlgorithm, WrappingKeySpec};
use module_api::{NewKey, Refusal, Reply};

impl Engine {
    pub(super) fn begin_import(
        &mut self,
        _key: &NewKey,
        _algorithm: WrappingAlgorithm,
        _spec: WrappingKeySpec,
        _valid_to: i64,
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }

    pub(super) fn import(
        &mut self,
        _key: &NewKey,
        _token: &[u8],
        _material: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }
}
