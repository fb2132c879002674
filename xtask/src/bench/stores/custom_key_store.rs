//! A custom key store as its owner makes it: created, connected, with keys in it.

use super::super::BenchError;
use super::super::cardea::{Cardea, text};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

/// A custom key store that is connected.
#[derive(Debug)]
pub struct CustomKeyStore<'a> {
    cardea: &'a Cardea,
    id: String,
}

impl<'a> CustomKeyStore<'a> {
    /// Creates and connects one of that kind.
    pub fn connected(cardea: &'a Cardea, name: &str, kind: &Value) -> Result<Self, BenchError> {
        let body = with(kind, &[("CustomKeyStoreName", json!(name))]);
        let id = text(&call(cardea, "CreateCustomKeyStore", &body)?, "CustomKeyStoreId")?;
        call(cardea, "ConnectCustomKeyStore", &json!({ "CustomKeyStoreId": id }))?;
        let store = Self { cardea, id };
        store.await_connection()?;
        Ok(store)
    }

    /// Makes a key in it, of that kind.
    pub fn new_key(&self, kind: &Value) -> Result<String, BenchError> {
        new_key(self.cardea, &with(kind, &[("CustomKeyStoreId", json!(self.id))]))
    }

    fn await_connection(&self) -> Result<(), BenchError> {
        let began = Instant::now();
        let body = json!({ "CustomKeyStoreId": self.id });
        loop {
            let described = call(self.cardea, "DescribeCustomKeyStores", &body)?;
            let state = described.pointer("/CustomKeyStores/0/ConnectionState").and_then(Value::as_str);
            match state {
                Some("CONNECTED") => return Ok(()),
                Some("CONNECTING") if began.elapsed() < CONNECTED_WITHIN => thread::sleep(ASK_EVERY),
                _ => {
                    return Err(BenchError::malformed(
                        "a store that is to be connected",
                        described.to_string(),
                    ));
                }
            }
        }
    }
}

/// Makes a key.
pub fn new_key(cardea: &Cardea, body: &Value) -> Result<String, BenchError> {
    let made = call(cardea, "CreateKey", body)?;
    let id = made.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| BenchError::malformed("an answer", made.to_string()))
}

/// Makes one call.
pub fn call(cardea: &Cardea, operation: &str, body: &Value) -> Result<Value, BenchError> {
    Ok(cardea.call_all(operation, &[body.to_string()], 1)?.pop().unwrap_or_default())
}

fn with(object: &Value, members: &[(&str, Value)]) -> Value {
    let more = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    object.as_object().cloned().unwrap_or_default().into_iter().chain(more).collect()
}

/// Longer than a token takes to make an RSA key.
const CONNECTED_WITHIN: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(50);
