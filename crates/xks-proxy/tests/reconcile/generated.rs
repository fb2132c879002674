//! Random logs in which it is known what was done to which request.

use crate::found;
use crate::logs::{Logs, OTHER_KEY, call, event, id};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What happened to a request, and what is to be found because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Agrees,
    AnotherKey,
    AnotherPrincipal,
    Failed,
    NoCall,
    NoEvent,
    Refused,
    ThreeCalls,
    TwoCalls,
    TwoEvents,
}

impl Fate {
    const ALL: &'static [Self] = &[
        Self::Agrees,
        Self::Agrees,
        Self::Agrees,
        Self::AnotherKey,
        Self::AnotherPrincipal,
        Self::Failed,
        Self::NoCall,
        Self::NoEvent,
        Self::Refused,
        Self::ThreeCalls,
        Self::TwoCalls,
        Self::TwoEvents,
    ];

    const fn found(self) -> Option<&'static str> {
        match self {
            Self::Agrees | Self::Refused | Self::TwoCalls | Self::TwoEvents => None,
            Self::AnotherKey | Self::AnotherPrincipal => Some("differs"),
            Self::Failed => Some("failedThoughDone"),
            Self::NoCall => Some("eventWithoutUse"),
            Self::NoEvent => Some("useWithoutEvent"),
            Self::ThreeCalls => Some("tooManyCalls"),
        }
    }

    fn happen(self, logs: &mut Logs, number: u64, operation: &str, called: &str) {
        let (mut told, mut done) = (event(number, operation), call(number, operation, called));
        let (mut events, mut calls) = (1, 1);
        match self {
            Self::Agrees => {}
            Self::AnotherKey => done["requestMetadata"]["kmsKeyArn"] = OTHER_KEY.into(),
            Self::AnotherPrincipal => done["requestMetadata"]["awsPrincipalArn"] = "ebs.amazonaws.com".into(),
            Self::Failed => done["outcome"] = "Failure".into(),
            Self::NoCall => calls = 0,
            Self::NoEvent => events = 0,
            Self::Refused => {
                told["errorCode"] = "KMSInvalidStateException".into();
                calls = 0;
            }
            Self::ThreeCalls => calls = 3,
            Self::TwoCalls => calls = 2,
            Self::TwoEvents => events = 2,
        }
        logs.kms.extend((0..events).map(|_| told.clone()));
        logs.calls.extend((0..calls).map(|_| done.clone()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_done_to_a_request_is_found_and_nothing_else(
        fates in vec((select(Fate::ALL), select(&[("Encrypt", "Encrypt"), ("GenerateDataKey", "Encrypt"), ("Decrypt", "Decrypt")][..])), 0..60),
        turn in 0..60_usize,
    ) {
        let mut logs = Logs::of_two_hours();
        let mut expected = Vec::new();
        for (number, (fate, (operation, called))) in (1..).zip(&fates) {
            fate.happen(&mut logs, number, operation, called);
            expected.extend(fate.found().map(|kind| (kind.to_owned(), id(number))));
        }
        // Which keys are behind the proxy is known by its own journal.
        logs.request(1_000, "Encrypt", "Encrypt");
        let turn = turn.min(logs.kms.len());
        logs.kms.rotate_left(turn);
        let mut actual = found(&logs.report());
        actual.sort();
        expected.sort();
        prop_assert_eq!(actual, expected);
    }
}
