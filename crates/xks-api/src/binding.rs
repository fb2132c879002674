//! What a ciphertext is bound to, and the value by which a caller sees that it arrived whole.

use aws_lc_rs::digest::{Context, SHA256};

/// The additional authenticated data of the AES-GCM operation: `uint16(length of data) ‖ data ‖ uint8(length of metadata) ‖ metadata`, big
/// endian. The lengths keep one from being taken for a part of the other.
///
/// `None`: data of more than 65,535 bytes, or metadata of more than 255.
#[must_use]
pub fn bound_data(additional_data: &[u8], ciphertext_metadata: &[u8]) -> Option<Vec<u8>> {
    let data_length = u16::try_from(additional_data.len()).ok()?.to_be_bytes();
    let metadata_length = u8::try_from(ciphertext_metadata.len()).ok()?.to_be_bytes();
    Some([&data_length[..], additional_data, &metadata_length, ciphertext_metadata].concat())
}

/// `ciphertextDataIntegrityValue`: SHA-256 over all that Encrypt took in and gives out, without lengths.
#[must_use]
pub fn integrity_value(
    additional_data: &[u8],
    ciphertext_metadata: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [additional_data, ciphertext_metadata, iv, ciphertext, tag] {
        context.update(part);
    }
    let mut value = [0; 32];
    value.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    //= xks §4: the vector of the specification
    #[test]
    fn the_integrity_value_of_the_specification_is_met() {
        let bytes = |text: &str| STANDARD.decode(text).unwrap();
        let value = integrity_value(
            b"project=nile,department=marketing",
            &bytes("a2V5X3ZlcnNpb249MQ=="),
            &bytes("HMrlRw85cAJUd5Ax"),
            &bytes("ghxkK1txeDNn3q8Y"),
            &bytes("vBxN2ncH1oEkR8WVXpmyYQ=="),
        );
        assert_eq!(STANDARD.encode(value), "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=");
    }

    #[test]
    fn lengths_keep_data_and_metadata_apart() {
        assert_eq!(bound_data(b"", b"").unwrap(), [0, 0, 0]);
        assert_eq!(bound_data(b"ab", b"c").unwrap(), b"\0\x02ab\x01c");
        assert_ne!(bound_data(b"ab", b""), bound_data(b"", b"ab"));
        assert_eq!(bound_data(&[0; 65_536], b""), None);
        assert_eq!(bound_data(b"", &[0; 256]), None);
        assert_eq!(bound_data(&[7; 65_535], b"").unwrap().len(), 65_538);
    }
}
