//! Tokens that hang, crash or fail: nobody waits long, nobody is told that it was the key or the ciphertext, nothing else suffers.

#![expect(clippy::unwrap_used, reason = "a request that fails fails the test")]

use crate::rig::{Key, Opened, Rig, TEXT, eventually};
use key_manager::Trouble;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_hang_kills_only_the_process_of_that_token_and_requests_go_to_the_other() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    let (one, two) = (rig.process("one").unwrap(), rig.process("two").unwrap());
    rig.faults("one * hang");
    let began = Instant::now();
    for _ in 0..50 {
        works(&opened).await;
    }
    // Each would have waited for half a second.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    eventually(async || rig.process("one").is_some_and(|now| now != one)).await;
    rig.faults("");
    opened.until_all_work().await;
    assert_eq!(rig.process("two"), Some(two));
}

#[tokio::test]
async fn a_process_that_hangs_is_killed_although_nobody_waits_any_more() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    opened.until_it_works("key").await;
    let one = rig.process("one").unwrap();
    rig.faults("one C_EncryptInit hang");
    // As the proxy's own deadline does.
    for _ in 0..4 {
        let _ = tokio::time::timeout(Duration::from_millis(50), opened.encrypt("key")).await;
    }
    rig.faults("");
    eventually(async || rig.process("one").is_some_and(|now| now != one)).await;
    opened.until_all_work().await;
}

#[tokio::test]
async fn where_all_hang_the_answer_comes_in_time_and_no_thread_is_blocked() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open_with(rig.quick_settings());
    opened.until_all_work().await;
    let encrypted = opened.encrypt("key").await.unwrap();
    rig.faults("* * hang");
    let ticks = Arc::new(AtomicU32::new(0));
    let ticking = tokio::spawn({
        let ticks = Arc::clone(&ticks);
        async move {
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                ticks.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let began = Instant::now();
    let opening = opened.decrypt("key", &encrypted).await;
    ticking.abort();
    assert_eq!(opening, Err(Trouble::TimedOut));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let ticks = ticks.load(Ordering::Relaxed);
    assert!(ticks >= 3, "{ticks}");
    rig.faults("");
    eventually(async || opened.decrypt("key", &encrypted).await.is_ok_and(|text| text == TEXT)).await;
}

#[tokio::test]
async fn a_process_that_is_killed_costs_no_request() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    for token in ["one", "two"] {
        let process = rig.process(token).unwrap();
        let handle = rustix::process::Pid::from_raw(process).unwrap();
        rustix::process::kill_process(handle, rustix::process::Signal::KILL).unwrap();
        for _ in 0..50 {
            works(&opened).await;
        }
        eventually(async || rig.process(token).is_some_and(|now| now != process)).await;
        opened.until_all_work().await;
    }
}

#[tokio::test]
async fn a_crash_in_a_call_costs_no_request() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    rig.faults("one C_Encrypt crash\none C_Decrypt crash");
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        works(&opened).await;
    }
    rig.faults("");
    opened.until_all_work().await;
}

#[tokio::test]
async fn a_token_that_is_removed_and_returned_costs_no_request() {
    let rig = Rig::with(&["one", "two"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    for faults in ["one * removed", "", "two * removed", ""] {
        rig.faults(faults);
        for _ in 0..30 {
            works(&opened).await;
        }
        if faults.is_empty() {
            opened.until_all_work().await;
        }
    }
}

#[tokio::test]
async fn what_a_token_has_is_never_told_as_if_it_were_the_keys_or_the_ciphertexts() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 1)]);
    let opened = rig.open();
    opened.until_all_work().await;
    let encrypted = opened.encrypt("key").await.unwrap();
    let mut troubles = 0;
    for value in FAULTS {
        for function in ["*", "C_EncryptInit", "C_Encrypt", "C_FindObjectsInit"] {
            rig.faults(&format!("* {function} error {value}"));
            if let Err(trouble) = opened.encrypt("key").await {
                assert_is_the_hsms(&trouble, value, function);
                troubles += 1;
            }
        }
        for function in ["*", "C_DecryptInit", "C_Decrypt", "C_FindObjects"] {
            rig.faults(&format!("* {function} error {value}"));
            if let Err(trouble) = opened.decrypt("key", &encrypted).await {
                assert_is_the_hsms(&trouble, value, function);
                troubles += 1;
            }
        }
        rig.faults("");
        opened.until_it_works("key").await;
    }
    assert!(troubles >= FAULTS.len(), "{troubles}");
}

fn assert_is_the_hsms(trouble: &Trouble, value: u64, function: &str) {
    let is = matches!(trouble, Trouble::Failed(_) | Trouble::TimedOut | Trouble::Busy);
    assert!(is, "{function} returned {value:#x}, which was told as {trouble:?}");
}

async fn works(opened: &Opened) {
    let encrypted = opened.encrypt("key").await.unwrap();
    assert_eq!(opened.decrypt("key", &encrypted).await.unwrap(), TEXT);
}

/// `CKR_HOST_MEMORY`, `CKR_GENERAL_ERROR`, `CKR_FUNCTION_FAILED`, `CKR_DEVICE_ERROR`, `CKR_DEVICE_MEMORY`, `CKR_DEVICE_REMOVED`,
/// `CKR_SESSION_CLOSED`, `CKR_SESSION_HANDLE_INVALID`, `CKR_TOKEN_NOT_PRESENT`, `CKR_USER_NOT_LOGGED_IN`, a vendor's own.
const FAULTS: [u64; 11] = [0x02, 0x05, 0x06, 0x30, 0x31, 0x32, 0xb0, 0xb3, 0xe0, 0x101, 0x8000_0001];
