//! The registries against the public service models: names, members, what is required, types, limits, patterns, enumerations,
//! errors. No server is needed.

use blackbox::Model;
use operations::{APIS, Api, OPERATIONS};
use serde_json::Value;
use std::collections::BTreeSet;
use wire::{FaultKind, MemberShape, NO_LIMIT, Shape};

#[test]
fn every_operation_takes_what_the_model_says() {
    let mut found = Vec::new();
    for (api, model) in modelled() {
        for entry in api.operations {
            compare_members(&model, (entry.input)(), model.input(entry.name), entry.name, &mut found);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_operation_answers_what_the_model_says() {
    let mut found = Vec::new();
    for (api, model) in modelled() {
        for entry in api.operations {
            let ours: BTreeSet<&str> = entry.output.iter().map(|(name, _)| *name).collect();
            let theirs = model.output(entry.name).map(member_names).unwrap_or_default();
            let differing = ours.symmetric_difference(&theirs);
            found.extend(differing.map(|name| format!("{}.{name} is on one side only", entry.name)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_error_of_kms_has_its_name_and_status() {
    let model = Model::load();
    let errors = model.errors();
    assert_eq!((errors.len(), FaultKind::KMS.len()), (48, 48));
    for error in errors {
        let kind = FaultKind::KMS.iter().find(|kind| kind.name() == error.name);
        let kind = kind.unwrap_or_else(|| panic!("there is no {}", error.name));
        assert_eq!(kind.status(), if error.is_ours { 500 } else { 400 }, "{}", error.name);
    }
}

#[test]
fn every_error_that_an_operation_of_iam_or_sts_may_answer_has_its_code_and_status() {
    let mut found = Vec::new();
    for (api, model) in modelled().into_iter().filter(|(api, _)| api.service != "kms") {
        for entry in api.operations {
            for error in model.errors_of(entry.name) {
                let (code, status) = error.query.unwrap_or_else(|| panic!("{} has no code", error.name));
                let has =
                    |kind: &&FaultKind| kind.query_name() == code && u64::from(kind.query_status()) == status;
                if FaultKind::ALL.iter().find(has).is_none() && code != NEVER_ANSWERED {
                    found.push(format!("{}: {code} {status}", entry.name));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_error_of_iam_or_sts_is_of_our_own_making() {
    for (service, kinds) in [("iam", FaultKind::IAM), ("sts", FaultKind::STS)] {
        let model = Model::of(service);
        let known: BTreeSet<_> = model.errors().into_iter().filter_map(|error| error.query).collect();
        for kind in kinds {
            let row = (kind.query_name(), u64::from(kind.query_status()));
            assert!(known.contains(&row), "{service} has no {row:?}");
        }
    }
}

#[test]
fn every_operation_of_iam_and_sts_is_one_of_aws() {
    for (api, model) in modelled() {
        let theirs: BTreeSet<&str> = model.operations().into_iter().collect();
        for entry in api.operations {
            assert!(theirs.contains(entry.name), "{} has no {}", api.service, entry.name);
        }
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

/// `ListServiceSpecificCredentials` answers an empty list, whichever service is asked for.
const NEVER_ANSWERED: &str = "NotSupportedService";

/// Every service of AWS that there is, and its model.
fn modelled() -> Vec<(&'static Api, Model)> {
    let of_aws = APIS.iter().filter(|api| api.service != "cardea");
    of_aws.map(|api| (*api, Model::of(api.service))).collect()
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
            theirs["type"] == "blob" && sizes(*min, Some(*max)) == modelled_sizes(theirs)
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
            theirs["type"] == "list" && sizes(*min, *max) == modelled_sizes(theirs)
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
                && sizes(*min, Some(*max)) == modelled_sizes(theirs)
                && *pattern == theirs["pattern"].as_str()
        }
        Shape::Timestamp => theirs["type"] == "timestamp",
    };
    if !agrees {
        found.push(format!("{path}: {ours:?} is not {theirs}"));
    }
}

/// The least and the greatest length. What the model does not limit from below begins at 0.
fn sizes(min: usize, max: Option<usize>) -> (u64, Option<u64>) {
    (min as u64, max.filter(|max| *max != NO_LIMIT).map(|max| max as u64))
}

fn modelled_sizes(theirs: &Value) -> (u64, Option<u64>) {
    (theirs["min"].as_u64().unwrap_or(0), theirs["max"].as_u64())
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
const MISSING_OPERATIONS: &[&str] = &[];
