//! Fields of a canonical encoding: of fixed length, or led by their length in one byte. Never a text with a separator.

use keys::{AccountId, KeyId};

/// Takes the first `N` bytes off.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// Takes a text off that is led by its length.
pub(crate) fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let [length] = take::<1>(bytes)?;
    let (text, rest) = bytes.split_at_checked(usize::from(length))?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

/// Appends a text led by its length; a text too long for one byte of length is cut to nothing, which no reader accepts.
pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    let (length, text) = u8::try_from(text.len()).map_or((0, ""), |length| (length, text));
    out.push(length);
    out.extend_from_slice(text.as_bytes());
}

/// Takes twelve digits off.
pub(crate) fn take_account(bytes: &mut &[u8]) -> Option<AccountId> {
    let digits = take::<12>(bytes)?;
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// Takes a key id off: its kind in a byte, then its 128 bits.
pub(crate) fn take_key_id(bytes: &mut &[u8]) -> Option<KeyId> {
    let [kind] = take::<1>(bytes)?;
    let id = take::<16>(bytes)?;
    match kind {
        SINGLE_REGION => single_region(id),
        MULTI_REGION => Some(KeyId::multi_region(id)),
        _ => None,
    }
}

/// The 17 bytes of a key id.
pub(crate) fn key_id_bytes(id: &KeyId) -> [u8; 17] {
    let mut bytes = [0; 17];
    let (kind, value) = bytes.split_at_mut(1);
    kind.fill(if id.is_multi_region() { MULTI_REGION } else { SINGLE_REGION });
    value.copy_from_slice(id.bytes());
    bytes
}

/// `KeyId::single_region` sets the bits that say UUID v4; an id that has other bits there is read through its text.
fn single_region(id: [u8; 16]) -> Option<KeyId> {
    let version_4 = KeyId::single_region(id);
    if *version_4.bytes() == id {
        return Some(version_4);
    }
    let mut text = format!("{:032x}", u128::from_be_bytes(id));
    for hyphen in [20, 16, 12, 8] {
        text.insert(hyphen, '-');
    }
    text.parse().ok()
}

const SINGLE_REGION: u8 = 1;
const MULTI_REGION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_survives_its_encoding_whatever_its_bits() {
        for text in [
            "1234abcd-12ab-44cd-96ef-1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "00000000-0000-0000-0000-000000000000",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
        ] {
            let id: KeyId = text.parse().unwrap();
            assert_eq!(take_key_id(&mut &key_id_bytes(&id)[..]), Some(id), "{text}");
        }
    }

    #[test]
    fn a_key_id_of_unknown_kind_is_refused() {
        assert_eq!(take_key_id(&mut &[3; 17][..]), None);
        assert_eq!(take_key_id(&mut &[1; 16][..]), None);
    }

    #[test]
    fn a_text_longer_than_its_bytes_is_refused() {
        assert_eq!(take_text(&mut &[2, b'a'][..]), None);
        assert_eq!(take_text(&mut &[][..]), None);
    }
}
