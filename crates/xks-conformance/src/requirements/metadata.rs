//! GetKeyMetadata.

use serde_json::Value;
use xks_api::Operation;

use crate::calls::{self, Cases, success};
use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P17",
        level: Level::Must,
        sentence: "Answers keySpec, keyUsage and keyStatus.",
        checks: &[check!(Must, Ordinary, answers_fields, "GetKeyMetadata answers texts and a list of texts")],
        by_eye: None,
    },
    Requirement {
        id: "P18",
        level: Level::Must,
        sentence: "Says AES_256 for an AES key of 256 bits.",
        checks: &[
            check!(Must, Ordinary, says_aes_256, "keySpec of a good key is AES_256"),
            check!(Must, Ordinary, says_no_aes_256, "keySpec of a key of 128 bits is not AES_256"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P19",
        level: Level::Must,
        sentence: "Names ENCRYPT and DECRYPT as the key allows, and never more than ten usages.",
        checks: &[
            check!(
                Must,
                Ordinary,
                names_usages,
                "keyUsage of a good key has ENCRYPT and DECRYPT, and at most ten"
            ),
            check!(
                Must,
                Ordinary,
                names_encrypt_only,
                "keyUsage of a key that only encrypts has ENCRYPT and not DECRYPT"
            ),
            check!(
                Must,
                Ordinary,
                names_decrypt_only,
                "keyUsage of a key that only decrypts has DECRYPT and not ENCRYPT"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P20",
        level: Level::Must,
        sentence: "Says ENABLED or DISABLED.",
        checks: &[
            check!(Must, Ordinary, says_enabled, "keyStatus of a good key is ENABLED"),
            check!(Must, Ordinary, says_disabled, "keyStatus of a disabled key is DISABLED"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P21",
        level: Level::Must,
        sentence: "Answers 200 on success.",
        checks: &[check!(Must, Ordinary, answers_200, "a success has status 200, and no other")],
        by_eye: None,
    },
];

async fn answers_fields(laboratory: &Laboratory) -> Finding {
    Metadata::of(laboratory, &laboratory.target.key).await?;
    PASSED
}

async fn says_aes_256(laboratory: &Laboratory) -> Finding {
    let spec = Metadata::of(laboratory, &laboratory.target.key).await?.spec;
    ensure(spec == AES_256, AES_256, || spec.clone())?;
    PASSED
}

async fn says_no_aes_256(laboratory: &Laboratory) -> Finding {
    let key = lent(laboratory.target.small_key.as_ref(), "--small-key")?;
    let spec = Metadata::of(laboratory, key).await?.spec;
    ensure(spec != AES_256, "another keySpec", || spec.clone())?;
    PASSED
}

async fn names_usages(laboratory: &Laboratory) -> Finding {
    let usage = Metadata::of(laboratory, &laboratory.target.key).await?.usage;
    let right = usage.contains(&ENCRYPT.into()) && usage.contains(&DECRYPT.into());
    ensure(right && usage.len() <= 10, "ENCRYPT, DECRYPT and at most eight others", || usage.join(", "))?;
    PASSED
}

async fn names_encrypt_only(laboratory: &Laboratory) -> Finding {
    let key = lent(laboratory.target.encrypt_only_key.as_ref(), "--encrypt-only-key")?;
    names_only(laboratory, key, ENCRYPT, DECRYPT).await
}

async fn names_decrypt_only(laboratory: &Laboratory) -> Finding {
    let key = lent(laboratory.target.decrypt_only_key.as_ref(), "--decrypt-only-key")?;
    names_only(laboratory, key, DECRYPT, ENCRYPT).await
}

async fn names_only(laboratory: &Laboratory, key: &str, one: &str, other: &str) -> Finding {
    let usage = Metadata::of(laboratory, key).await?.usage;
    let right = usage.iter().any(|it| it == one) && !usage.iter().any(|it| it == other);
    ensure(right, format!("{one} and not {other}"), || usage.join(", "))?;
    PASSED
}

async fn says_enabled(laboratory: &Laboratory) -> Finding {
    let status = Metadata::of(laboratory, &laboratory.target.key).await?.status;
    ensure(status == "ENABLED", "ENABLED", || status.clone())?;
    PASSED
}

async fn says_disabled(laboratory: &Laboratory) -> Finding {
    let key = lent(laboratory.target.disabled_key.as_ref(), "--disabled-key")?;
    let status = Metadata::of(laboratory, key).await?.status;
    ensure(status == "DISABLED", "DISABLED", || status.clone())?;
    PASSED
}

async fn answers_200(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for operation in Operation::ALL {
        let answer = laboratory.ask_edited(operation, &[]).await?;
        let found = answer.status;
        cases.note(operation.as_str(), ensure(found == 200, "status 200", || found.to_string()))?;
    }
    cases.finding()
}

/// What GetKeyMetadata answers.
struct Metadata {
    spec: String,
    usage: Vec<String>,
    status: String,
}

impl Metadata {
    async fn of(laboratory: &Laboratory, key: &str) -> Result<Self, Miss> {
        let body = calls::plain(Operation::GetKeyMetadata, laboratory.next());
        let answer = laboratory.ask(Operation::GetKeyMetadata, key, &body).await?;
        let fields = success(&answer)?;
        let wrong = |name: &str| Miss::failed(format!("a right {name}"), crate::wire::excerpt(&answer));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let field = |name: &str| fields.get(name).and_then(text).ok_or_else(|| wrong(name));
        let usage = fields.get("keyUsage").and_then(Value::as_array);
        let usage = usage.and_then(|list| list.iter().map(text).collect::<Option<Vec<_>>>());
        let usage = usage.ok_or_else(|| wrong("keyUsage"))?;
        Ok(Self { spec: field("keySpec")?, usage, status: field("keyStatus")? })
    }
}

fn lent<'a>(key: Option<&'a String>, argument: &str) -> Result<&'a str, Miss> {
    key.map(String::as_str).ok_or_else(|| Miss::needs(argument))
}

const AES_256: &str = "AES_256";
const ENCRYPT: &str = "ENCRYPT";
const DECRYPT: &str = "DECRYPT";
