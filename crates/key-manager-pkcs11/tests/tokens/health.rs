//! Health as the tokens really are.

use crate::rig::{self, Key, Opened, Rig, eventually};
use key_manager::HealthStatus::{self, Active, Degraded, Unavailable};

#[tokio::test]
async fn a_token_that_is_removed_is_unavailable_and_active_again_when_it_is_back() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    let health = opened.session.health().await;
    assert!(health.vendor.contains("SoftHSM"), "{health:?}");
    assert!(health.members.iter().all(|member| member.model.contains("2.")), "{health:?}");
    let ids: Vec<_> = health.members.iter().map(|member| member.id.as_str()).collect();
    assert_eq!(ids, ["one", "two"]);
    rig.faults("two * removed");
    assert_eq!(statuses(&opened).await, [Active, Unavailable]);
    opened.encrypt("key").await.unwrap();
    rig.faults("");
    eventually(async || statuses(&opened).await == [Active, Active]).await;
}

#[tokio::test]
async fn a_token_that_is_slow_is_degraded() {
    let rig = Rig::with(&["one", "two"], &[]);
    let opened = rig.open();
    opened.until_all_work().await;
    rig.faults("two C_Encrypt delay 350\ntwo C_Decrypt delay 350");
    assert_eq!(statuses(&opened).await, [Active, Degraded]);
}

#[tokio::test]
async fn a_token_without_the_test_key_or_with_another_pin_is_unavailable() {
    let rig = Rig::with(&["one"], &[]);
    let settings = key_manager_pkcs11::Settings { test_key: "other".to_owned(), ..rig.settings() };
    let opened = rig.open_with(settings);
    opened.until_it_works("health").await;
    assert_eq!(statuses(&opened).await, [Unavailable]);
    std::fs::write(rig.path("pin"), "7654321").unwrap();
    drop(opened);
    let before = logins(&rig);
    let opened = rig.open();
    eventually(async || logins(&rig) > before).await;
    for _ in 0..20 {
        assert_eq!(statuses(&opened).await, [Unavailable]);
        assert!(opened.encrypt("health").await.is_err());
    }
    assert_eq!(logins(&rig), before + 1, "a PIN that was refused is not tried again");
    // It is asked for in the file, and another one there is tried.
    std::fs::write(rig.path("pin"), rig::PIN).unwrap();
    opened.until_all_work().await;
}

#[tokio::test]
async fn a_library_that_is_not_there_is_no_reason_not_to_start_and_is_told() {
    let rig = Rig::with(&["one"], &[]);
    let settings = key_manager_pkcs11::Settings { library: "/nowhere.so".into(), ..rig.settings() };
    let opened = rig.open_with(settings);
    assert_eq!(statuses(&opened).await, [Unavailable]);
    assert!(matches!(
        opened.encrypt("health").await,
        Err(key_manager::Trouble::Failed(_) | key_manager::Trouble::TimedOut)
    ));
}

fn logins(rig: &Rig) -> usize {
    rig.calls().iter().filter(|call| *call == "C_Login").count()
}

async fn statuses(opened: &Opened) -> Vec<HealthStatus> {
    opened.session.health().await.members.into_iter().map(|member| member.status).collect()
}
