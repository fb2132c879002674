//! Transport keys: how a key gets from the member that made it to the others, without ever being readable in between.
//!
//! Each member has an RSA key pair of its own, whose private key cannot leave it and does nothing but unwrap.

use crate::keys;
use crate::seat::random;
use crate::trouble::{Remedy, Trouble};
use cryptoki::error::RvError;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use pkcs11_api::{Bytes, OaepDigest, PublicKey, Refusal, WrappedKey};

/// The transport key pair of this member.
pub(crate) struct TransportKey {
    private_key: ObjectHandle,
    pub(crate) id: Vec<u8>,
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
}

impl TransportKey {
    /// Finds it. Of several, every process that looks takes the same: the one with the least id.
    pub(crate) fn find(session: &Session) -> Result<Option<Self>, Trouble> {
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(KeyType::RSA),
            Attribute::Token(true),
            Attribute::Label(LABEL.to_vec()),
        ];
        let mut least: Option<Self> = None;
        for private_key in session.find_objects(&template)? {
            let key = Self::read(session, private_key)?;
            if least.as_ref().is_none_or(|least| key.id < least.id) {
                least = Some(key);
            }
        }
        Ok(least)
    }

    /// Finds it, or makes it.
    pub(crate) fn find_or_make(session: &Session) -> Result<Self, Trouble> {
        if let Some(key) = Self::find(session)? {
            return Ok(key);
        }
        make(session)?;
        Self::find(session)?.ok_or(Trouble::Returned(RvError::GeneralError))
    }

    /// One that could be read, or decrypt, would give away every key that is wrapped for it.
    fn read(session: &Session, private_key: ObjectHandle) -> Result<Self, Trouble> {
        let found = session.get_attributes(
            private_key,
            &[
                AttributeType::Sensitive,
                AttributeType::Extractable,
                AttributeType::Unwrap,
                AttributeType::Decrypt,
                AttributeType::Id,
                AttributeType::Modulus,
                AttributeType::PublicExponent,
            ],
        )?;
        let wanted = [
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Unwrap(true),
            Attribute::Decrypt(false),
        ];
        if !wanted.iter().all(|attribute| found.contains(attribute)) {
            return Err(Refusal::KeyUnfit.into());
        }
        let (mut id, mut modulus, mut exponent) = (Vec::new(), Vec::new(), Vec::new());
        for attribute in found {
            match attribute {
                Attribute::Id(value) => id = value,
                Attribute::Modulus(value) => modulus = value,
                Attribute::PublicExponent(value) => exponent = value,
                _ => (),
            }
        }
        Ok(Self { private_key, id, modulus, exponent })
    }

    /// The best digest that the token can both wrap and unwrap with: it is tried, with a key that is then forgotten, because no
    /// token tells.
    pub(crate) fn best_digest(&self, session: &Session) -> Result<OaepDigest, Trouble> {
        let secret = keys::generate_for_wrapping(session)?;
        let tried = self.round_trip(session, secret);
        session.destroy_object(secret)?;
        match tried {
            Ok(()) => Ok(OaepDigest::Sha256),
            Err(trouble) if trouble.remedy() == Some(Remedy::Reopen) => Err(trouble),
            Err(_) => Ok(OaepDigest::Sha1),
        }
    }

    fn round_trip(&self, session: &Session, secret: ObjectHandle) -> Result<(), Trouble> {
        let own = PublicKey {
            modulus: Bytes(&self.modulus),
            exponent: Bytes(&self.exponent),
            digest: OaepDigest::Sha256,
        };
        let bytes = with_public_key(session, &own, |public_key| {
            Ok(session.wrap_key(&oaep(OaepDigest::Sha256), public_key, secret)?)
        })?;
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(false),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
        ];
        let unwrapped = session.unwrap_key(&oaep(OaepDigest::Sha256), self.private_key, &bytes, &template)?;
        Ok(session.destroy_object(unwrapped)?)
    }

    /// Unwraps a key into an object with those attributes.
    pub(crate) fn unwrap(
        &self,
        session: &Session,
        wrapped: &WrappedKey<'_>,
        template: &[Attribute],
    ) -> Result<ObjectHandle, Trouble> {
        let unwrapped =
            session.unwrap_key(&oaep(wrapped.digest), self.private_key, wrapped.bytes.0, template);
        unwrapped.map_err(|error| match error.into() {
            Trouble::Returned(
                RvError::EncryptedDataInvalid
                | RvError::EncryptedDataLenRange
                | RvError::WrappedKeyInvalid
                | RvError::WrappedKeyLenRange,
            ) => Refusal::WrappedKeyInvalid.into(),
            trouble => trouble,
        })
    }
}

/// Wraps a key for the member with that transport key, with the best digest that both tokens can.
pub(crate) fn wrap(
    session: &Session,
    secret: ObjectHandle,
    recipient: &PublicKey<'_>,
) -> Result<(OaepDigest, Vec<u8>), Trouble> {
    if !MODULUS.contains(&recipient.modulus.0.len()) || !EXPONENT.contains(&recipient.exponent.0.len()) {
        return Err(Refusal::Malformed.into());
    }
    let wrap_with = |digest| {
        with_public_key(session, recipient, |public_key| {
            Ok((digest, session.wrap_key(&oaep(digest), public_key, secret)?))
        })
    };
    match wrap_with(recipient.digest) {
        Err(trouble) if trouble.is_of_the_mechanism() && recipient.digest != OaepDigest::Sha1 => {
            wrap_with(OaepDigest::Sha1)
        }
        wrapped => wrapped,
    }
}

/// The public key is an object only for as long as the work takes.
fn with_public_key<T>(
    session: &Session,
    key: &PublicKey<'_>,
    work: impl FnOnce(ObjectHandle) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let public_key = session.create_object(&[
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::RSA),
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Wrap(true),
        Attribute::Encrypt(false),
        Attribute::Verify(false),
        Attribute::Modulus(key.modulus.0.to_vec()),
        Attribute::PublicExponent(key.exponent.0.to_vec()),
    ])?;
    let worked = work(public_key);
    let destroyed = session.destroy_object(public_key);
    let done = worked?;
    destroyed?;
    Ok(done)
}

fn make(session: &Session) -> Result<(), Trouble> {
    let id = random::<16>()?.to_vec();
    let public_template = [
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::ModulusBits(BITS.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
        Attribute::Wrap(true),
        Attribute::Encrypt(false),
        Attribute::Verify(false),
    ];
    let private_template = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Unwrap(true),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Derive(false),
        Attribute::Id(id),
        Attribute::Label(LABEL.to_vec()),
    ];
    let mechanism = Mechanism::RsaPkcsKeyPairGen;
    let (public_key, _) = session.generate_key_pair(&mechanism, &public_template, &private_template)?;
    Ok(session.destroy_object(public_key)?)
}

fn oaep(digest: OaepDigest) -> Mechanism<'static> {
    let (hash, mask) = match digest {
        OaepDigest::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        OaepDigest::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
    };
    Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mask, PkcsOaepSource::empty()))
}

const LABEL: &[u8] = b"cardea-transport";
const BITS: u64 = 3072;
/// RSA of 2048 to 8192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;
const EXPONENT: std::ops::RangeInclusive<usize> = 1..=8;
