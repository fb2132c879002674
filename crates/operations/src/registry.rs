//! The list of operations. Routing, audit names, the documentation's table and the ratchets in the tests read it.

use crate::kms::{aliases, cryptography, keys as kms_keys, policies, tags};
use crate::pipeline::{Caller, Running, run};
use crate::{Call, Operation, Service};
use keys::KeyStates;
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
    /// What it takes.
    pub input: fn() -> &'static [MemberShape],
    /// What it answers: members, and whether each is always there.
    pub output: &'static [(&'static str, bool)],
    pub(crate) run: for<'a> fn(&'a Service, &'a Call, Caller) -> Running<'a>,
}

const fn entry<O: Operation>() -> Entry {
    Entry {
        name: O::NAME,
        read_only: O::READ_ONLY,
        states: O::STATES,
        input: <O::Input as Input>::members,
        output: <O::Output as Output>::MEMBERS,
        run: run::<O>,
    }
}

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[
    entry::<kms_keys::CancelKeyDeletion>(),
    entry::<aliases::CreateAlias>(),
    entry::<kms_keys::CreateKey>(),
    entry::<cryptography::Decrypt>(),
    entry::<aliases::DeleteAlias>(),
    entry::<kms_keys::DescribeKey>(),
    entry::<kms_keys::DisableKey>(),
    entry::<kms_keys::EnableKey>(),
    entry::<cryptography::Encrypt>(),
    entry::<cryptography::GenerateDataKey>(),
    entry::<cryptography::GenerateDataKeyWithoutPlaintext>(),
    entry::<cryptography::GenerateRandom>(),
    entry::<policies::GetKeyPolicy>(),
    entry::<aliases::ListAliases>(),
    entry::<policies::ListKeyPolicies>(),
    entry::<kms_keys::ListKeys>(),
    entry::<tags::ListResourceTags>(),
    entry::<policies::PutKeyPolicy>(),
    entry::<cryptography::ReEncrypt>(),
    entry::<kms_keys::ScheduleKeyDeletion>(),
    entry::<tags::TagResource>(),
    entry::<tags::UntagResource>(),
    entry::<aliases::UpdateAlias>(),
    entry::<kms_keys::UpdateKeyDescription>(),
];

/// The operation of that name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    let at = OPERATIONS.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
    OPERATIONS.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_so_every_operation_is_found() {
        assert!(OPERATIONS.is_sorted_by(|one, next| one.name < next.name));
        assert!(
            OPERATIONS.iter().all(|entry| find(entry.name).is_some_and(|found| found.name == entry.name))
        );
        assert!(find("ListGrants").is_none());
    }
}
