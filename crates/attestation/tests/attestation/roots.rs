//! The roots that documents are held against.

use crate::maker::{Chain, NOW};
use attestation::AttestationError::UnreadableRoots;
use attestation::Roots;

#[test]
fn roots_are_read_from_pem_and_from_der() {
    let chain = Chain::new();
    let document = chain.signed(&chain.document());
    assert!(Roots::from_der(&chain.certificates[0]).unwrap().verify(&document, NOW).is_ok());
    let commented = format!("AWS Nitro\n{}\n", chain.root_pem);
    assert!(Roots::from_pem(commented.as_bytes()).unwrap().verify(&document, NOW).is_ok());
    assert!(Roots::default().is_empty() && !chain.roots().is_empty());
}

#[test]
fn a_file_without_a_certificate_or_with_a_broken_one_is_refused() {
    let chain = Chain::new();
    let broken = chain.root_pem.replacen("MII", "MIA", 1);
    for text in ["", "hello", &broken, chain.root_pem.split_at(200).0, &chain.key.serialize_pem()] {
        assert!(matches!(Roots::from_pem(text.as_bytes()), Err(UnreadableRoots(_))), "{text}");
    }
    assert!(matches!(Roots::from_der(b""), Err(UnreadableRoots(_))));
}
