//! The whole road to an external key manager: what its proxy is told, what is on record, what is measured, and what becomes of keys and
//! their store.

use crate::metrics::metric;
use crate::proxied::{KEYS, OTHER_CREDENTIAL, OTHER_PATH, PATH, Proxied, credential, input};
use crate::store::{PLAINTEXT, Store, context, until};
use crate::words;
use blackbox::{Answer, Caller, Environment, Server, base64, bytes};
use faulty_proxy::{Api, Credential, Fault, HealthReport, HealthStatus, Proxy, Scope, SeenRequest};
use serde_json::{Value, json};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

#[test]
fn the_proxy_is_told_who_does_what_with_which_key_and_so_is_the_record() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let statement = json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]);
    let nile = server.create_user_with(server.root(), "nile", &statement);
    let store = Store { caller: nile.caller.clone(), ..store };
    let (key, other, native) =
        (store.create_key_of(KEYS[0]), store.create_key_of(KEYS[1]), server.create_key_as(&nile.caller));
    let seen = |answer: &Answer| told(&proxied.proxy, answer);
    let (blob, foreign) = (store.sealed(&key), store.sealed(&native));
    let data_key = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context()});
    let to = |blob: &Value, key: &str| {
        let (source, target) = ("SourceEncryptionContext", "DestinationEncryptionContext");
        json!({"CiphertextBlob": blob, source: context(), "DestinationKeyId": key, target: context()})
    };
    let opened = json!({"CiphertextBlob": blob, "EncryptionContext": context()});
    let sealed = json!({"KeyId": key, "Plaintext": base64(PLAINTEXT), "EncryptionContext": context()});
    let (first, second) = (("encrypt", &key, KEYS[0]), ("encrypt", &other, KEYS[1]));
    let cases: [(&str, Value, Vec<Told<'_>>); 7] = [
        ("Encrypt", sealed, vec![first]),
        ("GenerateDataKey", data_key.clone(), vec![first]),
        ("GenerateDataKeyWithoutPlaintext", data_key, vec![first]),
        ("Decrypt", opened, vec![("decrypt", &key, KEYS[0])]),
        ("ReEncrypt", to(&foreign, &key), vec![first]),
        ("ReEncrypt", to(&blob, &native), vec![("decrypt", &key, KEYS[0])]),
        ("ReEncrypt", to(&blob, &other), vec![("decrypt", &key, KEYS[0]), second]),
    ];
    for (operation, input, calls) in cases {
        let answer = server.call_as(&nile.caller, operation, &input);
        let _ = answer.output();
        let seen = seen(&answer);
        assert_eq!(seen.len(), calls.len(), "{operation}");
        for (request, &(call, key, external)) in seen.iter().zip(&calls) {
            assert_eq!(request.path, format!("{PATH}/keys/{external}/{call}"));
            let metadata = json!({
                "awsPrincipalArn": nile.arn,
                "kmsKeyArn": key,
                "kmsOperation": operation,
                "kmsRequestId": request_id(&answer),
            });
            let body = body(request);
            assert_eq!(body["requestMetadata"], metadata);
            assert_eq!(body["encryptionAlgorithm"], "AES_GCM");
            let integrity = json!("SHA_256");
            let wanted = (call == "encrypt").then_some(&integrity);
            assert_eq!(body.get("ciphertextDataIntegrityValueAlgorithm"), wanted);
            is_signed_as_kms_signs(request);
        }
        let data = &server.record_of(&answer)["additionalEventData"];
        for (call, _, external) in calls {
            let [id, name] = match (operation, call) {
                ("ReEncrypt", "decrypt") => ["sourceCustomKeyStoreId", "sourceXksKeyId"],
                ("ReEncrypt", _) => ["destinationCustomKeyStoreId", "destinationXksKeyId"],
                _ => ["customKeyStoreId", "xksKeyId"],
            };
            assert_eq!((&data[id], &data[name]), (&json!(store.id), &json!(external)), "{operation}: {data}");
        }
    }
    let made = store.try_create_key_of(KEYS[2]);
    let asked = &seen(&made)[0];
    assert_eq!(asked.path, format!("{PATH}/keys/{}/metadata", KEYS[2]));
    let metadata = json!({
        "awsPrincipalArn": nile.arn, "kmsOperation": "CreateKey", "kmsRequestId": request_id(&made)
    });
    assert_eq!(body(asked), json!({"requestMetadata": metadata}));
    let data = &server.record_of(&made)["additionalEventData"];
    assert_eq!((&data["customKeyStoreId"], &data["xksKeyId"]), (&json!(store.id), &json!(KEYS[2])));
    for request in proxied.proxy.requests() {
        assert!(!request.body.windows(PLAINTEXT.len()).any(|part| part == PLAINTEXT));
        let sealed = body(&request)["plaintext"].as_str().map(|text| bytes(&json!(text)));
        assert!(sealed.is_none_or(|sealed| !sealed.windows(4).any(|part| part == &PLAINTEXT[..4])));
    }
}

#[test]
fn the_proxy_is_told_of_the_service_that_calls_for_somebody() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let made = server.cardea(&["admin", "service", "create", "s3.amazonaws.com"]);
    let service = Caller::of(&Environment::parse(&String::from_utf8(made.stdout).unwrap()));
    let account = server.account_id(server.root());
    let root = format!("arn:aws:iam::{account}:root");
    let input = json!({"KeyId": key, "Plaintext": base64(PLAINTEXT)});
    let request = server.request("Encrypt", input.to_string()).with("x-cardea-on-behalf-of", &root);
    let answer = server.send(&request.signed(&service));
    let _ = answer.output();
    let metadata = &body(&told(&proxied.proxy, &answer)[0])["requestMetadata"];
    let via = format!("s3.{}.amazonaws.com", server.root().region);
    assert_eq!((&metadata["awsPrincipalArn"], &metadata["kmsViaService"]), (&json!(root), &json!(via)));
}

#[test]
fn health_is_asked_when_a_store_is_made_changed_and_connected_and_then_by_and_by() {
    let proxied = Proxied::new();
    let server = proxied.server_with("health_check_interval = \"1s\"\n");
    let made = server.call("CreateCustomKeyStore", &proxied.input("first", PATH));
    let id = made.output()["CustomKeyStoreId"].as_str().unwrap().to_owned();
    let store = Store { server: &server, caller: server.root().clone(), id };
    let health = |operation: &str| -> Vec<SeenRequest> {
        let of = |request: &SeenRequest| body(request)["requestMetadata"]["kmsOperation"] == operation;
        proxied.proxy.requests().into_iter().filter(of).collect()
    };
    let metadata = json!({"kmsRequestId": request_id(&made), "kmsOperation": "CreateCustomKeyStore"});
    let asked = &health("CreateCustomKeyStore")[0];
    assert_eq!(body(asked), json!({"requestMetadata": metadata}));
    assert_eq!(asked.path, format!("{PATH}/health"));
    is_signed_as_kms_signs(asked);
    assert!(health("ConnectCustomKeyStore").is_empty() && health("KmsHealthCheck").is_empty());

    let connected = store.call("ConnectCustomKeyStore", json!({}));
    assert_eq!(store.settled()["ConnectionState"], "CONNECTED");
    let asked = &health("ConnectCustomKeyStore")[0];
    let metadata = json!({"kmsRequestId": request_id(&connected), "kmsOperation": "ConnectCustomKeyStore"});
    assert_eq!(body(asked), json!({"requestMetadata": metadata}));
    let changed = store.update(json!({"XksProxyUriPath": OTHER_PATH}));
    let _ = changed.output();
    let asked = &health("UpdateCustomKeyStore")[0];
    let metadata = json!({"kmsRequestId": request_id(&changed), "kmsOperation": "UpdateCustomKeyStore"});
    assert_eq!(
        (body(asked), asked.path.as_str()),
        (json!({"requestMetadata": metadata}), "/other/kms/xks/v1/health")
    );

    until("its health is checked", || health("KmsHealthCheck").len() >= 2);
    let id = [("CustomKeyStoreId", store.id.as_str())];
    let managers = |state: &str| {
        metric(&server, "XksExternalKeyManagerStates", &[id[0], ("XksExternalKeyManagerState", state)])
    };
    assert_eq!(
        (managers("Active"), managers("Degraded"), managers("Unavailable")),
        (Some(1.0), Some(0.0), Some(0.0))
    );
    use HealthStatus::{Active, Degraded, Unavailable};
    proxied.proxy.set_health(HealthReport::of(&[Active, Degraded, Degraded, Unavailable]));
    until("the new health is known", || managers("Degraded") == Some(2.0));
    assert_eq!((managers("Active"), managers("Unavailable")), (Some(1.0), Some(1.0)));
    store.disconnect();
    assert_eq!(managers("Active"), None, "of a store that is disconnected nothing is known");
}

#[test]
fn what_is_measured_has_the_names_and_dimensions_of_aws() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    store.opens(&blob);
    proxied.proxy.inject(Fault::Status(500), Scope::next(Api::Decrypt, 1));
    assert_eq!(store.decrypt(&blob).error(), "KMSInvalidStateException");
    let throttling = Fault::Error { name: "ThrottlingException".into(), status: None, message: None };
    proxied.proxy.inject(throttling, Scope::next(Api::Encrypt, 1));
    assert_eq!(store.encrypt(&key).error(), "KMSInvalidStateException");
    let id = ("CustomKeyStoreId", store.id.as_str());
    let count = |kms: &str, xks: &str, spec: &str, kind: &str, exception: &str| {
        let labels = [id, ("KmsOperation", kms), ("XksOperation", xks), ("KeySpec", spec)];
        let labels = [&labels[..], &[("ErrorType", kind), ("ExceptionName", exception)]].concat();
        metric(&server, "XksProxyErrors_total", &labels)
    };
    let symmetric = "SYMMETRIC_DEFAULT";
    let (lasting, retryable) = ("Non-retryable errors", "Retryable errors");
    assert_eq!(count("Encrypt", "Encrypt", symmetric, "N/A", "None"), Some(1.0));
    assert_eq!(count("Decrypt", "Decrypt", symmetric, "N/A", "None"), Some(1.0));
    let invalid = "XksProxyInvalidResponseException";
    assert_eq!(count("Decrypt", "Decrypt", symmetric, lasting, invalid), Some(1.0));
    assert_eq!(count("Encrypt", "Encrypt", symmetric, retryable, "ThrottlingException"), Some(1.0));
    assert_eq!(count("CreateKey", "GetKeyMetadata", symmetric, "N/A", "None"), Some(1.0));
    assert_eq!(count("ConnectCustomKeyStore", "GetHealthStatus", "N/A", "N/A", "None"), Some(1.0));
    let latency = [id, ("KmsOperation", "Encrypt"), ("XksOperation", "Encrypt"), ("KeySpec", symmetric)];
    assert_eq!(metric(&server, "XksProxyLatency_count", &latency), Some(2.0));
    assert!(metric(&server, "XksProxyLatency_sum", &latency).is_some_and(|sum| sum > 0.0 && sum < 500.0));
    let certificate = [id, ("CertificateName", "xks.example.com")];
    let days = metric(&server, "XksProxyCertificateDaysToExpire", &certificate);
    assert!(days.is_some_and(|days| (363.0..=365.0).contains(&days)), "{days:?}");
    assert_eq!(metric(&server, "XksProxyCredentialAge", &[id]), Some(0.0));
    store.disconnect();
    assert_eq!(metric(&server, "XksProxyCredentialAge", &[id]), None);
    assert_eq!(count("Encrypt", "Encrypt", symmetric, "N/A", "None"), Some(1.0), "counters never go back");
}

#[test]
fn more_requests_than_a_store_is_sent_are_throttled_and_counted_and_the_proxy_is_spared() {
    let proxied = Proxied::new();
    let server = proxied.server_with("[custom_key_stores]\nrequests_per_second = 5\n");
    let store = proxied.connected(&server);
    let (key, native) = (store.create_key_of(KEYS[0]), server.create_key());
    let (mut served, mut refused) = (0, Vec::new());
    while refused.len() < 3 {
        let answer = store.encrypt(&key);
        if answer.status == 200 { served += 1 } else { refused.push(answer) }
    }
    for answer in &refused {
        assert_eq!((answer.status, answer.error().as_str()), (400, "ThrottlingException"));
        assert_eq!(server.record_of(answer)["errorCode"], "ThrottlingException");
        assert!(told(&proxied.proxy, answer).is_empty(), "the proxy was asked");
    }
    let labels = [
        ("CustomKeyStoreId", store.id.as_str()),
        ("KmsOperation", "Encrypt"),
        ("KeySpec", "SYMMETRIC_DEFAULT"),
    ];
    assert_eq!(metric(&server, "ExternalKeyStoreThrottle_total", &labels), Some(3.0));
    assert!(served >= 1);
    assert_eq!(store.encrypt(&native).status, 200, "other keys have nothing to do with it");
    until("there is quota again", || store.encrypt(&key).status == 200);
}

#[test]
fn a_key_is_of_no_use_while_its_store_is_disconnected_and_as_good_as_before_afterwards() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    let described = server.call("DescribeKey", &json!({"KeyId": key})).output();
    let metadata = &described["KeyMetadata"];
    assert_eq!(metadata["CustomKeyStoreId"], store.id.as_str());
    assert_eq!(metadata["XksKeyConfiguration"], json!({"Id": KEYS[0]}));
    assert_eq!(
        (&metadata["Origin"], &metadata["KeyState"]),
        (&json!("EXTERNAL_KEY_STORE"), &json!("Enabled"))
    );
    for _ in 0..2 {
        store.disconnect();
        assert_eq!(store.key_state(&key), "Unavailable");
        proxied.proxy.forget_requests();
        store.decrypt(&blob).refuses("KMSInvalidStateException", words::NOT_CONNECTED);
        store.encrypt(&key).refuses("KMSInvalidStateException", words::NOT_CONNECTED);
        let refused = store.try_create_key_of(KEYS[1]);
        assert_eq!(refused.error(), "CustomKeyStoreInvalidStateException");
        assert!(proxied.proxy.requests().is_empty(), "a store that is disconnected is asked nothing");
        store.connect();
        assert_eq!(store.key_state(&key), "Enabled");
        store.opens(&blob);
    }
    server.restart();
    assert_eq!(store.state(), "CONNECTED");
    store.opens(&blob);
    server.kill();
    server.start_again();
    store.opens(&blob);
}

#[test]
fn a_store_is_deleted_only_when_no_key_is_left_in_it_not_even_one_that_waits_for_its_deletion() {
    let proxied = Proxied::new();
    let server = proxied.builder("").dev_clock().start();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    let delete = || store.call("DeleteCustomKeyStore", json!({}));
    assert_eq!(delete().error(), "CustomKeyStoreInvalidStateException");
    store.disconnect();
    assert_eq!(delete().error(), "CustomKeyStoreHasCMKsException");
    store.schedule_deletion(&key);
    assert_eq!(delete().error(), "CustomKeyStoreHasCMKsException");
    let _ = server.call("CancelKeyDeletion", &json!({"KeyId": key})).output();
    let _ = server.call("EnableKey", &json!({"KeyId": key})).output();
    store.connect();
    store.opens(&blob);
    store.schedule_deletion(&key);
    server.advance("8d");
    until("the key is deleted", || server.call("DescribeKey", &json!({"KeyId": key})).status != 200);
    let again = store.create_key_of(KEYS[0]);
    assert!(
        store.decrypt(&blob).status == 400,
        "a new key of the same external key opens nothing of the old one"
    );
    store.schedule_deletion(&again);
    server.advance("8d");
    until("it is deleted too", || server.call("DescribeKey", &json!({"KeyId": again})).status != 200);
    store.disconnect();
    let _ = delete().output();
    assert_eq!(store.call("DescribeCustomKeyStores", json!({})).error(), "CustomKeyStoreNotFoundException");
    assert_eq!(metric(&server, "XksProxyErrors_total", &[("CustomKeyStoreId", &store.id)]), None);
    let made = Store::create(&server, &proxied.input("first", PATH));
    assert_ne!(made.id, store.id);
}

#[test]
fn each_update_has_its_effect_in_every_state_that_admits_it() {
    let proxied = Proxied::new();
    proxied.proxy.add_credential(Credential::new(OTHER_CREDENTIAL.0, OTHER_CREDENTIAL.1));
    let elsewhere = Proxied::new();
    let server = proxied.server();
    let store = Store::create(&server, &proxied.input("first", PATH));
    let free = [
        json!({"NewCustomKeyStoreName": "renamed"}),
        json!({"XksProxyAuthenticationCredential": credential(OTHER_CREDENTIAL.0, OTHER_CREDENTIAL.1)}),
        json!({"XksProxyUriPath": OTHER_PATH}),
    ];
    let back = json!({
        "NewCustomKeyStoreName": "first",
        "XksProxyAuthenticationCredential": credential(Credential::EXAMPLE_ID, Credential::EXAMPLE_SECRET),
        "XksProxyUriPath": PATH,
    });
    let bound = [
        json!({"XksProxyUriEndpoint": elsewhere.proxy.endpoint()}),
        json!({"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE", "XksProxyUriEndpoint": elsewhere.proxy.endpoint(),
            "XksProxyVpcEndpointServiceName": SERVICE}),
    ];
    let changes_freely = |state: &str| {
        for change in &free {
            assert_eq!(store.state(), state);
            let _ = store.update(change.clone()).output();
            let _ = store.update(back.clone()).output();
            assert_eq!(store.state(), state, "{change}");
        }
    };
    changes_freely("DISCONNECTED");
    store.connect();
    let key = store.create_key_of(KEYS[0]);
    changes_freely("CONNECTED");
    for change in &free {
        let _ = store.update(change.clone()).output();
        let answer = store.encrypt(&key);
        let _ = answer.output();
        let asked = told(&proxied.proxy, &answer).remove(0);
        let described = store.describe();
        assert_eq!(
            asked.signature.unwrap(),
            described["XksProxyConfiguration"]["AccessKeyId"].as_str().unwrap()
        );
        assert!(asked.path.starts_with(described["XksProxyConfiguration"]["UriPath"].as_str().unwrap()));
    }
    let described = store.describe();
    assert_eq!(described["CustomKeyStoreName"], "renamed");
    assert_eq!(described["XksProxyConfiguration"]["AccessKeyId"], OTHER_CREDENTIAL.0);
    assert_eq!(described["XksProxyConfiguration"]["UriPath"], OTHER_PATH);
    let _ = store.update(back.clone()).output();
    for change in &bound {
        assert_eq!(store.update(change.clone()).error(), "CustomKeyStoreInvalidStateException", "{change}");
    }
    store.disconnect();
    proxied.proxy.inject(Fault::Status(500), Scope::next(Api::Health, 1));
    assert_eq!(store.try_connect(), Err("XKS_PROXY_INVALID_RESPONSE".to_owned()));
    changes_freely("FAILED");
    for change in &bound {
        assert_eq!(store.update(change.clone()).error(), "CustomKeyStoreInvalidStateException", "{change}");
    }
    assert_eq!(store.call("ConnectCustomKeyStore", json!({})).error(), "CustomKeyStoreInvalidStateException");
    store.disconnect();
    proxied.proxy.inject(Fault::Late(Duration::from_millis(240)), Scope::next(Api::Health, 1));
    let _ = store.call("ConnectCustomKeyStore", json!({})).output();
    let renamed = store.update(json!({"NewCustomKeyStoreName": "while connecting"}));
    let _ = renamed.output();
    assert_eq!(store.settled()["ConnectionState"], "CONNECTED");
    assert_eq!(store.describe()["CustomKeyStoreName"], "while connecting");
    store.disconnect();
    assert_eq!(store.update(bound[1].clone()).error(), "XksProxyVpcEndpointServiceNotFoundException");
    store.connect();
    assert_eq!(store.encrypt(&key).status, 200, "updates that were refused changed nothing");
}

#[test]
fn an_update_that_the_proxy_does_not_agree_to_changes_nothing() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let before = store.describe();
    let wrong =
        json!({"XksProxyAuthenticationCredential": credential(OTHER_CREDENTIAL.0, OTHER_CREDENTIAL.1)});
    store
        .update(wrong)
        .refuses("XksProxyIncorrectAuthenticationCredentialException", words::NOT_AUTHENTICATED);
    let nowhere = json!({"XksProxyUriPath": "/nowhere/kms/xks/v1"});
    store.update(nowhere).refuses("XksProxyInvalidConfigurationException", words::INVALID_PATH);
    assert_eq!(store.describe(), before);
    let _ = store.encrypt(&key).output();
}

#[test]
fn a_vpc_endpoint_service_is_reached_at_its_configured_address() {
    let proxied = Proxied::new();
    let server =
        proxied.server_with(&format!("connect_to = {{ {SERVICE:?} = \"{}\" }}\n", proxied.proxy.address()));
    works_by_its_service(&server);
}

#[test]
fn a_vpc_endpoint_service_is_reached_over_a_socket_on_this_machine() {
    let proxied = Proxied::new();
    let socket = proxied.file("xks.sock");
    relay(UnixListener::bind(&socket).unwrap(), proxied.proxy.address());
    let server =
        proxied.server_with(&format!("connect_to = {{ {SERVICE:?} = \"unix:{}\" }}\n", socket.display()));
    works_by_its_service(&server);
}

#[track_caller]
fn works_by_its_service(server: &Server) {
    let mut wanted = input("private", "https://xks.example.com", PATH);
    wanted["XksProxyConnectivity"] = "VPC_ENDPOINT_SERVICE".into();
    wanted["XksProxyVpcEndpointServiceName"] = SERVICE.into();
    let store = Store::create(server, &wanted);
    let configuration = store.describe()["XksProxyConfiguration"].clone();
    assert_eq!(configuration["VpcEndpointServiceName"], SERVICE);
    assert_eq!(configuration["VpcEndpointServiceOwner"], server.account_id(server.root()));
    store.connect();
    let key = store.create_key_of(KEYS[0]);
    store.opens(&store.sealed(&key));
    wanted["CustomKeyStoreName"] = "another".into();
    wanted["XksProxyVpcEndpointServiceName"] = "com.amazonaws.vpce.us-east-1.vpce-svc-0000".into();
    wanted["XksProxyUriEndpoint"] = "https://other.example.com".into();
    let unknown = server.call("CreateCustomKeyStore", &wanted);
    assert_eq!(unknown.error(), "XksProxyVpcEndpointServiceNotFoundException");
}

/// Carries bytes between a socket and an address, for as long as the test runs.
fn relay(listener: UnixListener, to: SocketAddr) {
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let proxy = TcpStream::connect(to).unwrap();
            let (from, to) = (client.try_clone().unwrap(), proxy.try_clone().unwrap());
            std::thread::spawn(move || carry(from, to));
            std::thread::spawn(move || carry_back(proxy, client));
        }
    });
}

fn carry(mut from: UnixStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

fn carry_back(mut from: TcpStream, mut to: UnixStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// A call, the ARN of the KMS key, and the external key.
type Told<'a> = (&'a str, &'a String, &'a str);

/// What the proxy was asked for the sake of the call that was answered so.
fn told(proxy: &Proxy, answer: &Answer) -> Vec<SeenRequest> {
    let id = request_id(answer);
    let of = |request: &SeenRequest| body(request)["requestMetadata"]["kmsRequestId"] == id;
    proxy.requests().into_iter().filter(of).collect()
}

fn request_id(answer: &Answer) -> &str {
    answer.header("x-amzn-requestid").unwrap()
}

fn body(request: &SeenRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[track_caller]
fn is_signed_as_kms_signs(request: &SeenRequest) {
    assert_eq!(request.signature.as_deref(), Ok(Credential::EXAMPLE_ID));
    assert_eq!(
        (request.method.as_str(), &request.headers["content-type"]),
        ("POST", &"application/json".parse().unwrap())
    );
    let authorization = request.headers["authorization"].to_str().unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 "), "{authorization}");
    assert!(authorization.contains("SignedHeaders=host;x-amz-date,"), "{authorization}");
    assert!(authorization.contains("/kms-xks-proxy/aws4_request,"), "{authorization}");
}

const SERVICE: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";
