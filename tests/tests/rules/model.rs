//! The registry against the public service model: names, members, what is required, types, limits, patterns, enumerations,
//! errors. No server is needed.

use blackbox::Model;
use operations::OPERATIONS;
use serde_json::Value;
use std::collections::BTreeSet;
use wire::{FaultKind, MemberShape, Shape};

#[test]
fn every_operation_takes_what_the_model_says() {
    let model = Model::load();
    let mut found = Vec::new();
    for entry in OPERATIONS {
        compare_members(&model, (entry.input)(), model.input(entry.name), entry.name, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_operation_answers_what_the_model_says() {
    let model = Model::load();
    for entry in OPERATIONS {
        let ours: BTreeSet<&str> = entry.output.iter().map(|(name, _)| *name).collect();
        let theirs = model.output(entry.name).map(member_names).unwrap_or_default();
        assert_eq!(ours, theirs, "{}", entry.name);
    }
}

#[test]
fn every_error_of_the_model_has_its_name_and_status() {
    let model = Model::load();
    let errors = model.errors();
    assert_eq!(errors.len(), 48);
    for (name, is_ours) in errors {
        let kind = FaultKind::ALL.iter().find(|kind| kind.name() == name);
        let kind = kind.unwrap_or_else(|| panic!("there is no {name}"));
        assert_eq!(kind.status(), if is_ours { 500 } else { 400 }, "{name}");
    }
}

#[test]
fn the_list_of_missing_operations_only_shrinks() {
    let all: BTreeSet<&str> =
        Model::load().operations().into_iter().map(|name| &*name.to_owned().leak()).collect();
    let ours: BTreeSet<&str> = OPERATIONS.iter().map(|entry| entry.name).collect();
    let missing: BTreeSet<&str> = MISSING_OPERATIONS.iter().copied().collect();
    assert_eq!(missing.len(), MISSING_OPERATIONS.len(), "the list names an operation twice");
    let strangers: Vec<_> = ours.difference(&all).collect();
    assert!(strangers.is_empty(), "AWS has no {strangers:?}");
    let done: Vec<_> = missing.intersection(&ours).collect();
    assert!(done.is_empty(), "take {done:?} off the list of missing operations");
    let expected: BTreeSet<&str> = all.difference(&ours).copied().collect();
    assert_eq!(missing, expected, "the list of missing operations is not what is missing");
}

fn compare_members(model: &Model, ours: &[MemberShape], theirs: &Value, path: &str, found: &mut Vec<String>) {
    let names: BTreeSet<&str> = ours.iter().map(|member| member.name).collect();
    for name in names.symmetric_difference(&member_names(theirs)) {
        found.push(format!("{path}.{name} is on one side only"));
    }
    let required =
        |name: &str| theirs["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    for member in ours {
        let path = format!("{path}.{}", member.name);
        if member.required != required(member.name) {
            found.push(format!("{path}: required is {}", member.required));
        }
        if let Some(reference) = theirs["members"].get(member.name) {
            compare(model, &member.shape, model.shape_of(reference), &path, found);
        }
    }
}

fn compare(model: &Model, ours: &Shape, theirs: &Value, path: &str, found: &mut Vec<String>) {
    let size = |name: &str| theirs[name].as_i64();
    let agrees = match ours {
        Shape::Blob { min, max } => {
            theirs["type"] == "blob" && sizes(*min, Some(*max)) == (size("min"), size("max"))
        }
        Shape::Boolean => theirs["type"] == "boolean",
        Shape::Enumeration(names) => {
            theirs["type"] == "string" && texts(&theirs["enum"]) == names.iter().copied().collect()
        }
        Shape::Integer { min, max } => {
            theirs["type"] == "integer" && (Some(*min), Some(*max)) == (size("min"), size("max"))
        }
        Shape::List { min, max, of } => {
            compare(model, of, model.shape_of(&theirs["member"]), &format!("{path}[]"), found);
            theirs["type"] == "list" && sizes(*min, *max) == (size("min").or(Some(0)), size("max"))
        }
        Shape::Map => {
            theirs["type"] == "map"
                && ["key", "value"].iter().all(|part| is_any_text(model.shape_of(&theirs[*part])))
        }
        Shape::Structure(members) => {
            compare_members(model, members, theirs, path, found);
            theirs["type"] == "structure"
        }
        Shape::Text { min, max, pattern } => {
            theirs["type"] == "string"
                && theirs.get("enum").is_none()
                && sizes(*min, Some(*max)) == (size("min"), size("max"))
                && *pattern == theirs["pattern"].as_str()
        }
    };
    if !agrees {
        found.push(format!("{path}: {ours:?} is not {theirs}"));
    }
}

fn sizes(min: usize, max: Option<usize>) -> (Option<i64>, Option<i64>) {
    (i64::try_from(min).ok(), max.and_then(|max| i64::try_from(max).ok()))
}

fn is_any_text(shape: &Value) -> bool {
    shape["type"] == "string"
        && ["min", "max", "pattern", "enum"].iter().all(|limit| shape.get(limit).is_none())
}

fn member_names(structure: &Value) -> BTreeSet<&str> {
    structure["members"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What AWS has and Cardea does not have yet. An operation leaves this list when it enters the registry; none enters it.
const MISSING_OPERATIONS: &[&str] = &[
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "CreateGrant",
    "Decapsulate",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKeyRotation",
    "Encapsulate",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "GetKeyLastUsage",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListGrants",
    "ListKeyRotations",
    "ListRetirableGrants",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "Sign",
    "UpdateCustomKeyStore",
    "UpdatePrimaryRegion",
    "Verify",
    "VerifyMac",
];
