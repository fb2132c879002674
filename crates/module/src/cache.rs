//! Opened keys, so that a token that is used often is not opened often. Bounded; what is put out is wiped.
//!
//! An entry is found by the whole token and used only with the binding that the token was opened with.

use crate::algorithms::OpenedKey;
use module_api::Binding;
use std::collections::HashMap;
use std::fmt;

/// A cache that puts out by the clock, so that the weights of its keys are no more together than its capacity: an entry that was used
/// since the hand last passed it stays for another round.
pub struct Cache {
    places: HashMap<Box<[u8]>, usize>,
    entries: Vec<Entry>,
    weight: usize,
    hand: usize,
    capacity: usize,
}

struct Entry {
    token: Box<[u8]>,
    binding: Binding,
    key: OpenedKey,
    used: bool,
}

impl Cache {
    /// An empty cache for so many keys of weight 1, at least one, or fewer heavier ones; one key is kept however heavy it is.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { places: HashMap::new(), entries: Vec::new(), weight: 0, hand: 0, capacity }
    }

    /// Where the key of that token is, if it is here.
    pub fn find(&mut self, token: &[u8]) -> Option<usize> {
        let place = *self.places.get(token)?;
        self.entries.get_mut(place)?.used = true;
        Some(place)
    }

    /// The key there, if it is bound so.
    pub fn key(&self, place: usize, binding: &Binding) -> Option<&OpenedKey> {
        self.entries.get(place).filter(|entry| entry.binding == *binding).map(|entry| &entry.key)
    }

    /// Makes sure that there is room for one more key of that weight.
    pub fn make_room(&mut self, weight: usize) {
        while !self.entries.is_empty() && self.weight.saturating_add(weight) > self.capacity {
            self.hand = self.hand.checked_rem(self.entries.len()).unwrap_or(0);
            match self.entries.get_mut(self.hand) {
                Some(entry) if entry.used => entry.used = false,
                _ => {
                    self.put_out(self.hand);
                    continue;
                }
            }
            self.hand = self.hand.saturating_add(1);
        }
    }

    /// Puts in a key that was just opened; returns where it is.
    pub fn insert(&mut self, token: &[u8], binding: Binding, key: OpenedKey) -> usize {
        self.make_room(key.weight());
        self.weight = self.weight.saturating_add(key.weight());
        let place = self.entries.len();
        self.places.insert(token.into(), place);
        // Not counted as a use: a key that is opened once goes before one that is used again and again.
        self.entries.push(Entry { token: token.into(), binding, key, used: false });
        place
    }

    /// The last entry takes the place of the one put out.
    fn put_out(&mut self, place: usize) {
        let gone = self.entries.swap_remove(place);
        self.weight = self.weight.saturating_sub(gone.key.weight());
        self.places.remove(&gone.token);
        if let Some(moved) = self.entries.get(place)
            && let Some(its) = self.places.get_mut(&moved.token)
        {
            *its = place;
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} of {})", self.entries.len(), self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;
    use crate::algorithms::KeyMaterial;
    use keys::{KeyMaterialId, KeyOrigin, KeySpec, KeyUsage};
    use std::sync::Arc;

    fn binding(material: u8) -> Binding {
        Binding {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: KeyOrigin::AwsKms,
            material_id: KeyMaterialId::from_bytes([material; 32]),
        }
    }

    fn put(cache: &mut Cache, arena: &Arc<Arena>, number: u8) {
        cache.make_room(1);
        let key = arena.keep(&[number; 32]).unwrap();
        cache.insert(&[number; 98], binding(number), OpenedKey::Symmetric(key));
    }

    fn holds(cache: &mut Cache, number: u8) -> bool {
        let Some(place) = cache.find(&[number; 98]) else { return false };
        let OpenedKey::Symmetric(key) = cache.key(place, &binding(number)).unwrap() else { return false };
        assert_eq!(key.bytes(), [number; 32]);
        true
    }

    #[test]
    fn a_key_is_found_by_its_token_and_only_with_its_binding() {
        let (mut cache, arena) = (Cache::new(2), Arena::new(2).unwrap());
        put(&mut cache, &arena, 1);
        let place = cache.find(&[1; 98]).unwrap();
        assert!(cache.key(place, &binding(1)).is_some());
        assert!(cache.key(place, &binding(2)).is_none());
        assert!(cache.find(&[2; 98]).is_none());
    }

    #[test]
    fn it_never_holds_more_than_its_capacity_and_stays_right_under_churn() {
        let (mut cache, arena) = (Cache::new(7), Arena::new(8).unwrap());
        for round in 0..500_u32 {
            let number = (round * 37 % 23) as u8;
            if !holds(&mut cache, number) {
                put(&mut cache, &arena, number);
            }
            assert!(cache.entries.len() <= 7 && cache.entries.len() == cache.places.len());
            assert!(holds(&mut cache, number));
        }
    }

    #[test]
    fn what_is_used_in_every_round_stays() {
        let (mut cache, arena) = (Cache::new(4), Arena::new(8).unwrap());
        put(&mut cache, &arena, 0);
        for number in 1..100 {
            assert!(holds(&mut cache, 0), "put out by {number}");
            put(&mut cache, &arena, number);
        }
    }

    #[test]
    fn heavier_keys_leave_room_for_fewer_and_one_is_kept_however_heavy() {
        let arena = Arena::new(64).unwrap();
        let open = |spec, usage| {
            let material = KeyMaterial::generate(spec, &arena).unwrap();
            OpenedKey::new(spec, usage, arena.keep(material.secret().bytes()).unwrap()).unwrap()
        };
        for (capacity, kept) in [(8, 4), (9, 4), (2, 1), (1, 1)] {
            let mut cache = Cache::new(capacity);
            for number in 0..20 {
                let key = open(KeySpec::EccNistP256, KeyUsage::SignVerify);
                assert_eq!(key.weight(), 2);
                cache.insert(&[number; 98], binding(number), key);
                assert!(cache.find(&[number; 98]).is_some());
            }
            assert_eq!(cache.entries.len(), kept);
            for number in 20..40 {
                put(&mut cache, &arena, number);
            }
            assert_eq!(cache.weight, capacity);
            assert_eq!(cache.weight, cache.entries.iter().map(|entry| entry.key.weight()).sum::<usize>());
        }
    }
}
