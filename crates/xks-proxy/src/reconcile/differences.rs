//! What can be found, kept small: by places in the calls and events.

use super::calls::Call;
use super::event::Event;
use super::names::{Name, Names, RequestId};
use super::{Explained, ReconcileError};
use jiff::Timestamp;

/// Something that the logs do not agree on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// The place of a call.
    pub(super) call: Option<usize>,
    /// The place of an event that is told of.
    pub(super) event: Option<usize>,
    pub(super) time: Timestamp,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The KMS refused the caller, yet the proxy was used.
    DoneThoughDenied,
    /// Both know of it, and each says something else.
    Differs(Fields),
    /// The KMS did something with a key whose use the proxy does not know of.
    EventWithoutUse,
    /// The KMS says that it was done, the proxy that it was not.
    FailedThoughDone,
    /// A call long after the others of its request.
    LateCall,
    /// More calls than the event explains: how many.
    TooManyCalls(u32),
    /// The KMS does not know of it.
    UseWithoutEvent,
}

/// What both tell otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) key: bool,
    pub(super) operation: bool,
    pub(super) principal: bool,
    pub(super) time: bool,
}

/// An event that is told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) id: RequestId,
    pub(super) time: Timestamp,
    pub(super) name: Name,
    pub(super) principal: Option<Name>,
    pub(super) key: Option<Name>,
    pub(super) error: Option<Name>,
}

impl Fields {
    /// How that call and that event differ.
    pub(super) fn of(call: &Call, event: &Event, names: &Names) -> Self {
        let text = |name: Option<Name>| name.map(|name| names.text(name));
        let explained = Explained::of(&event.event_name);
        let is_of_key = |key: &str| event.keys().next().is_none() || event.keys().any(|other| other == key);
        let apart = call.time().duration_since(event.event_time).abs();
        Self {
            key: text(call.kms_key).is_some_and(|key| !is_of_key(key)),
            operation: text(call.kms_operation) != Some(event.event_name.as_str())
                || !explained.has(call.operation),
            principal: text(call.principal).is_some_and(|principal| !event.is_by(principal)),
            time: !matches!(explained, Explained::Looks(_)) && apart > super::span::DELAY,
        }
    }

    /// Their names.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let named = [
            (self.operation, "operation"),
            (self.principal, "principal"),
            (self.key, "key"),
            (self.time, "time"),
        ];
        named.into_iter().filter_map(|(differs, name)| differs.then_some(name))
    }
}

impl Told {
    pub(super) fn of(event: &Event, id: RequestId, names: &mut Names) -> Result<Self, ReconcileError> {
        Ok(Self {
            id,
            time: event.event_time,
            name: names.keep(&event.event_name)?,
            principal: names.keep_if_any(event.principal())?,
            key: names.keep_if_any(event.keys().next())?,
            error: names.keep_if_any(event.error_code.as_deref())?,
        })
    }
}
