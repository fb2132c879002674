//! The list: P1 to P76 of the specification, and what it does not say but a proxy dies of. Each row stands beside the checks
//! that look at it.

mod addressing;
mod authentication;
mod authorization;
mod decrypt;
mod encrypt;
mod errors;
mod health;
mod metadata;
mod operation;
mod strength;
mod transport;

use crate::requirement::Requirement;

/// The requirements of one part of the specification.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) requirements: &'static [Requirement],
}

pub(crate) const SECTIONS: &[Section] = &[
    Section { title: "Transport", requirements: transport::REQUIREMENTS },
    Section { title: "Addressing", requirements: addressing::REQUIREMENTS },
    Section { title: "GetKeyMetadata", requirements: metadata::REQUIREMENTS },
    Section { title: "Encrypt", requirements: encrypt::REQUIREMENTS },
    Section { title: "Decrypt", requirements: decrypt::REQUIREMENTS },
    Section { title: "GetHealthStatus", requirements: health::REQUIREMENTS },
    Section { title: "Errors", requirements: errors::REQUIREMENTS },
    Section { title: "Authentication", requirements: authentication::REQUIREMENTS },
    Section { title: "Clients, credentials and policy", requirements: authorization::REQUIREMENTS },
    Section { title: "Logging and operation", requirements: operation::REQUIREMENTS },
    Section { title: "Strength", requirements: strength::REQUIREMENTS },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::SECTIONS;
    use crate::requirement::Requirement;

    fn all() -> impl Iterator<Item = &'static Requirement> {
        SECTIONS.iter().flat_map(|section| section.requirements)
    }

    #[test]
    fn p1_to_p76_are_all_there_in_their_order() {
        let ids: Vec<&str> = all().map(|it| it.id).filter(|id| id.starts_with('P')).collect();
        let expected: Vec<String> = (1..=76).map(|number| format!("P{number}")).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn each_requirement_is_checked_or_says_what_to_look_at() {
        for requirement in all() {
            assert!(!requirement.checks.is_empty() || requirement.by_eye.is_some(), "{}", requirement.id);
            assert!(requirement.checks.iter().all(|check| check.level >= requirement.level));
        }
    }

    #[test]
    fn no_two_checks_say_the_same() {
        let mut seen = HashSet::new();
        for check in all().flat_map(|requirement| requirement.checks) {
            assert!(seen.insert(check.sentence), "{}", check.sentence);
        }
    }
}
