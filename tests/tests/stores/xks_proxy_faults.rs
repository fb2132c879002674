//! Our own proxy failing under load: killed, without its tokens' library, without room for its journal.

use crate::held::{Held, KEYS, TOKENS};
use crate::load::{self, Load};
use crate::store::{Store, timed, until};
use crate::words;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::Write;
use std::time::Duration;

#[test]
fn a_proxy_that_is_killed_under_load_loses_nothing() {
    let held = Held::in_a_file();
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let mut blobs = Vec::new();
    let came = load::during(&server, &key, 2, |load| {
        for _ in 0..2 {
            load.pass(20);
            blobs.push(store.sealed(&key));
            held.proxy.kill();
            until("it is missed", || store.encrypt(&key).status != 200);
            held.proxy.start();
            until("it is back", || store.encrypt(&key).status == 200);
        }
        load.pass(20);
    });
    let is_the_proxy_s = |failure: &&(Duration, String)| failure.1.contains("KMSInvalidStateException");
    let others: Vec<_> = came.failures.iter().filter(|failure| !is_the_proxy_s(failure)).collect();
    assert!(others.is_empty(), "{others:?}");
    blobs.iter().for_each(|blob| store.opens(blob));
    held.logs_agree(&server);
}

#[test]
fn the_processes_of_the_tokens_may_be_killed_one_after_the_other_under_load() {
    under_load_of_tokens(|held, load| {
        for token in TOKENS {
            load.pass(20);
            let killed = held.proxy.pkcs11_pid(token).unwrap();
            kill(killed);
            until("there is another", || held.proxy.pkcs11_pid(token).is_some_and(|pid| pid != killed));
            does_its_part(held, load, token);
        }
    });
}

#[test]
fn a_token_that_is_taken_out_under_load_and_put_back_costs_no_request() {
    under_load_of_tokens(|held, load| {
        for token in TOKENS {
            load.pass(20);
            held.faults(&format!("{token} * removed"));
            load.pass(40);
            held.faults("");
            does_its_part(held, load, token);
        }
    });
}

#[test]
fn a_token_that_hangs_under_load_costs_no_request() {
    under_load_of_tokens(|held, load| {
        load.pass(20);
        held.faults("two C_EncryptInit hang\ntwo C_DecryptInit hang");
        load.pass(60);
        held.faults("");
        does_its_part(held, load, "two");
    });
}

#[track_caller]
fn under_load_of_tokens(work: impl FnOnce(&Held, &Load<'_>)) {
    let held = Held::in_tokens();
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let came = load::during(&server, &key, 2, |load| work(&held, load));
    came.nothing_failed();
    held.logs_agree(&server);
}

/// Waits until a token has answered calls again.
#[track_caller]
fn does_its_part(held: &Held, load: &Load<'_>, token: &str) {
    let before = held.proxy.journal().len();
    until("the token does its part", || {
        load.pass(10);
        held.proxy.journal().iter().skip(before).any(|record| record["keyManagerMember"] == token)
    });
}

#[test]
fn while_no_token_is_there_calls_end_in_time_and_afterwards_nothing_is_lost() {
    let held = Held::in_tokens();
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    for faults in ["* * removed", "* * hang"] {
        held.faults(faults);
        until("the key cannot be used", || {
            let (answer, took) = timed(|| store.decrypt(&blob));
            assert!(took < Duration::from_secs(8), "{faults}: {took:?}");
            answer.status != 200 && answer.error() == "KMSInvalidStateException"
        });
        held.faults("");
        until("a token is back", || store.decrypt(&blob).status == 200);
    }
    store.opens(&blob);
}

#[test]
fn without_room_for_its_journal_the_proxy_answers_nothing_and_goes_on_when_there_is_room() {
    let held = Held::in_a_file().configured("audit.segment_bytes = 65536\n");
    held.proxy.start_on_small_disk("1m");
    let server = held.builder("").start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    let filler = held.proxy.on_small_disk("filler");
    fill(&filler);
    is_silent(&store, &key);
    let refused = store.decrypt(&blob);
    refused.refuses("KMSInvalidStateException", words::NO_KEY_MANAGER);
    std::fs::remove_file(&filler).unwrap();
    until("it goes on", || store.encrypt(&key).status == 200);
    store.opens(&blob);
    let (_, report) = held.reconcile(&server, &held.proxy.on_small_disk("audit"));
    assert_eq!(report["differences"], serde_json::json!([]), "{report}");
    assert!(report["counts"]["agreed"].as_u64().unwrap() > 0, "{report}");
}

/// What fits into the file of the journal that was begun is answered yet.
#[track_caller]
fn is_silent(store: &Store<'_>, key: &str) {
    until("nothing is answered", || {
        let answer = store.encrypt(key);
        if answer.status != 200 {
            answer.refuses("KMSInvalidStateException", words::NO_KEY_MANAGER);
        }
        answer.status != 200
    });
}

fn fill(file: &std::path::Path) {
    let mut file = File::create(file).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
}
