//! What a token says of keys, whoever made them: which there are under a name, what they are and what they may be used for.
//!
//! The token answers into memory of this process, which is read after it has. An answer that makes no sense is a key that is not
//! used, and never one that is missing.

use crate::keys::{KEY_LENGTH, UsableKey};
use crate::trouble::Trouble;
use cryptoki::error::Error;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::types::Date;
use pkcs11_api::{KeyDate, KeyDescription, KeyLabel, KeyName, Refusal};

/// What the only key of that name is, if there is one.
pub(crate) fn describe(session: &Session, name: KeyName<'_>) -> Result<Option<KeyDescription>, Trouble> {
    let Some(mut key) = only(session, name)? else { return Ok(None) };
    key.read_dates(session)?;
    if key.key_type == Some(KeyType::RSA) {
        key.read_modulus(session)?;
    }
    Ok(Some(key.description))
}

/// The only key of that label, if there is one; a refusal if it is not AES-256.
pub(crate) fn find_labelled(session: &Session, label: KeyLabel<'_>) -> Result<Option<UsableKey>, Trouble> {
    let Some(key) = only(session, label.into())? else { return Ok(None) };
    let KeyDescription { value_length, encrypt, decrypt, .. } = key.description;
    // A token that does not tell the length does not make it another.
    let has_length = value_length.is_none_or(|length| u64::from(length) == KEY_LENGTH);
    if key.class == ObjectClass::SECRET_KEY && key.key_type == Some(KeyType::AES) && has_length {
        Ok(Some(UsableKey { handle: key.handle, encrypt, decrypt }))
    } else {
        Err(Refusal::KeyUnfit.into())
    }
}

fn only(session: &Session, name: KeyName<'_>) -> Result<Option<Key>, Trouble> {
    let mut keys = Vec::new();
    for handle in named(session, name)? {
        keys.extend(Key::read(session, handle)?);
    }
    let (first, second) = (keys.pop(), keys.pop());
    match (first, second) {
        (Some(one), Some(other)) if keys.is_empty() => {
            one.paired_with(other).map(Some).ok_or_else(|| Refusal::KeyAmbiguous.into())
        }
        (Some(_), Some(_)) => Err(Refusal::KeyAmbiguous.into()),
        (only, _) => Ok(only),
    }
}

fn named(session: &Session, name: KeyName<'_>) -> Result<Vec<ObjectHandle>, Trouble> {
    let name = match name {
        KeyName::Id(id) => Attribute::Id(id.as_bytes().to_vec()),
        KeyName::Label(label) => Attribute::Label(label.as_str().as_bytes().to_vec()),
    };
    let found = session.find_objects(&[Attribute::Token(true), name])?;
    if found.len() > MOST_OBJECTS { Err(Refusal::KeyAmbiguous.into()) } else { Ok(found) }
}

struct Key {
    handle: ObjectHandle,
    class: ObjectClass,
    /// `None` if the token does not tell.
    key_type: Option<KeyType>,
    description: KeyDescription,
}

impl Key {
    /// What the object is, if it is a key: a certificate may have a key's name.
    fn read(session: &Session, handle: ObjectHandle) -> Result<Option<Self>, Trouble> {
        let mut key =
            Self { handle, class: ObjectClass::DATA, key_type: None, description: KeyDescription::default() };
        for attribute in attributes(session, handle, OF_A_KEY)? {
            key.take(&attribute);
        }
        let keys = [ObjectClass::SECRET_KEY, ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY];
        Ok(keys.contains(&key.class).then_some(key))
    }

    fn take(&mut self, attribute: &Attribute) {
        let description = &mut self.description;
        match *attribute {
            Attribute::Class(class) => self.class = class,
            Attribute::KeyType(key_type) => {
                (self.key_type, description.key_type) = (Some(key_type), *key_type);
            }
            // SoftHSM says of a key that was unwrapped that it has none.
            Attribute::ValueLen(length) => {
                description.value_length = u32::try_from(*length).ok().filter(|length| *length > 0);
            }
            Attribute::Encrypt(may) => description.encrypt = may,
            Attribute::Decrypt(may) => description.decrypt = may,
            Attribute::Sign(may) => description.sign = may,
            Attribute::Verify(may) => description.verify = may,
            Attribute::Wrap(may) => description.wrap = may,
            Attribute::Unwrap(may) => description.unwrap = may,
            Attribute::Derive(may) => description.derive = may,
            Attribute::Sensitive(is) => description.sensitive = is,
            Attribute::Extractable(is) => description.extractable = is,
            _ => (),
        }
    }

    /// The pair of which these are the halves: the private one, which may do what the public one may besides.
    fn paired_with(self, other: Self) -> Option<Self> {
        let (mut private, public) = match (self.class, other.class) {
            (ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY) => (self, other.description),
            (ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY) => (other, self.description),
            _ => return None,
        };
        let pair = &mut private.description;
        if pair.key_type != public.key_type {
            return None;
        }
        pair.encrypt |= public.encrypt;
        pair.decrypt |= public.decrypt;
        pair.sign |= public.sign;
        pair.verify |= public.verify;
        pair.wrap |= public.wrap;
        pair.unwrap |= public.unwrap;
        pair.derive |= public.derive;
        Some(private)
    }

    /// Apart from the rest: what is no date is as good as none, and SoftHSM fails to decrypt those of a private object, which it
    /// never encrypted. Only if the token tells the rest once more is it the date's fault.
    fn read_dates(&mut self, session: &Session) -> Result<(), Trouble> {
        for which in [AttributeType::StartDate, AttributeType::EndDate] {
            match attributes(session, self.handle, &[which]).as_deref() {
                Ok([Attribute::StartDate(date)]) => self.description.start = day(date),
                Ok([Attribute::EndDate(date)]) => self.description.end = day(date),
                Ok(_) => (),
                Err(trouble) => {
                    attributes(session, self.handle, OF_A_KEY)?;
                    eprintln!("cardea-pkcs11: a date of a key cannot be read: {trouble:?}");
                }
            }
        }
        Ok(())
    }

    fn read_modulus(&mut self, session: &Session) -> Result<(), Trouble> {
        let read = attributes(session, self.handle, &[AttributeType::Modulus])?;
        if let [Attribute::Modulus(modulus)] = read.as_slice() {
            self.description.modulus_bits = bits(modulus);
        }
        Ok(())
    }
}

/// Those of the attributes that the object has.
fn attributes(
    session: &Session,
    object: ObjectHandle,
    wanted: &[AttributeType],
) -> Result<Vec<Attribute>, Trouble> {
    session.get_attributes(object, wanted).map_err(|error| match error {
        Error::Pkcs11(..) => error.into(),
        _ => Refusal::KeyUnfit.into(),
    })
}

fn day(date: &Date) -> Option<KeyDate> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u16>().ok();
    let (month, day) = (u8::try_from(number(&date.month)?).ok()?, u8::try_from(number(&date.day)?).ok()?);
    let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
    Some(KeyDate { year: number(&date.year)?, month, day }).filter(|_| is_day)
}

fn bits(modulus: &[u8]) -> Option<u32> {
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(zeros)?;
    let length = u32::try_from(modulus.len().checked_sub(zeros)?).ok()?;
    length.checked_mul(8)?.checked_sub(first.leading_zeros())
}

/// All of a fixed size, so that the token is asked once.
const OF_A_KEY: &[AttributeType] = &[
    AttributeType::Class,
    AttributeType::KeyType,
    AttributeType::ValueLen,
    AttributeType::Encrypt,
    AttributeType::Decrypt,
    AttributeType::Sign,
    AttributeType::Verify,
    AttributeType::Wrap,
    AttributeType::Unwrap,
    AttributeType::Derive,
    AttributeType::Sensitive,
    AttributeType::Extractable,
];
/// A key pair and certificates may have one name. What more there is of it is not looked at.
const MOST_OBJECTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modulus_is_as_long_as_its_first_bit_that_is_set_makes_it() {
        assert_eq!(bits(&[0x80; 256]), Some(2048));
        assert_eq!(bits(&[&[0][..], &[0x80; 256]].concat()), Some(2048));
        assert_eq!(bits(&[0x01, 0x00]), Some(9));
        assert_eq!((bits(&[]), bits(&[0, 0])), (None, None));
    }

    #[test]
    fn a_date_is_a_day_or_none() {
        let of = |year: &[u8; 4], month: &[u8; 2], on: &[u8; 2]| day(&Date::new(*year, *month, *on));
        assert_eq!(of(b"2026", b"11", b"09"), Some(KeyDate { year: 2026, month: 11, day: 9 }));
        assert_eq!(day(&Date::new_empty()), None);
        for (month, on) in [(b"13", b"01"), (b"00", b"01"), (b"01", b"32"), (b"0x", b"01"), (b"  ", b"01")] {
            assert_eq!(of(b"2026", month, on), None);
        }
    }
}
