//! Full disks, real ones: a file system of a few megabytes, mounted in a world of mounts that belongs to the test alone.

use blackbox::{Answer, Server, program};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_journal_that_is_full_refuses_calls_before_they_do_anything_and_goes_on_when_there_is_room() {
    in_mounts_of_our_own("disk::a_journal_that_is_full", || {
        let server = Server::builder().config("[journal]\nsegment_bytes = 1048576\n").start();
        let key = server.create_key();
        put_on_small_disk(&server, "journal", "3m");
        let acknowledged = create_until_refused(&server);
        refuses_everything(&server, &key);
        resize(&server, "journal", "64m");
        await_service(&server, &key);
        let mut expected = acknowledged.keys;
        expected.insert(id_of(&key));
        assert_eq!(keys_of(&server), expected, "what was refused was not done, what was not is there");
        on_record(&server, &acknowledged.request_ids);
        server.restart();
        assert_eq!(keys_of(&server), expected);
    });
}

#[test]
fn a_store_that_is_full_refuses_changes_whole_and_serves_the_rest_and_goes_on_when_there_is_room() {
    in_mounts_of_our_own("disk::a_store_that_is_full", || {
        let server = Server::start();
        let key = server.create_key();
        put_on_small_disk(&server, "store", "3m");
        let acknowledged = create_until_refused(&server);
        for _ in 0..10 {
            is_internal_failure(&create(&server));
            let described = server.call("DescribeKey", &json!({"KeyId": key}));
            assert_eq!(described.status, 200, "{}", described.text());
            encrypts_and_decrypts(&server, &key);
        }
        let mut expected = acknowledged.keys.clone();
        expected.insert(id_of(&key));
        assert_eq!(keys_of(&server), expected);
        resize(&server, "store", "64m");
        await_change(&server, &key);
        server.restart();
        assert_eq!(keys_of(&server), expected);
        on_record(&server, &acknowledged.request_ids);
    });
}

#[test]
fn a_service_killed_with_its_disks_full_comes_up_again_when_there_is_room() {
    in_mounts_of_our_own("disk::a_service_killed_with_its_disks_full", || {
        let server = Server::builder().config("[journal]\nsegment_bytes = 1048576\n").start();
        let key = server.create_key();
        put_on_small_disk(&server, "", "8m");
        let acknowledged = create_until_refused(&server);
        server.kill();
        resize(&server, "", "64m");
        server.start_again();
        let mut expected = acknowledged.keys;
        expected.insert(id_of(&key));
        assert_eq!(keys_of(&server), expected);
        on_record(&server, &acknowledged.request_ids);
        await_service(&server, &key);
    });
}

/// Runs the test again as its own process, in a user and a mount namespace of its own, and there `body`.
fn in_mounts_of_our_own(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    // Built before, as nothing is to be built in there.
    let _ = program("cardea");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]);
    command.arg(std::env::current_exe().unwrap());
    command.args([test, "--nocapture"]).env(INSIDE, "1").stdin(Stdio::null());
    let output = command.output().expect("unshare is there");
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Moves a directory of the data directory to a disk of that size.
fn put_on_small_disk(server: &Server, name: &str, size: &str) {
    assert!(server.terminate().success());
    let directory = server.data().join(name);
    let aside = server.scratch().join("aside");
    std::fs::rename(&directory, &aside).unwrap();
    std::fs::create_dir(&directory).unwrap();
    sh(
        r#"mount -t tmpfs -o "size=$1,mode=0700" tmpfs "$2" && cp -a "$3/." "$2""#,
        &[size, &path(&directory), &path(&aside)],
    );
    server.start_again();
}

fn resize(server: &Server, name: &str, size: &str) {
    // Not with the options as they are shown: they name the user's id outside, which is nobody's in here.
    sh(
        r#"mount --options-source disable -o "remount,size=$1" "$2""#,
        &[size, &path(&server.data().join(name))],
    );
}

fn sh(script: &str, arguments: &[&str]) {
    let status = Command::new("sh").args(["-c", script, "sh"]).args(arguments).status().unwrap();
    assert!(status.success(), "{script} {arguments:?}");
}

struct Acknowledged {
    keys: BTreeSet<String>,
    request_ids: BTreeSet<String>,
}

/// Creates keys with long descriptions until nothing fits any more: a store that is refused one folds its log, and finds a little room.
fn create_until_refused(server: &Server) -> Acknowledged {
    let mut acknowledged = Acknowledged { keys: BTreeSet::new(), request_ids: BTreeSet::new() };
    let mut refused_in_a_row = 0;
    for _ in 0..MORE_THAN_FIT {
        let answer = create(server);
        if answer.status == 200 {
            acknowledged.keys.insert(id_of(answer.output()["KeyMetadata"]["Arn"].as_str().unwrap()));
            acknowledged.request_ids.insert(answer.header("x-amzn-requestid").unwrap().to_owned());
            refused_in_a_row = 0;
            continue;
        }
        is_internal_failure(&answer);
        refused_in_a_row += 1;
        if refused_in_a_row == ENOUGH {
            assert!(!acknowledged.keys.is_empty(), "nothing fits at all");
            return acknowledged;
        }
    }
    panic!("the disk is never full");
}

fn create(server: &Server) -> Answer {
    server.call("CreateKey", &json!({"Description": "d".repeat(8000)}))
}

/// Every kind of call is refused, in bounded time, and does nothing.
fn refuses_everything(server: &Server, key: &str) {
    for (operation, input) in [
        ("CreateKey", json!({})),
        ("DescribeKey", json!({"KeyId": key})),
        ("DisableKey", json!({"KeyId": key})),
        ("Encrypt", json!({"KeyId": key, "Plaintext": "YQ=="})),
        ("GenerateRandom", json!({"NumberOfBytes": 32})),
        ("ScheduleKeyDeletion", json!({"KeyId": key})),
    ] {
        let begun = Instant::now();
        is_internal_failure(&server.call(operation, &input));
        assert!(begun.elapsed() < BOUND, "{operation} took {:?}", begun.elapsed());
    }
}

#[track_caller]
fn is_internal_failure(answer: &Answer) {
    assert_eq!((answer.status, answer.error().as_str()), (500, "KMSInternalException"), "{}", answer.text());
}

fn await_service(server: &Server, key: &str) {
    await_success(|| server.call("DescribeKey", &json!({"KeyId": key})));
    let described = server.call("DescribeKey", &json!({"KeyId": key})).output();
    assert_eq!(described["KeyMetadata"]["KeyState"], "Enabled", "a refused DisableKey did nothing");
    encrypts_and_decrypts(server, key);
}

fn await_change(server: &Server, key: &str) {
    await_success(|| {
        server.call("UpdateKeyDescription", &json!({"KeyId": key, "Description": "there is room"}))
    });
}

fn await_success(call: impl Fn() -> Answer) {
    let begun = Instant::now();
    loop {
        let answer = call();
        if answer.status == 200 {
            return;
        }
        assert!(begun.elapsed() < BOUND, "it does not go on: {}", answer.text());
        std::thread::sleep(POLL);
    }
}

fn encrypts_and_decrypts(server: &Server, key: &str) {
    let sealed = server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).output();
    let opened = server.call("Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]})).output();
    assert_eq!(opened["Plaintext"], "YQ==");
}

fn on_record(server: &Server, request_ids: &BTreeSet<String>) {
    let verified = server.cardea(&["audit", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let id = |record: &Value| record["requestID"].as_str().map(str::to_owned);
    let recorded: BTreeSet<String> = server.journal().iter().filter_map(id).collect();
    let missing: Vec<_> = request_ids.difference(&recorded).collect();
    assert!(missing.is_empty(), "acknowledged, but not in the journal: {missing:?}");
}

fn keys_of(server: &Server) -> BTreeSet<String> {
    let (mut keys, mut input) = (BTreeSet::new(), json!({"Limit": 1000}));
    loop {
        let page = server.call("ListKeys", &input).output();
        keys.extend(
            page["Keys"].as_array().unwrap().iter().map(|key| key["KeyId"].as_str().unwrap().to_owned()),
        );
        if page["Truncated"] != true {
            return keys;
        }
        input["Marker"] = page["NextMarker"].clone();
    }
}

fn id_of(arn: &str) -> String {
    arn.rsplit('/').next().unwrap().to_owned()
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

const INSIDE: &str = "CARDEA_TEST_HAS_MOUNTS_OF_ITS_OWN";
const MORE_THAN_FIT: usize = 20_000;
const ENOUGH: usize = 10;
const BOUND: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
