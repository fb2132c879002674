//! DER, as little of it as is read or written by hand.

/// Whether the bytes are one DER value with nothing behind it: the library's parsers do not look.
pub fn is_one(bytes: &[u8]) -> bool {
    content(bytes).is_some()
}

/// What is in the one DER value that the bytes are.
pub fn content(bytes: &[u8]) -> Option<&[u8]> {
    let (length, content) = match bytes {
        [_, 0x82, high, low, content @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), content),
        [_, 0x81, length @ 128..=255, content @ ..] | [_, length @ 0..=127, content @ ..] => {
            (usize::from(*length), content)
        }
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_only_if_nothing_is_behind_it_or_missing() {
        for length in [0_u16, 1, 127, 128, 255, 256, 2400] {
            let mut value = vec![0x30];
            match length {
                0..=127 => value.push(u8::try_from(length).unwrap()),
                128..=255 => value.extend([0x81, u8::try_from(length).unwrap()]),
                _ => value.extend([[0x82].as_slice(), &length.to_be_bytes()].concat()),
            }
            value.resize(value.len() + usize::from(length), 7);
            assert_eq!(content(&value), Some(&vec![7; usize::from(length)][..]));
            value.push(0);
            assert!(!is_one(&value), "{length}");
            value.truncate(value.len() - 2);
            assert!(!is_one(&value), "{length}");
        }
    }
}
