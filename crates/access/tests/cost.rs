//! What a decision costs: allocations always, time when asked (`cargo test --profile dist -p access --test cost -- --ignored --nocapture`).
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a test that cannot go on has failed; to count allocations takes an allocator"
)]

use access::{
    Attached, Authority, BoundPrincipals, ConditionKey, Decision, Facts, Policy, PolicyKind, Principal,
    PrincipalKind, Question, Resource, Values, decide, grant_for,
};
use keys::{Grant, GrantConstraints, GrantOperation, GrantPrincipal, Moment};
use serde_json::{Value, json};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::arn::{KeyArn, KeyReference};

#[test]
fn what_the_default_policy_allows_allocates_nothing() {
    let (ana, root) = (user("Ana"), Principal::root("aws".into(), OWNER.parse().unwrap()));
    let (with_policy, alone) = (authority(vec![full_access()]), Authority::default());
    let (key, policy) = (key(), Policy::owner_default());
    for (principal, authority) in [(&root, &alone), (&ana, &with_policy)] {
        let resource = Resource::Key { arn: &key, policy };
        let question = Question { principal, authority, action: "kms:Encrypt", resource, facts: &Request };
        assert_eq!(decide(&question), Decision::Allowed);
        assert_eq!(allocations(|| decide(&question) == Decision::Allowed), 0);
    }
}

#[test]
fn allocations_do_not_grow_with_the_grants_that_cannot_apply() {
    let large = Large::new();
    let question = large.question();
    let to_others = (0..1_000).map(to_another).collect::<Vec<_>>();
    let of_other_operations: Vec<_> = (0..1_000).map(|_| with_operation(GrantOperation::Sign)).collect();
    let constrained: Vec<_> = (0..1_000).map(|_| constrained_otherwise()).collect();
    for grants in [to_others, of_other_operations, constrained] {
        let count = |grants: &[Grant]| allocations(|| grant_for(&question, grants).is_none());
        let few = grants.get(..1).unwrap();
        assert_eq!(count(&grants), count(few));
    }
}

#[test]
#[ignore = "takes figures, which only an optimised build has"]
fn a_large_policy_and_a_thousand_grants_are_decided_in_50_microseconds_and_the_default_policy_in_5() {
    let large = Large::new();
    let question = large.question();
    let mut grants: Vec<_> = (0..1_000).map(to_another).collect();
    let denied = median(|| decide(&question) != Decision::Allowed && grant_for(&question, &grants).is_none());
    grants.push(with_operation(GrantOperation::Decrypt));
    let granted =
        median(|| decide(&question) != Decision::Allowed && grant_for(&question, &grants).is_some());

    let (ana, authority, key) = (user("Ana"), authority(vec![full_access()]), key());
    let resource = Resource::Key { arn: &key, policy: Policy::owner_default() };
    let question =
        Question { principal: &ana, authority: &authority, action: "kms:Encrypt", resource, facts: &Request };
    let by_default = median(|| decide(&question) == Decision::Allowed);

    println!(
        "32 KB key policy, 100 statements, 10 identity policies, 1,000 grants to others: denied in {denied:?}"
    );
    println!("and allowed by one more grant in {granted:?}");
    println!("default policy and one identity policy: allowed in {by_default:?}");
    assert!(denied.max(granted) < Duration::from_micros(50));
    assert!(by_default < Duration::from_micros(5));
}

/// The largest key policy that can be stored, none of whose statements lets the caller decrypt, and ten identity policies.
struct Large {
    key: KeyArn,
    policy: Policy,
    principal: Principal,
    authority: Authority,
}

impl Large {
    fn new() -> Self {
        let text = json!({"Version": "2012-10-17", "Statement": (0..100).map(statement).collect::<Vec<_>>()})
            .to_string();
        assert!((32_000..=32_768).contains(&text.len()), "{}", text.len());
        let policy = Policy::compile(PolicyKind::Key, &text, &BoundPrincipals::new()).unwrap();
        let authority = authority((0..10).map(identity_policy).collect());
        Self { key: key(), policy, principal: user("Ana"), authority }
    }

    fn question(&self) -> Question<'_> {
        let resource = Resource::Key { arn: &self.key, policy: &self.policy };
        let (principal, authority) = (&self.principal, &self.authority);
        Question { principal, authority, action: "kms:Decrypt", resource, facts: &Request }
    }
}

/// Every third is about another action, every third about other users, and every third fails by its condition only.
fn statement(number: usize) -> Value {
    let users = |names: [&str; 2]| names.map(|name| format!("arn:aws:iam::{OWNER}:user/{name}{number}"));
    let mut statement = json!({
        "Sid": format!("Statement number {number}"),
        "Effect": "Allow",
        "Principal": {"AWS": users(["Ben", "Cleo"])},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringLike": {"kms:EncryptionContext:project": [format!("nile{number}*"), "delta", "the-project-of-the-cataracts-*"]}},
    });
    match number % 3 {
        0 => statement["Action"] = json!(["kms:Encrypt", "kms:ReEncrypt*", "kms:DescribeKey"]),
        1 => {}
        _ => statement["Principal"] = json!({"AWS": format!("arn:aws:iam::{OWNER}:user/Ana")}),
    }
    statement
}

fn identity_policy(number: usize) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt"],
            "Resource": format!("arn:aws:kms:*:{OWNER}:key/{number}*")},
        {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"},
        {"Effect": "Deny", "Action": "kms:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]})
}

fn full_access() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]})
}

fn authority(policies: Vec<Value>) -> Authority {
    let compile = |text: Value| {
        Policy::compile(PolicyKind::Identity, &text.to_string(), &BoundPrincipals::new()).unwrap()
    };
    let attached = |text| Attached { name: "Ana/inline".into(), policy: Arc::new(compile(text)) };
    Authority { identity: policies.into_iter().map(attached).collect(), ..Authority::default() }
}

fn user(name: &str) -> Principal {
    let kind = PrincipalKind::User { path: "/".into(), name: name.into(), id: "AIDAANA".into() };
    Principal::new("aws".into(), OWNER.parse().unwrap(), kind)
}

fn key() -> KeyArn {
    match format!("arn:aws:kms:eu-central-1:{OWNER}:key/1234abcd-12ab-44cd-96ef-1234567890ab").parse() {
        Ok(KeyReference::Arn(arn)) => arn,
        other => panic!("{other:?}"),
    }
}

fn to_another(number: usize) -> Grant {
    let name = format!("arn:aws:iam::{OWNER}:role/Role{number}");
    Grant { grantee: GrantPrincipal { name, unique_id: None }, ..with_operation(GrantOperation::Decrypt) }
}

fn constrained_otherwise() -> Grant {
    let subset = Some(BTreeMap::from([("project".to_string(), "delta".to_string())]));
    let constraints = GrantConstraints { subset, ..GrantConstraints::default() };
    Grant { constraints, ..with_operation(GrantOperation::Decrypt) }
}

fn with_operation(operation: GrantOperation) -> Grant {
    Grant {
        id: "0".repeat(64).parse().unwrap(),
        grantee: GrantPrincipal {
            name: format!("arn:aws:iam::{OWNER}:user/Ana"),
            unique_id: Some("AIDAANA".into()),
        },
        retiring: None,
        operations: [operation].into_iter().collect(),
        constraints: GrantConstraints::default(),
        name: None,
        created: Moment::from_millis(0),
        issuing_account: OWNER.parse().unwrap(),
    }
}

/// A request with the encryption context `project=nile`.
struct Request;

impl Facts for Request {
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        match key {
            ConditionKey::KmsEncryptionContext if suffix.eq_ignore_ascii_case("project") => {
                Values::from("nile")
            }
            ConditionKey::KmsEncryptionContextKeys => Values::Many(vec!["project".into()]),
            ConditionKey::SecureTransport => Values::from(true),
            _ => Values::Absent,
        }
    }
}

/// How many allocations this thread makes while it runs.
fn allocations(run: impl Fn() -> bool) -> usize {
    let before = ALLOCATIONS.get();
    assert!(run());
    ALLOCATIONS.get() - before
}

fn median(run: impl Fn() -> bool) -> Duration {
    let mut times: Vec<_> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..RUNS_PER_SAMPLE {
                assert!(black_box(run()));
            }
            start.elapsed() / RUNS_PER_SAMPLE
        })
        .collect();
    times.sort_unstable();
    *times.get(times.len() / 2).unwrap()
}

/// The system's allocator, counting for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; the count is a plain number of the thread's own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps to the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: `place` came from the system's allocator, with that layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OWNER: &str = "111122223333";

const RUNS_PER_SAMPLE: u32 = 100;

const SAMPLES: u32 = 1_001;
