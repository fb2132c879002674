//! Making and checking MACs.

use super::{Engine, open};
use crate::algorithms::{HmacKey, OpenedKey};
use crate::cache::Cache;
use crate::domain::Domain;
use keys::{KeyUsage, MacAlgorithm};
use module_api::{Bytes, Key, Refusal, Reply};

impl Engine {
    pub(super) fn generate_mac(
        &mut self,
        key: &Key<'_>,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        open_hmac(&self.domain, &mut self.opened, key)?.generate(algorithm, message, &mut self.ciphertext)?;
        Ok(Reply::Mac(Bytes(&self.ciphertext)))
    }

    pub(super) fn verify_mac(
        &mut self,
        key: &Key<'_>,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        open_hmac(&self.domain, &mut self.opened, key)?.verify(algorithm, message, mac)?;
        Ok(Reply::Verified)
    }
}

fn open_hmac<'a>(domain: &Domain, opened: &'a mut Cache, key: &Key<'_>) -> Result<&'a HmacKey, Refusal> {
    match open(domain, opened, key, KeyUsage::GenerateVerifyMac)? {
        OpenedKey::Hmac(key) => Ok(key),
        _ => Err(Refusal::Unsupported),
    }
}
