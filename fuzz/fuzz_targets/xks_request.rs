//! Whatever a body of the XKS proxy API says, its reader does not panic, takes nothing over a limit, and refuses in words that can be told.
//!
//! The first byte of an input is which call it is of, the rest the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xks_api::{
    DecryptRequest, EncryptRequest, IV_LENGTHS, Invalid, Limits, MOST_CIPHERTEXT_METADATA, Operation,
    PlainRequest, bound_data,
};

fuzz_target!(|data: &[u8]| {
    let Some((call, body)) = data.split_first() else { return };
    let refused = match call % 4 {
        0 => EncryptRequest::parse(body, LIMITS).map(|request| {
            assert!((1..=LIMITS.plaintext).contains(&request.plaintext.len()));
            is_bound(&request.additional_data, &[]);
        }),
        1 => DecryptRequest::parse(body, LIMITS).map(|request| {
            assert!((1..=LIMITS.plaintext).contains(&request.ciphertext.len()));
            assert!(IV_LENGTHS.contains(&request.iv.len()));
            is_bound(&request.additional_data, &request.ciphertext_metadata);
        }),
        2 => PlainRequest::parse(body, Operation::GetKeyMetadata).map(drop),
        _ => PlainRequest::parse(body, Operation::GetHealthStatus).map(drop),
    };
    if let Err(Invalid { error, message }) = refused {
        assert!(["ValidationException", "UnsupportedOperationException"].contains(&error.as_str()));
        assert!((1..512).contains(&message.len()));
        assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
});

fn is_bound(additional_data: &[u8], metadata: &[u8]) {
    assert!(additional_data.len() <= LIMITS.additional_data && metadata.len() <= MOST_CIPHERTEXT_METADATA);
    let bound = bound_data(additional_data, metadata).expect("what is within the limits can be bound");
    assert_eq!(bound.len(), 3 + additional_data.len() + metadata.len());
}

const LIMITS: Limits = Limits { plaintext: 4300, additional_data: 8192 };
