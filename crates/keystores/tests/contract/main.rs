//! The contract of places where keys are: the same statements of keys in the security module alone, in an HSM cluster, and in an external
//! key manager. What is behind is real: the module's process, two tokens of SoftHSM, and an XKS proxy over TLS.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "statements of a contract: what is not as expected fails the test"
)]

mod place;
mod statements;
#[path = "../support/mod.rs"]
mod support;

use place::{Kind, Place};

/// A test for each statement that is true of all kinds of places.
macro_rules! of_every_place {
    ($($statement:ident)*) => {
        mod native {
            $(#[tokio::test] async fn $statement() { super::hold(super::Kind::Native, super::statements::$statement).await })*
        }
        mod pkcs11 {
            $(#[tokio::test] async fn $statement() { super::hold(super::Kind::Pkcs11, super::statements::$statement).await })*
        }
        mod xks {
            $(#[tokio::test] async fn $statement() { super::hold(super::Kind::Xks, super::statements::$statement).await })*
        }
    };
}

of_every_place! {
    what_was_sealed_opens_from_the_shortest_to_the_longest
    two_ciphertexts_of_one_plaintext_differ
    another_context_does_not_open
    another_key_of_the_same_store_does_not_open
    a_key_made_anew_over_the_same_outer_key_does_not_open
    a_byte_changed_anywhere_does_not_open
    a_ciphertext_cut_or_lengthened_does_not_open
    data_keys_open_again
    what_is_encrypted_anew_from_and_to_a_native_key_opens
}

#[tokio::test]
async fn an_hsm_cluster_that_is_away_is_told_in_bounded_time_and_nothing_is_lost() {
    hold(Kind::Pkcs11, statements::away_is_told_in_bounded_time_and_nothing_is_lost).await;
}

#[tokio::test]
async fn a_key_manager_that_is_away_is_told_in_bounded_time_and_nothing_is_lost() {
    hold(Kind::Xks, statements::away_is_told_in_bounded_time_and_nothing_is_lost).await;
}

async fn hold(kind: Kind, statement: impl AsyncFn(&Place)) {
    let place = Place::new(kind).await;
    statement(&place).await;
}
