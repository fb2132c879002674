//! kill -9 under load, round after round on one journal: what was acknowledged is there, exactly once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::rc::Rc;

use audit::{Journal, verify};

use crate::common::{SHORT, child, counts, directory_of_child, record, run};

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut load = child("crash::load_until_killed", directory.path())
            .env("ROUND", round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        acknowledged.extend(acknowledged_until_killed(&mut load, round));
        let report = verify(directory.path()).unwrap();
        let counts = counts(directory.path());
        assert_eq!(counts.len() as u64, report.records, "a record is there twice");
        let lost: Vec<_> = acknowledged.iter().filter(|id| !counts.contains_key(*id)).collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
    }
    let report = verify(directory.path()).unwrap();
    assert!(acknowledged.len() > 1000, "{} acknowledged", acknowledged.len());
    assert!(report.segments > 5, "{} segments", report.segments);
}

/// Kills the load after some acknowledgements, another number each round, and reads what else it had acknowledged.
fn acknowledged_until_killed(load: &mut Child, round: usize) -> Vec<String> {
    let mut lines = BufReader::new(load.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let enough = 1 + round * 37 % 401;
    while acknowledged.len() < enough {
        // There is no next line if the load ended by itself: that is a failure.
        let line = lines.next().unwrap().unwrap();
        acknowledged.extend(line.strip_prefix("acknowledged ").map(str::to_owned));
    }
    load.kill().unwrap();
    load.wait().unwrap();
    let rest = lines.map_while(Result::ok);
    acknowledged.extend(rest.filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned)));
    acknowledged
}

#[test]
#[ignore = "the child of a test"]
fn load_until_killed() {
    let journal = Journal::open(&directory_of_child(), SHORT).unwrap();
    let round = std::env::var("ROUND").unwrap();
    let load = |worker: u32| {
        let (appender, round) = (journal.appender(), round.clone());
        move || {
            run(tokio::task::LocalSet::new().run_until(append_forever(appender, format!("{round}-{worker}"))))
        }
    };
    std::thread::scope(|scope| {
        [0, 1].map(|worker| scope.spawn(load(worker))).map(|thread| thread.join().unwrap())
    });
}

async fn append_forever(appender: audit::Appender, name: String) {
    let appender = Rc::new(appender);
    let calls: Vec<_> = (0..CALLS)
        .map(|call| {
            let (appender, name) = (Rc::clone(&appender), name.clone());
            tokio::task::spawn_local(async move {
                for number in 0_u64.. {
                    let id = format!("{name}-{call}-{number}");
                    appender.append(record(&id)).await.unwrap();
                    // One write a line, so that a kill leaves no half of one.
                    let line = format!("acknowledged {id}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

const ROUNDS: usize = 40;
const CALLS: usize = 8;
