//! Which part of the API a path is of, and who may ask for it.

use crate::answer::{Answer, Outcome};
use crate::cluster::Held;
use crate::node::State;
use crate::{Cluster, auth, system, transit};
use http::Method;
use http::request::Parts;
use serde_json::Value;

/// A request, read.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) namespace: &'a str,
    /// Below `/v1/`.
    pub(crate) path: &'a str,
    pub(crate) token: &'a str,
    pub(crate) body: Value,
}

pub(crate) fn answer(cluster: &Cluster, state: &State, head: &Parts, body: &[u8]) -> Answer {
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(path) = head.uri.path().strip_prefix("/v1/") else { return Answer::absent() };
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let namespace = header("x-vault-namespace").trim_matches('/');
    let call = Call { method: &head.method, namespace, path, token: header("x-vault-token"), body };
    let mut held = cluster.held();
    if path == "sys/health" {
        return system::health(state);
    }
    if state.is_sealed {
        return Answer::error(503, "Vault is sealed");
    }
    routed(&mut held, &call).unwrap_or_else(|refusal| refusal)
}

fn routed(held: &mut Held, call: &Call<'_>) -> Outcome {
    if !call.namespace.is_empty() && !held.namespaces.contains(call.namespace) {
        return Err(Answer::error(404, "namespace not found"));
    }
    if let Some(login) = auth::login(&mut held.auth, call) {
        return login;
    }
    held.auth.check(call, transit::makes_a_key(held, call))?;
    let (first, rest) = call.path.split_once('/').unwrap_or((call.path, ""));
    match first {
        "sys" => system::answer(held, rest, call),
        "auth" => auth::answer(&mut held.auth, rest, call),
        _ => transit::answer(held, call),
    }
}
