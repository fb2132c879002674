//! An operation as the lists have it. Routing, audit names, the documentation's table and the ratchets in the tests read
//! the lists: one for each service, in its folder.

use crate::pipeline::{Caller, Running, run};
use crate::{Call, Operation, Routed, Service};
use keys::{KeyOrigin, KeyStates};
use wire::{Input, MemberShape, Output};

/// An operation as the list has it.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// The key states in which it may go ahead.
    pub states: KeyStates,
    /// The origins of the keys that it is for.
    pub origins: &'static [KeyOrigin],
    /// What it takes.
    pub input: fn() -> &'static [MemberShape],
    /// What it answers: members, and whether each is always there.
    pub output: &'static [(&'static str, bool)],
    pub(crate) run: for<'a> fn(&'a Service, &'a Call, &'a Routed, Caller) -> Running<'a>,
}

/// The line of an operation in its list.
pub(crate) const fn entry<O: Operation>() -> Entry {
    Entry {
        name: O::NAME,
        read_only: O::READ_ONLY,
        states: O::STATES,
        origins: O::ORIGINS,
        input: <O::Input as Input>::members,
        output: <O::Output as Output>::MEMBERS,
        run: run::<O>,
    }
}

#[cfg(test)]
mod tests {
    use crate::APIS;

    #[test]
    fn every_list_is_in_order_and_so_every_operation_is_found() {
        for api in APIS {
            assert!(api.operations.is_sorted_by(|one, next| one.name < next.name), "{}", api.service);
            assert!(api.operations.iter().all(|entry| api.find(entry.name).is_some()));
            assert!(api.find("MakeCoffee").is_none());
        }
    }
}
