//! A custom key store as a client has it: made, connected, used and let go by its operations.

use blackbox::{Answer, Caller, Server, base64};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A store of somebody's account.
pub struct Store<'a> {
    pub server: &'a Server,
    pub caller: Caller,
    pub id: String,
}

impl<'a> Store<'a> {
    /// Makes one of the first account.
    #[track_caller]
    pub fn create(server: &'a Server, input: &Value) -> Self {
        Self::create_as(server, server.root(), input)
    }

    /// Makes one of somebody's account.
    #[track_caller]
    pub fn create_as(server: &'a Server, caller: &Caller, input: &Value) -> Self {
        let made = server.call_as(caller, "CreateCustomKeyStore", input).output();
        Self { server, caller: caller.clone(), id: made["CustomKeyStoreId"].as_str().unwrap().to_owned() }
    }

    /// Calls an operation on it.
    pub fn call(&self, operation: &str, mut input: Value) -> Answer {
        input["CustomKeyStoreId"] = self.id.as_str().into();
        self.server.call_as(&self.caller, operation, &input)
    }

    /// Connects it, and waits until it is.
    #[track_caller]
    pub fn connect(&self) {
        assert_eq!(self.try_connect(), Ok(()), "{}", self.server.log());
    }

    /// Tries to connect it, and waits for what comes of it: the ConnectionErrorCode.
    #[track_caller]
    pub fn try_connect(&self) -> Result<(), String> {
        let _ = self.call("ConnectCustomKeyStore", json!({})).output();
        let settled = self.settled();
        match state_of(&settled) {
            "CONNECTED" => Ok(()),
            "FAILED" => Err(settled["ConnectionErrorCode"].as_str().unwrap().to_owned()),
            other => panic!("{other}"),
        }
    }

    /// Disconnects it, and waits until it is.
    #[track_caller]
    pub fn disconnect(&self) {
        let _ = self.call("DisconnectCustomKeyStore", json!({})).output();
        assert_eq!(state_of(&self.settled()), "DISCONNECTED");
    }

    /// Changes it.
    pub fn update(&self, input: Value) -> Answer {
        self.call("UpdateCustomKeyStore", input)
    }

    /// What is told of it.
    #[track_caller]
    pub fn describe(&self) -> Value {
        let described = self.call("DescribeCustomKeyStores", json!({})).output();
        described["CustomKeyStores"][0].clone()
    }

    /// What is told of it once it is neither being connected nor being disconnected.
    #[track_caller]
    pub fn settled(&self) -> Value {
        let mut described = self.describe();
        until("the store is settled", || {
            described = self.describe();
            !["CONNECTING", "DISCONNECTING"].contains(&state_of(&described))
        });
        described
    }

    /// Its ConnectionState.
    #[track_caller]
    pub fn state(&self) -> String {
        state_of(&self.describe()).to_owned()
    }

    /// Makes a key in it, in an HSM cluster, and says its ARN.
    #[track_caller]
    pub fn create_key(&self) -> String {
        let made = self.call("CreateKey", json!({"Origin": "AWS_CLOUDHSM"})).output();
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// Makes a key in it, of that external key, and says its ARN.
    #[track_caller]
    pub fn create_key_of(&self, external: &str) -> String {
        let made = self.try_create_key_of(external).output();
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// The same, where it may fail.
    pub fn try_create_key_of(&self, external: &str) -> Answer {
        self.call("CreateKey", json!({"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": external}))
    }

    /// Encrypts with a key of the account.
    pub fn encrypt(&self, key: &str) -> Answer {
        let input = json!({"KeyId": key, "Plaintext": base64(PLAINTEXT), "EncryptionContext": context()});
        self.server.call_as(&self.caller, "Encrypt", &input)
    }

    /// What a key of the account encrypts.
    #[track_caller]
    pub fn sealed(&self, key: &str) -> Value {
        self.encrypt(key).output()["CiphertextBlob"].clone()
    }

    /// Decrypts what [`Self::encrypt`] made.
    pub fn decrypt(&self, blob: &Value) -> Answer {
        let input = json!({"CiphertextBlob": blob, "EncryptionContext": context()});
        self.server.call_as(&self.caller, "Decrypt", &input)
    }

    /// It must come to what was encrypted.
    #[track_caller]
    pub fn opens(&self, blob: &Value) {
        let opened = self.decrypt(blob).output();
        assert_eq!(opened["Plaintext"], base64(PLAINTEXT));
    }

    /// The KeyState of a key.
    #[track_caller]
    pub fn key_state(&self, key: &str) -> String {
        let described = self.server.call_as(&self.caller, "DescribeKey", &json!({"KeyId": key})).output();
        described["KeyMetadata"]["KeyState"].as_str().unwrap().to_owned()
    }

    /// Schedules the deletion of a key, as soon as that can be.
    #[track_caller]
    pub fn schedule_deletion(&self, key: &str) {
        let input = json!({"KeyId": key, "PendingWindowInDays": 7});
        let _ = self.server.call_as(&self.caller, "ScheduleKeyDeletion", &input).output();
    }
}

/// The encryption context that all tests use.
pub fn context() -> Value {
    json!({"project": "nile"})
}

fn state_of(described: &Value) -> &str {
    described["ConnectionState"].as_str().unwrap_or_else(|| panic!("no state: {described}"))
}

/// Waits until that is so, but not for ever.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(POLL);
    }
}

/// What a call came to, and how long it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let came_to = call();
    (came_to, begun.elapsed())
}

/// What is encrypted.
pub const PLAINTEXT: &[u8] = b"the nile rises";
/// A journal in small files, which tests read often.
pub const SHORT_JOURNAL: &str = "[journal]\nsegment_bytes = 262144\n";
/// So long may anything take; most takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
