//! A load of signed calls from several clients, which remembers what was acknowledged and can say whether all of it is there.

use blackbox::{Answer, Connection, Server, base64, bytes};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What the service has acknowledged.
#[derive(Debug, Default)]
pub struct Acknowledged {
    /// The ids of the requests, whatever was answered.
    pub request_ids: BTreeSet<String>,
    /// The keys, by their ids.
    pub keys: BTreeMap<String, Key>,
}

/// What was acknowledged about one key.
#[derive(Debug, Default)]
pub struct Key {
    description: String,
    new_description: Option<String>,
    alias: Option<String>,
    alias_deleted: bool,
    /// An alias of it may be gone: its deletion was sent.
    alias_may_be_deleted: bool,
    tag: Option<String>,
    sealed: Option<(Value, Vec<u8>)>,
    disabled: bool,
    /// Its disabling was sent.
    may_be_disabled: bool,
}

impl Acknowledged {
    /// What so many clients got acknowledged until they were stopped or the service was gone.
    pub fn under_load(server: &Server, clients: usize, stop: &AtomicBool) -> Self {
        let mut all = Self::default();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..clients)
                .map(|_| {
                    scope.spawn(|| {
                        let mut client = Client { server, connection: None, acknowledged: Self::default() };
                        while !stop.load(Ordering::Relaxed) && client.make_a_key().is_ok() {}
                        client.acknowledged
                    })
                })
                .collect();
            clients.into_iter().for_each(|client| all.add(client.join().unwrap()));
        });
        all
    }

    /// These and those.
    pub fn add(&mut self, other: Self) {
        self.request_ids.extend(other.request_ids);
        self.keys.extend(other.keys);
    }

    /// Fails the test unless all of it is there, and no more than was asked for.
    pub fn is_there(&self, server: &Server) {
        for (id, key) in &self.keys {
            key.is_there(server, id);
        }
    }

    /// Fails the test unless every request is in the journal.
    pub fn is_on_record(&self, server: &Server) {
        let recorded: BTreeSet<String> = server
            .journal()
            .iter()
            .filter_map(|record| Some(record["requestID"].as_str()?.to_owned()))
            .collect();
        let missing: Vec<_> = self.request_ids.difference(&recorded).collect();
        assert!(missing.is_empty(), "acknowledged, but not in the journal: {missing:?}");
    }
}

impl Key {
    fn is_there(&self, server: &Server, id: &str) {
        let metadata = server.call("DescribeKey", &json!({"KeyId": id})).output()["KeyMetadata"].take();
        match &self.new_description {
            Some(new) => assert_eq!(metadata["Description"], **new),
            None => assert!(metadata["Description"].as_str().unwrap().starts_with(&self.description)),
        }
        assert!(!self.disabled || metadata["Enabled"] == false, "{id} was disabled");
        assert!(self.may_be_disabled || metadata["Enabled"] == true, "nobody disabled {id}");
        if let Some(alias) = &self.alias {
            let found = server.call("DescribeKey", &json!({"KeyId": alias}));
            if self.alias_deleted || (self.alias_may_be_deleted && found.status != 200) {
                assert_eq!(found.error(), "NotFoundException");
            } else {
                assert_eq!(found.output()["KeyMetadata"]["KeyId"], id);
            }
        }
        if let Some(tag) = &self.tag {
            let tags = server.call("ListResourceTags", &json!({"KeyId": id})).output();
            assert!(
                tags["Tags"].as_array().unwrap().contains(&json!({"TagKey": "tag", "TagValue": tag})),
                "{tags}"
            );
        }
        if let Some((blob, plaintext)) = self.sealed.as_ref().filter(|_| metadata["Enabled"] == true) {
            let opened = server.call("Decrypt", &json!({"CiphertextBlob": blob})).output();
            assert_eq!(bytes(&opened["Plaintext"]), *plaintext);
        }
    }
}

struct Client<'a> {
    server: &'a Server,
    connection: Option<Connection>,
    acknowledged: Acknowledged,
}

impl Client<'_> {
    /// One key after another, each with all that a key can have. An error is a service that is gone.
    fn make_a_key(&mut self) -> io::Result<()> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let description = format!("key {number}.");
        let made = self.output("CreateKey", &json!({"Description": description}))?;
        let id = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        self.acknowledged.keys.insert(id.clone(), Key { description, ..Key::default() });
        self.describe(&id, number)?;
        self.seal(&id, number)?;
        if number.is_multiple_of(3) {
            self.key(&id).may_be_disabled = true;
            self.output("DisableKey", &json!({"KeyId": id}))?;
            self.key(&id).disabled = true;
        }
        Ok(())
    }

    fn describe(&mut self, id: &str, number: usize) -> io::Result<()> {
        let alias = format!("alias/{}-{number}", std::process::id());
        self.output("CreateAlias", &json!({"AliasName": alias, "TargetKeyId": id}))?;
        self.key(id).alias = Some(alias.clone());
        let tag = number.to_string();
        self.output("TagResource", &json!({"KeyId": id, "Tags": [{"TagKey": "tag", "TagValue": tag}]}))?;
        self.key(id).tag = Some(tag);
        let new = format!("key {number}. and more");
        self.output("UpdateKeyDescription", &json!({"KeyId": id, "Description": new}))?;
        self.key(id).new_description = Some(new);
        if number.is_multiple_of(4) {
            self.key(id).alias_may_be_deleted = true;
            self.output("DeleteAlias", &json!({"AliasName": alias}))?;
            self.key(id).alias_deleted = true;
        }
        Ok(())
    }

    fn seal(&mut self, id: &str, number: usize) -> io::Result<()> {
        let plaintext = number.to_be_bytes();
        let sealed = self.output("Encrypt", &json!({"KeyId": id, "Plaintext": base64(&plaintext)}))?;
        self.key(id).sealed = Some((sealed["CiphertextBlob"].clone(), plaintext.to_vec()));
        Ok(())
    }

    fn key(&mut self, id: &str) -> &mut Key {
        self.acknowledged.keys.get_mut(id).unwrap()
    }

    /// What the service answers. A call that the security module did not live to answer is made again, as every SDK does.
    fn output(&mut self, operation: &str, input: &Value) -> io::Result<Value> {
        for _ in 0..TRIES {
            let answer = self.exchange(operation, input)?;
            self.acknowledged.request_ids.insert(answer.header("x-amzn-requestid").unwrap().to_owned());
            if answer.status != 500 {
                return Ok(answer.output());
            }
        }
        Err(io::Error::other("the service fails again and again"))
    }

    fn exchange(&mut self, operation: &str, input: &Value) -> io::Result<Answer> {
        let request = self.server.request(operation, input.to_string()).signed(self.server.root());
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect()?,
        };
        let answer = connection.exchange(&request)?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

/// A name for everything, over all clients.
static NUMBER: AtomicUsize = AtomicUsize::new(0);
const TRIES: usize = 5;
