//! The compiled evaluation and the naive one, on random scenarios; and what must hold of every decision.

use crate::naive;
use crate::question::{Answer, answer, explained};
use crate::scenario::{On, Scenario};
use crate::strategies::{about_grants, allowing, denying, extended, parents_and_children, scenarios};
use access::{Decision, is_at_least_as_strict};
use keys::Grant;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_compiled_evaluation_agrees_with_the_naive_one(scenario in scenarios()) {
        prop_assert_eq!(answer(&scenario), naive::answer(&scenario));
    }

    #[test]
    fn grants_apply_where_the_naive_evaluation_says_so(scenario in about_grants()) {
        prop_assert_eq!(answer(&scenario), naive::answer(&scenario));
    }

    #[test]
    fn an_explicit_deny_always_wins(scenario in scenarios(), place in 0..4_usize) {
        let denied = with_deny(scenario, place);
        prop_assert_eq!(answer(&denied), Answer::Explicit);
    }

    #[test]
    fn a_statement_that_allows_never_takes_anything_away(
        (scenario, statement) in scenarios().prop_flat_map(|scenario| (allowing(&scenario), Just(scenario)).prop_map(|(statement, scenario)| (scenario, statement)))
    ) {
        let resource_policy = extended(&scenario.resource_policy, statement);
        let more = Scenario { resource_policy, ..scenario.clone() };
        let (before, after) = (answer(&scenario), answer(&more));
        prop_assert!(before == after || (before, after) == (Answer::Implicit, Answer::Allowed), "{:?} {:?}", before, after);
    }

    #[test]
    fn what_a_child_that_is_strict_enough_allows_its_parent_allows((scenario, parent, child) in parents_and_children()) {
        let by = |grant: &Grant| answer(&Scenario { grants: vec![grant.clone()], ..scenario.clone() });
        if is_at_least_as_strict(child.operations, &child.constraints, &parent) && by(&child) == Answer::Allowed {
            prop_assert_eq!(by(&parent), Answer::Allowed);
        }
    }

    #[test]
    fn an_explanation_is_of_the_decision_that_is_made(scenario in scenarios()) {
        agrees_with_its_explanation(&scenario)?;
    }

    #[test]
    fn an_explanation_that_names_a_grant_is_of_the_decision_that_is_made(scenario in about_grants()) {
        agrees_with_its_explanation(&scenario)?;
    }
}

#[test]
fn each_way_of_coming_out_is_common() {
    for share in [shares(&scenarios()), shares(&about_grants())] {
        assert!(share.values().all(|share| *share >= 0.1) && share.len() >= 2, "{share:?}");
    }
    assert_eq!(shares(&scenarios()).len(), 3);
}

#[test]
fn children_that_are_strict_enough_and_allow_something_are_common() {
    let (mut runner, cases) = (TestRunner::deterministic(), parents_and_children());
    let tells = (0..SAMPLES).filter(|_| {
        let (scenario, parent, child) = cases.new_tree(&mut runner).unwrap().current();
        let is_strict = is_at_least_as_strict(child.operations, &child.constraints, &parent);
        is_strict && naive::answer(&Scenario { grants: vec![child], ..scenario }) == Answer::Allowed
    });
    assert!(tells.count() * 10 >= SAMPLES as usize);
}

fn agrees_with_its_explanation(scenario: &Scenario) -> Result<(), TestCaseError> {
    let explanation = explained(scenario);
    let explicit = matches!(explanation.decision(), Decision::Denied(denial) if denial.is_explicit());
    prop_assert_eq!(explicit, explanation.explicit_deny);
    let found = match (explanation.allowed, explicit) {
        (true, _) => Answer::Allowed,
        (false, true) => Answer::Explicit,
        (false, false) => Answer::Implicit,
    };
    prop_assert_eq!(found, answer(scenario));
    Ok(())
}

/// Denied by one of the policies that are asked.
fn with_deny(scenario: Scenario, place: usize) -> Scenario {
    let is_asked = matches!(scenario.resource, On::Key | On::Role);
    let of_caller = |scenario: &Scenario| serde_json::json!({"Version": "2012-10-17", "Statement": [denying(scenario, false)]});
    let denial = of_caller(&scenario);
    match place {
        0 if is_asked => {
            let resource_policy = extended(&scenario.resource_policy, denying(&scenario, true));
            Scenario { resource_policy, ..scenario }
        }
        1 => Scenario { boundary: Some(denial), ..scenario },
        2 => Scenario {
            session: Some(scenario.session.iter().flatten().cloned().chain([denial]).collect()),
            ..scenario
        },
        _ => Scenario { identity: scenario.identity.iter().cloned().chain([denial]).collect(), ..scenario },
    }
}

fn shares(scenarios: &impl Strategy<Value = Scenario>) -> BTreeMap<Answer, f64> {
    let (mut runner, mut counts) = (TestRunner::deterministic(), BTreeMap::new());
    for _ in 0..SAMPLES {
        let scenario = scenarios.new_tree(&mut runner).unwrap().current();
        *counts.entry(naive::answer(&scenario)).or_default() += 1.0 / f64::from(SAMPLES);
    }
    counts
}

const SAMPLES: u32 = 2_000;
