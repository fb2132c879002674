//! The vectors of `docs/formats.md` for keys in custom key stores, so that the page and the code cannot part. A change here means that
//! nothing opens any more that was encrypted before.

#![expect(clippy::unwrap_used, reason = "a vector that cannot be read fails the test that uses it")]

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use keys::{CustomKeyStoreId, KeyPlace, OuterKey};
use keystores::blob::{self, OuterBlob, StoreKind};
use keystores::{RequestMetadata, Usage};
use module_api::EncryptionContext;
use module_api::blob::Header;

#[test]
fn what_a_store_is_given_to_bind_is_as_documented() {
    let context: EncryptionContext = [("purpose", "test"), ("Department", "IT")].into_iter().collect();
    assert_eq!(additional_data(&context), documented("additional data of the custom key store"));
}

#[test]
fn blobs_of_both_kinds_of_store_are_as_documented() {
    let inner = documented("ciphertext blob");
    for (name, kind, metadata) in [
        ("ciphertext blob of an HSM cluster", StoreKind::Hsm, b"".as_slice()),
        ("ciphertext blob of an external key store", StoreKind::Xks, b"v=1"),
    ] {
        let bytes = documented(name);
        let parts = OuterBlob::parse(&bytes).unwrap();
        assert_eq!((parts.kind, parts.metadata, parts.iv), (kind, metadata, [0xb6; 12].as_slice()));
        assert_eq!(parts.header, Header::parse(&inner).unwrap());
        assert_eq!(blob::header(&bytes), blob::header(&inner));
        assert_eq!(parts.encode().unwrap(), bytes);
        assert_eq!(opened(&parts), inner, "{name}");
    }
}

/// As a store opens it.
fn opened(blob: &OuterBlob<'_>) -> Vec<u8> {
    let key =
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &documented("key in the custom key store")).unwrap());
    let given = documented("additional data of the custom key store");
    let bound = match blob.kind {
        StoreKind::Hsm => given,
        StoreKind::Xks => with_metadata(&given, blob.metadata),
    };
    let mut sealed = [blob.ciphertext, blob.tag].concat();
    let nonce = Nonce::try_assume_unique_for_key(blob.iv).unwrap();
    key.open_in_place(nonce, Aad::from(bound), &mut sealed).unwrap().to_vec()
}

//= xks: 2-byte big-endian length of the additional data, it, 1-byte length of the metadata, it
fn with_metadata(additional_data: &[u8], metadata: &[u8]) -> Vec<u8> {
    let lengths = (
        u16::try_from(additional_data.len()).unwrap().to_be_bytes(),
        [u8::try_from(metadata.len()).unwrap()],
    );
    [lengths.0.as_slice(), additional_data, lengths.1.as_slice(), metadata].concat()
}

fn additional_data(context: &EncryptionContext) -> Vec<u8> {
    let header = Header::parse(&documented("ciphertext blob")).unwrap();
    let place = KeyPlace {
        store: CustomKeyStoreId::from_random([0; 16]),
        key: OuterKey::External { id: String::new() },
    };
    let request = RequestMetadata {
        operation: "Encrypt",
        request_id: "",
        principal: "",
        key_arn: "",
        via_service: None,
        source_vpc: None,
        source_vpce: None,
    };
    Usage { header, place: &place, context: context.canonical(), request }.additional_data()
}

/// The bytes whose hexadecimal digits stand under `NAME =`.
fn documented(name: &str) -> Vec<u8> {
    let start = format!("{name} =");
    let lines = include_str!("../../../docs/formats.md").lines().skip_while(|line| *line != start).skip(1);
    let digits: String = lines.take_while(|line| line.starts_with("  ")).map(str::trim).collect();
    assert!(!digits.is_empty(), "`{name}` is not in the page");
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
