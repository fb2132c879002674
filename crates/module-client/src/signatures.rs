//! Signing and MACs. What is not genuine is a refusal, never an answer.

use crate::{CallError, ModuleClient};
use keys::{MacAlgorithm, MessageType, SigningAlgorithm};
use module_api::{Bytes, Command, Key, Reply};

impl ModuleClient {
    /// Signs a message.
    pub async fn sign(
        &self,
        key: Key<'_>,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let message = Bytes(message);
        self.call(&Command::Sign { key, algorithm, message_type, message }, |reply| match reply {
            Reply::Signature(signature) => Some(signature.0.to_vec()),
            _ => None,
        })
        .await
    }

    /// Checks a signature; one that is not genuine is [`module_api::Refusal::InvalidSignature`].
    pub async fn verify(
        &self,
        key: Key<'_>,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CallError> {
        let (message, signature) = (Bytes(message), Bytes(signature));
        self.call(&Command::Verify { key, algorithm, message_type, message, signature }, verified).await
    }

    /// Makes the MAC of a message.
    pub async fn generate_mac(
        &self,
        key: Key<'_>,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let message = Bytes(message);
        self.call(&Command::GenerateMac { key, algorithm, message }, |reply| match reply {
            Reply::Mac(mac) => Some(mac.0.to_vec()),
            _ => None,
        })
        .await
    }

    /// Checks a MAC; one that is not genuine is [`module_api::Refusal::InvalidMac`].
    pub async fn verify_mac(
        &self,
        key: Key<'_>,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<(), CallError> {
        let (message, mac) = (Bytes(message), Bytes(mac));
        self.call(&Command::VerifyMac { key, algorithm, message, mac }, verified).await
    }
}

fn verified(reply: Reply<'_>) -> Option<()> {
    matches!(reply, Reply::Verified).then_some(())
}
