//! What the process makes of a library that misbehaves, with SoftHSM behind it.

#![expect(clippy::unwrap_used, reason = "a test that finds something else than expected fails")]

#[expect(dead_code, reason = "shared by several test programs")]
mod support;

use pkcs11_api::{KeyLabel, KeyName, ObjectId, Refusal, ReturnValue};
use sidecar::{CallError, Limit};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Member, PIN, Sealed, SoftHsm};

#[tokio::test]
async fn a_wrong_tag_costs_no_session() {
    let faulty = Faulty::start(1).await;
    let sealed = faulty.sealed().await;
    faulty.inject("* C_OpenSession error 48\n* C_Login error 48\n");
    let mut wrong = sealed.clone();
    wrong.tag[0] ^= 1;
    for _ in 0..20 {
        assert_eq!(faulty.open(&wrong).await, Err(Refusal::InvalidCiphertext));
    }
    assert_eq!(faulty.open(&sealed).await.unwrap(), b"text");
}

#[tokio::test]
async fn a_fault_of_the_token_is_never_told_as_a_ciphertext_that_is_not_genuine() {
    let faulty = Faulty::start(2).await;
    let sealed = faulty.sealed().await;
    for (function, value) in
        [("C_Decrypt", 0x05), ("C_Decrypt", 0x06), ("C_Decrypt", 0x30), ("C_DecryptInit", 0x30)]
    {
        faulty.inject(&format!("* {function} error {value}\n"));
        // Which value it is depends on what the library made of the calls after it.
        let refused = faulty.open(&sealed).await;
        assert!(matches!(refused, Err(Refusal::DeviceError(_))), "{function} {value} {refused:?}");
    }
    faulty.inject("");
    assert_eq!(faulty.open(&sealed).await.unwrap(), b"text");
}

#[tokio::test]
async fn sessions_and_logins_that_the_token_forgot_are_got_back() {
    let faulty = Faulty::start(2).await;
    let sealed = faulty.sealed().await;
    // CKR_SESSION_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN, CKR_DEVICE_REMOVED, CKR_KEY_HANDLE_INVALID, CKR_CRYPTOKI_NOT_INITIALIZED.
    for value in [0xb3, 0x101, 0x32, 0x60, 0x190] {
        faulty.inject(&format!("* C_DecryptInit error {value}\n"));
        assert!(faulty.open(&sealed).await.is_err(), "{value:#x}");
        faulty.inject("");
        assert_eq!(faulty.open_in_time(&sealed).await, b"text", "{value:#x}");
        assert!(faulty.member.status().await.unwrap().logged_in, "{value:#x}");
    }
}

/// What is in another slot may hang.
#[tokio::test]
async fn the_status_of_a_token_that_is_where_it_was_is_asked_of_no_other_slot() {
    let faulty = Faulty::start(1).await;
    faulty.forget_calls();
    assert!(faulty.member.status().await.unwrap().logged_in);
    let calls = faulty.calls();
    let asked = |function: &str| calls.iter().filter(|call| call.contains(function)).count();
    assert_eq!((asked("C_GetTokenInfo"), asked("C_GetSlotList")), (1, 0), "{calls:?}");
}

#[tokio::test]
async fn a_login_ends_even_if_its_sessions_cannot_be_closed() {
    let faulty = Faulty::start(2).await;
    for faults in ["* C_CloseSession error 48\n", "* C_CloseSession error 48\n* C_Logout error 48\n"] {
        faulty.inject(faults);
        faulty.member.log_out().await.unwrap();
        faulty.inject("* C_CloseSession error 48\n");
        let refused = faulty.member.log_in("a wrong PIN").await.err();
        assert_eq!(refused, Some(Refusal::IncorrectPin), "{faults}");
        faulty.inject("");
        assert!(faulty.member.log_in(PIN).await.unwrap().logged_in, "{faults}");
    }
}

#[tokio::test]
async fn of_two_tokens_with_one_label_neither_gets_the_pin() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    hsm.make_token("one");
    let member = hsm.start("one", 1);
    assert_eq!(member.log_in(PIN).await.err(), Some(Refusal::TokenAbsent));
    assert_eq!(member.status().await.unwrap().serial, None);
}

#[tokio::test]
async fn a_token_that_was_removed_is_absent_and_serves_again_when_it_is_back() {
    let faulty = Faulty::start(2).await;
    let sealed = faulty.sealed().await;
    faulty.inject("* * removed\n");
    assert_eq!(faulty.open(&sealed).await, Err(Refusal::TokenAbsent));
    let status = faulty.member.status().await.unwrap();
    assert_eq!((status.serial, status.logged_in), (None, false));
    let began = Instant::now();
    assert_eq!(faulty.open(&sealed).await, Err(Refusal::TokenAbsent));
    assert!(began.elapsed() < Duration::from_millis(100), "an absent token is looked for at leisure");
    faulty.inject("");
    assert_eq!(faulty.open_in_time(&sealed).await, b"text");
}

#[tokio::test]
async fn a_library_that_hangs_or_crashes_takes_only_its_process_down() {
    let faulty = Faulty::start(2).await;
    let sealed = faulty.sealed().await;
    let limit = Limit::KillAfter(Duration::from_millis(400));
    for (fault, ends) in [("hang", CallError::Overdue), ("crash", CallError::Gone)] {
        faulty.inject(&format!("* C_GenerateRandom {fault}\n"));
        let random = pkcs11_api::Command::Random { length: 1 };
        let began = Instant::now();
        assert_eq!(faulty.member.client.call(&random, limit).await.err(), Some(ends), "{fault}");
        assert!(began.elapsed() < Duration::from_millis(800), "{fault}");
        faulty.inject("");
        assert_eq!(faulty.open_in_time_with_login(&sealed).await, b"text", "{fault}");
    }
}

#[tokio::test]
async fn a_key_that_is_known_costs_two_calls_to_encrypt_and_two_to_decrypt() {
    let faulty = Faulty::start(1).await;
    for name in [by_label(), ObjectId::new(ID).unwrap().into()] {
        let sealed = faulty.member.seal_named(name, b"data", b"text").await.unwrap();
        faulty.forget_calls();
        faulty.member.seal_named(name, b"data", &[7; 4096]).await.unwrap();
        assert_eq!(faulty.calls(), ["C_EncryptInit", "C_Encrypt"]);
        faulty.forget_calls();
        assert_eq!(faulty.member.open_named(name, b"data", &sealed).await.unwrap(), b"text");
        assert_eq!(faulty.calls(), ["C_DecryptInit", "C_Decrypt"]);
    }
}

#[tokio::test]
async fn a_key_that_is_missing_and_a_tag_that_is_wrong_cost_no_session_and_no_login() {
    let faulty = Faulty::start(1).await;
    let mut wrong = faulty.member.seal_named(by_label(), b"data", b"text").await.unwrap();
    wrong.tag[0] ^= 1;
    faulty.forget_calls();
    let opened = faulty.member.open_named(by_label(), b"data", &wrong).await;
    assert_eq!(opened, Err(Refusal::InvalidCiphertext));
    let missing = KeyLabel::new("another").unwrap().into();
    assert_eq!(faulty.member.seal_named(missing, b"", b"").await, Err(Refusal::KeyMissing));
    let calls = faulty.calls();
    assert!(calls.iter().any(|call| call == "C_FindObjectsInit"), "{calls:?}");
    for costly in ["C_OpenSession", "C_CloseSession", "C_Login", "C_Logout"] {
        assert!(!calls.iter().any(|call| call == costly), "{calls:?}");
    }
}

#[tokio::test]
async fn a_token_that_fails_to_look_for_a_key_is_not_one_that_lacks_it() {
    let faulty = Faulty::start(1).await;
    for (function, value) in [
        ("C_FindObjectsInit", 0x05),
        ("C_FindObjectsInit", 0x06),
        ("C_FindObjects", 0x30),
        ("C_GetAttributeValue", 0x05),
        ("C_GetAttributeValue", 0x30),
    ] {
        faulty.inject(&format!("* {function} error {value}\n"));
        let failed = Refusal::DeviceError(ReturnValue(value));
        assert_eq!(faulty.member.describe(by_label()).await, Err(failed), "{function} {value}");
        assert_eq!(faulty.member.find_named(by_label()).await, Err(failed), "{function} {value}");
        let sealed = faulty.member.seal_named(by_label(), b"", b"text").await;
        assert_eq!(sealed, Err(failed), "{function} {value}");
    }
    faulty.inject("* * removed\n");
    assert_eq!(faulty.member.describe(by_label()).await, Err(Refusal::TokenAbsent));
    faulty.inject("");
    faulty.in_time(async || faulty.member.describe(by_label()).await).await;
}

#[tokio::test]
async fn a_key_that_the_token_no_longer_allows_to_be_used_so_is_told_as_that() {
    let faulty = Faulty::start(1).await;
    let sealed = faulty.member.seal_named(by_label(), b"", b"text").await.unwrap();
    // CKR_KEY_FUNCTION_NOT_PERMITTED
    faulty.inject("* C_EncryptInit error 104\n* C_DecryptInit error 104\n");
    assert_eq!(faulty.member.seal_named(by_label(), b"", b"text").await, Err(Refusal::KeyUsage));
    assert_eq!(faulty.member.open_named(by_label(), b"", &sealed).await, Err(Refusal::KeyUsage));
}

/// A member whose library does as it is told.
struct Faulty {
    hsm: SoftHsm,
    member: Member,
}

impl Faulty {
    /// Logged in, with a key.
    async fn start(sessions: usize) -> Self {
        let hsm = SoftHsm::with_tokens(&["one"]);
        let mut program = hsm.program(library().to_str().unwrap(), "one", sessions);
        for (variable, file) in [("FAULTY_PKCS11_FAULTS", "faults"), ("FAULTY_PKCS11_CALLS", "calls")] {
            program.environment.push((variable.into(), hsm.directory.path().join(file).into()));
        }
        let member = Member::start(program);
        member.log_in(PIN).await.unwrap();
        member.generate(ID).await.unwrap();
        Self { hsm, member }
    }

    fn inject(&self, faults: &str) {
        let (aside, file) =
            (self.hsm.directory.path().join("faults.new"), self.hsm.directory.path().join("faults"));
        fs::write(&aside, faults).unwrap();
        fs::rename(aside, file).unwrap();
    }

    /// The calls of the library since they were forgotten.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.hsm.directory.path().join("calls")).unwrap();
        calls.lines().map(str::to_owned).collect()
    }

    fn forget_calls(&self) {
        fs::write(self.hsm.directory.path().join("calls"), "").unwrap();
    }

    async fn sealed(&self) -> Sealed {
        self.member.seal(ID, b"data", b"text").await.unwrap()
    }

    async fn open(&self, sealed: &Sealed) -> Result<Vec<u8>, Refusal> {
        self.member.open(ID, b"data", sealed).await
    }

    /// A token that was lost is looked for once a second.
    async fn open_in_time(&self, sealed: &Sealed) -> Vec<u8> {
        self.in_time(async || self.open(sealed).await).await
    }

    async fn in_time<T>(&self, mut ask: impl AsyncFnMut() -> Result<T, Refusal>) -> T {
        let began = Instant::now();
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(refusal) => assert!(began.elapsed() < Duration::from_secs(20), "{refusal:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn open_in_time_with_login(&self, sealed: &Sealed) -> Vec<u8> {
        while self.member.log_in(PIN).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.open_in_time(sealed).await
    }
}

/// The library, which nothing that is shipped depends on: it is built here, unless it is there and as new as its source.
fn library() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_cardea-pkcs11"));
    let library = program.ancestors().nth(2).unwrap().join("debug/libfaulty_pkcs11.so");
    let age = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/faulty-pkcs11/src");
    let newest = fs::read_dir(sources).unwrap().filter_map(|source| age(&source.unwrap().path())).max();
    if age(&library) < newest {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--offline", "--locked", "--package", "faulty-pkcs11"]);
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    library
}

/// As `Member::generate` labels it.
fn by_label() -> KeyName<'static> {
    KeyLabel::new("a KMS key").unwrap().into()
}

const ID: &[u8] = b"a backing key id";
