//! What keys are, and what is not done with them.

use crate::rig::{Key, Rig, TEXT};
use key_manager::{ExternalKeyId, Trouble};

#[tokio::test]
async fn what_is_not_aes_256_is_described_and_not_used() {
    let short = Key { length: 16, ..Key::aes("short", 1) };
    let secret = Key { kind: "GENERIC_SECRET", uses: "", ..Key::aes("secret", 1) };
    let rig = Rig::with(&["one", "two"], &[short, secret]);
    let opened = rig.open();
    opened.until_it_works("health").await;
    let encrypted = opened.encrypt("health").await.unwrap();
    for (key, spec) in [("short", "AES_128"), ("secret", "GENERIC_SECRET")] {
        let is = opened.session.describe(ExternalKeyId::new(key).unwrap()).await.unwrap();
        assert_eq!((is.spec.as_str(), is.is_enabled), (spec, true));
        assert_eq!(opened.encrypt(key).await.unwrap_err(), Trouble::InvalidKeyUsage);
        assert_eq!(opened.decrypt(key, &encrypted).await, Err(Trouble::InvalidKeyUsage));
    }
}

#[tokio::test]
async fn of_two_keys_of_one_label_none_is_used() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("twice", 1), Key::aes("twice", 2)]);
    let opened = rig.open();
    opened.until_it_works("health").await;
    let encrypted = opened.encrypt("health").await.unwrap();
    let described = opened.session.describe(ExternalKeyId::new("twice").unwrap()).await;
    assert_eq!(described, Err(Trouble::KeyNotFound));
    assert_eq!(opened.encrypt("twice").await.unwrap_err(), Trouble::KeyNotFound);
    assert_eq!(opened.decrypt("twice", &encrypted).await, Err(Trouble::KeyNotFound));
}

#[tokio::test]
async fn what_one_token_encrypted_the_other_opens() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    let members = [opened.encrypt("key").await.unwrap(), opened.encrypt("key").await.unwrap()];
    assert_ne!(members[0].member, members[1].member, "they take turns");
    rig.faults("one * removed");
    let encrypted = opened.encrypt("key").await.unwrap();
    assert_eq!(&*encrypted.member, "two");
    rig.faults("two * removed");
    crate::rig::eventually(async || opened.decrypt("key", &encrypted).await.is_ok_and(|text| text == TEXT))
        .await;
}

#[tokio::test]
async fn a_key_that_only_one_token_has_is_found_there() {
    let rig = Rig::with(&["one", "two"], &[]);
    rig.put("two", &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    for _ in 0..4 {
        assert_eq!(&*opened.encrypt("key").await.unwrap().member, "two");
    }
    // It was there: that nobody has it who can be asked does not mean that it is gone.
    rig.faults("two * removed");
    let trouble = opened.encrypt("key").await.unwrap_err();
    assert!(matches!(trouble, Trouble::Failed(_) | Trouble::TimedOut), "{trouble:?}");
    assert_eq!(opened.encrypt("never-seen").await.unwrap_err(), Trouble::KeyNotFound);
}

#[tokio::test]
async fn using_a_key_again_is_two_calls_of_the_library() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 1)]);
    let settings = key_manager_pkcs11::Settings { sessions: std::num::NonZeroUsize::MIN, ..rig.settings() };
    let opened = rig.open_with(settings);
    opened.until_it_works("key").await;
    let before = rig.calls().len();
    let encrypted = opened.encrypt("key").await.unwrap();
    assert_eq!(rig.calls()[before..], ["C_EncryptInit", "C_Encrypt"]);
    let before = rig.calls().len();
    opened.decrypt("key", &encrypted).await.unwrap();
    assert_eq!(rig.calls()[before..], ["C_DecryptInit", "C_Decrypt"]);
    let before = rig.calls().len();
    opened.session.describe(ExternalKeyId::new("key").unwrap()).await.unwrap();
    assert_eq!(rig.calls().len(), before);
}
