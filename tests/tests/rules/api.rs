//! `docs/api.md` is what the registry says: the operations, the permissions that they take, the key states in which they go
//! ahead, the limits of their members and their errors. Nothing in it is written by hand but the words in between.
//!
//! What permissions are on comes from the table of the ratchets, which try each of them; the errors come from the service model.

use crate::access::{On, actions, row};
use access::KeyAction;
use blackbox::Model;
use keys::{KeyOrigin, KeyState};
use operations::{APIS, Entry, OPERATIONS};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use wire::{FaultKind, MemberShape, NO_LIMIT, Shape};

#[test]
fn the_page_of_the_api_is_what_the_registry_says() {
    let (file, page) = (workspace().join("docs/api.md"), page());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let mut lines = written.lines().zip(page.lines()).enumerate();
    let differing = lines.find(|(_, (written, page))| written != page);
    assert!(
        written == page,
        "docs/api.md is out of date, from {differing:?} on: write it anew with {WRITE}=1"
    );
}

#[test]
fn every_action_that_an_operation_asks_for_is_on_the_page() {
    let page = page();
    let sources = sources(&workspace().join("crates/operations/src/kms"));
    let texts = sources.iter().flat_map(|source| source.split('"'));
    let named: BTreeSet<_> = texts.filter(|text| is_action(text)).collect();
    assert!(named.len() >= 50, "only {named:?} were found");
    let missing: Vec<_> = named.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "nothing says which operation needs {missing:?}: add it to ALSO");
}

fn is_action(text: &str) -> bool {
    text.strip_prefix("kms:").is_some_and(|name| name.chars().all(char::is_alphanumeric) && !name.is_empty())
}

fn page() -> String {
    let model = Model::load();
    let mut page = INTRODUCTION.to_owned();
    permissions(&mut page);
    states(&mut page);
    errors(&mut page, &model);
    page.push_str(MEMBERS);
    for entry in OPERATIONS {
        members(&mut page, entry, &model);
    }
    others(&mut page, &model);
    page
}

/// Who may call what.
fn permissions(page: &mut String) {
    page.push_str(PERMISSIONS);
    for entry in OPERATIONS {
        let actions = actions(entry.name);
        let known: Vec<_> = actions.iter().map(|action| KeyAction::of_name(action)).collect();
        let every = |is: fn(&KeyAction) -> bool| {
            if known.iter().all(|known| known.is_some_and(is)) { "yes" } else { "no" }
        };
        let also = ALSO.iter().find(|(name, _)| *name == entry.name).map_or("", |(_, also)| also);
        writeln!(
            page,
            "| {} | {}{also} | {} | {} | {} | {} |",
            entry.name,
            ticked(&actions),
            words(row(entry.name)),
            every(|action| action.cross_account),
            every(|action| action.grantable.is_some()),
            if entry.read_only { "no" } else { "yes" },
        )
        .unwrap();
    }
}

const fn words(on: On) -> &'static str {
    match on {
        On::Account => "account",
        On::AliasAndKeys => "alias, and key",
        On::Grant => "key, or named in the grant",
        On::Keys => "key",
        On::Principal => "account",
    }
}

/// In which states of a key what goes ahead.
fn states(page: &mut String) {
    page.push_str(STATES);
    writeln!(page, "| operation | {} | origins |", STATE_ORDER.map(KeyState::name).join(" | ")).unwrap();
    writeln!(page, "|---|{}---|", "---|".repeat(STATE_ORDER.len())).unwrap();
    for entry in OPERATIONS.iter().filter(|entry| !matches!(row(entry.name), On::Account | On::Principal)) {
        let admitted = STATE_ORDER.map(|state| entry.states.admit(state).map_or("–", |()| "yes"));
        writeln!(page, "| {} | {} | {} |", entry.name, admitted.join(" | "), origins(entry)).unwrap();
    }
}

fn origins(entry: &Entry) -> String {
    let names: Vec<_> = entry.origins.iter().map(|origin| origin.name()).collect();
    if names.len() == KeyOrigin::ALL.len() { "all".to_owned() } else { ticked(&names) }
}

/// The errors that have nothing to do with an operation, and those that never come.
fn errors(page: &mut String, model: &Model) {
    let names = |kinds: &mut dyn Iterator<Item = FaultKind>| {
        ticked(&kinds.map(|kind| kind.name().to_owned()).collect::<Vec<_>>())
    };
    let sources = sources(&workspace().join("crates"));
    let answered = |kind: &FaultKind| sources.iter().any(|source| names_kind(source, *kind));
    let declared: BTreeSet<_> =
        OPERATIONS.iter().flat_map(|entry| model.errors_of(entry.name)).map(|error| error.name).collect();
    let never =
        FaultKind::KMS.iter().filter(|kind| declared.contains(kind.name())).filter(|kind| !answered(kind));
    page.push_str(ERRORS);
    writeln!(page, "Every operation: {}.\n", names(&mut FaultKind::COMMON.iter().copied().filter(answered)))
        .unwrap();
    writeln!(page, "Never: {}.", names(&mut never.copied())).unwrap();
}

/// Whether a source has that kind of error: as a whole word, or by its name.
fn names_kind(source: &str, kind: FaultKind) -> bool {
    let word = format!("FaultKind::{kind:?}");
    let whole = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric());
    source.split(&word).skip(1).any(whole) || source.contains(&format!("\"{}\"", kind.name()))
}

/// What an operation takes and answers.
fn members(page: &mut String, entry: &Entry, model: &Model) {
    writeln!(page, "\n### {}\n", entry.name).unwrap();
    let input = (entry.input)();
    if input.is_empty() {
        page.push_str("Takes nothing.\n");
    } else {
        page.push_str("| takes | | |\n|---|---|---|\n");
    }
    for MemberShape { name, required, shape } in input {
        let required = if *required { "required" } else { "" };
        writeln!(page, "| {name} | {required} | {} |", limits(shape).replace('|', "\\|")).unwrap();
    }
    let answers: Vec<_> = entry.output.iter().map(|(name, _)| (*name).to_owned()).collect();
    let answers = if answers.is_empty() { "nothing".to_owned() } else { ticked(&answers) };
    let errors: Vec<_> = model.errors_of(entry.name).iter().map(|error| error.name.to_owned()).collect();
    writeln!(page, "\nAnswers {answers}. Errors: {}.", ticked(&errors)).unwrap();
}

/// What a member may hold, in words.
fn limits(shape: &Shape) -> String {
    match shape {
        Shape::Blob { min, max } => format!("{} bytes", range(*min, *max)),
        Shape::Boolean => "true or false".to_owned(),
        Shape::Enumeration(names) => ticked(names),
        Shape::Integer { min, max } => format!("number, {min} to {max}"),
        Shape::List { min, max, of } => {
            format!("list of {}, each: {}", range(*min, max.unwrap_or(NO_LIMIT)), limits(of))
        }
        Shape::Map => "texts by name".to_owned(),
        Shape::Structure(members) => structure(members),
        Shape::Text { min, max, pattern } => {
            let pattern = pattern.map(|pattern| format!(", `{pattern}`")).unwrap_or_default();
            format!("{} characters{pattern}", range(*min, *max))
        }
        Shape::Timestamp => "time".to_owned(),
    }
}

fn structure(members: &[MemberShape]) -> String {
    let member = |MemberShape { name, required, shape }: &MemberShape| {
        format!("{name}{} ({})", if *required { ", required" } else { "" }, limits(shape))
    };
    members.iter().map(member).collect::<Vec<_>>().join("; ")
}

fn range(min: usize, max: usize) -> String {
    if max == NO_LIMIT { format!("{min} or more") } else { format!("{min} to {max}") }
}

/// The operations of which only the names are told, and those of KMS that are not there.
fn others(page: &mut String, model: &Model) {
    let missing: Vec<_> = model
        .operations()
        .into_iter()
        .filter(|name| !OPERATIONS.iter().any(|entry| entry.name == *name))
        .collect();
    if !missing.is_empty() {
        writeln!(page, "\n## Operations of KMS that are not there\n\n{}.", ticked(&missing)).unwrap();
    }
    for (service, title) in [("iam", "IAM"), ("sts", "STS"), ("cardea", "Cardea's own")] {
        let api = APIS.iter().find(|api| api.service == service).unwrap();
        let names: Vec<_> = api.operations.iter().map(|entry| entry.name).collect();
        writeln!(page, "\n## {title}\n\n{}.", ticked(&names)).unwrap();
    }
}

fn ticked<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// The text of every source of the service, but of where the kinds of errors are listed.
fn sources(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with(KINDS) {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Set, it has the page written.
const WRITE: &str = "CARDEA_WRITE_DOCS";

const KINDS: &str = "wire/src/fault.rs";

/// What the table of the ratchets does not have, since it hangs on the request or is on something else.
const ALSO: &[(&str, &str)] = &[
    ("CreateKey", "; with tags `kms:TagResource`, too"),
    (
        "ReplicateKey",
        "; on the account in the replica's Region `kms:CreateKey`, and with tags `kms:TagResource`",
    ),
];

const STATE_ORDER: [KeyState; 8] = [
    KeyState::Enabled,
    KeyState::Disabled,
    KeyState::PendingDeletion,
    KeyState::PendingReplicaDeletion,
    KeyState::PendingImport,
    KeyState::Unavailable,
    KeyState::Creating,
    KeyState::Updating,
];

const INTRODUCTION: &str = "\
# The operations

Generated from the registry by `tests/tests/rules/api.rs`; a test fails when it is not what the registry says. To write it anew:
`CARDEA_WRITE_DOCS=1 cargo nextest run -p blackbox the_page_of_the_api`.

Names, members, limits and errors are those of AWS's service model. What differs in behaviour is in [divergences](divergences.md); how a
permission is decided, in [access](access.md).
";

const PERMISSIONS: &str = "
## Permissions

On a key, its key policy decides, and identity-based policies where it lets them; on the account and on aliases, identity-based policies alone. \
*Shared*: the owner can let another account do it. *By grant*: a grant can allow it. *Changes*: it changes something, other than what is \
known of the use of a key.

| operation | permissions | on | shared | by grant | changes |
|---|---|---|---|---|---|
";

const STATES: &str = "
## Key states

Where there is no *yes*, the state of the key alone refuses the call: `DisabledException` in Disabled, else `KMSInvalidStateException`. A key of \
another origin than those named is refused with `UnsupportedOperationException` before that; its usage and its spec can refuse the call after it.

";

const ERRORS: &str = "
## Errors

With each operation below stand the errors that the service model has for it.

";

const MEMBERS: &str = "
## Members

The limits are those that the service model declares, and all violations of them come in one message. Where AWS holds a member to narrower \
ones, so does Cardea.
";
