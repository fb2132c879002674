//! The contract of key managers, held with one token and with two.

use crate::rig::{Key, Rig};
use key_manager::contract::{self, Bench};
use std::rc::Rc;

#[tokio::test]
async fn one_token_keeps_the_contract() {
    hold(&["one"]).await;
}

#[tokio::test]
async fn two_tokens_keep_the_contract() {
    hold(&["one", "two"]).await;
}

async fn hold(tokens: &[&str]) {
    let keys = [
        Key::aes("key", 1),
        Key::aes("other.key_2", 2),
        Key { last_day: "2020-02-29", ..Key::aes("disabled", 1) },
        Key { uses: "ENCRYPT", ..Key::aes("encrypts", 3) },
        Key { uses: "DECRYPT", ..Key::aes("decrypts", 4) },
    ];
    let rig = Rig::with(tokens, &keys);
    let opened = rig.open();
    opened.until_all_work().await;
    let bench = Bench {
        session: Rc::clone(&opened.session),
        key: "key".to_owned(),
        other_key: "other.key_2".to_owned(),
        unknown_key: "unknown".to_owned(),
        disabled_key: Some("disabled".to_owned()),
        encrypt_only_key: Some("encrypts".to_owned()),
        decrypt_only_key: Some("decrypts".to_owned()),
    };
    contract::run(&bench).await;
}
