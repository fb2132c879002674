//! The rules that every operation must keep, asked of the real processes: agreement with the public service model, the
//! ratchets over the registry, and what bad input comes to.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails its test"
)]

mod access;
mod access_changes;
mod access_conditions;
mod access_grants;
mod access_policies;
mod account;
mod aliases;
mod api;
mod asymmetric_encryption;
mod attestation;
mod ciphertexts;
mod concurrency;
mod cryptography;
mod custom_key_stores;
mod custom_store_keys;
mod data_key_pairs;
mod deletion;
mod denial;
mod dry_run;
mod explain;
mod grants;
mod iam_roles;
mod iam_users;
mod identifiers;
mod import;
mod key_last_usage;
mod key_specs;
mod key_states;
mod lifecycle;
mod limits;
mod metrics;
mod model;
mod multi_region;
mod outputs;
mod pages;
mod policies;
mod protocol;
mod query_limits;
mod records;
mod red_team;
mod red_team_keys;
mod red_team_stores;
mod requests;
mod rotation;
mod services;
mod signatures;
mod sts;
mod tags;
mod web_identities;
