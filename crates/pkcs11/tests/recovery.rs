//! What happens when the PIN is wrong, the token or the library is away, and when they come back.

#![expect(clippy::unwrap_used, reason = "a test that finds something else than expected fails")]

#[expect(dead_code, reason = "shared by several test programs")]
mod direct;
#[expect(dead_code, reason = "shared by several test programs")]
mod support;

use pkcs11_api::Refusal;
use rustix::process::{Pid, Signal, kill_process};
use sidecar::{CallError, Limit, Supervisor, WhileDown};
use std::fs;
use std::time::{Duration, Instant};
use support::{LIBRARY, Member, PIN, SoftHsm};

#[tokio::test]
async fn a_wrong_pin_is_told_and_the_right_one_still_works() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 2);
    assert_eq!(one.seal(ID, b"", b"text").await, Err(Refusal::NotLoggedIn));
    for wrong in ["another-pin", "1", "user-pin-12345"] {
        assert_eq!(one.log_in(wrong).await, Err(Refusal::IncorrectPin));
        assert_eq!(one.generate(ID).await, Err(Refusal::NotLoggedIn));
    }
    let status = one.log_in(PIN).await.unwrap();
    assert!(status.logged_in);
    assert_eq!(one.log_in(PIN).await, Ok(status));
    assert_eq!(one.generate(ID).await, Ok(true));
    assert_eq!(one.log_in("another-pin").await, Err(Refusal::IncorrectPin));
    assert_eq!(one.find(ID).await, Err(Refusal::NotLoggedIn), "the old login survived");
}

#[tokio::test]
async fn a_user_without_a_pin_is_told() {
    if let Some(library) = direct::library() {
        return direct::make_token_without_user(&library, "bare");
    }
    let hsm = SoftHsm::with_tokens(&[]);
    direct::again(&hsm, "a_user_without_a_pin_is_told");
    assert_eq!(hsm.start("bare", 1).log_in(PIN).await, Err(Refusal::PinNotInitialised));
}

#[tokio::test]
async fn a_token_that_is_absent_is_told_and_is_found_once_it_is_there() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let two = hsm.start("two", 1);
    assert_eq!(two.log_in(PIN).await, Err(Refusal::TokenAbsent));
    let status = two.status().await.unwrap();
    assert_eq!((status.serial, status.logged_in, status.sessions), (None, false, 0));
    hsm.make_token("two");
    assert!(two.log_in(PIN).await.unwrap().logged_in);
}

#[tokio::test]
async fn a_library_that_is_missing_or_is_none_is_told() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    for library in ["/nowhere/libhsm.so", "/lib/x86_64-linux-gnu/libm.so.6", "/etc/passwd"] {
        let one = Member::start(hsm.program(library, "one", 1));
        assert_eq!(one.log_in(PIN).await, Err(Refusal::LibraryUnavailable), "{library}");
        assert_eq!(one.status().await, Err(Refusal::LibraryUnavailable), "{library}");
    }
}

#[tokio::test]
async fn status_tells_library_token_login_and_sessions() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 3);
    let before = one.status().await.unwrap();
    assert_eq!((before.manufacturer.as_str(), before.logged_in, before.sessions), ("SoftHSM", false, 0));
    assert!(before.serial.is_some());
    let after = one.log_in(PIN).await.unwrap();
    assert_eq!((after.serial, after.logged_in, after.sessions), (before.serial.clone(), true, 3));
    one.log_out().await.unwrap();
    assert_eq!(one.status().await, Ok(before));
    assert_eq!(one.random(1).await, Err(Refusal::NotLoggedIn));
}

#[tokio::test]
async fn a_token_that_was_away_is_used_again_without_another_login() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 2);
    one.log_in(PIN).await.unwrap();
    one.generate(ID).await.unwrap();
    let sealed = one.seal(ID, b"", b"text").await.unwrap();
    let aside = hsm.directory.path().join("aside");
    fs::rename(hsm.tokens(), &aside).unwrap();
    fs::create_dir(hsm.tokens()).unwrap();
    let refused = until(async || one.find(ID).await.err()).await;
    assert!(matches!(refused, Refusal::TokenAbsent | Refusal::DeviceError(_)), "{refused:?}");
    assert!(!one.status().await.unwrap().logged_in);
    fs::remove_dir(hsm.tokens()).unwrap();
    fs::rename(&aside, hsm.tokens()).unwrap();
    until(async || one.find(ID).await.ok()).await;
    assert_eq!(one.open(ID, b"", &sealed).await.unwrap(), b"text");
    assert_eq!(one.status().await.unwrap().sessions, 2);
}

#[tokio::test]
async fn after_a_crash_the_process_is_there_again_and_finds_the_keys_once_it_is_logged_in() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 2);
    one.log_in(PIN).await.unwrap();
    one.generate(ID).await.unwrap();
    let sealed = one.seal(ID, b"", b"text").await.unwrap();
    let pid = process_on(&hsm);
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    let refused = until(async || one.open(ID, b"", &sealed).await.err()).await;
    assert_eq!(refused, Refusal::NotLoggedIn);
    assert_ne!(process_on(&hsm), pid);
    one.log_in(PIN).await.unwrap();
    assert_eq!(one.open(ID, b"", &sealed).await.unwrap(), b"text");
}

#[tokio::test]
async fn a_process_that_hangs_is_killed_within_the_limit_and_replaced() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    let pid = process_on(&hsm);
    kill_process(Pid::from_raw(pid).unwrap(), Signal::STOP).unwrap();
    let began = Instant::now();
    let limit = Limit::KillAfter(Duration::from_millis(500));
    let overdue = one.client.call(&pkcs11_api::Command::Status, limit).await;
    assert_eq!(overdue.err(), Some(CallError::Overdue));
    assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
    assert!(one.log_in(PIN).await.unwrap().logged_in);
    assert_ne!(process_on(&hsm), pid);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_waited_for_and_calls_fail_at_once_meanwhile() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let mut program = hsm.program(LIBRARY, "one", 1);
    let real = std::mem::replace(&mut program.path, hsm.directory.path().join("cardea-pkcs11"));
    let link = program.path.clone();
    let (supervisor, mut connectors) = Supervisor::start_in_time(program, 1).unwrap();
    let one = Member { client: connectors.pop().unwrap().connect(WhileDown::Fail), supervisor };
    let limit = Limit::KillAfter(Duration::from_secs(5));
    let began = Instant::now();
    assert_eq!(one.client.call(&pkcs11_api::Command::Status, limit).await.err(), Some(CallError::Gone));
    assert!(began.elapsed() < Duration::from_millis(50));
    std::os::unix::fs::symlink(real, link).unwrap();
    assert!(one.log_in(PIN).await.unwrap().logged_in);
}

#[tokio::test]
async fn the_process_is_fenced_and_has_the_environment_that_it_was_given_and_no_other() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    let pid = process_on(&hsm);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.lines().any(|line| line == "NoNewPrivs:\t1"));
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // Of a process that is not dumpable, all files are root's.
    use std::os::unix::fs::MetadataExt;
    assert_eq!(fs::metadata(format!("/proc/{pid}/mem")).unwrap().uid(), 0);
    if let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) {
        let names: Vec<_> = environment.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).collect();
        assert!(matches!(names.as_slice(), [only] if only.starts_with(b"SOFTHSM2_CONF=")));
    }
    one.supervisor.stop();
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
}

/// Asks again and again, for no longer than a few seconds.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it does not come about");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The running process whose SoftHSM that is; its parent is this one.
fn process_on(hsm: &SoftHsm) -> i32 {
    let own = std::process::id().to_string();
    let children = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse::<i32>().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let is_ours = status.lines().any(|line| line == format!("PPid:\t{own}"));
        let runs = status.lines().any(|line| line == "Name:\tcardea-pkcs11") && !status.contains("State:\tZ");
        (is_ours && runs).then_some(pid)
    });
    let children: Vec<i32> = children.collect();
    assert_eq!(children.len(), 1, "{} {children:?}", hsm.directory.path().display());
    children.first().copied().unwrap()
}

const ID: &[u8] = b"a backing key id";
