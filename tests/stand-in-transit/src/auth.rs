//! `auth/`: tokens with policies and times to live, and AppRole.

use crate::Cluster;
use crate::answer::{Answer, Outcome, seconds, text};
use crate::routes::Call;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Tokens, policies and roles.
#[derive(Debug, Default)]
pub(crate) struct Auth {
    tokens: BTreeMap<String, Token>,
    /// By namespace and name.
    policies: BTreeMap<(String, String), Value>,
    /// AppRole, by namespace and name of the mount.
    mounts: BTreeSet<(String, String)>,
    /// By namespace, mount and name.
    roles: BTreeMap<(String, String, String), Role>,
}

#[derive(Debug)]
struct Token {
    namespace: String,
    policies: Vec<String>,
    whole: Duration,
    until: Instant,
    /// No renewal goes beyond it.
    limit: Option<Instant>,
    is_renewable: bool,
}

#[derive(Debug)]
struct Role {
    id: String,
    secret_ids: BTreeSet<String>,
    policies: Vec<String>,
    lease: Duration,
    longest: Option<Duration>,
}

impl Auth {
    /// Whether the token of a call may do it. To make what is not there is another capability.
    pub(crate) fn check(&self, call: &Call<'_>, makes: bool) -> Result<(), Answer> {
        if call.token == Cluster::ROOT {
            return Ok(());
        }
        let denied = || Answer::error(403, "permission denied");
        let token = self.token(call.token).ok_or_else(denied)?;
        let wanted = match (call.method, makes) {
            (_, true) => "create",
            (&Method::GET, _) => "read",
            (&Method::DELETE, _) => "delete",
            _ => "update",
        };
        let is_own = OWN.contains(&call.path)
            || (token.namespace == call.namespace && self.allows(token, call.path, wanted));
        is_own.then_some(()).ok_or_else(|| Answer::error(403, "1 error occurred:\n\t* permission denied\n\n"))
    }

    pub(crate) fn mount(&mut self, namespace: &str, name: &str) {
        self.mounts.insert((namespace.to_owned(), name.to_owned()));
    }

    pub(crate) fn put_policy(&mut self, namespace: &str, name: &str, policy: Value) {
        self.policies.insert((namespace.to_owned(), name.to_owned()), policy);
    }

    pub(crate) fn all_tokens(&self) -> Vec<String> {
        self.tokens.keys().cloned().collect()
    }

    pub(crate) fn revoke_all(&mut self) {
        self.tokens.clear();
    }

    fn token(&self, text: &str) -> Option<&Token> {
        self.tokens.get(text).filter(|token| token.until > Instant::now())
    }

    fn allows(&self, token: &Token, path: &str, wanted: &str) -> bool {
        let policies = token.policies.iter();
        let policies =
            policies.filter_map(|name| self.policies.get(&(token.namespace.clone(), name.clone())));
        let mut rules = policies.filter_map(|policy| policy.get("path")?.as_object()).flatten();
        rules.any(|(pattern, rule)| {
            let covers = match pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => pattern == path,
            };
            let capabilities = rule.get("capabilities").and_then(Value::as_array);
            covers && capabilities.is_some_and(|all| all.iter().any(|one| one == wanted))
        })
    }

    fn issue(
        &mut self,
        namespace: &str,
        policies: Vec<String>,
        whole: Duration,
        longest: Option<Duration>,
        is_renewable: bool,
    ) -> Answer {
        let text = format!("s.{}", random());
        let now = Instant::now();
        let limit = longest.map(|longest| now + longest);
        let until = limit.map_or(now + whole, |limit| limit.min(now + whole));
        let token = Token { namespace: namespace.to_owned(), policies, whole, until, limit, is_renewable };
        let answer = granted(&text, &token);
        self.tokens.insert(text, token);
        answer
    }
}

/// What needs no token.
pub(crate) fn login(auth: &mut Auth, call: &Call<'_>) -> Option<Outcome> {
    let mount = call.path.strip_prefix("auth/")?.strip_suffix("/login")?;
    if !auth.mounts.contains(&(call.namespace.to_owned(), mount.to_owned())) {
        let path = call.path;
        let text = format!("no handler for route \"{path}\". route entry not found.");
        return Some(Err(Answer::error(404, &text)));
    }
    let (id, secret) = (text(&call.body, "role_id"), text(&call.body, "secret_id"));
    let role = auth.roles.iter().find(|((namespace, at, _), role)| {
        namespace == call.namespace && at == mount && Some(role.id.as_str()) == id
    });
    let role = role.filter(|(_, role)| secret.is_some_and(|secret| role.secret_ids.contains(secret)));
    let Some((_, Role { policies, lease, longest, .. })) = role else {
        return Some(Err(Answer::error(400, "invalid role or secret ID")));
    };
    let (policies, lease, longest) = (policies.clone(), *lease, *longest);
    Some(Ok(auth.issue(call.namespace, policies, lease, longest, true)))
}

pub(crate) fn answer(auth: &mut Auth, path: &str, call: &Call<'_>) -> Outcome {
    if let Some(what) = path.strip_prefix("token/") {
        return tokens(auth, what, call);
    }
    let (mount, rest) = path.split_once("/role/").ok_or_else(Answer::absent)?;
    let (name, what) = rest.split_once('/').unwrap_or((rest, ""));
    let key = (call.namespace.to_owned(), mount.to_owned(), name.to_owned());
    match what {
        "" => {
            let lease = Duration::from_secs(seconds(&call.body, "token_ttl").unwrap_or(LONGEST));
            let longest = seconds(&call.body, "token_max_ttl").map(Duration::from_secs);
            let policies = names(&call.body, "token_policies");
            auth.roles
                .insert(key, Role { id: random(), secret_ids: BTreeSet::new(), policies, lease, longest });
            Ok(Answer::nothing())
        }
        "role-id" => {
            let role = auth.roles.get(&key).ok_or_else(Answer::absent)?;
            Ok(Answer::data(&json!({ "role_id": role.id })))
        }
        "secret-id" => {
            let role = auth.roles.get_mut(&key).ok_or_else(Answer::absent)?;
            let secret = random();
            role.secret_ids.insert(secret.clone());
            Ok(Answer::data(&json!({ "secret_id": secret })))
        }
        _ => Err(Answer::absent()),
    }
}

fn tokens(auth: &mut Auth, what: &str, call: &Call<'_>) -> Outcome {
    match what {
        "create" => {
            let whole = Duration::from_secs(seconds(&call.body, "ttl").unwrap_or(LONGEST));
            let longest = seconds(&call.body, "explicit_max_ttl").map(Duration::from_secs);
            let is_renewable = call.body.get("renewable").and_then(Value::as_bool).unwrap_or(true);
            Ok(auth.issue(call.namespace, names(&call.body, "policies"), whole, longest, is_renewable))
        }
        "lookup-self" => {
            let token = auth.token(call.token).ok_or_else(|| Answer::error(403, "permission denied"))?;
            let ttl = token.until.saturating_duration_since(Instant::now()).as_secs();
            Ok(Answer::data(&json!({ "ttl": ttl, "renewable": token.is_renewable, "type": "service" })))
        }
        "renew-self" => {
            let token =
                auth.tokens.get_mut(call.token).ok_or_else(|| Answer::error(403, "permission denied"))?;
            if !token.is_renewable {
                return Err(Answer::error(400, "lease is not renewable"));
            }
            let until = Instant::now() + token.whole;
            token.until = token.limit.map_or(until, |limit| limit.min(until));
            Ok(granted(call.token, token))
        }
        "revoke" => {
            auth.tokens.remove(text(&call.body, "token").unwrap_or_default());
            Ok(Answer::nothing())
        }
        _ => Err(Answer::absent()),
    }
}

fn granted(text: &str, token: &Token) -> Answer {
    let lease = token.until.saturating_duration_since(Instant::now());
    Answer::auth(&json!({
        "client_token": text,
        "accessor": "none",
        "policies": token.policies,
        "token_policies": token.policies,
        "metadata": null,
        "lease_duration": lease.as_millis().div_ceil(1000),
        "renewable": token.is_renewable,
        "entity_id": "",
        "token_type": "service",
        "orphan": true,
        "num_uses": 0,
    }))
}

fn names(body: &Value, name: &str) -> Vec<String> {
    let all = body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn random() -> String {
    let mut bytes = [0; 18];
    // Without randomness there is nothing to be tested on this machine.
    let _ = rand::fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What every token may do.
const OWN: [&str; 2] = ["auth/token/lookup-self", "auth/token/renew-self"];
/// In seconds.
const LONGEST: u64 = 2_764_800;
