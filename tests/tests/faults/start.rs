//! What a start finds: another process, a port that is taken, files that are damaged, gone or open to others. It serves, or it says in
//! one line what is wrong and exits with 1; it never makes a key anew for one that is there.

use blackbox::{Caller, Environment, Server, program, run};
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_first_is_unharmed() {
    let server = Server::start();
    let key = server.create_key();
    let said = refused(&serve(&server.data(), &["--listen", "127.0.0.1:0"]));
    assert!(said.contains(&*server.data().to_string_lossy()), "{said}");
    assert!(said.contains(&format!("in use by process {}", server.pid())), "{said}");
    assert_eq!(server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).status, 200);
    server.restart();
    assert_eq!(server.call("DescribeKey", &json!({"KeyId": key})).status, 200);
}

#[test]
fn a_store_that_another_process_holds_is_refused_by_its_directory() {
    let server = Server::start();
    let key = server.create_key();
    assert!(server.terminate().success());
    let store = server.data().join("store");
    let holder = storage::Embedded::open(&store, &storage::Options::default()).unwrap();
    let said = server.try_start_again().unwrap_err();
    assert!(said.contains("exit status: 1") && said.contains(&*store.to_string_lossy()), "{said}");
    drop(holder);
    server.start_again();
    assert_eq!(server.call("DescribeKey", &json!({"KeyId": key})).status, 200);
}

#[test]
fn a_port_that_is_taken_is_refused_by_its_number_and_the_first_server_is_unharmed() {
    let server = Server::start();
    let address = server.https().strip_prefix("https://").unwrap().to_owned();
    let other = server.scratch().join("other");
    let said = refused(&serve(&other, &["--listen", &address]));
    assert!(said.contains(&format!("cannot listen on `{address}`")), "{said}");
    let http = server.http().to_string();
    let said = refused(&serve(&other, &["--listen", "127.0.0.1:0", "--http", &http]));
    assert!(said.contains(&format!("cannot listen on `{http}`")), "{said}");
    assert_eq!(server.call("ListKeys", &json!({})).status, 200);
}

#[test]
fn plain_http_for_others_is_refused_before_anything_is_made() {
    let outside = tempfile::tempdir().unwrap();
    let data = outside.path().join("data");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let said = refused(&serve(&data, &["--listen", "127.0.0.1:0", "--http", address]));
        assert!(said.contains("loopback") && said.contains(address), "{said}");
    }
    assert!(!data.exists());
}

#[test]
fn a_root_env_that_was_taken_away_stays_away_and_its_credentials_go_on() {
    let server = Server::start();
    let key = server.create_key();
    fs::remove_file(server.data().join("root.env")).unwrap();
    server.restart();
    assert!(!server.data().join("root.env").exists());
    assert_eq!(server.call("DescribeKey", &json!({"KeyId": key})).status, 200);
}

#[test]
fn a_seal_key_that_others_may_read_is_refused_until_it_is_closed_to_them() {
    let server = Server::start();
    let key = server.create_key();
    assert!(server.terminate().success());
    let seal = server.data().join("module/seal.key");
    for mode in [0o644, 0o640, 0o604] {
        fs::set_permissions(&seal, Permissions::from_mode(mode)).unwrap();
        let said = server.try_start_again().unwrap_err();
        assert!(said.contains("exit status: 1") && said.contains(&format!("has mode 0{mode:o}")), "{said}");
        assert!(said.contains(&*seal.to_string_lossy()), "{said}");
    }
    fs::set_permissions(&seal, Permissions::from_mode(0o600)).unwrap();
    server.start_again();
    assert_eq!(server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).status, 200);
}

#[test]
fn a_key_of_the_module_that_is_gone_or_damaged_is_never_made_anew() {
    let server = Server::start();
    let key = server.create_key();
    assert!(server.terminate().success());
    for name in ["module/seal.key", "module/domain.sealed"] {
        let file = server.data().join(name);
        let content = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let said = server.try_start_again().unwrap_err();
        assert!(said.contains("exit status: 1") && said.contains(name), "{said}");
        assert!(!file.exists(), "{name} was made anew");
        let mut damaged = content.clone();
        *damaged.last_mut().unwrap() ^= 1;
        write_private(&file, &damaged);
        let said = server.try_start_again().unwrap_err();
        assert!(said.contains("exit status: 1") && said.contains("damaged"), "{said}");
        write_private(&file, &content);
    }
    server.start_again();
    assert_eq!(server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).status, 200);
}

#[test]
fn a_damaged_journal_is_refused_by_the_file_that_is_damaged() {
    let server = Server::start();
    for _ in 0..5 {
        let _ = server.create_key();
    }
    assert!(server.terminate().success());
    let file = fs::read_dir(server.data().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .min()
        .unwrap();
    let whole = fs::read(&file).unwrap();
    let at = whole.windows(11).position(|window| window == b"\"CreateKey\"").unwrap();
    let mut damaged = whole.clone();
    damaged[at + 1] = b'X';
    fs::write(&file, &damaged).unwrap();
    let said = server.try_start_again().unwrap_err();
    assert!(said.contains("exit status: 1") && said.contains(&*file.to_string_lossy()), "{said}");
    let verified = server.cardea(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(1));
    assert_eq!(fs::read(&file).unwrap(), damaged, "nothing is repaired in silence");
    fs::write(&file, whole).unwrap();
    server.start_again();
}

#[test]
fn a_store_that_is_no_store_is_refused_by_its_file_and_left_alone() {
    let server = Server::start();
    let _ = server.create_key();
    assert!(server.terminate().success());
    let file = server.data().join("store/store.db");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, "this is no database at all, but somebody's letter".repeat(100)).unwrap();
    let said = server.try_start_again().unwrap_err();
    assert!(said.contains("exit status: 1") && said.contains(&*file.to_string_lossy()), "{said}");
    assert!(fs::read(&file).unwrap().starts_with(b"this is no database"));
    fs::write(&file, whole).unwrap();
    server.start_again();
}

#[test]
fn a_security_module_that_is_not_there_or_not_one_is_named() {
    let outside = tempfile::tempdir().unwrap();
    for (module, about) in
        [("/nowhere/cardea-module", "/nowhere/cardea-module"), ("/bin/true", "security module")]
    {
        let config = outside.path().join("cardea.toml");
        fs::write(&config, format!("[module]\nprogram = \"{module}\"\n")).unwrap();
        let words = ["--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()];
        let said = refused(&serve(&outside.path().join("data"), &words));
        assert!(said.contains(about), "{said}");
    }
}

#[test]
fn a_setting_that_does_not_exist_is_named() {
    let outside = tempfile::tempdir().unwrap();
    let config = outside.path().join("cardea.toml");
    fs::write(&config, "[limits]\nbody_byte = 1\n").unwrap();
    let words = ["--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()];
    let said = refused(&serve(&outside.path().join("data"), &words));
    assert!(said.contains("body_byte") && said.contains(&*config.to_string_lossy()), "{said}");
}

#[test]
fn accounts_are_made_beside_a_running_service_and_without_one_and_see_nothing_of_each_other() {
    let server = Server::start();
    let beside = server.create_account();
    assert!(server.terminate().success());
    let without = server.create_account();
    server.start_again();
    let root = server.root().clone();
    let keys: Vec<(&Caller, String)> =
        [&root, &beside, &without].into_iter().map(|caller| (caller, server.create_key_as(caller))).collect();
    for (caller, own) in &keys {
        assert_eq!(server.call_as(caller, "DescribeKey", &json!({"KeyId": own})).status, 200);
        let listed = server.call_as(caller, "ListKeys", &json!({})).output();
        assert_eq!(listed["Keys"].as_array().unwrap().len(), 1);
        for (_, other) in keys.iter().filter(|(_, key)| key != own) {
            let input = json!({"KeyId": other, "Plaintext": "YQ=="});
            assert_eq!(server.call_as(caller, "Encrypt", &input).error(), "AccessDeniedException");
        }
    }
}

#[test]
fn an_account_for_a_directory_without_a_service_s_data_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let nowhere = outside.path().join("nowhere");
    let output = run(&["admin", "account", "create", "--data", nowhere.to_str().unwrap()]);
    assert!(refused(&output).contains("nowhere"));
    assert!(output.stdout.is_empty() && !nowhere.exists());
}

#[test]
fn credentials_go_to_nobody_but_the_file_s_owner_and_whoever_made_the_account() {
    let server = Server::start();
    assert_eq!(fs::metadata(server.data().join("root.env")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(server.data()).unwrap().permissions().mode() & 0o777, 0o700);
    let made = server.cardea(&["admin", "account", "create"]);
    let environment = Environment::parse(&String::from_utf8(made.stdout).unwrap());
    let secret = environment.required("AWS_SECRET_ACCESS_KEY");
    assert!(secret.len() >= 40);
    assert!(!server.log().contains(secret) && made.stderr.is_empty());
}

/// `cardea serve` to its end, which must come by itself.
fn serve(data: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program("cardea"));
    command.arg("serve").arg("--data").arg(data).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let begun = Instant::now();
    while process.try_wait().unwrap().is_none() {
        if begun.elapsed() > BOUND {
            process.kill().unwrap();
            panic!("it serves, and should not");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    process.wait_with_output().unwrap()
}

/// The one line that says why, of a command that exited with 1.
#[track_caller]
fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let reasons: Vec<&str> = said.lines().filter(|line| line.starts_with("cardea: ")).collect();
    assert_eq!(reasons.len(), 1, "{said}");
    reasons[0].to_owned()
}

fn write_private(file: &Path, content: &[u8]) {
    fs::write(file, content).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

const BOUND: Duration = Duration::from_secs(20);
