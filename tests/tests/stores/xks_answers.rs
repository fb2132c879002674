//! What a proxy may answer instead of what it should, and what becomes of it: AWS's exception and words for each operation, and nothing of
//! the proxy's own words for anybody but the operator.

use crate::proxied::{KEYS, OTHER_PATH, PATH, Proxied};
use crate::store::{Store, context};
use crate::words;
use blackbox::{Answer, Server, record_of};
use faulty_proxy::{Api, Fault, Scope};
use serde_json::{Value, json};

/// What becomes of an error of the proxy.
struct Row {
    name: &'static str,
    words: &'static str,
    create_key: &'static str,
    /// Of CreateCustomKeyStore and UpdateCustomKeyStore.
    management: &'static str,
    connect: &'static str,
}

/// The specification's table. An error about a key makes no sense where the proxy is asked how it is.
const ROWS: [Row; 12] = [
    Row {
        name: "AccessDeniedException",
        words: words::ACCESS_DENIED,
        create_key: STORE_STATE,
        management: "XksProxyInvalidConfigurationException",
        connect: "XKS_PROXY_ACCESS_DENIED",
    },
    Row {
        name: "AuthenticationFailedException",
        words: words::NOT_AUTHENTICATED,
        create_key: STORE_STATE,
        management: "XksProxyIncorrectAuthenticationCredentialException",
        connect: "INVALID_CREDENTIALS",
    },
    Row {
        name: "DependencyTimeoutException",
        words: words::NOT_IN_TIME_ALLOTTED,
        create_key: STORE_STATE,
        management: "XksProxyUriUnreachableException",
        connect: "XKS_PROXY_TIMED_OUT",
    },
    Row {
        name: "InternalException",
        words: words::NO_KEY_MANAGER,
        create_key: STORE_STATE,
        management: INVALID_RESPONSE,
        connect: "XKS_PROXY_INVALID_RESPONSE",
    },
    Row {
        name: "InvalidCiphertextException",
        words: words::CIPHERTEXT_REJECTED,
        create_key: STORE_STATE,
        management: INVALID_RESPONSE,
        connect: "XKS_PROXY_INVALID_RESPONSE",
    },
    Row {
        name: "InvalidKeyUsageException",
        words: words::USAGE_NOT_SUPPORTED,
        create_key: "XksKeyInvalidConfigurationException",
        management: INVALID_RESPONSE,
        connect: "XKS_PROXY_INVALID_RESPONSE",
    },
    Row {
        name: "InvalidStateException",
        words: words::KEY_NOT_ENABLED,
        create_key: "XksKeyInvalidConfigurationException",
        management: INVALID_RESPONSE,
        connect: "XKS_PROXY_INVALID_RESPONSE",
    },
    Row {
        name: "InvalidUriPathException",
        words: words::INVALID_PATH,
        create_key: STORE_STATE,
        management: "XksProxyInvalidConfigurationException",
        connect: "XKS_PROXY_INVALID_CONFIGURATION",
    },
    Row {
        name: "KeyNotFoundException",
        words: words::KEY_NOT_FOUND,
        create_key: "XksKeyNotFoundException",
        management: INVALID_RESPONSE,
        connect: "XKS_PROXY_INVALID_RESPONSE",
    },
    Row {
        name: "ThrottlingException",
        words: words::HIGH_RATE,
        create_key: STORE_STATE,
        management: "XksProxyUriUnreachableException",
        connect: "XKS_PROXY_NOT_REACHABLE",
    },
    Row {
        name: "UnsupportedOperationException",
        words: words::NOT_SUPPORTED,
        create_key: STORE_STATE,
        management: "XksProxyInvalidConfigurationException",
        connect: "XKS_PROXY_INVALID_CONFIGURATION",
    },
    Row {
        name: "ValidationException",
        words: words::CANNOT_INTERPRET,
        create_key: STORE_STATE,
        management: INVALID_RESPONSE,
        connect: "XKS_PROXY_INVALID_RESPONSE",
    },
];

#[test]
fn each_error_of_a_proxy_is_told_as_aws_tells_it_by_every_use_of_a_key() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let (native, blob) = (server.create_key(), store.sealed(&key));
    let native_blob = store.sealed(&native);
    let mut answers = Vec::new();
    for Row { name, words, .. } in ROWS {
        let mut refuses = |api: Api, call: &dyn Fn() -> Answer| {
            proxied.proxy.inject(spoken(name), Scope::next(api, 1));
            let answer = call();
            answer.refuses("KMSInvalidStateException", words);
            answers.push(answer);
        };
        refuses(Api::Encrypt, &|| store.encrypt(&key));
        refuses(Api::Encrypt, &|| {
            server.call("GenerateDataKey", &json!({"KeyId": key, "KeySpec": "AES_256"}))
        });
        refuses(Api::Encrypt, &|| {
            server.call("GenerateDataKeyWithoutPlaintext", &json!({"KeyId": key, "KeySpec": "AES_256"}))
        });
        refuses(Api::Encrypt, &|| re_encrypt(&server, &native_blob, &key));
        refuses(Api::Decrypt, &|| re_encrypt(&server, &blob, &native));
        refuses(Api::Decrypt, &|| store.decrypt(&blob));
    }
    are_silent(&server, &answers);
    store.opens(&blob);
    assert!(server.log().contains(PROXY_WORDS), "the operator is told what the proxy says");
}

#[test]
fn each_error_of_a_proxy_is_told_as_aws_tells_it_by_create_key() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let mut answers = Vec::new();
    for Row { name, words, create_key, .. } in ROWS {
        proxied.proxy.inject(spoken(name), Scope::next(Api::Metadata, 1));
        let answer = store.try_create_key_of(KEYS[0]);
        answer.refuses(create_key, words);
        answers.push(answer);
    }
    are_silent(&server, &answers);
    let _ = store.create_key_of(KEYS[0]);
}

#[test]
fn each_error_of_a_proxy_is_told_as_aws_tells_it_when_a_store_is_made_or_changed() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = Store::create(&server, &proxied.input("first", PATH));
    let mut answers = Vec::new();
    for Row { name, words, management, .. } in ROWS {
        let words = if management == INVALID_RESPONSE && name != "InternalException" {
            words::CANNOT_INTERPRET
        } else {
            words
        };
        for call in [&|| server.call("CreateCustomKeyStore", &proxied.input("second", OTHER_PATH)), &|| {
            store.update(json!({"XksProxyUriPath": OTHER_PATH}))
        }] as [&dyn Fn() -> Answer; 2]
        {
            proxied.proxy.inject(spoken(name), Scope::next(Api::Health, 1));
            let answer = call();
            answer.refuses(management, words);
            answers.push(answer);
        }
    }
    are_silent(&server, &answers);
    assert_eq!(store.describe()["XksProxyConfiguration"]["UriPath"], PATH);
}

#[test]
fn each_error_of_a_proxy_has_its_code_when_a_store_cannot_be_connected() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = Store::create(&server, &proxied.input("first", PATH));
    for Row { name, connect, .. } in ROWS {
        proxied.proxy.inject(spoken(name), Scope::next(Api::Health, 1));
        assert_eq!(store.try_connect(), Err(connect.to_owned()), "{name}");
        store.disconnect();
        assert!(store.describe().get("ConnectionErrorCode").is_none());
    }
    store.connect();
}

#[test]
fn an_answer_that_is_none_of_the_specification_is_not_believed() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    let anywhere = || {
        let bare = [401, 403, 404, 429, 500, 501, 503].map(Fault::Status);
        let spoiled = [
            Fault::BadBase64,
            Fault::EmptyBody,
            Fault::HtmlPage(502),
            Fault::SetField { field: "padding".into(), value: json!(" ".repeat(100_000)) },
            Fault::NotJson,
            Fault::WrongTypes,
            Fault::Error { name: "TeapotException".into(), status: Some(418), message: None },
        ];
        bare.into_iter().chain(spoiled)
    };
    let remove = |field: &str| Fault::RemoveField(field.to_owned());
    let of_encrypt = [
        Fault::LongMetadata,
        Fault::NoIntegrityValue,
        Fault::OddInitializationVector,
        Fault::ShortCiphertext,
        Fault::ShortTag,
        Fault::WrongIntegrityValue,
        Fault::WrongTag,
        remove("ciphertext"),
        remove("initializationVector"),
        remove("authenticationTag"),
        Fault::SetField { field: "ciphertext".into(), value: json!("") },
    ];
    for fault in anywhere().chain(of_encrypt) {
        proxied.proxy.inject(fault.clone(), Scope::next(Api::Encrypt, 1));
        let answer = store.encrypt(&key);
        assert_eq!(answer.status, 400, "{fault:?}");
        assert_eq!(answer.fault(), invalid("KMSInvalidStateException"), "{fault:?}");
    }
    let of_decrypt = [Fault::ShortPlaintext, remove("plaintext")];
    for fault in anywhere().chain(of_decrypt) {
        proxied.proxy.inject(fault.clone(), Scope::next(Api::Decrypt, 1));
        let answer = store.decrypt(&blob);
        assert_eq!(answer.fault(), invalid("KMSInvalidStateException"), "{fault:?}");
    }
    proxied.proxy.inject(Fault::WrongPlaintext, Scope::next(Api::Decrypt, 1));
    store.decrypt(&blob).refuses("KMSInvalidStateException", words::CIPHERTEXT_INSIDE_REJECTED);
    for fault in anywhere().filter(|fault| *fault != Fault::BadBase64) {
        proxied.proxy.inject(fault.clone(), Scope::next(Api::Metadata, 1));
        let answer = store.try_create_key_of(KEYS[1]);
        assert_eq!(answer.fault(), invalid(STORE_STATE), "{fault:?}");
        proxied.proxy.inject(fault.clone(), Scope::next(Api::Health, 1));
        let answer = server.call("CreateCustomKeyStore", &proxied.input("second", OTHER_PATH));
        assert_eq!(answer.fault(), invalid(INVALID_RESPONSE), "{fault:?}");
    }
    store.opens(&blob);
    store.opens(&store.sealed(&key));
}

#[test]
fn a_proxy_that_breaks_off_cannot_be_communicated_with_and_the_next_call_goes_well() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    for fault in [Fault::Reset, Fault::CloseWithoutAnswer, Fault::HalfAnswer] {
        proxied.proxy.inject(fault.clone(), Scope::EVERYTHING);
        let answer = store.encrypt(&key);
        assert_eq!(answer.fault(), told("KMSInvalidStateException", words::CANNOT_COMMUNICATE), "{fault:?}");
        let answer = store.decrypt(&blob);
        assert_eq!(answer.fault(), told("KMSInvalidStateException", words::CANNOT_COMMUNICATE), "{fault:?}");
        proxied.proxy.clear_faults();
        store.opens(&store.sealed(&key));
    }
    for _ in 0..3 {
        proxied.proxy.close_connections();
        store.opens(&blob);
    }
}

#[test]
fn key_managers_that_are_all_unavailable_are_as_good_as_no_proxy() {
    use faulty_proxy::{HealthReport, HealthStatus};
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = Store::create(&server, &proxied.input("first", PATH));
    proxied.proxy.set_health(HealthReport::of(&[HealthStatus::Unavailable, HealthStatus::Unavailable]));
    let second = server.call("CreateCustomKeyStore", &proxied.input("second", OTHER_PATH));
    second.refuses("XksProxyUriUnreachableException", words::UNHEALTHY);
    assert_eq!(store.try_connect(), Err("XKS_PROXY_NOT_REACHABLE".to_owned()));
    store.disconnect();
    proxied.proxy.set_health(HealthReport::of(&[HealthStatus::Unavailable, HealthStatus::Degraded]));
    store.connect();
}

fn re_encrypt(server: &Server, blob: &Value, key: &str) -> Answer {
    let input =
        json!({"CiphertextBlob": blob, "SourceEncryptionContext": context(), "DestinationKeyId": key});
    server.call("ReEncrypt", &input)
}

/// That error with words of the proxy's own.
fn spoken(name: &str) -> Fault {
    Fault::Error { name: name.to_owned(), status: None, message: Some(PROXY_WORDS.to_owned()) }
}

/// Neither the caller nor the auditor is told what the proxy said.
#[track_caller]
fn are_silent(server: &Server, answers: &[Answer]) {
    let journal = server.journal();
    for answer in answers {
        let record = record_of(&journal, answer);
        assert!(!answer.text().contains(PROXY_WORDS) && !record.to_string().contains(PROXY_WORDS));
        let (error, words) = answer.fault();
        assert_eq!((&record["errorCode"], &record["errorMessage"]), (&json!(error), &json!(words)));
    }
}

fn invalid(error: &str) -> (String, Option<String>) {
    told(error, words::CANNOT_INTERPRET)
}

fn told(error: &str, words: &str) -> (String, Option<String>) {
    (error.to_owned(), Some(words.to_owned()))
}

const STORE_STATE: &str = "CustomKeyStoreInvalidStateException";
const INVALID_RESPONSE: &str = "XksProxyInvalidResponseException";
const PROXY_WORDS: &str = "the words of the proxy about mercury";
