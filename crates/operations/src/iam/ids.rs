//! Ids that IAM gives out. They are random: nothing can be read off one but of what it is the id.

use uuid::Uuid;

/// The unique id of a user, group, role or policy: the prefix of its kind, such as `AIDA`, and 17 letters and digits.
#[must_use]
pub fn unique_id(prefix: &str) -> String {
    random_id(prefix, 17)
}

/// The id of an access key: `AKIA`, or `ASIA` of a temporary one, and 16 letters and digits.
#[must_use]
pub fn access_key_id(prefix: &str) -> String {
    random_id(prefix, 16)
}

/// A prefix and letters and digits of base 32, at most 25 of them.
fn random_id(prefix: &str, length: usize) -> String {
    // The bits that say that a UUID is random lie on random ones of the other.
    let mut random = u128::from_be_bytes(*Uuid::new_v4().as_bytes())
        ^ u128::from_be_bytes(*Uuid::new_v4().as_bytes()).rotate_left(64);
    let mut id = String::from(prefix);
    for _ in 0..length {
        let digit = u8::try_from(random % 32).unwrap_or_default();
        id.push(char::from(if digit < 26 { b'A' + digit } else { b'2' + digit - 26 }));
        random /= 32;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn an_id_has_the_form_of_aws() {
        let is_base_32 = |b: u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b);
        for (id, prefix, length) in [(unique_id("AIDA"), "AIDA", 21), (access_key_id("AKIA"), "AKIA", 20)] {
            assert!(id.starts_with(prefix) && id.len() == length && id.bytes().all(is_base_32), "{id}");
        }
    }

    #[test]
    fn no_id_comes_twice() {
        let ids: HashSet<String> = (0..1000).map(|_| unique_id("AIDA")).collect();
        assert_eq!(ids.len(), 1000);
    }
}
