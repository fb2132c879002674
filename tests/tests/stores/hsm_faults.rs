//! HSMs and their library failing under load, and processes that are killed: no request fails as long as one member is left, and what was
//! encrypted decrypts again as soon as one is back.

use crate::cluster::{Cluster, MEMBERS};
use crate::load;
use crate::metrics::metric;
use crate::store::{Store, timed, until};
use blackbox::{Caller, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_member_that_is_taken_away_under_load_and_returned_costs_no_request() {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let came = load::during(&server, &key, 4, |load| {
        for member in MEMBERS {
            load.pass(20);
            cluster.faults(&format!("{member} * removed"));
            load.pass(40);
            cluster.faults("");
            is_whole_again(&store);
        }
        load.pass(20);
    });
    came.nothing_failed();
}

#[test]
fn a_library_that_crashes_in_a_call_under_load_costs_no_request() {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let came = load::during(&server, &key, 4, |load| {
        load.pass(20);
        let before = server.pkcs11_pids();
        cluster.faults("one C_EncryptInit crash");
        until("its process has ended", || server.pkcs11_pids() != before);
        load.pass(20);
        cluster.faults("");
        is_whole_again(&store);
        load.pass(20);
    });
    came.nothing_failed();
    assert_eq!(server.pkcs11_pids().len(), 2);
}

#[test]
fn a_member_that_hangs_under_load_costs_no_request_and_is_back_by_itself() {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let came = load::during(&server, &key, 4, |load| {
        load.pass(20);
        cluster.faults("two * hang");
        load.pass(60);
        cluster.faults("");
        is_whole_again(&store);
        load.pass(20);
    });
    came.nothing_failed();
}

#[test]
fn the_processes_of_the_library_may_be_killed_one_after_the_other_under_load() {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let front_end = server.pid();
    let came = load::during(&server, &key, 4, |load| {
        for _ in 0..2 {
            load.pass(20);
            let killed = server.pkcs11_pids()[0];
            kill(killed);
            until("there is another", || {
                let now = server.pkcs11_pids();
                now.len() == 2 && !now.contains(&killed)
            });
            is_whole_again(&store);
        }
        load.pass(20);
    });
    came.nothing_failed();
    assert_eq!(server.pid(), front_end);
}

#[test]
fn while_no_member_is_there_or_each_hangs_calls_end_in_time_and_afterwards_nothing_is_lost() {
    ends_in_time_and_loses_nothing(&["* * removed", "* * hang"]);
}

#[test]
fn while_each_member_fails_or_crashes_calls_end_in_time_and_afterwards_nothing_is_lost() {
    let failing = "* C_EncryptInit error 48\n* C_DecryptInit error 48";
    ends_in_time_and_loses_nothing(&[failing, "* C_DecryptInit crash"]);
}

#[track_caller]
fn ends_in_time_and_loses_nothing(faults: &[&str]) {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let native = server.create_key();
    let (blob, native_blob) = (store.sealed(&key), store.sealed(&native));
    for faults in faults {
        cluster.faults(faults);
        until("the keys cannot be used", || {
            let (answer, took) = timed(|| store.decrypt(&blob));
            assert!(took < Duration::from_secs(8), "{faults}: {took:?}");
            if answer.status == 200 {
                return false;
            }
            assert_eq!(answer.error(), "KMSInvalidStateException", "{faults}: {}", answer.text());
            true
        });
        store.opens(&native_blob);
        assert_eq!(store.state(), "CONNECTED", "what happens to the cluster does not change that");
        cluster.faults("");
        until("a member is back", || store.decrypt(&blob).status == 200);
        store.opens(&store.sealed(&key));
        is_whole_again(&store);
    }
}

#[test]
fn a_store_that_was_connected_is_so_after_a_restart_and_its_keys_work_at_once() {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let blob = store.sealed(&key);
    server.restart();
    store.opens(&blob);
    assert_eq!(store.state(), "CONNECTED");
    server.kill();
    server.start_again();
    store.opens(&store.sealed(&key));
    store.opens(&blob);
}

#[test]
fn a_connection_that_was_begun_when_the_service_was_killed_is_carried_on_at_the_next_start() {
    let (cluster, server) = started();
    let store = Store::create(&server, &cluster.input());
    cluster.faults("* C_Login delay 3000");
    let _ = store.call("ConnectCustomKeyStore", json!({})).output();
    assert_eq!(store.state(), "CONNECTING");
    server.kill();
    cluster.faults("");
    server.start_again();
    assert_eq!(store.settled()["ConnectionState"], "CONNECTED");
    let key = store.create_key();
    store.opens(&store.sealed(&key));
}

#[test]
fn a_member_whose_token_was_replaced_by_an_empty_one_costs_nothing_that_was_encrypted() {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let blob = store.sealed(&key);
    assert!(server.terminate().success());
    cluster.tokens.delete_token(MEMBERS[0]);
    cluster.tokens.make_token(MEMBERS[0]);
    server.start_again();
    (0..10).for_each(|_| store.opens(&blob));
    store.opens(&store.sealed(&key));
    store.disconnect();
    store.connect();
    (0..10).for_each(|_| store.opens(&blob));
    is_whole_again(&store);
}

#[test]
fn what_is_due_to_keys_does_not_wait_for_a_store_that_is_being_connected() {
    let (cluster, server) = started();
    let store = Store::create(&server, &cluster.input());
    cluster.faults("* C_Login hang");
    let _ = store.call("ConnectCustomKeyStore", json!({})).output();
    let made = server.call("CreateKey", &json!({"MultiRegion": true})).output();
    let key = &made["KeyMetadata"]["KeyId"];
    let replica = json!({"KeyId": key, "ReplicaRegion": "eu-west-3"});
    let _ = server.call("ReplicateKey", &replica).output();
    let there = Caller { region: "eu-west-3".to_owned(), ..server.root().clone() };
    until("the replica has its material", || {
        let described = server.call_as(&there, "DescribeKey", &json!({"KeyId": key})).output();
        described["KeyMetadata"]["KeyState"] == "Enabled"
    });
    assert_eq!(store.state(), "CONNECTING");
    store.disconnect();
}

#[test]
fn a_store_is_let_go_while_its_hsms_hang_and_while_it_is_used() {
    let (cluster, server) = started();
    let (store, key) = cluster.connected(&server);
    let blob = store.sealed(&key);
    cluster.faults("* * hang");
    store.disconnect();
    assert_eq!(store.key_state(&key), "Unavailable");
    assert_eq!(store.decrypt(&blob).error(), "KMSInvalidStateException");
    cluster.faults("");
    until("it can be connected", || {
        let connected = store.try_connect().is_ok();
        if !connected {
            store.disconnect();
        }
        connected
    });
    store.opens(&blob);
    let came = load::during(&server, &key, 4, |load| {
        load.pass(10);
        store.disconnect();
        assert_eq!(store.decrypt(&blob).error(), "KMSInvalidStateException");
        store.connect();
        load.pass(10);
    });
    let of_the_state = |(_, failure): &(_, String)| failure.contains("KMSInvalidStateException");
    assert!(came.failures.iter().all(of_the_state), "{:?}", came.failures);
    store.opens(&blob);
}

#[test]
fn more_requests_than_a_cluster_is_sent_are_throttled_and_counted_and_other_keys_have_nothing_to_do_with_it()
{
    let cluster = Cluster::new();
    let server = cluster.builder().more_config("[custom_key_stores]\nrequests_per_second = 5\n").start();
    let (store, key) = cluster.connected(&server);
    let native = server.create_key();
    let mut refused = store.encrypt(&key);
    until("it is too much", || {
        refused = store.encrypt(&key);
        refused.status != 200
    });
    assert_eq!((refused.status, refused.error().as_str()), (400, "ThrottlingException"));
    let labels = [
        ("CustomKeyStoreId", store.id.as_str()),
        ("KmsOperation", "Encrypt"),
        ("KeySpec", "SYMMETRIC_DEFAULT"),
    ];
    assert_eq!(metric(&server, "CloudHSMKeyStoreThrottle_total", &labels), Some(1.0));
    assert_eq!(store.encrypt(&native).status, 200);
    until("there is quota again", || store.encrypt(&key).status == 200);
}

fn started() -> (Cluster, Server) {
    let cluster = Cluster::new();
    let server = cluster.server();
    (cluster, server)
}

/// Waits until both members are active: it takes them to make a key.
#[track_caller]
fn is_whole_again(store: &Store<'_>) {
    until("both members are active", || {
        store.call("CreateKey", json!({"Origin": "AWS_CLOUDHSM"})).status == 200
    });
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
}
