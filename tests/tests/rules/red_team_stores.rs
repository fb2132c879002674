//! Attacks on custom key stores: some came through once, all are tried again.

use crate::custom_key_stores::new_store;
use crate::lifecycle::until;
use blackbox::{Answer, Server, SoftHsm, base64};
use faulty_proxy::{Authority, Credential, ExternalKey, Leaf, Proxy, Setup, Tls};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::thread;

/// An address is none of a proxy, however it is written: who may make stores shall not reach what only the service reaches.
#[test]
fn no_form_of_an_address_is_the_name_of_a_proxy() {
    let server = Server::start();
    let mut input = public_store("https://xks.example.com");
    for address in
        ["169.254.169.254", "0xa9.0xfe.0xa9.0xfe", "127.0.0.0x2", "0x7f000001", "127.1", "0177.0.0.1"]
    {
        input["XksProxyUriEndpoint"] = format!("https://{address}").into();
        let answer = server.call("CreateCustomKeyStore", &input);
        assert_eq!(answer.error(), "ValidationException", "{address}: {}", answer.text());
    }
}

/// A path or an id that a server could read otherwise than it was signed never leaves the service.
#[test]
fn neither_path_nor_external_key_leads_out_of_the_api_of_the_proxy() {
    let server = Server::start();
    let mut input = public_store("https://xks.example.com");
    for path in ["/../kms/xks/v1", "//kms/xks/v1", "/a/%2e%2e/kms/xks/v1", "/a?/kms/xks/v1", "/a#/kms/xks/v1"]
    {
        input["XksProxyUriPath"] = path.into();
        assert_eq!(server.call("CreateCustomKeyStore", &input).error(), "ValidationException", "{path}");
    }
    let mut key = json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": "cks-00000000000000000"});
    for id in ["a/b", "a%2fb", "a?b", "a#b", "a\\b"] {
        key["XksKeyId"] = id.into();
        assert_eq!(server.call("CreateKey", &key).error(), "ValidationException", "{id}");
    }
}

/// The id of another account's store, or of one's own in another region, is as good as one that was made up.
#[test]
fn nothing_is_told_of_the_stores_of_others() {
    let server = Server::start();
    let stranger = server.create_account();
    let made = server.call("CreateCustomKeyStore", &new_store()).output();
    let ids = [made["CustomKeyStoreId"].clone(), json!("cks-00000000000000000")];
    for (operation, more) in [
        ("ConnectCustomKeyStore", json!({})),
        ("CreateKey", json!({"Origin": "AWS_CLOUDHSM"})),
        ("CreateKey", json!({"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "mercury"})),
        ("DeleteCustomKeyStore", json!({})),
        ("DescribeCustomKeyStores", json!({})),
        ("DisconnectCustomKeyStore", json!({})),
        ("GenerateRandom", json!({"NumberOfBytes": 8})),
        ("UpdateCustomKeyStore", json!({"NewCustomKeyStoreName": "mine"})),
    ] {
        let told = ids.each_ref().map(|id| {
            let mut input = more.clone();
            input["CustomKeyStoreId"] = id.clone();
            server.call_as(&stranger, operation, &input).fault()
        });
        assert_eq!(told[0], told[1], "{operation}");
        assert_eq!(told[0].0, "CustomKeyStoreNotFoundException", "{operation}");
    }
}

/// Whoever makes the first store on a cluster has it for himself, and may try PINs there until the crypto user is locked. So a cluster
/// that is one account's is nowhere for the others, whatever they know of it.
#[test]
fn a_cluster_of_another_account_is_not_there() {
    let hsm = SoftHsm::two_tokens();
    let input = json!({
        "CustomKeyStoreName": "hsms",
        "CloudHsmClusterId": SoftHsm::CLUSTER_ID,
        "KeyStorePassword": "a wrong PIN",
        "TrustAnchorCertificate": hsm.trust_anchor,
    });
    let server = Server::builder().hsm_cluster(&hsm).more_config("account = \"111122223333\"\n").start();
    refused(&server.call("CreateCustomKeyStore", &input), "CloudHsmClusterNotFoundException");
    let server = Server::builder().hsm_cluster(&hsm).start();
    assert_eq!(server.call("CreateCustomKeyStore", &input).status, 200);
}

/// What a proxy is shown is the security module's ciphertext. Whoever runs the proxy shall not get round it with that.
#[test]
fn what_a_proxy_is_shown_is_of_no_use_without_it() {
    let attacked = Attacked::new();
    let server = attacked.server();
    let store = attacked.connected(&server);
    let (key, native) = (attacked.key(&server, &store), attacked.native(&server));
    let sealed = server.call("Encrypt", &json!({"KeyId": key, "Plaintext": base64(b"text")})).output();
    let outer = sealed["CiphertextBlob"].clone();
    let inner = attacked.shown();
    let open = |blob: &Value, key: Option<&Value>| {
        let mut input = json!({"CiphertextBlob": blob});
        key.inspect(|key| input["KeyId"] = (*key).clone());
        server.call("Decrypt", &input)
    };
    let move_to_native =
        |blob: &Value| server.call("ReEncrypt", &json!({"CiphertextBlob": blob, "DestinationKeyId": native}));
    assert_eq!(open(&outer, Some(&key)).output()["Plaintext"], base64(b"text"));
    refused(&open(&inner, Some(&key)), "InvalidCiphertextException");
    refused(&open(&inner, None), "InvalidCiphertextException");
    refused(&move_to_native(&inner), "InvalidCiphertextException");
    refused(&open(&inner, Some(&native)), "IncorrectKeyException");
    let _ = server.call("DisconnectCustomKeyStore", &json!({"CustomKeyStoreId": store})).output();
    for blob in [&inner, &outer] {
        refused(&open(blob, Some(&key)), "KMSInvalidStateException");
        refused(&open(blob, None), "KMSInvalidStateException");
        refused(&move_to_native(blob), "KMSInvalidStateException");
    }
}

/// Of those who want keys of one external key at the same time, one gets it.
#[test]
fn of_an_external_key_there_is_one_key_however_many_want_one_at_once() {
    let attacked = Attacked::new();
    let server = attacked.server();
    let store = attacked.connected(&server);
    let input = external(&store);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let wanting: Vec<_> = (0..16).map(|_| scope.spawn(|| server.call("CreateKey", &input))).collect();
        wanting.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(made.len(), 1);
    for answer in refused {
        assert_eq!(answer.error(), "XksKeyAlreadyInUseException", "{}", answer.text());
    }
}

/// A place that takes connections and says nothing keeps none of them, once the call that wanted it has its answer.
#[test]
fn a_place_that_says_nothing_uses_up_no_descriptors() {
    let server = Server::start();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let input = public_store(&format!("https://localhost:{}", silent.local_addr().unwrap().port()));
    let answer = server.call("CreateCustomKeyStore", &input);
    assert_eq!(answer.error(), "XksProxyUriUnreachableException", "{}", answer.text());
    let (mut connection, _) = silent.accept().unwrap();
    connection.set_read_timeout(Some(std::time::Duration::from_secs(2))).unwrap();
    let ended = std::io::Read::read_to_end(&mut connection, &mut Vec::new());
    assert_ne!(ended.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "the connection stays");
}

/// A proxy that is an attacker's.
struct Attacked {
    proxy: Proxy,
    authority: tempfile::NamedTempFile,
}

impl Attacked {
    fn new() -> Self {
        let authority = Authority::new().unwrap();
        let mut setup = Setup::with_tls(Tls::new(authority.issue(&Leaf::server()).unwrap()));
        setup.keys = [(EXTERNAL.to_owned(), ExternalKey::new())].into_iter().collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.pem()).unwrap();
        Self { proxy: Proxy::start(setup).unwrap(), authority: file }
    }

    fn server(&self) -> Server {
        Server::builder().config(&format!("[xks]\nextra_ca_files = [{:?}]\n", self.authority.path())).start()
    }

    /// The id of a store over it.
    fn connected(&self, server: &Server) -> Value {
        let made = server.call("CreateCustomKeyStore", &public_store(&self.proxy.endpoint())).output();
        let named = json!({"CustomKeyStoreId": made["CustomKeyStoreId"]});
        let _ = server.call("ConnectCustomKeyStore", &named).output();
        until("the store is connected", || {
            let described = server.call("DescribeCustomKeyStores", &named).output();
            described["CustomKeyStores"][0]["ConnectionState"] == "CONNECTED"
        });
        made["CustomKeyStoreId"].clone()
    }

    fn key(&self, server: &Server, store: &Value) -> Value {
        self.proxy.forget_requests();
        server.call("CreateKey", &external(store)).output()["KeyMetadata"]["Arn"].clone()
    }

    fn native(&self, server: &Server) -> Value {
        server.call("CreateKey", &json!({})).output()["KeyMetadata"]["Arn"].clone()
    }

    /// What it was given to encrypt.
    fn shown(&self) -> Value {
        let requests = self.proxy.requests();
        let encrypt = requests.iter().find(|request| request.path.ends_with("/encrypt")).unwrap();
        serde_json::from_slice::<Value>(&encrypt.body).unwrap()["plaintext"].clone()
    }
}

fn public_store(endpoint: &str) -> Value {
    json!({
        "CustomKeyStoreName": "attacked",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": endpoint,
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyAuthenticationCredential": {
            "AccessKeyId": Credential::EXAMPLE_ID, "RawSecretAccessKey": Credential::EXAMPLE_SECRET,
        },
    })
}

fn external(store: &Value) -> Value {
    json!({"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": EXTERNAL, "CustomKeyStoreId": store})
}

#[track_caller]
fn refused(answer: &Answer, error: &str) {
    assert_eq!(answer.error(), error, "{}", answer.text());
}

const EXTERNAL: &str = "mercury";

#[test]
fn no_store_has_its_proxy_on_the_services_own_machine_where_that_is_not_wanted() {
    let server = Server::builder().config("[xks]\nloopback = false\n").start();
    for endpoint in ["https://localhost:9443", "https://127.0.0.1", "https://127.0.0.1:22"] {
        let refused = server.call("CreateCustomKeyStore", &proxied_at(endpoint));
        assert_eq!(refused.error(), "ValidationException", "{endpoint}");
    }
}

#[test]
fn an_external_key_has_no_id_that_leads_elsewhere_in_the_proxys_path() {
    let server = Server::start();
    for id in [".", ".."] {
        let input = json!({"CustomKeyStoreId": "cks-00000000000000000", "Origin": "EXTERNAL_KEY_STORE", "XksKeyId": id});
        assert_eq!(server.call("CreateKey", &input).error(), "ValidationException", "{id}");
    }
}

fn proxied_at(endpoint: &str) -> Value {
    json!({
        "CustomKeyStoreName": "near",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": endpoint,
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyAuthenticationCredential": {"AccessKeyId": "A".repeat(20), "RawSecretAccessKey": "s".repeat(43)},
    })
}
