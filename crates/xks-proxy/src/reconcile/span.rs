//! From when to when a log reaches, and what can be told of a moment by what the log does not have.

use jiff::{SignedDuration, Timestamp};

/// The times of the first and the last record of a log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Whether something that a log does not have is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It would have to be there.
    Inside,
    /// It may have been before the log begins, or it may still come.
    Edge,
    /// Nothing is asked about that time.
    Outside,
}

/// The time that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

impl Span {
    pub(super) fn add(&mut self, time: Timestamp) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl Window {
    /// What can be told of that time by its absence from `other`, the log that does not have it.
    pub(super) fn place(&self, time: Timestamp, other: &Span) -> Place {
        let is_outside = !self.has(time)
            || (self.from.is_none() && other.first.is_some_and(|first| after(time, DELAY) < first));
        let is_begun = self.from.is_some() || other.first.is_some_and(|first| time >= after(first, DELAY));
        let whole_until = self.to.max(other.last);
        let is_over = whole_until.is_some_and(|end| after(time, DELAY) <= end);
        match (is_outside, is_begun && is_over) {
            (true, _) => Place::Outside,
            (false, true) => Place::Inside,
            (false, false) => Place::Edge,
        }
    }

    /// Whether anything is asked about that time.
    pub(super) fn has(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }

    /// Whether a call at that time may belong to something within the window.
    pub(super) fn is_near(&self, time: Timestamp) -> bool {
        let is_early = self.from.is_some_and(|from| after(time, DELAY) < from);
        let is_late = self.to.is_some_and(|to| time > after(to, DELAY));
        !is_early && !is_late
    }
}

fn after(time: Timestamp, delay: SignedDuration) -> Timestamp {
    time.checked_add(delay).unwrap_or(Timestamp::MAX)
}

/// How late an event may come into CloudTrail's files, and more than two clocks may differ.
pub(super) const DELAY: SignedDuration = SignedDuration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_298_000 + minute * 60).unwrap()
    }

    /// A log of the first to the sixtieth minute.
    fn an_hour() -> Span {
        let mut span = Span::default();
        span.add(at(60));
        span.add(at(0));
        span
    }

    #[test]
    fn near_the_ends_of_a_log_nothing_is_missing_yet() {
        let open = Window { from: None, to: None };
        for (minute, place) in [
            (-16, Place::Outside),
            (-15, Place::Edge),
            (14, Place::Edge),
            (15, Place::Inside),
            (45, Place::Inside),
            (46, Place::Edge),
            (600, Place::Edge),
        ] {
            assert_eq!(open.place(at(minute), &an_hour()), place, "{minute}");
        }
        assert_eq!(open.place(at(30), &Span::default()), Place::Edge);
    }

    #[test]
    fn who_names_the_window_vouches_that_the_logs_are_whole_in_it() {
        let window = Window { from: Some(at(5)), to: Some(at(200)) };
        for (minute, place) in [
            (4, Place::Outside),
            (5, Place::Inside),
            (185, Place::Inside),
            (186, Place::Edge),
            (201, Place::Outside),
        ] {
            assert_eq!(window.place(at(minute), &an_hour()), place, "{minute}");
        }
        let early = Window { from: None, to: Some(at(50)) };
        assert_eq!(early.place(at(45), &an_hour()), Place::Inside);
        assert_eq!(early.place(at(47), &an_hour()), Place::Edge);
    }

    #[test]
    fn a_call_a_little_outside_may_belong_to_an_event_inside() {
        let window = Window { from: Some(at(30)), to: Some(at(60)) };
        for (minute, is_near) in [(14, false), (15, true), (75, true), (76, false)] {
            assert_eq!(window.is_near(at(minute)), is_near, "{minute}");
        }
    }
}
