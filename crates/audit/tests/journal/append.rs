//! The journal from the outside: what was appended is there, once, in order, whatever the calls and the segments do.

use std::collections::BTreeMap;
use std::fs;
use std::future::{Future, poll_fn};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::task::Poll;
use std::time::Duration;

use crate::common::{SHORT, append_together, counts, record, run, segments};
use audit::{Chain, Head, Journal, JournalError, Options, records, records_after, verify};

#[test]
fn a_record_is_in_the_files_when_its_append_answers() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    run(async {
        for id in ["a", "b", "c"] {
            appender.append(record(id)).await.unwrap();
            let last = records(directory.path()).unwrap().last().unwrap().unwrap();
            assert_eq!(last.record, record(id));
        }
    });
}

#[test]
fn the_report_says_what_the_journal_holds() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    run(append_together(&appender, (0..5).map(|id| record(&id.to_string())))).unwrap();
    journal.close();
    let report = verify(directory.path()).unwrap();
    assert_eq!((report.segments, report.records, report.head.sequence), (1, 5, 5));
    assert_eq!(report.first_time.as_deref(), Some("2026-11-21T21:54:25Z"));
    assert_eq!(report.last_time.as_deref(), Some("2026-11-21T21:54:25Z"));
    assert_eq!(report.torn_tail, None);
}

#[test]
fn a_new_journal_is_empty_and_begins_at_the_genesis() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(&directory.path().join("deeper"), SHORT).unwrap();
    assert_eq!(journal.opened_at(), Head { sequence: 0, chain: Chain::GENESIS });
    let report = verify(&directory.path().join("deeper")).unwrap();
    assert_eq!((report.records, report.first_time, report.head), (0, None, Head::GENESIS));
}

#[test]
fn the_records_after_a_number_are_read_from_the_segment_that_has_them() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    assert_eq!(appender.newest(), 0);
    run(async {
        for round in 0..50 {
            append_together(&appender, (0..10).map(|id| record(&format!("{round}-{id}")))).await.unwrap();
            assert_eq!(appender.newest(), (round + 1) * 10);
        }
    });
    assert!(segments(directory.path()).len() > 3, "the journal is too short for the test");
    let all: Vec<_> = records(directory.path()).unwrap().map(Result::unwrap).collect();
    for after in [0, 1, 9, 137, 255, 256, 257, 498, 499, 500, 600] {
        let read: Vec<_> = records_after(directory.path(), after).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, all[usize::try_from(after.min(500)).unwrap()..], "after {after}");
    }
    // What is before them is not read.
    fs::write(&segments(directory.path())[0], "damaged").unwrap();
    assert!(records_after(directory.path(), 400).unwrap().all(|read| read.is_ok()));
    journal.close();
    assert_eq!(Journal::open(directory.path(), SHORT).unwrap().appender().newest(), 500);
}

#[test]
fn a_reopened_journal_goes_on_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..20_u64 {
        let journal = Journal::open(directory.path(), SHORT).unwrap();
        assert_eq!(journal.opened_at().sequence, round * 30);
        run(append_together(&journal.appender(), (0..30).map(|id| record(&format!("{round}-{id}")))))
            .unwrap();
        journal.close();
        assert_eq!(verify(directory.path()).unwrap().head.sequence, (round + 1) * 30);
    }
    assert_eq!(counts(directory.path()).into_values().collect::<Vec<_>>(), [1; 600]);
}

#[test]
fn segments_follow_one_another_under_load_from_two_workers() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let load = |worker: u32| {
        let appender = journal.appender();
        move || {
            run(async {
                for round in 0..60 {
                    append_together(&appender, (0..20).map(|id| record(&format!("{worker}-{round}-{id}"))))
                        .await
                        .unwrap();
                }
            });
        }
    };
    std::thread::scope(|scope| {
        [0, 1].map(|worker| scope.spawn(load(worker))).map(|thread| thread.join().unwrap())
    });
    journal.close();
    let report = verify(directory.path()).unwrap();
    assert_eq!(report.records, 2400);
    assert!(report.segments > 5, "{} segments", report.segments);
    let expected =
        (0..2).flat_map(|w| (0..60).flat_map(move |r| (0..20).map(move |id| (format!("{w}-{r}-{id}"), 1))));
    assert_eq!(counts(directory.path()), expected.collect::<BTreeMap<_, _>>());
}

#[test]
fn files_have_their_full_length_and_are_nobody_elses() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("journal");
    let journal = Journal::open(&place, SHORT).unwrap();
    for round in 0..10 {
        run(append_together(&journal.appender(), (0..30).map(|id| record(&format!("{round}-{id}")))))
            .unwrap();
    }
    journal.close();
    assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let files = segments(&place);
    assert!(files.len() > 1);
    for file in files {
        assert!(
            file.extension().is_some_and(|extension| extension == "jsonl"),
            "{} is left over",
            file.display()
        );
        let metadata = file.metadata().unwrap();
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (SHORT.segment_bytes, 0o600));
    }
}

#[test]
fn past_the_page_cache_every_write_waits_for_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let newest = fs::canonicalize(&segments(directory.path())[0]).unwrap();
    let own = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap());
    let writing =
        own.filter(|entry| fs::read_link(entry.path()).is_ok_and(|file| file == newest)).last().unwrap();
    let about = Path::new("/proc/self/fdinfo").join(writing.file_name());
    let about = fs::read_to_string(about).unwrap();
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
    let (direct, synchronous) = (0o40_000, 0o10_000);
    assert_eq!(flags & direct != 0, flags & synchronous != 0, "flags {flags:o}");
    journal.close();
}

#[test]
fn every_line_of_a_segment_is_json() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    run(append_together(&journal.appender(), (0..3).map(|id| record(&id.to_string())))).unwrap();
    journal.close();
    let text = fs::read_to_string(&segments(directory.path())[0]).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["journal"]["sequence"], 1);
    assert_eq!(lines[1]["requestID"], "0");
    assert_eq!(lines.last().unwrap()["seal"]["sequence"], 3);
}

#[test]
fn what_is_no_record_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    let append = |text: &[u8]| run(appender.append(text.to_vec()));
    assert!(matches!(append(b""), Err(JournalError::RecordNotOneLine)));
    assert!(matches!(append(b"{}\n{}"), Err(JournalError::RecordNotOneLine)));
    assert!(matches!(append(b"{\"seal\":{}}"), Err(JournalError::RecordNotOneLine)));
    assert!(append(&vec![b'x'; 16 * 1024]).is_ok());
    assert!(matches!(append(&vec![b'x'; 16 * 1024 + 1]), Err(JournalError::RecordTooLong { .. })));
    assert!(journal.healthy());
}

#[test]
fn a_record_of_the_greatest_length_fits_in_the_default_segment() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), Options::default()).unwrap();
    run(journal.appender().append(vec![b'x'; 512 * 1024])).unwrap();
    journal.close();
    assert_eq!(verify(directory.path()).unwrap().records, 1);
}

#[test]
fn a_closed_journal_takes_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    journal.close();
    assert!(matches!(run(appender.append(record("late"))), Err(JournalError::Closed)));
}

#[test]
fn closing_writes_what_was_handed_over() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    run(async {
        let mut handed_over = Box::pin(appender.append(record("waiting")));
        let pending = poll_fn(|context| Poll::Ready(handed_over.as_mut().poll(context).is_pending()));
        assert!(pending.await);
        journal.close();
        assert_eq!(counts(directory.path())["waiting"], 1);
        handed_over.await.unwrap();
    });
}

#[test]
fn every_task_of_a_worker_is_woken() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = std::rc::Rc::new(journal.appender());
    run(tokio::task::LocalSet::new().run_until(async {
        let task = |task: u32| {
            let appender = std::rc::Rc::clone(&appender);
            tokio::task::spawn_local(async move {
                for number in 0..50 {
                    appender.append(record(&format!("{task}-{number}"))).await.unwrap();
                }
            })
        };
        let tasks: Vec<_> = (0..16).map(task).collect();
        for task in tasks {
            tokio::time::timeout(Duration::from_secs(30), task).await.unwrap().unwrap();
        }
    }));
    assert_eq!(verify(directory.path()).unwrap().records, 800);
}

#[test]
fn calls_that_are_given_up_hold_up_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    run(async {
        for round in 0..200 {
            let call = |name: &str| Box::pin(appender.append(record(&format!("{round}-{name}"))));
            let (mut opener, mut survivor, mut last) = (call("opener"), call("survivor"), call("last"));
            let survived = poll_fn(|context| {
                // The first call opens the group, unless the writer is so quick that another one opens the next.
                let _ = opener.as_mut().poll(context);
                let survived = survivor.as_mut().poll(context).is_ready();
                let _ = last.as_mut().poll(context);
                Poll::Ready(survived)
            });
            if survived.await {
                continue;
            }
            let give_up = async {
                for _ in 0..round % 3 {
                    tokio::task::yield_now().await;
                }
                drop((opener, last));
            };
            tokio::join!(give_up, survivor).1.unwrap();
        }
    });
    journal.close();
    assert_eq!(counts(directory.path()).into_values().collect::<Vec<_>>(), [1; 600]);
}

#[test]
fn a_journal_can_be_verified_while_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    let appender = journal.appender();
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            run(async {
                for round in 0..150 {
                    append_together(&appender, (0..20).map(|id| record(&format!("{round}-{id}"))))
                        .await
                        .unwrap();
                }
            });
        });
        let mut seen = 0;
        while !load.is_finished() {
            let records = verify(directory.path()).unwrap().records;
            assert!(records >= seen);
            seen = records;
        }
    });
}
