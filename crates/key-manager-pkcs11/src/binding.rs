//! What the tag of a ciphertext covers besides it, by the metadata that it came with.

use aws_lc_rs::digest::{SHA256, digest};
use key_manager::bound_data;

/// The metadata of what is encrypted here: the first scheme, which is the specification's.
pub(crate) const OURS: [u8; 1] = [1];

/// What the tag covers of a ciphertext with that metadata; of several, one. None if the metadata are nobody's, or the data too long to
/// have been bound.
pub(crate) fn candidates(
    additional_data: &[u8],
    metadata: &[u8],
    aws_sample_metadata: Option<&[u8]>,
) -> Vec<Vec<u8>> {
    if metadata == OURS {
        return bound_data(additional_data, metadata).into_iter().collect();
    }
    if aws_sample_metadata != Some(metadata) {
        return Vec::new();
    }
    let digest = digest(&SHA256, additional_data);
    let with = |digest: &[u8]| {
        let length = u16::try_from(additional_data.len()).ok()?.to_be_bytes();
        let metadata_length = u8::try_from(metadata.len()).ok()?.to_be_bytes();
        Some([&length[..], digest, &metadata_length, metadata].concat())
    };
    // The sample tells data that are empty from none, and here they are the same.
    let without_digest = additional_data.is_empty().then_some([].as_slice());
    [Some(digest.as_ref()), without_digest].into_iter().flatten().filter_map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_bound_as_specified_and_those_of_the_sample_by_their_digest() {
        assert_eq!(candidates(b"data", &OURS, None), [b"\x00\x04data\x01\x01"]);
        let digest = digest(&SHA256, b"data");
        let sample = [b"\x00\x04", digest.as_ref(), b"\x06v0.0.1"].concat();
        assert_eq!(candidates(b"data", b"v0.0.1", Some(b"v0.0.1")), [sample]);
        let empty = [b"\x00\x00", super::digest(&SHA256, b"").as_ref(), b"\x00"].concat();
        assert_eq!(candidates(b"", b"", Some(b"")), [empty, b"\x00\x00\x00".to_vec()]);
    }

    #[test]
    fn metadata_of_nobody_and_data_that_cannot_be_bound_give_none() {
        let long = vec![0; usize::from(u16::MAX) + 1];
        for (data, metadata, sample) in [
            (b"data".as_slice(), b"".as_slice(), None),
            (b"data", b"v0.0.1", None),
            (b"data", b"v0.0.1", Some(b"".as_slice())),
            (b"data", b"\x01\x01", Some(b"")),
            (&long, &OURS, None),
            (&long, b"", Some(b"")),
        ] {
            assert!(candidates(data, metadata, sample).is_empty(), "{metadata:?} {sample:?}");
        }
    }
}
