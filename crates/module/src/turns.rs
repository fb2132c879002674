//! A queue in which accounts take turns: however much one of them asks for, what another asks for waits behind one of its own each.
//! Bounded, for each account and in all.

use keys::AccountId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What waits, by the account that it is for.
pub struct Turns<T> {
    waiting: Mutex<Waiting<T>>,
    more: Condvar,
}

struct Waiting<T> {
    of: BTreeMap<AccountId, VecDeque<T>>,
    /// Every account for which something waits, once.
    turns: VecDeque<AccountId>,
    count: usize,
}

impl<T> Turns<T> {
    /// Nothing waits.
    pub const fn new() -> Self {
        let waiting = Waiting { of: BTreeMap::new(), turns: VecDeque::new(), count: 0 };
        Self { waiting: Mutex::new(waiting), more: Condvar::new() }
    }

    /// Adds something for that account, or gives it back if too much waits.
    pub fn add(&self, account: AccountId, thing: T) -> Result<(), T> {
        self.lock().add(account, thing)?;
        self.more.notify_one();
        Ok(())
    }

    /// Takes what is next, and waits for it if need be.
    pub fn next(&self) -> T {
        let mut waiting = self.lock();
        loop {
            if let Some(thing) = waiting.next() {
                return thing;
            }
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiting<T> {
    fn add(&mut self, account: AccountId, thing: T) -> Result<(), T> {
        let own = self.of.get(&account).map_or(0, VecDeque::len);
        if self.count >= MOST || own >= MOST_OF_AN_ACCOUNT {
            return Err(thing);
        }
        if own == 0 {
            self.turns.push_back(account);
        }
        self.of.entry(account).or_default().push_back(thing);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn next(&mut self) -> Option<T> {
        let account = self.turns.pop_front()?;
        let own = self.of.get_mut(&account)?;
        let thing = own.pop_front();
        if own.is_empty() {
            self.of.remove(&account);
        } else {
            self.turns.push_back(account);
        }
        self.count = self.count.saturating_sub(1);
        thing
    }
}

/// More than can be made before they are given up.
const MOST: usize = 256;
/// A quarter of that, so that one account leaves room to the others.
const MOST_OF_AN_ACCOUNT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u8) -> AccountId {
        format!("11112222333{number}").parse().unwrap()
    }

    #[test]
    fn what_one_account_asks_for_waits_behind_one_thing_of_another_that_asks_for_much() {
        let turns = Turns::new();
        for number in 0..MOST_OF_AN_ACCOUNT {
            turns.add(account(1), (1, number)).unwrap();
        }
        assert_eq!(turns.add(account(1), (1, 99)), Err((1, 99)));
        turns.add(account(2), (2, 0)).unwrap();
        turns.add(account(2), (2, 1)).unwrap();
        let taken: Vec<_> = (0..5).map(|_| turns.next()).collect();
        assert_eq!(taken, [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2)]);
        turns.add(account(1), (1, 64)).unwrap();
    }

    #[test]
    fn it_never_holds_more_than_its_bound_and_gives_everything_out_once() {
        let turns = Turns::new();
        let accepted =
            (0..MOST * 2).filter(|number| turns.add(account((number % 10) as u8), *number).is_ok()).count();
        assert_eq!(accepted, MOST);
        let mut taken: Vec<_> = (0..MOST).map(|_| turns.next()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..MOST).collect::<Vec<_>>());
        let waiting = turns.lock();
        assert!(waiting.of.is_empty() && waiting.turns.is_empty() && waiting.count == 0);
    }

    #[test]
    fn whoever_waits_is_woken() {
        let turns = Turns::new();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| turns.next());
            turns.add(account(1), 7).unwrap();
            assert_eq!(waiter.join().unwrap(), 7);
        });
    }
}
