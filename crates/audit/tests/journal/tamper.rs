//! Every kind of tampering with the files is found, and said where.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{SHORT, append_together, record, run, segments};
use audit::{Flaw, FlawKind, Journal, JournalError, verify};

/// A journal of at least so many segments and four batches; records from `00000` up, the first two batches of ten.
fn journal_of(least: usize) -> tempfile::TempDir {
    loop {
        let directory = tempfile::tempdir().unwrap();
        fill(directory.path(), least);
        let report = verify(directory.path()).unwrap();
        assert!(report.segments >= least);
        let text = fs::read_to_string(&segments(directory.path())[0]).unwrap();
        // A writer that wakes too early makes two batches of ten records.
        if [10, 20].iter().all(|last| text.contains(&format!("\"sequence\":{last},\"records\":10,"))) {
            return directory;
        }
    }
}

fn fill(directory: &Path, least: usize) {
    let journal = Journal::open(directory, SHORT).unwrap();
    let appender = journal.appender();
    let finished = |file: &PathBuf| file.extension().unwrap() == "jsonl";
    for batch in 0_u32.. {
        let enough = segments(directory).into_iter().filter(finished).count() >= least;
        let ids = (0..10).map(|id| record(&format!("{:05}", batch * 10 + id)));
        run(append_together(&appender, ids)).unwrap();
        if enough && batch >= 3 {
            break;
        }
    }
}

fn journal() -> tempfile::TempDir {
    journal_of(3)
}

/// Changes the text of a segment, keeping its length if it can.
fn edit(file: &Path, change: impl FnOnce(&mut String)) {
    let mut text = fs::read_to_string(file).unwrap();
    let length = text.len();
    change(&mut text);
    let text = text.trim_end_matches('\n');
    let padding = "\n".repeat(length.saturating_sub(text.len()));
    fs::write(file, format!("{text}{padding}")).unwrap();
}

fn line(id: u32) -> String {
    format!("{}\n", String::from_utf8(record(&format!("{id:05}"))).unwrap())
}

fn flaw(directory: &Path) -> (usize, Flaw) {
    match verify(directory) {
        Err(JournalError::Damaged { file, flaw }) => {
            (segments(directory).iter().position(|other| *other == file).unwrap(), flaw)
        }
        other => panic!("{other:?}"),
    }
}

/// The flaw after a change of the first segment, be it closed or the newest.
fn first_segment_flaw(mut change: impl FnMut(&mut String)) -> Flaw {
    let [closed, newest] = [3, 1].map(|segments_at_least| {
        let directory = journal_of(segments_at_least);
        edit(&segments(directory.path())[0], &mut change);
        let refused = Journal::open(directory.path(), SHORT);
        assert_eq!(
            refused.is_err(),
            segments_at_least == 1,
            "only the newest segment is read when a journal opens"
        );
        drop(refused);
        let (segment, flaw) = flaw(directory.path());
        assert_eq!(segment, 0);
        flaw
    });
    assert_eq!(closed, newest);
    newest
}

#[test]
fn an_edited_record_is_found() {
    let mut at = 0;
    let flaw = first_segment_flaw(|text| {
        at = text.find(&line(10)).unwrap();
        *text = text.replacen(&line(13), &line(13).replace("127.0.0.1", "127.0.0.2"), 1);
    });
    assert_eq!((flaw.offset, flaw.sequence, flaw.kind), (at, 11, FlawKind::ChainBroken));
}

#[test]
fn a_deleted_record_is_found() {
    let flaw = first_segment_flaw(|text| *text = text.replacen(&line(13), "", 1));
    assert_eq!((flaw.sequence, flaw.kind), (11, FlawKind::SealMiscounts { sealed: 10, found: 9 }));
}

#[test]
fn an_inserted_record_is_found() {
    let flaw = first_segment_flaw(|text| *text = text.replacen(&line(13), &(line(13) + &line(13)), 1));
    assert_eq!((flaw.sequence, flaw.kind), (11, FlawKind::SealMiscounts { sealed: 10, found: 11 }));
}

#[test]
fn a_replaced_record_is_found() {
    let flaw = first_segment_flaw(|text| *text = text.replacen(&line(13), &line(99), 1));
    assert_eq!((flaw.sequence, flaw.kind), (11, FlawKind::ChainBroken));
}

#[test]
fn two_records_in_the_other_order_are_found() {
    let flaw = first_segment_flaw(|text| {
        *text = text.replacen(&(line(13) + &line(14)), &(line(14) + &line(13)), 1);
    });
    assert_eq!((flaw.sequence, flaw.kind), (11, FlawKind::ChainBroken));
}

#[test]
fn a_whole_batch_taken_out_is_found() {
    let flaw = first_segment_flaw(|text| {
        let (from, to) = (text.find(&line(10)).unwrap(), text.find(&line(20)).unwrap());
        text.replace_range(from..to, "");
    });
    assert_eq!((flaw.sequence, flaw.kind), (11, FlawKind::SealMiscounts { sealed: 10, found: 10 }));
}

#[test]
fn a_whole_batch_blanked_is_found() {
    let flaw = first_segment_flaw(|text| {
        let (from, to) = (text.find(&line(10)).unwrap(), text.find(&line(20)).unwrap());
        text.replace_range(from..to, &"\n".repeat(to - from));
    });
    assert_eq!((flaw.sequence, flaw.kind), (11, FlawKind::SealMiscounts { sealed: 10, found: 10 }));
}

#[test]
fn a_batch_written_twice_is_found() {
    let flaw = first_segment_flaw(|text| {
        let (from, to) = (text.find(&line(10)).unwrap(), text.find(&line(20)).unwrap());
        let batch = text.get(from..to).unwrap().to_owned();
        text.insert_str(to, &batch);
    });
    assert_eq!((flaw.sequence, flaw.kind), (21, FlawKind::SealMiscounts { sealed: 10, found: 10 }));
}

#[test]
fn an_edited_seal_is_found() {
    let flaw = first_segment_flaw(|text| *text = text.replacen("\"sequence\":20,", "\"sequence\":20 ,", 1));
    assert_eq!((flaw.sequence, flaw.kind), (11, FlawKind::SealMalformed));
    let flaw = first_segment_flaw(|text| *text = text.replacen("\"sequence\":20,", "\"sequence\":21,", 1));
    assert_eq!(flaw.sequence, 11);
}

#[test]
fn an_edited_header_is_found() {
    let directory = journal();
    edit(&segments(directory.path())[1], |text| text.replace_range(0..1, "["));
    let (segment, found) = flaw(directory.path());
    assert_eq!((segment, found.offset, found.line, found.kind), (1, 0, 1, FlawKind::HeaderMissing));
}

#[test]
fn a_header_with_another_chain_value_is_found() {
    let directory = journal();
    edit(&segments(directory.path())[1], |text| {
        let chain = text.find("\"chain\":\"").unwrap() + 9;
        text.replace_range(chain..chain + 64, &"0".repeat(64));
    });
    let (segment, found) = flaw(directory.path());
    // The segment's own first batch contradicts its header.
    assert_eq!((segment, found.kind), (1, FlawKind::ChainBroken));
}

#[test]
fn a_missing_segment_in_the_middle_is_found() {
    let directory = journal();
    let next = verify(directory.path()).unwrap().head.sequence;
    fs::remove_file(&segments(directory.path())[1]).unwrap();
    let (segment, found) = flaw(directory.path());
    assert!(
        matches!(found.kind, FlawKind::SegmentUnlinked { found: first } if first > found.sequence && first < next)
    );
    assert_eq!(segment, 1);
}

#[test]
fn a_missing_first_segment_is_found() {
    let directory = journal();
    fs::remove_file(&segments(directory.path())[0]).unwrap();
    let (segment, found) = flaw(directory.path());
    assert_eq!((segment, found.sequence), (0, 1));
    assert!(matches!(found.kind, FlawKind::SegmentUnlinked { .. }));
}

#[test]
fn a_segment_under_another_ones_name_is_found() {
    let directory = journal();
    let files = segments(directory.path());
    fs::copy(&files[0], &files[1]).unwrap();
    let (segment, found) = flaw(directory.path());
    assert_eq!((segment, found.kind), (1, FlawKind::SegmentMisnamed));
}

#[test]
fn a_segment_of_another_journal_is_found() {
    let (directory, other) = (journal(), journal());
    let (ours, theirs) = (segments(directory.path()), segments(other.path()));
    let same = fs::read_to_string(&theirs[0]).unwrap().replace("127.0.0.1", "127.0.0.2");
    fs::write(&theirs[0], same).unwrap();
    fs::copy(&theirs[0], &ours[0]).unwrap();
    assert_eq!(flaw(directory.path()).0, 0);
}

#[test]
fn a_closed_segment_cut_off_is_found() {
    let directory = journal();
    let file = &segments(directory.path())[0];
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, text.get(..text.rfind("{\"seal\"").unwrap()).unwrap()).unwrap();
    let (segment, found) = flaw(directory.path());
    assert_eq!((segment, found.kind), (0, FlawKind::Unsealed));
}

#[test]
fn an_edit_in_the_very_last_batch_is_damage_and_no_torn_tail() {
    let directory = journal();
    let files = segments(directory.path());
    let newest = files.last().unwrap();
    edit(newest, |text| {
        let last = text.rfind("127.0.0.1").unwrap();
        text.replace_range(last..last + 9, "127.0.0.2");
    });
    let (segment, found) = flaw(directory.path());
    assert_eq!((segment, found.kind), (files.len() - 1, FlawKind::ChainBroken));
    let refused = Journal::open(directory.path(), SHORT).unwrap_err();
    assert!(
        matches!(&refused, JournalError::Damaged { file, flaw } if file == newest && *flaw == found),
        "{refused}"
    );
}

#[test]
fn a_batch_blanked_before_the_very_last_is_damage() {
    let directory = journal();
    edit(segments(directory.path()).last().unwrap(), |text| {
        let batches: Vec<_> = text.match_indices("{\"seal\"").map(|(at, _)| at).collect();
        let [.., before, last] = batches[..] else { panic!("the newest segment has but one batch") };
        let from = text[..before].rfind("\n\n").unwrap() + 2;
        let to = text[..last].rfind("\n\n").unwrap() + 2;
        text.replace_range(from..to, &"\n".repeat(to - from));
    });
    assert!(matches!(flaw(directory.path()).1.kind, FlawKind::SealMiscounts { .. }));
    Journal::open(directory.path(), SHORT).unwrap_err();
}

#[test]
fn another_chain_value_in_the_very_last_seal_is_damage() {
    let directory = journal();
    edit(segments(directory.path()).last().unwrap(), |text| {
        let chain = text.rfind("\"chain\":\"").unwrap() + 9;
        text.replace_range(chain..chain + 64, &"0".repeat(64));
    });
    assert_eq!(flaw(directory.path()).1.kind, FlawKind::ChainBroken);
    Journal::open(directory.path(), SHORT).unwrap_err();
}

#[test]
fn damage_before_a_good_batch_refuses_the_journal() {
    let directory = journal();
    let files = segments(directory.path());
    edit(files.last().unwrap(), |text| {
        let first = text.find("127.0.0.1").unwrap();
        text.replace_range(first..first + 9, "127.0.0.2");
    });
    let refused = Journal::open(directory.path(), SHORT).unwrap_err().to_string();
    let (_, found) = flaw(directory.path());
    assert!(refused.contains(&format!(
        "`{}` is damaged at byte {}, line",
        files.last().unwrap().display(),
        found.offset
    )));
}

#[test]
fn a_directory_without_a_journal_is_no_empty_journal() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(verify(directory.path()), Err(JournalError::NoJournal { .. })));
    assert!(matches!(verify(&directory.path().join("none")), Err(JournalError::Io { .. })));
}
