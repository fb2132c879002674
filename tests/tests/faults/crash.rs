//! Processes that are killed or told to stop while many calls are in flight.

use crate::load::Acknowledged;
use blackbox::{Caller, Connection, Server, base64, bytes, program};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn whatever_was_acknowledged_before_a_kill_is_there_and_on_record_after_the_restart() {
    let server = Server::start();
    let mut all = Acknowledged::default();
    for round in 0..ROUNDS {
        let acknowledged = load_until(&server, |server| kill_everything(server, round));
        server.start_again();
        acknowledged.is_there(&server);
        acknowledged.is_on_record(&server);
        let verified = server.cardea(&["audit", "verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        all.add(acknowledged);
    }
    assert!(all.keys.len() > ROUNDS, "hardly anything happened: {all:?}");
    all.is_there(&server);
    all.is_on_record(&server);
    nothing_is_half_there(&server, &all);
}

#[test]
fn calls_survive_a_security_module_that_is_killed_again_and_again() {
    let server = Server::start();
    let key = server.create_key();
    let (front_end, stop, failed) = (server.pid(), AtomicBool::new(false), AtomicUsize::new(0));
    let slowest = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| seal_and_open(&server, &key, &stop, &failed))).collect();
        for _ in 0..MODULE_KILLS {
            std::thread::sleep(random_instant());
            kill_module_and_await_the_next(&server);
        }
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).max().unwrap()
    });
    assert!(slowest < BOUND, "a call took {slowest:?}");
    assert_eq!(server.pid(), front_end, "the front end lives on");
    let failed = failed.into_inner();
    let recorded =
        server.journal().iter().filter(|record| record["errorCode"] == "KMSInternalException").count();
    assert_eq!(recorded, failed, "every failed call is on record as failed");
    assert_eq!(server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).status, 200);
}

#[test]
fn a_call_while_there_is_no_security_module_ends_in_bounded_time() {
    let server = Server::start();
    let key = server.create_key();
    let module = server.module_pid().unwrap();
    // A module that hangs is worse than one that is gone: nothing tells that it will not answer.
    signal(module, Signal::STOP);
    let begun = Instant::now();
    let answer = server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="}));
    assert!(begun.elapsed() < HANG_BOUND, "it took {:?}", begun.elapsed());
    if answer.status != 200 {
        assert_eq!((answer.status, answer.error().as_str()), (500, "KMSInternalException"));
    }
    assert_eq!(
        server.call("DescribeKey", &json!({"KeyId": key})).status,
        200,
        "what needs no module goes on"
    );
    await_service(&server, &key);
}

#[test]
fn a_service_told_to_stop_under_load_answers_what_it_began_and_begins_nothing_that_it_does_not_answer() {
    let server = Server::start();
    let mut before = BTreeSet::new();
    for _ in 0..STOPS {
        let acknowledged = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| create_until_gone(&server))).collect();
            std::thread::sleep(random_instant());
            server.ask_to_stop();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<BTreeSet<_>>()
        });
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        let verified = server.cardea(&["audit", "verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        server.start_again();
        let there = keys_of(&server);
        let new: BTreeSet<String> = there.difference(&before).cloned().collect();
        let lost: Vec<_> = acknowledged.difference(&new).collect();
        let not_answered: Vec<_> = new.difference(&acknowledged).collect();
        assert!(lost.is_empty(), "answered, and lost: {lost:?}");
        assert!(not_answered.is_empty(), "made, and not answered: {not_answered:?}");
        before = there;
    }
}

#[test]
fn a_change_whose_client_is_gone_when_the_service_stops_is_made_and_recorded_or_not_made() {
    let server = Server::start();
    for _ in 0..8 {
        let mut clients: Vec<Connection> = (0..32).map(|_| server.connect().unwrap()).collect();
        for client in &mut clients {
            let request = server.request("CreateKey", "{}").signed(server.root());
            client.send(&request.bytes()).unwrap();
        }
        drop(clients);
        assert!(server.terminate().success());
        server.start_again();
        assert_eq!(keys_of(&server), keys_on_record(&server));
    }
    assert!(!keys_of(&server).is_empty(), "nothing was begun before its client was gone");
}

/// The keys that the journal says were made.
fn keys_on_record(server: &Server) -> BTreeSet<String> {
    let made =
        |record: &serde_json::Value| record["eventName"] == "CreateKey" && record["errorCode"].is_null();
    let id = |record: serde_json::Value| {
        record["resources"][0]["ARN"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned()
    };
    server.journal().into_iter().filter(made).map(id).collect()
}

#[test]
fn a_first_start_that_is_killed_at_any_instant_is_completed_by_the_next() {
    let server = Server::start();
    for _ in 0..FIRST_STARTS {
        assert!(server.terminate().success());
        std::fs::remove_dir_all(server.data()).unwrap();
        let mut first = Command::new(program("cardea"));
        first.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(server.data());
        let mut first =
            first.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(random_instant() / 4);
        first.kill().unwrap();
        first.wait().unwrap();
        server.start_again();
        let root = Caller::of(&server.root_env());
        let key = server.create_key_as(&root);
        let sealed = server.call_as(&root, "Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).output();
        server.restart();
        let opened = server.call_as(&root, "Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
        assert_eq!(opened.output()["Plaintext"], "YQ==");
    }
}

/// Runs the load until `end` has ended the service.
fn load_until(server: &Server, end: impl FnOnce(&Server)) -> Acknowledged {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| Acknowledged::under_load(server, CLIENTS, &stop));
        std::thread::sleep(random_instant());
        end(server);
        stop.store(true, Ordering::Relaxed);
        load.join().unwrap()
    })
}

/// Front end and module, one before the other in turn.
fn kill_everything(server: &Server, round: usize) {
    let module = server.module_pid();
    let kill_module = || module.into_iter().for_each(|module| signal(module, Signal::KILL));
    if round.is_multiple_of(2) {
        kill_module();
    }
    server.kill();
    if !round.is_multiple_of(2) {
        kill_module();
    }
}

/// Every alias leads to a key, and there are no more keys than calls that could have made one.
fn nothing_is_half_there(server: &Server, all: &Acknowledged) {
    for alias in listed(server, "ListAliases", "Aliases") {
        let target = server.call("DescribeKey", &json!({"KeyId": alias["TargetKeyId"]}));
        assert_eq!(target.status, 200, "{alias} leads nowhere");
    }
    let keys = keys_of(server).len();
    assert!(keys <= all.keys.len() + ROUNDS * CLIENTS, "{keys} keys, {} acknowledged", all.keys.len());
}

/// Encrypts and decrypts until told to stop. An answer is right, or says that it failed; says how long the slowest took.
fn seal_and_open(server: &Server, key: &str, stop: &AtomicBool, failed: &AtomicUsize) -> Duration {
    let mut connection = server.connect().unwrap();
    let mut slowest = Duration::ZERO;
    let mut call = |connection: &mut Connection, operation: &str, input| {
        let request = server.request(operation, format!("{input}")).signed(server.root());
        let begun = Instant::now();
        let answer = connection.exchange(&request).unwrap();
        slowest = slowest.max(begun.elapsed());
        if answer.status == 200 {
            return Some(answer.output());
        }
        assert_eq!((answer.status, answer.error().as_str()), (500, "KMSInternalException"));
        failed.fetch_add(1, Ordering::Relaxed);
        None
    };
    while !stop.load(Ordering::Relaxed) {
        let input = json!({"KeyId": key, "Plaintext": base64(b"attack at dawn")});
        let Some(sealed) = call(&mut connection, "Encrypt", input) else { continue };
        let input = json!({"CiphertextBlob": sealed["CiphertextBlob"]});
        if let Some(opened) = call(&mut connection, "Decrypt", input) {
            assert_eq!(bytes(&opened["Plaintext"]), b"attack at dawn");
        }
    }
    slowest
}

fn kill_module_and_await_the_next(server: &Server) {
    let killed = server.module_pid().unwrap();
    signal(killed, Signal::KILL);
    let begun = Instant::now();
    while server.module_pid().is_none_or(|pid| pid == killed) {
        assert!(begun.elapsed() < BOUND, "there is no new security module");
        std::thread::sleep(POLL);
    }
}

fn await_service(server: &Server, key: &str) {
    let begun = Instant::now();
    while server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).status != 200 {
        assert!(begun.elapsed() < HANG_BOUND, "it does not recover\n{}", server.log());
        std::thread::sleep(POLL);
    }
}

/// Creates keys until the service is gone. Says which were answered.
fn create_until_gone(server: &Server) -> Vec<String> {
    let mut made = Vec::new();
    let Ok(mut connection) = server.connect() else { return made };
    loop {
        let request = server.request("CreateKey", "{}").signed(server.root());
        match connection.exchange(&request) {
            Ok(answer) => made.push(answer.output()["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()),
            // An answer that says that it is the last one on its connection is followed by nothing.
            Err(_) => match server.connect() {
                Ok(next) => connection = next,
                Err(_) => return made,
            },
        }
    }
}

fn keys_of(server: &Server) -> BTreeSet<String> {
    listed(server, "ListKeys", "Keys").iter().map(|key| key["KeyId"].as_str().unwrap().to_owned()).collect()
}

/// All that a list holds, over its pages.
fn listed(server: &Server, operation: &str, member: &str) -> Vec<serde_json::Value> {
    let (mut all, mut input) = (Vec::new(), json!({}));
    loop {
        let page = server.call(operation, &input).output();
        all.extend(page[member].as_array().unwrap().iter().cloned());
        if page["Truncated"] != true {
            return all;
        }
        input = json!({"Marker": page["NextMarker"]});
    }
}

fn signal(pid: u32, signal: Signal) {
    // It may have ended already.
    let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal);
}

fn random_instant() -> Duration {
    Duration::from_micros(RandomState::new().hash_one(0) % 400_000)
}

const ROUNDS: usize = 8;
const CLIENTS: usize = 6;
const MODULE_KILLS: usize = 10;
const STOPS: usize = 4;
const FIRST_STARTS: usize = 10;
/// A call and a restart of the module take much less; a hang takes for ever.
const BOUND: Duration = Duration::from_secs(10);
/// The module's own deadline is in it.
const HANG_BOUND: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
