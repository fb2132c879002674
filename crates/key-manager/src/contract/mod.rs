//! The contract: statements that are true of every key manager. A key manager's tests are one line: `contract::run(&bench).await`.
//!
//! It knows no key manager, no runtime and no network, and asks for nothing that an HSM or a server far away could not do.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a statement that does not hold fails by a panic, as tests do"
)]

mod bench;
mod statements;

pub use bench::Bench;

use crate::Work;

/// Holds a key manager to all of them, one after the other. The name of each is on standard error before it begins.
///
/// # Panics
///
/// One does not hold.
pub async fn run(bench: &Bench) {
    for (name, statement) in ALL {
        eprintln!("contract: {name}");
        statement(bench).await;
    }
}

/// A statement: it panics if it does not hold.
pub type Statement = for<'a> fn(&'a Bench) -> Work<'a, ()>;

macro_rules! all {
    ($($name:ident)*) => {
        /// All statements, by their names.
        pub const ALL: &[(&str, Statement)] = &[$((stringify!($name), |bench| Box::pin(statements::$name(bench)))),*];
    };
}

all! {
    what_was_encrypted_opens_from_nothing_to_the_longest
    additional_data_may_be_nothing_or_the_longest
    every_part_of_a_ciphertext_has_its_length
    two_ciphertexts_of_one_plaintext_have_nothing_random_in_common
    a_bit_changed_anywhere_does_not_open
    other_additional_data_does_not_open
    a_part_cut_or_lengthened_does_not_open
    bytes_moved_between_ciphertext_and_tag_do_not_open
    metadata_given_as_additional_data_does_not_open
    parts_of_two_ciphertexts_do_not_open_together
    another_key_does_not_open
    additional_data_whose_length_cannot_be_bound_is_not_supported
    an_unknown_key_is_not_found
    a_good_key_is_described
    a_disabled_key_does_nothing_and_says_so
    a_key_for_encryption_does_not_decrypt
    a_key_for_decryption_does_not_encrypt
    many_at_once_get_each_their_own
    a_request_that_is_given_up_harms_no_other
    health_names_one_to_ten_members_that_are_active
}
