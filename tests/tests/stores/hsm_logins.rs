//! What keeps a store from being made on an HSM cluster or from being connected to it, each told apart, and each repaired.

use crate::cluster::Cluster;
use crate::store::{Store, until};
use blackbox::{Server, SoftHsm};
use serde_json::json;
use std::path::Path;

#[test]
fn a_wrong_pin_is_told_and_the_right_one_is_enough() {
    let cluster = Cluster::new();
    let server = cluster.server();
    let mut input = cluster.input();
    input["KeyStorePassword"] = "notthePIN7".into();
    let store = Store::create(&server, &input);
    assert_eq!(store.try_connect(), Err("INVALID_CREDENTIALS".to_owned()));
    let update = json!({"KeyStorePassword": SoftHsm::PIN});
    assert_eq!(store.update(update.clone()).error(), "CustomKeyStoreInvalidStateException");
    store.disconnect();
    let _ = store.update(update).output();
    store.connect();
    works(&store);
}

#[test]
fn what_keeps_the_crypto_user_out_has_a_code_of_its_own() {
    let cluster = Cluster::new();
    let server = cluster.server();
    let store = Store::create(&server, &cluster.input());
    for (faults, code) in [
        ("* C_Login error 164", "USER_LOCKED_OUT"),
        ("* C_Login error 258", "USER_NOT_FOUND"),
        ("* C_Login error 260", "USER_LOGGED_IN"),
        ("* * removed", "INSUFFICIENT_CLOUDHSM_HSMS"),
        ("* C_Login error 48", "INSUFFICIENT_CLOUDHSM_HSMS"),
    ] {
        cluster.faults(faults);
        assert_eq!(store.try_connect(), Err(code.to_owned()), "{faults}");
        store.disconnect();
    }
    cluster.faults("");
    store.connect();
    works(&store);
}

#[test]
fn one_member_is_enough_to_connect_and_to_use_keys_but_not_to_make_a_store_or_a_key() {
    let cluster = Cluster::new();
    let server = cluster.server();
    cluster.faults("two * removed");
    until("the member is known to be away", || {
        let made = server.call("CreateCustomKeyStore", &cluster.input());
        if made.status == 200 {
            let id = &made.output()["CustomKeyStoreId"];
            let _ = server.call("DeleteCustomKeyStore", &json!({"CustomKeyStoreId": id})).output();
            return false;
        }
        assert_eq!(made.error(), "CloudHsmClusterInvalidConfigurationException");
        true
    });
    cluster.faults("");
    until("both are there", || server.call("CreateCustomKeyStore", &cluster.input()).status == 200);
    let id = server.call("DescribeCustomKeyStores", &json!({})).output();
    let id = id["CustomKeyStores"][0]["CustomKeyStoreId"].as_str().unwrap().to_owned();
    let store = Store { server: &server, caller: server.root().clone(), id };
    store.connect();
    until("both are logged in to", || {
        store.call("CreateKey", json!({"Origin": "AWS_CLOUDHSM"})).status == 200
    });
    let key = store.create_key();
    let blob = store.sealed(&key);
    store.disconnect();
    cluster.faults("two * removed");
    store.connect();
    store.opens(&blob);
    store.opens(&store.sealed(&key));
    let refused = store.call("CreateKey", json!({"Origin": "AWS_CLOUDHSM"}));
    assert_eq!(refused.error(), "CloudHsmClusterInvalidConfigurationException");
    cluster.faults("");
    until("the member is back", || store.call("CreateKey", json!({"Origin": "AWS_CLOUDHSM"})).status == 200);
    store.opens(&blob);
}

#[test]
fn a_store_is_not_made_with_another_certificate_or_on_a_cluster_that_is_not_there() {
    let cluster = Cluster::new();
    let server = cluster.server();
    let with = |member: &str, value: &str| {
        let mut input = cluster.input();
        input[member] = value.into();
        server.call("CreateCustomKeyStore", &input).error()
    };
    let other = Cluster::new().tokens.trust_anchor.clone();
    assert_eq!(with("TrustAnchorCertificate", &other), "IncorrectTrustAnchorException");
    assert_eq!(with("TrustAnchorCertificate", "no certificate"), "IncorrectTrustAnchorException");
    assert_eq!(with("CloudHsmClusterId", "cluster-notthere2345"), "CloudHsmClusterNotFoundException");
    let made = server.call("CreateCustomKeyStore", &cluster.input()).output();
    let again = server.call("CreateCustomKeyStore", &cluster.input()).output();
    assert_eq!(made, again, "the same store again is the same");
    let taken = with("CustomKeyStoreName", "another");
    assert_eq!(taken, "CloudHsmClusterInUseException");
}

#[test]
fn a_library_that_is_not_there_keeps_nobody_else_from_working() {
    let cluster = Cluster::new();
    let server = cluster.builder_with(Path::new("/nowhere/libpkcs11.so")).start();
    let made = server.call("CreateCustomKeyStore", &cluster.input());
    assert_eq!(made.error(), "CloudHsmClusterInvalidConfigurationException");
    native_keys_work(&server);
}

fn works(store: &Store<'_>) {
    let key = store.create_key();
    store.opens(&store.sealed(&key));
}

fn native_keys_work(server: &Server) {
    let key = server.create_key();
    let encrypted = server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="}));
    assert_eq!(encrypted.status, 200);
}
