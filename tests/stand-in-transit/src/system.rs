//! `sys/`: health, mounts, policies, namespaces.

use crate::answer::{Answer, Outcome, text};
use crate::cluster::Held;
use crate::node::State;
use crate::routes::Call;

use serde_json::{Value, json};

pub(crate) fn health(state: &State) -> Answer {
    let status = match (state.is_sealed, state.is_standby) {
        (true, _) => 503,
        (_, true) => 429,
        _ => 200,
    };
    let body = json!({
        "initialized": true,
        "sealed": state.is_sealed,
        "standby": state.is_sealed || state.is_standby,
        "replication_performance_mode": "disabled",
        "replication_dr_mode": "disabled",
        "server_time_utc": 1_795_345_745,
        "version": VERSION,
        "cluster_name": "vault-cluster-00000000",
    });
    Answer::plain(status, &body)
}

pub(crate) fn answer(held: &mut Held, path: &str, call: &Call<'_>) -> Outcome {
    let (kind, name) = path.split_once('/').unwrap_or((path, ""));
    match kind {
        "mounts" => {
            held.engines.entry((call.namespace.to_owned(), name.to_owned())).or_default();
        }
        "auth" => held.auth.mount(call.namespace, name),
        "namespaces" => {
            held.namespaces.insert(name.to_owned());
        }
        "policies" => {
            let name = name.strip_prefix("acl/").ok_or_else(Answer::absent)?;
            let policy: Option<Value> =
                text(&call.body, "policy").and_then(|text| serde_json::from_str(text).ok());
            let policy = policy.ok_or_else(|| Answer::error(400, "failed to parse policy"))?;
            held.auth.put_policy(call.namespace, name, policy);
        }
        _ => return Err(Answer::absent()),
    }
    Ok(Answer::nothing())
}

/// The version of OpenBao whose answers are given.
const VERSION: &str = "2.7.2";
