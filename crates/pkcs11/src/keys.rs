//! Keys that Cardea makes in a token: how they are made, found, judged and destroyed.

use crate::trouble::Trouble;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use pkcs11_api::{KeyLabel, ObjectId, Refusal};

/// A key in the token that is AES-256, and what it may be used for.
#[derive(Clone, Copy)]
pub(crate) struct UsableKey {
    pub(crate) handle: ObjectHandle,
    pub(crate) encrypt: bool,
    pub(crate) decrypt: bool,
}

/// The key with that id, if it is there; a refusal if it is not one that may be used.
pub(crate) fn find(session: &Session, id: ObjectId<'_>) -> Result<Option<UsableKey>, Trouble> {
    match with_id(session, id)?.as_slice() {
        [] => Ok(None),
        [key] if is_fit(session, *key)? => Ok(Some(UsableKey { handle: *key, encrypt: true, decrypt: true })),
        // Of two keys with one id, the other could be meant.
        _ => Err(Refusal::KeyUnfit.into()),
    }
}

/// Makes a key in the token.
pub(crate) fn generate(session: &Session, id: ObjectId<'_>, label: KeyLabel<'_>) -> Result<(), Trouble> {
    let mut template = kept(id, label);
    template.push(Attribute::ValueLen(KEY_LENGTH.into()));
    session.generate_key(&Mechanism::AesKeyGen, &template)?;
    Ok(())
}

/// Makes a key that lasts as long as the session, and can be wrapped.
pub(crate) fn generate_for_wrapping(session: &Session) -> Result<ObjectHandle, Trouble> {
    let mut template = secret();
    template.extend([
        Attribute::ValueLen(KEY_LENGTH.into()),
        Attribute::Token(false),
        Attribute::Extractable(true),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
    ]);
    Ok(session.generate_key(&Mechanism::AesKeyGen, &template)?)
}

/// Makes a key that lasts as long as the session, and is as those that are kept.
pub(crate) fn generate_for_a_trial(session: &Session) -> Result<ObjectHandle, Trouble> {
    let mut template = secret();
    template.extend([
        Attribute::ValueLen(KEY_LENGTH.into()),
        Attribute::Token(false),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ]);
    Ok(session.generate_key(&Mechanism::AesKeyGen, &template)?)
}

/// Destroys every key with that id, and says how many there were.
pub(crate) fn destroy(session: &Session, id: ObjectId<'_>) -> Result<u32, Trouble> {
    let mut destroyed = 0_u32;
    for key in with_id(session, id)? {
        session.destroy_object(key)?;
        destroyed = destroyed.saturating_add(1);
    }
    Ok(destroyed)
}

/// What a key in the token is given, but for its length: one that is unwrapped has it already.
pub(crate) fn kept(id: ObjectId<'_>, label: KeyLabel<'_>) -> Vec<Attribute> {
    let mut template = secret();
    template.extend([
        Attribute::Id(id.as_bytes().to_vec()),
        Attribute::Label(label.as_str().as_bytes().to_vec()),
        Attribute::Token(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ]);
    template
}

/// Whether it is a key as this process makes them.
pub(crate) fn is_fit(session: &Session, key: ObjectHandle) -> Result<bool, Trouble> {
    let found = session.get_attributes(
        key,
        &[
            AttributeType::KeyType,
            AttributeType::ValueLen,
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::Encrypt,
            AttributeType::Decrypt,
        ],
    )?;
    let wanted = [
        Attribute::KeyType(KeyType::AES),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ];
    Ok(wanted.iter().all(|attribute| found.contains(attribute)) && !found.iter().any(has_another_length))
}

/// SoftHSM gives an unwrapped key no length, and will not be told one.
fn has_another_length(attribute: &Attribute) -> bool {
    matches!(attribute, Attribute::ValueLen(length) if ![0, KEY_LENGTH].contains(length))
}

fn with_id(session: &Session, id: ObjectId<'_>) -> Result<Vec<ObjectHandle>, Trouble> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Token(true),
        Attribute::Id(id.as_bytes().to_vec()),
    ];
    Ok(session.find_objects(&template)?)
}

fn secret() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Derive(false),
    ]
}

/// AES-256, in bytes.
pub(crate) const KEY_LENGTH: u64 = 32;
