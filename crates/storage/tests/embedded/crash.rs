//! `kill -9` at any instant of a load: what was acknowledged is there, and nothing is there by half.

use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use storage::{Change, Changed, Embedded, Options, Revision, Storage};

use super::{Model, Outline, apply, child, commits_after, contents, delete, outline, put, random, wait};

const DURATION: Duration = Duration::from_secs(15);

/// Enough for all the commits of one round.
pub fn options() -> Options {
    Options { retained_commits: 100_000, ..Options::default() }
}

/// One of those who write: its commits are counted, and each sets three records to the count and moves a fourth.
pub struct Writer {
    pub name: u64,
    pub count: u64,
}

impl Writer {
    pub fn all() -> impl Iterator<Item = Self> {
        (0..8).map(|name| Self { name, count: 0 })
    }

    /// Goes on where the store has it.
    pub fn resume(&mut self, store: &Embedded) {
        let found = wait(store.get(self.key("a").as_bytes())).unwrap();
        self.count = found.map_or(0, |found| u64::from_le_bytes(*found.value.first_chunk().unwrap()));
    }

    /// The changes of its next commit.
    pub fn next(&mut self) -> Vec<Change> {
        let old = self.moved();
        self.count += 1;
        let mut changes = vec![delete(old), put(self.moved(), "")];
        changes.extend(["a", "b", "c"].map(|part| put(self.key(part), self.value())));
        changes
    }

    fn key(&self, part: &str) -> String {
        format!("{}/{part}", self.name)
    }

    fn moved(&self) -> String {
        format!("{}/moved/{}", self.name, self.count)
    }

    fn value(&self) -> Vec<u8> {
        let mut value = self.count.to_le_bytes().to_vec();
        value.resize(8 + (self.count * 37 % 3000) as usize, b'x');
        value
    }

    /// That the store has one whole commit of it.
    fn assert_whole(&self, contents: &Model) {
        let prefix = format!("{}/", self.name);
        let own: Vec<_> = contents.iter().filter(|(key, _)| key.starts_with(prefix.as_bytes())).collect();
        if self.count == 0 {
            return assert!(own.is_empty());
        }
        let mut expected: Vec<_> = ["a", "b", "c"].map(|part| (self.key(part), self.value())).into();
        expected.push((self.moved(), Vec::new()));
        assert_eq!(own.len(), expected.len(), "a commit by half");
        let revision = own[0].1.1;
        for ((key, (value, at)), expected) in own.into_iter().zip(expected) {
            assert!(
                *key == expected.0 && *value == expected.1 && *at == revision,
                "a commit by half: {key:?}"
            );
        }
    }
}

#[derive(Debug)]
struct Acknowledged {
    name: u64,
    count: u64,
    revision: Revision,
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_nothing_is_there_by_half() {
    let directory = tempfile::tempdir().unwrap();
    let (mut made, mut checked) = (Outline::new(), Revision::EMPTY);
    let (mut rounds, mut acknowledged) = (0, 0);
    let begun = Instant::now();
    while begun.elapsed() < DURATION {
        let round = write_and_kill(directory.path());
        let store = Embedded::open(directory.path(), &options()).unwrap();
        for commit in commits_after(&store, checked).unwrap() {
            assert_eq!(commit.revision.0, checked.0 + 1);
            checked = commit.revision;
            apply(&mut made, &commit);
            assert_in_order(&round, &commit.changes, commit.revision);
        }
        assert!(round.iter().all(|said| said.revision <= checked), "an acknowledged commit is lost");
        let contents = contents(&store).unwrap();
        assert!(outline(&contents) == made, "the store is not what its commits make");
        for mut writer in Writer::all() {
            writer.resume(&store);
            writer.assert_whole(&contents);
        }
        rounds += 1;
        acknowledged += round.len();
    }
    println!("{rounds} kills, {acknowledged} acknowledged commits, all {checked} there and whole");
    assert!(acknowledged > 0);
}

/// Lets them write for a random while, and gives what they were told.
fn write_and_kill(directory: &Path) -> Vec<Acknowledged> {
    let mut writing = child::start("write", directory, &[]);
    let mut output = writing.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut said = String::new();
        output.read_to_string(&mut said).map(|_| said)
    });
    // A random instant is what is tested: there is nothing to wait for.
    thread::sleep(Duration::from_micros(random(200_000)));
    writing.kill().unwrap();
    writing.wait().unwrap();
    let said = reader.join().unwrap().unwrap();
    let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(acknowledgement).collect()
}

fn acknowledgement(line: &str) -> Option<Acknowledged> {
    // The harness may have left the beginning of the line.
    let (_, numbers) = line.split_once("ack ")?;
    let numbers: Vec<u64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
    Some(Acknowledged { name: numbers[0], count: numbers[1], revision: Revision(numbers[2]) })
}

/// That the commit of a revision is the one that was acknowledged with it.
fn assert_in_order(round: &[Acknowledged], changes: &[Changed], revision: Revision) {
    if let Some(said) = round.iter().find(|said| said.revision == revision) {
        let writer = Writer { name: said.name, count: said.count };
        assert!(changes.contains(&Changed::Put { key: writer.moved().into() }), "{said:?}");
    }
}
