//! A cluster with Transit in it, whoever it is of, and the ways by which tests change and use it.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up ends it")]

use bytes::Bytes;
use http::{Method, Request};
use https::{Client, Roots, Routes, Tls};
use key_manager::{Encrypted, ExternalKeyId, KeyManager, Sealed, Session, Trouble};
use key_manager_vault::{AppRole, Login, Settings, VaultKeyManager};
use serde_json::{Value, json};
use stand_in_transit::{Cluster, Node};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Servers of one cluster, and who may change it.
pub struct Bench {
    pub urls: Vec<String>,
    pub namespace: Option<String>,
    pub folder: TempDir,
    client: Client,
}

impl Bench {
    /// Over those servers: Transit with the keys `key`, `other` and `health`, and the policy `xks`, which makes and reads no others.
    pub async fn over(urls: Vec<String>, ca_pem: &[u8], namespace: Option<&str>) -> Self {
        let mut roots = Roots::none();
        roots.add_pem(ca_pem).unwrap();
        let client = Client::new(Tls::new(roots, None).unwrap(), Routes::default(), None);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), ca_pem).unwrap();
        let mut bench = Self { urls, namespace: None, folder, client };
        if let Some(namespace) = namespace {
            bench.post(&format!("sys/namespaces/{namespace}"), json!({})).await;
            bench.namespace = Some(namespace.to_owned());
        }
        bench.post("sys/mounts/transit", json!({ "type": "transit" })).await;
        for key in ["key", "other", "health"] {
            bench.post(&format!("transit/keys/{key}"), json!({})).await;
        }
        let policy = json!({ "path": {
            "transit/encrypt/*": { "capabilities": ["update"] },
            "transit/decrypt/*": { "capabilities": ["update"] },
            "transit/keys/*": { "capabilities": ["read"] },
        } });
        bench.post("sys/policies/acl/xks", json!({ "policy": policy.to_string() })).await;
        bench
    }

    pub async fn of(cluster: &Cluster, nodes: &[&Node]) -> Self {
        let urls = nodes.iter().map(|node| node.url()).collect();
        Self::over(urls, cluster.ca_pem().as_bytes(), None).await
    }

    /// What the first server answers to who may do all; nothing to what it refuses.
    pub async fn admin(&self, method: Method, path: &str, body: Value) -> Option<Value> {
        let url = format!("{}/v1/{path}", self.urls.first().unwrap());
        let mut request = Request::builder().method(method).uri(url).header("X-Vault-Token", Cluster::ROOT);
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let answer = self.client.send(&request, 1 << 20).await.unwrap();
        answer.status().is_success().then(|| serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.admin(Method::POST, path, body).await.ok_or(path).unwrap()
    }

    /// A token of the policy `xks`.
    pub async fn token(&self, more: Value) -> String {
        let mut body = json!({ "policies": ["xks"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.post("auth/token/create", body).await;
        answer.pointer("/auth/client_token").unwrap().as_str().unwrap().to_owned()
    }

    pub async fn revoke(&self, token: &str) {
        self.post("auth/token/revoke", json!({ "token": token })).await;
    }

    /// Settings with a file with that token.
    pub fn settings(&self, token: &str) -> Settings {
        self.with(Login::TokenFile(self.write("token", token)))
    }

    /// Settings with an AppRole of the policy `xks`.
    pub async fn settings_of_role(&self, role: Value) -> Settings {
        self.post("sys/auth/approle", json!({ "type": "approle" })).await;
        let mut body = json!({ "token_policies": ["xks"] });
        body.as_object_mut().unwrap().extend(role.as_object().unwrap().clone());
        self.post("auth/approle/role/proxy", body).await;
        let id = self.admin(Method::GET, "auth/approle/role/proxy/role-id", Value::Null).await.unwrap();
        let secret = self.post("auth/approle/role/proxy/secret-id", json!({})).await;
        let text = |answer: &Value, at| answer.pointer(at).unwrap().as_str().unwrap().to_owned();
        self.with(Login::AppRole(AppRole {
            role_id_file: self.write("role", &text(&id, "/data/role_id")),
            secret_id_file: self.write("secret", &text(&secret, "/data/secret_id")),
            mount: "approle".to_owned(),
        }))
    }

    fn with(&self, login: Login) -> Settings {
        Settings {
            addresses: self.urls.iter().map(|url| url.parse().unwrap()).collect(),
            mount: "transit".to_owned(),
            namespace: self.namespace.clone(),
            login,
            ca_files: vec![self.folder.path().join("ca.pem")],
            test_key: "health".to_owned(),
            try_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
        }
    }

    /// As an agent does: whole or not at all.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{text}\n")).unwrap();
        fs::rename(new, &path).unwrap();
        path
    }
}

/// A stand-in of one server, and the key manager over it with a token of the policy `xks`.
pub async fn one() -> (Cluster, Node, Bench, VaultKeyManager) {
    let cluster = Cluster::new().unwrap();
    let node = cluster.start().unwrap();
    let bench = Bench::of(&cluster, &[&node]).await;
    let token = bench.token(json!({})).await;
    let manager = open(bench.settings(&token));
    (cluster, node, bench, manager)
}

pub fn open(settings: Settings) -> VaultKeyManager {
    VaultKeyManager::open(settings).unwrap()
}

pub fn id(text: &str) -> ExternalKeyId<'_> {
    ExternalKeyId::new(text).unwrap()
}

pub async fn encrypt(session: &Rc<dyn Session>) -> Result<Encrypted, Trouble> {
    session.encrypt(id("key"), b"plaintext", b"data").await
}

pub async fn decrypt(session: &Rc<dyn Session>, encrypted: &Encrypted) -> Result<Vec<u8>, Trouble> {
    let Encrypted { ciphertext, iv, tag, metadata, .. } = encrypted;
    let sealed = Sealed { ciphertext, iv, tag, metadata };
    session.decrypt(id("key"), sealed, b"data").await.map(|decrypted| decrypted.plaintext.to_vec())
}

pub fn session(manager: &VaultKeyManager) -> Rc<dyn Session> {
    manager.session(0)
}

/// Asks again until it is so; what never comes ends the test.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// How many requests for that path came.
pub fn count(cluster: &Cluster, path: &str) -> usize {
    cluster.requests().iter().filter(|seen| seen.path == path).count()
}
