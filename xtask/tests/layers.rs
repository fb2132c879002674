//! Holds the workspace to the layers of `deny.toml` wherever the tests run, with nothing but cargo. What a list of direct dependents
//! cannot say is here: what must not be reached at all.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

#[test]
fn nobody_depends_on_what_deny_toml_keeps_from_them() {
    let graph = Graph::of_the_workspace();
    let mut breaches = Vec::new();
    for ban in bans() {
        for edge in graph.edges.iter().filter(|edge| edge.to == ban.name) {
            if !ban.wrappers.contains(&edge.from) {
                breaches.push(format!("{} depends on {}", edge.from, edge.to));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn deny_toml_has_a_line_for_every_crate_of_the_workspace_that_another_depends_on() {
    let graph = Graph::of_the_workspace();
    let listed: BTreeSet<String> = bans().into_iter().map(|ban| ban.name).collect();
    let unlisted: Vec<&String> = graph.members.difference(&listed).collect();
    assert_eq!(unlisted, ["blackbox", "cli", "faulty-pkcs11", "pkcs11", "xks-proxy", "xtask"]);
    let depended_on: Vec<&Edge> = graph.edges.iter().filter(|edge| unlisted.contains(&&edge.to)).collect();
    assert!(depended_on.is_empty(), "{depended_on:?}");
}

#[test]
fn deny_toml_permits_nothing_that_nobody_needs() {
    let graph = Graph::of_the_workspace();
    for ban in bans() {
        for wrapper in &ban.wrappers {
            let needed = graph.edges.iter().any(|edge| edge.from == *wrapper && edge.to == ban.name);
            assert!(needed, "{wrapper} may depend on {} and does not", ban.name);
        }
    }
}

#[test]
fn the_pure_crates_reach_no_runtime_no_network_and_no_engine() {
    let graph = Graph::of_the_workspace();
    let reaches = |from: &str, kept_away: &str| graph.reached_from(from).contains(kept_away);
    assert!(reaches("server", "tokio") && reaches("storage", "rusqlite"), "the search finds nothing at all");
    for pure in ["access", "attestation", "keys", "module", "module-api", "sigv4", "wire"] {
        for kept_away in ["hyper", "mio", "rusqlite", "rustls", "socket2", "tokio", "tracing"] {
            assert!(!reaches(pure, kept_away), "{pure} reaches {kept_away}");
        }
    }
}

#[test]
fn the_security_module_reaches_no_json_and_none_of_ours_but_its_door_and_the_words() {
    let graph = Graph::of_the_workspace();
    let reached = graph.reached_from("module");
    for kept_away in ["serde_json", "toml", "http"] {
        assert!(!reached.contains(kept_away), "module reaches {kept_away}");
    }
    let ours: Vec<&String> = reached.intersection(&graph.members).collect();
    assert_eq!(ours, ["frames", "keys", "module-api", "sidecar-process"]);
}

#[test]
fn operations_reach_the_cryptography_only_behind_a_door() {
    let graph = Graph::of_the_workspace();
    let direct: BTreeSet<&str> = graph
        .edges
        .iter()
        .filter(|edge| edge.from == "operations" && edge.shipped)
        .map(|edge| edge.to.as_str())
        .collect();
    for kept_away in ["aws-lc-rs", "hyper", "module", "rusqlite", "rustls"] {
        assert!(!direct.contains(kept_away), "operations names {kept_away}");
    }
    assert!(!graph.reached_from("cli").contains("module"), "the front end holds the security module's code");
}

/// Which crate names which, here and in what we build on.
struct Graph {
    members: BTreeSet<String>,
    edges: Vec<Edge>,
}

#[derive(Debug)]
struct Edge {
    from: String,
    to: String,
    /// Whether it is in what we ship, not only in tests or in building.
    shipped: bool,
}

impl Graph {
    fn of_the_workspace() -> Self {
        let mut edges = edges("normal", true);
        edges.extend(edges_of_tests_and_builds(&edges));
        let members = tree(&["--depth", "0"]).lines().map(|line| parse(line).1.to_owned()).collect();
        Self { members, edges }
    }

    /// All that is linked into what ships of that crate.
    fn reached_from(&self, start: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(from) = open.pop() {
            for edge in self.edges.iter().filter(|edge| edge.shipped && edge.from == from) {
                if reached.insert(edge.to.clone()) {
                    open.push(&edge.to);
                }
            }
        }
        reached
    }
}

fn edges_of_tests_and_builds(shipped: &[Edge]) -> Vec<Edge> {
    let known = |edge: &Edge| shipped.iter().any(|other| other.from == edge.from && other.to == edge.to);
    edges("normal,build,dev", false).into_iter().filter(|edge| !known(edge)).collect()
}

/// What cargo would build: every line is one deeper than what depends on it. A crate's own dependencies are shown once.
fn edges(kinds: &str, shipped: bool) -> Vec<Edge> {
    let tree = tree(&["--edges", kinds]);
    let (mut edges, mut above) = (Vec::new(), Vec::new());
    for (depth, name) in tree.lines().map(parse) {
        above.truncate(depth);
        if let Some(&from) = above.last() {
            edges.push(Edge { from: str::to_owned(from), to: name.to_owned(), shipped });
        }
        above.push(name);
    }
    edges
}

/// Depth and name in a line such as `2tokio v1.54.1 (*)`.
fn parse(line: &str) -> (usize, &str) {
    let name = line.trim_start_matches(|character: char| character.is_ascii_digit());
    let depth = line.strip_suffix(name).and_then(|digits| digits.parse().ok());
    (depth.expect("cargo tree begins a line with its depth"), name.split(' ').next().unwrap_or_default())
}

fn tree(options: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let words =
        ["tree", "--locked", "--workspace", "--prefix", "depth", "--target", "x86_64-unknown-linux-gnu"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(cargo).args(words).args(options).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

struct Ban {
    name: String,
    wrappers: Vec<String>,
}

fn bans() -> Vec<Ban> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deny.toml");
    let deny: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let entries = deny["bans"]["deny"].as_array().expect("bans.deny is a list");
    let word = |value: &toml::Value| value.as_str().map(str::to_owned).unwrap();
    let wrappers = |entry: &toml::Value| match entry.get("wrappers").and_then(toml::Value::as_array) {
        Some(wrappers) => wrappers.iter().map(word).collect(),
        None => Vec::new(),
    };
    entries.iter().map(|entry| Ban { name: word(&entry["crate"]), wrappers: wrappers(entry) }).collect()
}
