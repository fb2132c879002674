//! GetHealthStatus.

use serde_json::{Map, Value, json};
use xks_api::{ErrorName, Operation};

use crate::calls::{refused, success};
use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure, noted};
use crate::wire::excerpt;

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P43",
        level: Level::Should,
        sentence: "Proves by GetHealthStatus that a cryptographic operation would succeed now.",
        checks: &[check!(Should, Ordinary, is_active, "an instance is ACTIVE while the key encrypts")],
        by_eye: Some("take the key manager away, or give a wrong PIN: healthStatus must not stay ACTIVE"),
    },
    Requirement {
        id: "P44",
        level: Level::Should,
        sentence: "Uses a test key for that.",
        checks: &[],
        by_eye: Some("read in the key manager's log which key is used for health checks"),
    },
    Requirement {
        id: "P45",
        level: Level::Must,
        sentence: "Does not ask the policy about GetHealthStatus.",
        checks: &[check!(
            Must,
            Ordinary,
            is_no_matter_of_policy,
            "GetHealthStatus is answered to a caller whom the policy denies the key"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P46",
        level: Level::Must,
        sentence: "Answers from no cache older than a minute.",
        checks: &[],
        by_eye: Some("take the key manager away for two minutes: healthStatus must have changed"),
    },
    Requirement {
        id: "P47",
        level: Level::Must,
        sentence: "Answers the fleet size, both vendors, the model and the fleet's details.",
        checks: &[check!(
            Must,
            Ordinary,
            answers_fields,
            "GetHealthStatus answers all its fields, in their types"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P48",
        level: Level::Must,
        sentence: "Has a fleet size above zero.",
        checks: &[check!(Must, Ordinary, has_a_size, "xksProxyFleetSize is a whole number above zero")],
        by_eye: None,
    },
    Requirement {
        id: "P49",
        level: Level::Must,
        sentence: "Names both vendors.",
        checks: &[check!(
            Must,
            Ordinary,
            names_vendors,
            "xksProxyVendor and ekmVendor are texts that say something"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P50",
        level: Level::Should,
        sentence: "Names product and version in xksProxyModel.",
        checks: &[check!(Should, Ordinary, names_a_version, "xksProxyModel has a version")],
        by_eye: None,
    },
    Requirement {
        id: "P51",
        level: Level::Must,
        sentence: "Lists 1 to 10 instances.",
        checks: &[check!(Must, Ordinary, lists_instances, "ekmFleetDetails has 1 to 10 entries")],
        by_eye: None,
    },
    Requirement {
        id: "P52",
        level: Level::Must,
        sentence: "Says ACTIVE, DEGRADED or UNAVAILABLE.",
        checks: &[check!(Must, Ordinary, says_known_words, "each healthStatus is one of the three words")],
        by_eye: None,
    },
];

async fn is_active(laboratory: &Laboratory) -> Finding {
    let encrypts = success(&laboratory.ask_edited(Operation::Encrypt, &[]).await?).is_ok();
    let statuses = statuses(&health(laboratory).await?)?;
    let active = statuses.iter().any(|status| status == "ACTIVE");
    ensure(active == encrypts, format!("ACTIVE: {encrypts}"), || statuses.join(", "))?;
    PASSED
}

async fn is_no_matter_of_policy(laboratory: &Laboratory) -> Finding {
    let Some(principal) = &laboratory.target.denied_principal else {
        return Err(Miss::needs("--denied-principal"));
    };
    let denied = [("requestMetadata.awsPrincipalArn", Some(json!(principal)))];
    refused(&laboratory.ask_edited(Operation::Encrypt, &denied).await?, &[ErrorName::AccessDenied])?;
    success(&laboratory.ask_edited(Operation::GetHealthStatus, &denied).await?)?;
    PASSED
}

async fn answers_fields(laboratory: &Laboratory) -> Finding {
    let health = health(laboratory).await?;
    for name in ["xksProxyVendor", "xksProxyModel", "ekmVendor"] {
        text(&health, name)?;
    }
    for member in members(&health)? {
        for name in ["id", "model", "healthStatus"] {
            text(member, name)?;
        }
    }
    ensure(health.contains_key("xksProxyFleetSize"), "xksProxyFleetSize", || told(&health))?;
    PASSED
}

async fn has_a_size(laboratory: &Laboratory) -> Finding {
    let health = health(laboratory).await?;
    let size = health.get("xksProxyFleetSize").and_then(Value::as_u64);
    ensure(size.is_some_and(|size| size > 0), "a whole number above zero", || told(&health))?;
    PASSED
}

async fn names_vendors(laboratory: &Laboratory) -> Finding {
    let health = health(laboratory).await?;
    for name in ["xksProxyVendor", "ekmVendor"] {
        let vendor = text(&health, name)?;
        ensure(!vendor.trim().is_empty(), format!("a name in {name}"), || told(&health))?;
    }
    PASSED
}

async fn names_a_version(laboratory: &Laboratory) -> Finding {
    let health = health(laboratory).await?;
    let model = text(&health, "xksProxyModel")?;
    ensure(model.bytes().any(|byte| byte.is_ascii_digit()), "a name with a version", || model.to_owned())?;
    noted(model)
}

async fn lists_instances(laboratory: &Laboratory) -> Finding {
    let health = health(laboratory).await?;
    let count = members(&health)?.len();
    ensure((1..=10).contains(&count), "1 to 10 entries", || format!("{count} entries"))?;
    PASSED
}

async fn says_known_words(laboratory: &Laboratory) -> Finding {
    let statuses = statuses(&health(laboratory).await?)?;
    let known = |status: &String| ["ACTIVE", "DEGRADED", "UNAVAILABLE"].contains(&status.as_str());
    ensure(statuses.iter().all(known), "ACTIVE, DEGRADED or UNAVAILABLE", || statuses.join(", "))?;
    noted(statuses.join(", "))
}

async fn health(laboratory: &Laboratory) -> Result<Map<String, Value>, Miss> {
    let answer = laboratory.ask_edited(Operation::GetHealthStatus, &[]).await?;
    success(&answer).map_err(|_| Miss::failed("a health report", excerpt(&answer)))
}

fn members(health: &Map<String, Value>) -> Result<Vec<&Map<String, Value>>, Miss> {
    let members = health.get("ekmFleetDetails").and_then(Value::as_array);
    let members = members.and_then(|list| list.iter().map(Value::as_object).collect());
    members.ok_or_else(|| Miss::failed("ekmFleetDetails, a list of objects", told(health)))
}

fn statuses(health: &Map<String, Value>) -> Result<Vec<String>, Miss> {
    members(health)?.into_iter().map(|member| text(member, "healthStatus").map(str::to_owned)).collect()
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Miss> {
    let text = fields.get(name).and_then(Value::as_str);
    text.ok_or_else(|| Miss::failed(format!("a text {name}"), told(fields)))
}

fn told(fields: &Map<String, Value>) -> String {
    Value::Object(fields.clone()).to_string().chars().take(200).collect()
}
