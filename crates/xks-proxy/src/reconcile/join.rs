//! Each event of the KMS held against the calls of its request, and what remains of either side.

use super::calls::{Call, Calls, Standing};
use super::differences::{Fields, Found, Kind, Told};
use super::event::Event;
use super::names::{Name, Names, RequestId};
use super::report::Report;
use super::span::{Place, Span, Window};
use super::{Explained, ReconcileError, Sources};
use jiff::SignedDuration;
use std::collections::HashSet;
use std::ops::Range;
use xks_api::Operation;

/// A join under way.
#[derive(Debug)]
pub(super) struct Join {
    window: Window,
    pub(super) calls: Calls,
    pub(super) names: Names,
    known_keys: HashSet<Name>,
    kms: Span,
    pub(super) told: Vec<Told>,
    pub(super) found: Vec<Found>,
    pub(super) untold: Vec<Found>,
    /// Requests of which something was said already: a log may have an event twice.
    judged: HashSet<RequestId>,
    pub(super) events: u64,
}

/// The calls of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a>(&'a [Call]);

impl Join {
    pub(super) fn new(sources: &Sources, calls: Calls, mut names: Names) -> Result<Self, ReconcileError> {
        let known_keys = if sources.kms_keys.is_empty() {
            calls.calls.iter().filter_map(|call| call.kms_key).collect()
        } else {
            sources.kms_keys.iter().map(|key| names.keep(key)).collect::<Result<_, _>>()?
        };
        Ok(Self {
            window: Window { from: sources.from, to: sources.to },
            calls,
            names,
            known_keys,
            kms: Span::default(),
            told: Vec::new(),
            found: Vec::new(),
            untold: Vec::new(),
            judged: HashSet::new(),
            events: 0,
        })
    }

    /// Takes up one event.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), ReconcileError> {
        self.kms.add(event.event_time);
        let Some(id) = event.request_id.as_deref().filter(|id| event.is_of_kms() && !id.is_empty()) else {
            return Ok(());
        };
        let group = RequestId::find(id, &self.names).map_or(0..0, |id| self.calls.of(id));
        if group.is_empty() {
            return self.unused(id, event);
        }
        self.events += 1;
        for place in group.clone() {
            self.hold(place, event)?;
        }
        self.judge(group, event)
    }

    /// An event of which the proxy knows nothing. One that failed may have failed before the proxy was asked.
    fn unused(&mut self, id: &str, event: &Event) -> Result<(), ReconcileError> {
        let is_known = |key| self.names.find(key).is_some_and(|key| self.known_keys.contains(&key));
        let is_use = Explained::of(&event.event_name).is_use() && event.error_code.is_none();
        if !is_use || !event.keys().any(is_known) {
            return Ok(());
        }
        self.events += 1;
        let list = match self.window.place(event.event_time, &self.calls.span) {
            Place::Inside => &mut self.found,
            Place::Edge => &mut self.untold,
            Place::Outside => return Ok(()),
        };
        let id = RequestId::keep(id, &mut self.names)?;
        if self.judged.insert(id) {
            let kind = Kind::EventWithoutUse;
            list.push(Found { kind, call: None, event: Some(self.told.len()), time: event.event_time });
            self.told.push(Told::of(event, id, &mut self.names)?);
        }
        Ok(())
    }

    /// Holds the event against one call of its request. An event may come twice, and be told to two accounts in two ways: the better one
    /// counts.
    fn hold(&mut self, place: usize, event: &Event) -> Result<(), ReconcileError> {
        let Some(call) = self.calls.calls.get_mut(place) else { return Ok(()) };
        let fields = Fields::of(call, event, &self.names);
        let before = call.standing;
        if fields == Fields::default() {
            call.standing = Standing::Agreed;
        } else if before == Standing::Unexplained {
            call.standing = Standing::Differs;
            let call = *call;
            self.find(Kind::Differs(fields), (place, &call), event)?;
        }
        Ok(())
    }

    /// Holds the event against all of them, once.
    fn judge(&mut self, range: Range<usize>, event: &Event) -> Result<(), ReconcileError> {
        let calls = self.calls.calls.get(range.clone()).unwrap_or_default().to_vec();
        let (group, explained) = (Group(&calls), Explained::of(&event.event_name));
        let Some(first) = calls.first() else { return Ok(()) };
        if matches!(explained, Explained::Looks(_)) || !self.judged.insert(first.id) {
            return Ok(());
        }
        let at = (range.start, first);
        if let Some(count) = group.most() {
            self.find(Kind::TooManyCalls(count), at, event)?;
        }
        for (place, call) in range.zip(&calls).filter(|(_, call)| is_late(call, first)) {
            self.find(Kind::LateCall, (place, call), event)?;
        }
        match event.error_code.as_deref() {
            None if !explained.is_done_by(&group, self.has_both_halves(event)) => {
                self.find(Kind::FailedThoughDone, at, event)
            }
            Some(code) if code.starts_with(DENIED) && group.has_done_any() => {
                self.find(Kind::DoneThoughDenied, at, event)
            }
            _ => Ok(()),
        }
    }

    /// Whether all keys that the event is about are behind this proxy.
    fn has_both_halves(&self, event: &Event) -> bool {
        let is_known = |key| self.names.find(key).is_some_and(|key| self.known_keys.contains(&key));
        event.keys().next().is_some() && event.keys().all(is_known)
    }

    fn find(
        &mut self,
        kind: Kind,
        (place, call): (usize, &Call),
        event: &Event,
    ) -> Result<(), ReconcileError> {
        if !self.window.has(call.time()) {
            return Ok(());
        }
        self.found.push(Found { kind, call: Some(place), event: Some(self.told.len()), time: call.time() });
        self.told.push(Told::of(event, call.id, &mut self.names)?);
        Ok(())
    }

    /// Takes up the calls of which the KMS knows nothing.
    pub(super) fn finish(mut self) -> Result<Report, ReconcileError> {
        if self.kms.is_empty() {
            return Err(ReconcileError::Nothing);
        }
        let calls = &self.calls.calls;
        // What one copy of an event told otherwise, another may have told alike.
        let agrees = |found: &Found| {
            let call = found.call.and_then(|place| calls.get(place));
            matches!(found.kind, Kind::Differs(_))
                && call.is_some_and(|call| call.standing == Standing::Agreed)
        };
        self.found.retain(|found| !agrees(found));
        let unexplained = calls.iter().enumerate().filter(|(_, call)| call.standing == Standing::Unexplained);
        for (place, call) in unexplained {
            let found =
                Found { kind: Kind::UseWithoutEvent, call: Some(place), event: None, time: call.time() };
            match self.window.place(call.time(), &self.kms) {
                Place::Inside => self.found.push(found),
                Place::Edge => self.untold.push(found),
                Place::Outside => {}
            }
        }
        let order = |found: &Found| {
            let call = found.call.and_then(|place| calls.get(place));
            (found.time, call.map(|call| call.sequence))
        };
        self.found.sort_by_key(order);
        self.untold.sort_by_key(order);
        Ok(Report::of(self))
    }
}

impl Group<'_> {
    /// Whether a call of that kind was done.
    pub(super) fn has_done(&self, operation: Operation) -> bool {
        self.0.iter().any(|call| call.operation == operation && call.error.is_none())
    }

    fn has_done_any(&self) -> bool {
        self.0.iter().any(|call| call.error.is_none())
    }

    /// How many calls of one kind there are, if there are more than a call and its repetition.
    fn most(&self) -> Option<u32> {
        let count = |operation| self.0.iter().filter(|call| call.operation == operation).count();
        let most = Operation::ALL.into_iter().map(count).max().filter(|most| *most > ONCE_AGAIN)?;
        u32::try_from(most).ok()
    }
}

fn is_late(call: &Call, first: &Call) -> bool {
    call.time().duration_since(first.time()) > ALL_CALLS
}

/// A call, and a second one if the first was not answered in time.
const ONCE_AGAIN: usize = 2;

/// All calls of one request lie within this: KMS waits a quarter of a second for each.
const ALL_CALLS: SignedDuration = SignedDuration::from_secs(10);

/// How the errors begin that KMS answers before it asks a proxy for anything.
const DENIED: &str = "AccessDenied";
