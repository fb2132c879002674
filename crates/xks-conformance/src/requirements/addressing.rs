//! Paths, keys by their ids, and what a request says of itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xks_api::{ErrorName, LONGEST_URI_PATH, Operation};

use crate::calls::{Cases, refused, refused_somehow, success};
use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure, noted};
use crate::wire::{Answer, Signer, excerpt};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P6",
        level: Level::Must,
        sentence: "Accepts ARNs of up to 2,048 characters.",
        checks: &[check!(Must, Ordinary, accepts_long_arns, "ARNs of 2,048 characters are accepted")],
        by_eye: None,
    },
    Requirement {
        id: "P7",
        level: Level::Must,
        sentence: "Answers GET on each of the four URIs with 405.",
        checks: &[
            check!(Must, Ordinary, refuses_get, "a GET without a signature is answered 405"),
            check!(Must, Ordinary, refuses_signed_get, "a GET with a good signature is answered 405"),
            check!(Should, Ordinary, refuses_other_methods, "PUT, DELETE and PATCH are answered 405"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P8",
        level: Level::Must,
        sentence: "Keeps the path within 128 characters of a-z A-Z 0-9 / - _ and the whole URI within 256.",
        checks: &[check!(
            Must,
            Ordinary,
            has_a_short_path,
            "the path of this store and its URIs are within the limits"
        )],
        by_eye: Some(
            "give the proxy a path prefix that is too long, or has another character: it must not start with it",
        ),
    },
    Requirement {
        id: "P9",
        level: Level::May,
        sentence: "Has a quota of requests for each path prefix.",
        checks: &[check!(
            May,
            Dangerous,
            throttles,
            "under load all answers are 200, or 429 ThrottlingException"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P10",
        level: Level::Must,
        sentence: "Finds exactly one key for an external key id.",
        checks: &[
            check!(Must, Ordinary, knows_its_keys, "a key that there is not is a KeyNotFoundException"),
            check!(
                Must,
                Ordinary,
                isolates_stores,
                "a key of one store is a KeyNotFoundException under the path of another"
            ),
        ],
        by_eye: Some("look at the configuration: no id may stand for two keys of one endpoint"),
    },
    Requirement {
        id: "P11",
        level: Level::Must,
        sentence: "Handles external key ids of up to 128 characters of A-Z a-z 0-9 - . _ and nothing else.",
        checks: &[
            check!(Must, Ordinary, takes_long_ids, "an id of 128 characters is looked for"),
            check!(Must, Ordinary, refuses_longer_ids, "an id of 129 characters is refused"),
            check!(
                Must,
                Ordinary,
                refuses_other_characters,
                "ids with other characters, and none, are refused"
            ),
            check!(Must, Ordinary, refuses_encoded_ids, "an id in percent-encoding is not decoded"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P12",
        level: Level::Must,
        sentence: "Requires awsPrincipalArn, kmsOperation and kmsRequestId, and kmsKeyArn for Encrypt and Decrypt.",
        checks: &[
            check!(
                Must,
                Ordinary,
                requires_metadata,
                "a body without requestMetadata, or with another type of it, is a ValidationException"
            ),
            check!(
                Must,
                Ordinary,
                requires_fields,
                "each required field that is absent, null or no text is a ValidationException"
            ),
            check!(
                Should,
                Ordinary,
                requires_text,
                "each required field that is empty is a ValidationException"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P13",
        level: Level::Must,
        sentence: "Accepts the optional fields, and fields that are not invented yet.",
        checks: &[
            check!(
                Must,
                Ordinary,
                accepts_optional_fields,
                "awsSourceVpc, awsSourceVpce and kmsViaService are accepted"
            ),
            check!(Must, Ordinary, accepts_new_fields, "fields of any type that nobody knows are accepted"),
            check!(Should, Ordinary, accepts_nulls, "optional fields that are null count as absent"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P14",
        level: Level::Must,
        sentence: "Takes an unknown kmsOperation for no invalid one.",
        checks: &[check!(
            Must,
            Ordinary,
            accepts_operations,
            "an unknown kmsOperation is answered, or denied by a policy"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P15",
        level: Level::Must,
        sentence: "Takes kmsRequestId for opaque.",
        checks: &[check!(Must, Ordinary, accepts_request_ids, "request ids of any shape are accepted")],
        by_eye: None,
    },
    Requirement {
        id: "P16",
        level: Level::Should,
        sentence: "Logs kmsRequestId.",
        checks: &[],
        by_eye: Some("look for `conformance-` in its log or journal: request ids of this run begin with it"),
    },
];

async fn accepts_long_arns(laboratory: &Laboratory) -> Finding {
    let long = |start: &str| Value::from(format!("{start}{}", "a".repeat(2048 - start.len())));
    let principal = long("arn:aws:sts::123456789012:assumed-role/");
    let key = long("arn:aws:kms:us-east-1:123456789012:key/");
    let mut cases = Cases::default();
    for operation in OF_KEYS {
        let mut edits = vec![("requestMetadata.awsPrincipalArn", Some(principal.clone()))];
        if operation != Operation::GetKeyMetadata {
            edits.push(("requestMetadata.kmsKeyArn", Some(key.clone())));
        }
        let answer = laboratory.ask_edited(operation, &edits).await?;
        cases.note(operation.as_str(), accepted(&answer))?;
    }
    cases.finding()
}

async fn refuses_get(laboratory: &Laboratory) -> Finding {
    refuses_methods(laboratory, &["GET"], false).await
}

async fn refuses_signed_get(laboratory: &Laboratory) -> Finding {
    refuses_methods(laboratory, &["GET"], true).await
}

async fn refuses_other_methods(laboratory: &Laboratory) -> Finding {
    refuses_methods(laboratory, &["PUT", "DELETE", "PATCH"], true).await
}

async fn refuses_methods(laboratory: &Laboratory, methods: &[&'static str], signed: bool) -> Finding {
    let mut cases = Cases::default();
    for &method in methods {
        for operation in Operation::ALL {
            let mut request = laboratory.unsigned(operation, &laboratory.target.key, &Value::Null);
            request.method = method;
            request.body.clear();
            if signed {
                laboratory.signer().sign(&mut request);
            }
            let answer = laboratory.send(&request).await?;
            let outcome = ensure(answer.status == 405, "status 405", || excerpt(&answer));
            cases.note(&format!("{method} {operation}"), outcome)?;
        }
    }
    cases.finding()
}

async fn has_a_short_path(laboratory: &Laboratory) -> Finding {
    let store = &laboratory.target.store;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte);
    let right = store.path.len() <= LONGEST_URI_PATH && store.path.bytes().all(allowed);
    ensure(right, "a path of at most 128 characters of a-z A-Z 0-9 / - _", || store.path.clone())?;
    let url = store.url();
    ensure(url.len() <= LONGEST_URI, "a URI of at most 256 characters", || url.clone())?;
    PASSED
}

async fn throttles(laboratory: &Laboratory) -> Finding {
    if !laboratory.options.load {
        return Err(Miss::needs("--load"));
    }
    let began = Instant::now();
    let mut outcomes = Vec::new();
    while began.elapsed() < LOAD {
        let callers = (0..CALLERS).map(|_| one_of_many(laboratory));
        outcomes.extend(all(callers).await);
    }
    let mut throttled = 0;
    for outcome in &outcomes {
        let answer = outcome.as_ref().map_err(|miss| Miss::failed("an answer", format!("{miss:?}")))?;
        if answer.status != 200 {
            refused(answer, &[ErrorName::Throttling])?;
            throttled += 1;
        }
    }
    noted(format!("{throttled} of {} calls in {} s were throttled", outcomes.len(), LOAD.as_secs()))
}

/// Ten calls on one connection, of which the last answer that is no success is told.
async fn one_of_many(laboratory: &Laboratory) -> Result<Answer, Miss> {
    let mut connection = laboratory.connect().await?;
    let mut last = None;
    for _ in 0..CALLS {
        let body = laboratory.encrypt_body(b"load", None);
        let request = laboratory.signed(Operation::Encrypt, &laboratory.target.key, &body);
        let answer = connection.ask(&request).await?;
        if answer.status != 200 {
            return Ok(answer);
        }
        last = Some(answer);
    }
    last.ok_or_else(|| Miss::failed("an answer", "none"))
}

/// What several futures come to, that go on at the same time.
async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, outcome) in waiting.iter_mut().filter(|(_, outcome)| outcome.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => *outcome = Some(value),
                std::task::Poll::Pending => ready = false,
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, outcome)| outcome).collect()
}

async fn knows_its_keys(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for operation in OF_KEYS {
        let body = laboratory.good_body(operation).await?;
        let answer = laboratory.ask(operation, &laboratory.target.unknown_key, &body).await?;
        cases.note(operation.as_str(), refused(&answer, &[ErrorName::KeyNotFound]))?;
    }
    cases.finding()
}

async fn isolates_stores(laboratory: &Laboratory) -> Finding {
    let target = &laboratory.target;
    let Some((other, other_key)) = &target.other_store else {
        return Err(Miss::needs("--other-store"));
    };
    let signer = Signer::new(&other.credential, &target.region);
    let mut cases = Cases::default();
    for operation in OF_KEYS {
        let body = laboratory.good_body(operation).await?;
        let there = laboratory.signed_by(&signer, other, operation, &target.key, &body);
        let here = laboratory.signed(operation, other_key, &body);
        for (side, request) in [("there", there), ("here", here)] {
            let answer = laboratory.send(&request).await?;
            cases.note(&format!("{operation} {side}"), refused(&answer, &[ErrorName::KeyNotFound]))?;
        }
    }
    cases.finding()
}

async fn takes_long_ids(laboratory: &Laboratory) -> Finding {
    let mut id = "conformance.of_an-id.".to_owned();
    id.extend(std::iter::repeat_n('Z', LONGEST_ID - id.len()));
    let body = laboratory.good_body(Operation::GetKeyMetadata).await?;
    let answer = laboratory.ask(Operation::GetKeyMetadata, &id, &body).await?;
    refused(&answer, &[ErrorName::KeyNotFound])?;
    PASSED
}

async fn refuses_longer_ids(laboratory: &Laboratory) -> Finding {
    refuses_ids(laboratory, &["a".repeat(LONGEST_ID + 1)]).await
}

async fn refuses_other_characters(laboratory: &Laboratory) -> Finding {
    let key = &laboratory.target.key;
    let mut ids: Vec<String> = "~:+@,$!*".chars().map(|other| format!("{key}{other}")).collect();
    ids.extend([
        String::new(),
        format!("{key}/x"),
        "..".to_owned(),
        format!("{key}%00"),
        format!("{key}%2f"),
    ]);
    refuses_ids(laboratory, &ids).await
}

async fn refuses_encoded_ids(laboratory: &Laboratory) -> Finding {
    let encoded = |escape: &str| -> String {
        laboratory.target.key.bytes().map(|byte| format!("{escape}{byte:02x}")).collect()
    };
    refuses_ids(laboratory, &[encoded("%")]).await?;
    // A signer that encodes what is encoded already signs this for the same path.
    let body = laboratory.good_body(Operation::GetKeyMetadata).await?;
    let mut request = laboratory.signed(Operation::GetKeyMetadata, &encoded("%25"), &body);
    request.path = request.path.replace("%25", "%");
    refused_somehow(&laboratory.send(&request).await?)?;
    PASSED
}

async fn refuses_ids(laboratory: &Laboratory, ids: &[String]) -> Finding {
    let mut cases = Cases::default();
    for id in ids {
        let body = laboratory.good_body(Operation::GetKeyMetadata).await?;
        let answer = laboratory.ask(Operation::GetKeyMetadata, id, &body).await?;
        cases.note(&format!("`{id}`"), refused_somehow(&answer))?;
    }
    cases.finding()
}

async fn requires_metadata(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for operation in Operation::ALL {
        for value in [None, Some(Value::Null), Some(json!("text")), Some(json!({}))] {
            let case = format!("{operation} with {}", told(value.as_ref()));
            let answer = laboratory.ask_edited(operation, &[("requestMetadata", value)]).await?;
            cases.note(&case, refused(&answer, &[ErrorName::Validation]))?;
        }
    }
    cases.finding()
}

async fn requires_fields(laboratory: &Laboratory) -> Finding {
    with_required(laboratory, &[None, Some(Value::Null), Some(json!(1))]).await
}

async fn requires_text(laboratory: &Laboratory) -> Finding {
    with_required(laboratory, &[Some(json!(""))]).await
}

/// Each required field with each of these values in its place.
async fn with_required(laboratory: &Laboratory, values: &[Option<Value>]) -> Finding {
    let mut cases = Cases::default();
    for operation in Operation::ALL {
        for field in required_fields(operation) {
            for value in values {
                let case = format!("{operation} with {} for {field}", told(value.as_ref()));
                let path = format!("requestMetadata.{field}");
                let answer = laboratory.ask_edited(operation, &[(&path, value.clone())]).await?;
                cases.note(&case, refused(&answer, &[ErrorName::Validation]))?;
            }
        }
    }
    cases.finding()
}

fn required_fields(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Decrypt | Operation::Encrypt => {
            &["awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"]
        }
        Operation::GetHealthStatus => &["kmsOperation", "kmsRequestId"],
        Operation::GetKeyMetadata => &["awsPrincipalArn", "kmsOperation", "kmsRequestId"],
    }
}

fn told(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

async fn accepts_optional_fields(laboratory: &Laboratory) -> Finding {
    let edits = [
        ("requestMetadata.awsSourceVpc", Some(json!("vpc-5555555555555555a"))),
        ("requestMetadata.awsSourceVpce", Some(json!("vpce-6666666666666666b"))),
        ("requestMetadata.kmsViaService", Some(json!("ebs"))),
    ];
    accepts(laboratory, &edits).await
}

async fn accepts_new_fields(laboratory: &Laboratory) -> Finding {
    let edits = [
        ("requestMetadata.conformanceText", Some(json!("é\"\\\u{1f511}"))),
        ("requestMetadata.conformanceList", Some(json!([1, null, { "a": [] }]))),
        ("conformanceNumber", Some(json!(1.5e300))),
        ("conformanceObject", Some(json!({ "requestMetadata": {} }))),
    ];
    accepts(laboratory, &edits).await
}

async fn accepts_nulls(laboratory: &Laboratory) -> Finding {
    let null = || Some(Value::Null);
    let edits = [
        ("requestMetadata.awsSourceVpc", null()),
        ("requestMetadata.awsSourceVpce", null()),
        ("requestMetadata.kmsViaService", null()),
    ];
    accepts(laboratory, &edits).await
}

async fn accepts_operations(laboratory: &Laboratory) -> Finding {
    accepts(laboratory, &[("requestMetadata.kmsOperation", Some(json!("ConformanceOfTomorrow")))]).await
}

async fn accepts_request_ids(laboratory: &Laboratory) -> Finding {
    for id in ["1", "conformance with spaces and / . ~ é", &"conformance-".repeat(20)] {
        accepts(laboratory, &[("requestMetadata.kmsRequestId", Some(json!(id)))]).await?;
    }
    PASSED
}

/// Each of the four calls with these edits.
async fn accepts(laboratory: &Laboratory, edits: &[(&str, Option<Value>)]) -> Finding {
    let mut cases = Cases::default();
    for operation in Operation::ALL {
        let answer = laboratory.ask_edited(operation, edits).await?;
        cases.note(operation.as_str(), accepted(&answer))?;
    }
    cases.finding()
}

/// What is not invalid may yet be denied.
fn accepted(answer: &Answer) -> Result<(), Miss> {
    if refused(answer, &[ErrorName::AccessDenied]).is_ok() { Ok(()) } else { success(answer).map(drop) }
}

const OF_KEYS: [Operation; 3] = [Operation::Decrypt, Operation::Encrypt, Operation::GetKeyMetadata];
const LONGEST_ID: usize = 128;
const LONGEST_URI: usize = 256;
const LOAD: Duration = Duration::from_secs(5);
const CALLERS: usize = 64;
const CALLS: usize = 10;
