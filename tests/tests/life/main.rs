//! The life of keys against a small model of it: random calls in random order, days that pass, and in the second test servers that
//! are stopped and killed in between.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails its test"
)]

mod model;
mod service;

use model::{Act, Family, Kind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use service::{KeyInService, REGIONS, Service};

/// One step of a life.
#[derive(Clone, Debug)]
enum Step {
    Create(Kind, usize),
    /// On one of the keys, where it is or, seldom, in another region.
    Act {
        key: usize,
        place: usize,
        luck: u8,
        act: Act,
    },
    /// So many days pass.
    Pass(u32),
    Restart,
    Kill,
}

#[test]
fn keys_live_as_the_model_says() {
    live(CASES, steps(false));
}

#[test]
fn keys_live_as_the_model_says_through_stops_and_crashes() {
    // A start takes longer than most lives.
    live(CASES / 2, steps(true));
}

fn live(cases: u32, lives: impl Strategy<Value = Vec<Step>>) {
    let service = std::cell::RefCell::new(Service::start());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let outcome = TestRunner::new(config).run(&lives, |steps| {
        Life::new(&mut service.borrow_mut()).live(&steps);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// The keys of one case, in the service and in the model.
struct Life<'a> {
    service: &'a mut Service,
    keys: Vec<(KeyInService, Family)>,
    today: u32,
}

impl<'a> Life<'a> {
    fn new(service: &'a mut Service) -> Self {
        Self { service, keys: Vec::new(), today: 0 }
    }

    fn live(mut self, steps: &[Step]) {
        for (number, step) in steps.iter().enumerate() {
            self.take(step);
            for (key, family) in &self.keys {
                self.service.compare(key, family, &format!("after step {number}, {step:?}"));
            }
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Create(kind, region) => {
                self.keys.push((self.service.create(*kind, *region), Family::new(*kind, *region)));
            }
            Step::Act { key, place, luck, act } => self.act(*key, *place, *luck, act),
            Step::Pass(days) => {
                self.today += days;
                self.service.pass(*days);
                self.keys.iter_mut().for_each(|(_, family)| family.live_until(self.today));
            }
            Step::Restart => self.service.restart(),
            Step::Kill => self.service.kill(),
        }
    }

    fn act(&mut self, which: usize, place: usize, luck: u8, act: &Act) {
        let count = self.keys.len();
        let Some((key, family)) = self.keys.get_mut(which % count.max(1)) else { return };
        let places: Vec<_> = family.members.keys().copied().collect();
        let is_elsewhere = luck.is_multiple_of(32) || places.is_empty();
        let region = if is_elsewhere { place % REGIONS.len() } else { places[place % places.len()] };
        if !makes_sense(family, region, act) || !(fits(family.kind, act) || luck < 32) {
            return;
        }
        let before = family.clone();
        let expected = family.act(region, act, self.today);
        let came = self.service.act(key, &before, region, act);
        assert_eq!(came, expected.map_err(str::to_owned), "{act:?} in {} of {before:#?}", REGIONS[region]);
    }
}

/// What has several reasons to be refused, or none that AWS tells, is not asked.
fn makes_sense(family: &Family, region: usize, act: &Act) -> bool {
    match act {
        Act::DeleteMaterial(_) => !family.materials.is_empty(),
        Act::Replicate(to) => *to != family.primary,
        Act::Promote(to) => {
            let there_is_one_reason = region == family.primary || family.state(*to) == Some("Enabled");
            family.members.contains_key(to) && *to != region && there_is_one_reason
        }
        _ => true,
    }
}

/// Whether a key of that kind is for it.
fn fits(kind: Kind, act: &Act) -> bool {
    match act {
        Act::Sign => kind == Kind::Signing,
        Act::Encrypt | Act::Decrypt(_) | Act::Rotate => kind != Kind::Signing,
        Act::EnableRotation(_) | Act::DisableRotation => matches!(kind, Kind::Symmetric | Kind::MultiRegion),
        Act::ImportNew(_) | Act::ImportAgain(..) | Act::DeleteMaterial(_) => kind == Kind::Imported,
        Act::Replicate(_) | Act::Promote(_) => kind == Kind::MultiRegion,
        _ => true,
    }
}

fn steps(with_stops: bool) -> impl Strategy<Value = Vec<Step>> {
    let region = || 0..REGIONS.len();
    let kind = prop_oneof![
        2 => Just(Kind::Symmetric),
        1 => Just(Kind::Signing),
        3 => Just(Kind::Imported),
        3 => Just(Kind::MultiRegion)
    ];
    let days = prop_oneof![Just(1), 2_u32..40, 40_u32..200];
    let stop = prop_oneof![Just(Step::Restart), Just(Step::Kill)];
    let create = (kind.clone(), region()).prop_map(|(kind, region)| Step::Create(kind, region));
    let first = create.clone();
    let step = prop_oneof![
        1 => create,
        20 => (0_usize..4, any::<usize>(), any::<u8>(), acts())
            .prop_map(|(key, place, luck, act)| Step::Act { key, place, luck, act }),
        3 => days.prop_map(Step::Pass),
        u32::from(with_stops) * 3 => stop,
    ];
    (first, prop::collection::vec(step, 20..60))
        .prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect())
}

fn acts() -> impl Strategy<Value = Act> {
    let region = || 0..REGIONS.len();
    let validity = || prop::option::of(1_u32..60);
    prop_oneof![
        3 => Just(Act::Enable),
        2 => Just(Act::Disable),
        2 => (7_u32..=30).prop_map(Act::Schedule),
        2 => Just(Act::Cancel),
        4 => Just(Act::Encrypt),
        4 => any::<usize>().prop_map(Act::Decrypt),
        2 => Just(Act::Sign),
        2 => (90_u32..200).prop_map(Act::EnableRotation),
        1 => Just(Act::DisableRotation),
        2 => Just(Act::Rotate),
        4 => validity().prop_map(Act::ImportNew),
        3 => (any::<usize>(), validity()).prop_map(|(which, days)| Act::ImportAgain(which, days)),
        1 => any::<usize>().prop_map(Act::DeleteMaterial),
        4 => region().prop_map(Act::Replicate),
        2 => region().prop_map(Act::Promote),
    ]
}

const CASES: u32 = 24;
