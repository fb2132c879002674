//! A writer that is killed at any moment: what it had acknowledged is there, and the file always opens.

use crate::support::{Place, id};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

#[test]
fn whenever_a_writer_is_killed_the_file_opens_and_holds_what_was_acknowledged() {
    let place = Place::with_keys(&["key"]);
    let mut left_behind = 0;
    for round in 0..ROUNDS {
        let (mut child, mut lines) = rotate_until_killed(&place);
        let mut acknowledged = 0;
        // Each round gets a little further into the next change before it is killed.
        for _ in 0..=round % 4 {
            acknowledged = next_number(&mut lines);
        }
        let begun = std::time::Instant::now();
        while begun.elapsed().as_micros() < 400 * u128::from(round) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        // What was on its way when it was killed counts as acknowledged.
        acknowledged = std::iter::from_fn(|| number(&mut lines)).last().unwrap_or(acknowledged);
        child.wait().unwrap();
        left_behind += usize::from(place.path("keys.new").exists());
        let content = place.store.read().unwrap();
        let versions = u64::try_from(content.keys().find("key").unwrap().versions.len()).unwrap();
        assert!([acknowledged, acknowledged + 1].contains(&content.generation()), "{acknowledged}");
        assert_eq!(versions + 1, content.generation());
        assert!(!place.path("keys.new").exists() || std::fs::metadata(place.path("keys")).is_ok());
    }
    println!("{left_behind} of {ROUNDS} writers left a file behind");
    place.store.rotate(id("key"), 1).unwrap();
    assert!(!place.path("keys.new").exists());
}

#[test]
fn what_a_crash_leaves_behind_is_in_nobodys_way() {
    let place = Place::with_keys(&["key"]);
    std::fs::write(place.path("keys.new"), b"half a key sto").unwrap();
    assert_eq!(place.store.rotate(id("key"), 1).unwrap().1, 2);
    assert!(!place.path("keys.new").exists());
    assert_eq!(place.store.read().unwrap().generation(), 3);
}

/// The process that the first test kills; by itself it has no store and does nothing.
#[test]
fn a_writer_rotates_a_key_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let directory = std::path::PathBuf::from(directory);
    let protector = crate::support::passphrase(crate::support::PASSPHRASE.trim_end());
    let store = key_manager_software::KeyStore::at(directory.join("keys"), protector);
    loop {
        let (content, _) = store.rotate(id("key"), 1).unwrap();
        writeln!(std::io::stdout(), "\ngeneration {}", content.generation()).unwrap();
    }
}

fn rotate_until_killed(place: &Place) -> (Child, BufReader<ChildStdout>) {
    let name = concat!(module_path!(), "::a_writer_rotates_a_key_until_it_is_killed");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", name.split_once("::").unwrap().1])
        .env(DIRECTORY, place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

fn next_number(lines: &mut BufReader<ChildStdout>) -> u64 {
    number(lines).unwrap()
}

/// The next generation that is told; `None` at the end, or if the last line is cut.
fn number(lines: &mut BufReader<ChildStdout>) -> Option<u64> {
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if !line.ends_with('\n') {
            return None;
        }
        if let Some(number) = line.strip_prefix("generation ") {
            return number.trim_end().parse().ok();
        }
    }
}

const DIRECTORY: &str = "DIRECTORY_OF_THE_STORE_THAT_IS_ROTATED";
/// Each begins with a passphrase, which takes a moment.
const ROUNDS: u64 = 9;
