//! A worker's session: what is asked of a key manager, done by the tokens.

use crate::binding::{OURS, candidates};
use crate::describing::{Descriptions, Use, check, described, today};
use crate::health::Tried;
use crate::open::Shared;
use crate::tokens::Tokens;
use key_manager::{
    Decrypted, Encrypted, ExternalKeyId, Health, KeyDescription, Sealed, Session, Trouble, Work, bound_data,
};
use pkcs11_api::{Bytes, Command, Iv, KeyLabel, KeyName, MAX_ADDITIONAL_DATA, MAX_PLAINTEXT, Reply};
use pkcs11_client::{Chosen, Fault, Way};
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A worker's session.
pub(crate) struct TokenSession {
    tokens: Tokens,
    labels: Vec<Rc<str>>,
    descriptions: Descriptions,
    tried: Tried,
}

impl TokenSession {
    pub(crate) fn new(shared: Arc<Shared>, way: Arc<Way>) -> Self {
        let labels: Vec<Rc<str>> =
            way.members().settings().tokens.iter().map(|label| label.as_str().into()).collect();
        let tried = Tried::new(labels.len());
        Self { tokens: Tokens { shared, way }, labels, descriptions: Descriptions::default(), tried }
    }

    /// What the tokens say of the key, or have said just now.
    async fn key(&self, key: ExternalKeyId<'_>, end: Instant) -> Result<pkcs11_api::KeyDescription, Trouble> {
        if let Some(known) = self.descriptions.fresh(key.as_str()) {
            return Ok(known);
        }
        let read = |reply: Reply<'_>| match reply {
            Reply::KeyDescription(description) => Some(description),
            _ => None,
        };
        let asked = self.tokens.ask(end, &Command::DescribeKey { name: name(key)? }, read).await;
        let (_, description) = asked.map_err(|trouble| self.told(key, trouble))?;
        self.descriptions.note(key.as_str(), description);
        Ok(description)
    }

    async fn encrypted(
        &self,
        key: ExternalKeyId<'_>,
        plaintext: &[u8],
        additional_data: &[u8],
    ) -> Result<Encrypted, Trouble> {
        let end = self.tokens.way.members().end_of_request();
        check(&self.key(key, end).await?, Use::Encrypt, today())?;
        let bound = bound_data(additional_data, &OURS).ok_or_else(too_long)?;
        within(&bound, MAX_ADDITIONAL_DATA)?;
        within(plaintext, MAX_PLAINTEXT)?;
        let command =
            Command::Seal { name: name(key)?, additional_data: Bytes(&bound), plaintext: Bytes(plaintext) };
        let read = |reply: Reply<'_>| match reply {
            Reply::Sealed { iv, ciphertext, tag } => Some((iv.to_vec(), ciphertext.0.to_vec(), tag)),
            _ => None,
        };
        let asked = self.tokens.ask(end, &command, read).await;
        let (chosen, (iv, ciphertext, tag)) = asked.map_err(|trouble| self.told(key, trouble))?;
        let metadata = OURS.to_vec();
        Ok(Encrypted { ciphertext, iv, tag, metadata, key_version: None, member: self.label(chosen) })
    }

    async fn decrypted(
        &self,
        key: ExternalKeyId<'_>,
        sealed: Sealed<'_>,
        additional_data: &[u8],
    ) -> Result<Decrypted, Trouble> {
        let end = self.tokens.way.members().end_of_request();
        check(&self.key(key, end).await?, Use::Decrypt, today())?;
        let Sealed { ciphertext, iv, tag, metadata } = sealed;
        within(ciphertext, MAX_PLAINTEXT)?;
        let iv = Iv::new(iv).map_err(|_| Trouble::InvalidCiphertext)?;
        let sample = self.tokens.shared.aws_sample_metadata.as_deref();
        for bound in candidates(additional_data, metadata, sample) {
            within(&bound, MAX_ADDITIONAL_DATA)?;
            let command = Command::Open {
                name: name(key)?,
                iv,
                additional_data: Bytes(&bound),
                ciphertext: Bytes(ciphertext),
                tag: *tag,
            };
            match self.tokens.ask(end, &command, opened).await {
                Ok((chosen, plaintext)) => {
                    return Ok(Decrypted { plaintext, key_version: None, member: self.label(chosen) });
                }
                Err(pkcs11_client::Trouble::InvalidCiphertext) => (),
                Err(trouble) => return Err(self.told(key, trouble)),
            }
        }
        Err(Trouble::InvalidCiphertext)
    }

    /// What is said of the tokens' trouble with a key. What an HSM has is never told as if it were the key's, or the ciphertext's.
    fn told(&self, key: ExternalKeyId<'_>, trouble: pkcs11_client::Trouble) -> Trouble {
        use pkcs11_client::Trouble as Said;
        match trouble {
            Said::Busy => Trouble::Busy,
            Said::InvalidCiphertext => Trouble::InvalidCiphertext,
            Said::KeyAmbiguous => {
                tracing::error!(%key, "several keys of a token have this label: none of them is used");
                Trouble::KeyNotFound
            }
            Said::KeyMissing => self.not_found(key),
            Said::KeyUnfit | Said::KeyUsage => {
                self.descriptions.forget(key.as_str());
                Trouble::InvalidKeyUsage
            }
            Said::Member(Fault::TimedOut) | Said::Slow => Trouble::TimedOut,
            Said::Command | Said::Member(_) | Said::NotUnwrapped => Trouble::Failed(trouble.to_string()),
        }
    }

    /// A key that was there is not gone as long as a token that may have it is away.
    fn not_found(&self, key: ExternalKeyId<'_>) -> Trouble {
        if self.descriptions.has_been_seen(key.as_str()) && !self.tokens.are_all_active() {
            return Trouble::Failed(
                "the tokens that are there lack the key, and not all are there".to_owned(),
            );
        }
        self.descriptions.forget(key.as_str());
        Trouble::KeyNotFound
    }

    fn label(&self, chosen: Chosen) -> Rc<str> {
        self.labels.get(chosen.at()).map_or_else(|| "".into(), Rc::clone)
    }
}

impl Session for TokenSession {
    fn describe<'a>(&'a self, key: ExternalKeyId<'a>) -> Work<'a, Result<KeyDescription, Trouble>> {
        Box::pin(async move {
            let end = self.tokens.way.members().end_of_request();
            Ok(described(&self.key(key, end).await?, today()))
        })
    }

    fn encrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        plaintext: &'a [u8],
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Encrypted, Trouble>> {
        Box::pin(self.encrypted(key, plaintext, additional_data))
    }

    fn decrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        sealed: Sealed<'a>,
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Decrypted, Trouble>> {
        Box::pin(self.decrypted(key, sealed, additional_data))
    }

    fn health(&self) -> Work<'_, Health> {
        Box::pin(self.tried.all(&self.tokens))
    }
}

pub(crate) fn opened(reply: Reply<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match reply {
        Reply::Opened(plaintext) => Some(Zeroizing::new(plaintext.0.to_vec())),
        _ => None,
    }
}

fn name(key: ExternalKeyId<'_>) -> Result<KeyName<'_>, Trouble> {
    KeyLabel::new(key.as_str()).map(Into::into).map_err(|_| Trouble::KeyNotFound)
}

fn within(bytes: &[u8], most: usize) -> Result<(), Trouble> {
    if bytes.len() <= most { Ok(()) } else { Err(too_long()) }
}

fn too_long() -> Trouble {
    Trouble::Unsupported("more data than the tokens are given at once".to_owned())
}
