//! What the module is made of is a list that is reviewed: a crate more in the process that holds the keys is a decision.

use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_module_depends_on_the_crates_in_the_list_and_on_no_other() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "module", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let found: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let listed: BTreeSet<&str> = include_str!("dependencies.list").lines().collect();
    assert_eq!(found, listed, "tests/dependencies.list says what is agreed on");
}
