//! Every limit of every parameter of IAM and STS, one above and one below: what breaks one is told so before anything else is
//! looked at. All of it follows from the shapes in the registry.

use crate::account::Account;
use blackbox::{Answer, Server};
use operations::{APIS, Api, Entry};
use wire::{MemberShape, NO_LIMIT, Shape};

/// Every operation of the Query protocol that is signed.
fn each() -> impl Iterator<Item = (&'static Api, &'static Entry)> {
    let query = APIS.iter().copied().filter(|api| matches!(api.service, "iam" | "sts"));
    let all = query.flat_map(|api| api.operations.iter().map(move |entry| (api, entry)));
    all.filter(|(_, entry)| entry.name != "AssumeRoleWithWebIdentity")
}

fn call(server: &Server, api: &Api, entry: &Entry, parameters: &[(&str, &str)]) -> Answer {
    let request = server.query(if api.service == "iam" { "iam" } else { "sts" }, entry.name, parameters);
    server.send(&request.signed(server.root()))
}

#[test]
fn every_required_parameter_that_is_absent_is_named() {
    let server = Server::start();
    let mut tried = 0;
    for (api, entry) in each() {
        let required: Vec<_> = (entry.input)().iter().filter(|member| member.required).collect();
        if required.is_empty() {
            continue;
        }
        let s = if required.len() == 1 { "" } else { "s" };
        let missing = |member: &&MemberShape| {
            format!(
                "Value null at '{}' failed to satisfy constraint: Member must not be null",
                lower_first(member.name)
            )
        };
        let missing: Vec<_> = required.iter().map(missing).collect();
        let expected = format!("{} validation error{s} detected: {}", required.len(), missing.join("; "));
        call(&server, api, entry, &[]).refuses("ValidationError", &expected);
        tried += 1;
    }
    assert!(tried > 50, "only {tried} operations");
}

#[test]
fn every_limit_of_every_parameter_holds() {
    let server = Server::start();
    let account = Account::root(&server);
    let before = account.everything();
    let mut tried = 0;
    for (api, entry) in each() {
        for broken in (entry.input)().iter().flat_map(|member| broken(member, "", "")) {
            let answer = call(&server, api, entry, &[(&broken.parameter, &broken.value)]);
            let what = format!("{} {} {:.40}", entry.name, broken.parameter, broken.value);
            let (error, words) = answer.fault();
            let words = words.unwrap_or_default();
            assert_eq!((answer.status, error.as_str()), (400, "ValidationError"), "{what}: {words:.300}");
            let said = format!("at '{}' failed to satisfy constraint: {}", broken.path, broken.constraint);
            assert!(words.contains(&said), "{what}: {said}\n{words:.600}");
            tried += 1;
        }
    }
    assert!(tried > 300, "only {tried} cases follow from the registry");
    assert_eq!(account.everything(), before);
}

/// One parameter that breaks one limit.
struct Broken {
    parameter: String,
    value: String,
    path: String,
    constraint: String,
}

fn broken(member: &MemberShape, within: &str, path: &str) -> Vec<Broken> {
    let parameter = format!("{within}{}", member.name);
    let path = format!("{path}{}", lower_first(member.name));
    let of = |value: String, constraint: String| Broken {
        parameter: parameter.clone(),
        value,
        path: path.clone(),
        constraint,
    };
    match &member.shape {
        Shape::Text { min, max, .. } => {
            let long = (*max != NO_LIMIT).then(|| of("a".repeat(max + 1), at_most(*max)));
            let short =
                min.checked_sub(1).filter(|less| *less > 0).map(|less| of("a".repeat(less), at_least(*min)));
            long.into_iter().chain(short).collect()
        }
        Shape::Integer { min, max } => vec![
            of((min - 1).to_string(), format!("Member must have value greater than or equal to {min}")),
            of((max + 1).to_string(), format!("Member must have value less than or equal to {max}")),
        ],
        Shape::Enumeration(names) => {
            vec![of("nile".to_owned(), format!("Member must satisfy enum value set: [{}]", names.join(", ")))]
        }
        Shape::Structure(members) => members
            .iter()
            .flat_map(|member| broken(member, &format!("{parameter}."), &format!("{path}.")))
            .collect(),
        Shape::List { of: Shape::Structure(members), .. } => {
            let (within, path) = (format!("{parameter}.member.1."), format!("{path}.1.member."));
            members.iter().flat_map(|member| broken(member, &within, &path)).collect()
        }
        Shape::List { of: Shape::Text { max, .. }, .. } if *max != NO_LIMIT => {
            let mut long =
                of("a".repeat(max + 1), format!("Member must satisfy constraint: [{}", at_most(*max)));
            long.parameter.push_str(".member.1");
            vec![long]
        }
        Shape::List { .. } | Shape::Boolean | Shape::Blob { .. } | Shape::Map | Shape::Timestamp => {
            Vec::new()
        }
    }
}

fn at_most(length: usize) -> String {
    format!("Member must have length less than or equal to {length}")
}

fn at_least(length: usize) -> String {
    format!("Member must have length greater than or equal to {length}")
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
