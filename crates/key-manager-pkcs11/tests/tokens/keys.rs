//! What keys are, and what is not done with them.

use crate::rig::{Key, Rig, TEXT};
use key_manager::{ExternalKeyId, HealthStatus, KeyManager as _, Trouble};
use key_manager_pkcs11::{OpenError, Pkcs11KeyManager, Settings};

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
    let settings = Settings { sessions: std::num::NonZeroUsize::MIN, ..rig.settings() };
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

#[tokio::test]
async fn every_worker_has_a_session_of_its_own_and_one_too_many_does_nothing() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 1)]);
    let key_manager =
        Pkcs11KeyManager::open(rig.settings(), crate::programs::program("cardea-pkcs11"), 2).unwrap();
    let sessions = [key_manager.session(0), key_manager.session(1)];
    let key = ExternalKeyId::new("key").unwrap();
    for session in &sessions {
        crate::rig::eventually(async || session.encrypt(key, TEXT, b"").await.is_ok()).await;
    }
    for worker in [0, 2] {
        let session = key_manager.session(worker);
        assert!(matches!(session.encrypt(key, TEXT, b"").await, Err(Trouble::Failed(_))));
        assert!(matches!(session.describe(key).await, Err(Trouble::Failed(_))));
        assert_eq!(session.health().await.members[0].status, HealthStatus::Unavailable);
    }
}

#[tokio::test]
async fn more_than_the_tokens_are_given_at_once_is_not_supported() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_it_works("key").await;
    let (key, long) = (ExternalKeyId::new("key").unwrap(), vec![7; 16 * 1024]);
    assert!(opened.session.encrypt(key, &long, b"").await.is_ok());
    let longer = vec![7; 16 * 1024 + 1];
    for (plaintext, additional_data) in [(&longer, &long[..8192]), (&long, &long)] {
        let trouble = opened.session.encrypt(key, plaintext, additional_data).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Unsupported(_)), "{trouble:?}");
    }
}

#[test]
fn a_pin_that_cannot_be_had_is_told_before_anything_starts() {
    let rig = Rig::with(&["one"], &[]);
    let open = |settings| Pkcs11KeyManager::open(settings, "/nowhere".into(), 1).map(drop);
    let gone = Settings { pin_file: rig.path("gone"), ..rig.settings() };
    assert!(matches!(open(gone), Err(OpenError::PinFile { .. })));
    std::fs::write(rig.path("pin"), "\n").unwrap();
    assert!(matches!(open(rig.settings()), Err(OpenError::Pin)));
}
