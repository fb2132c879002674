//! What a grant holds requests to: read from a request, shown, and told to conditions.

use super::invalid;
use crate::Fact;
use crate::kms::context_facts;
use access::ConditionKey;
use audit::json::Object;
use keys::GrantConstraints;
use std::collections::BTreeMap;
use wire::{Fault, member};

type Pairs = BTreeMap<String, String>;

/// Constraints, of a request or of a grant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Constraints<'a> {
    equals: Option<&'a Pairs>,
    subset: Option<&'a Pairs>,
    source_arn: Option<&'a str>,
}

wire::output! {
    /// Constraints in a list of grants.
    pub struct ConstraintsEntry {
        optional subset: Pairs = "EncryptionContextSubset",
        optional equals: Pairs = "EncryptionContextEquals",
        optional source_arn: String = "SourceArn",
    }
}

impl<'a> Constraints<'a> {
    /// Those of a request.
    pub fn asked(constraints: Option<&'a member::GrantConstraints>) -> Self {
        let Some(asked) = constraints else { return Self::default() };
        Self {
            equals: asked.encryption_context_equals.as_ref().map(|context| &context.0),
            subset: asked.encryption_context_subset.as_ref().map(|context| &context.0),
            source_arn: asked.source_arn.as_ref().map(member::GrantConstraintSourceArn::as_str),
        }
    }

    /// Those of a grant.
    pub fn of(constraints: &'a GrantConstraints) -> Self {
        let GrantConstraints { equals, subset, source_arn } = constraints;
        Self { equals: equals.as_ref(), subset: subset.as_ref(), source_arn: source_arn.as_deref() }
    }

    /// The same to be kept.
    pub fn kept(self) -> GrantConstraints {
        GrantConstraints {
            equals: self.equals.cloned(),
            subset: self.subset.cloned(),
            source_arn: self.source_arn.map(Into::into),
        }
    }

    /// The same in a list. A grant without constraints has none there.
    pub fn entry(self) -> Option<ConstraintsEntry> {
        let GrantConstraints { equals, subset, source_arn } = self.kept();
        let is_none = equals.is_none() && subset.is_none() && source_arn.is_none();
        (!is_none).then_some(ConstraintsEntry { subset, equals, source_arn })
    }

    /// Whether a request is held to an encryption context.
    pub const fn are_about_context(self) -> bool {
        self.equals.is_some() || self.subset.is_some()
    }

    /// The resource for which a service must call.
    pub const fn source_arn(self) -> Option<&'a str> {
        self.source_arn
    }

    /// Refuses two contexts, and one that is too large.
    //= kms:CreateGrant: a constraint has at most 8 pairs, a value at most 384 characters
    pub fn check(self) -> Result<(), Fault> {
        if self.equals.is_some() && self.subset.is_some() {
            return Err(invalid(TWO_CONTEXTS));
        }
        let Some((_, pairs)) = self.context() else { return Ok(()) };
        if pairs.len() > MOST_PAIRS {
            return Err(invalid(TOO_MANY_PAIRS));
        }
        if pairs.values().any(|value| value.chars().count() > MOST_CHARACTERS) {
            return Err(invalid(TOO_LONG));
        }
        Ok(())
    }

    /// What conditions may look at in the encryption context that a grant holds requests to.
    pub fn context_facts(self) -> Vec<Fact<'a>> {
        let Some((kind, pairs)) = self.context() else { return Vec::new() };
        let kind = Fact::text(ConditionKey::KmsGrantConstraintType, kind);
        std::iter::once(kind).chain(context_facts(pairs)).collect()
    }

    /// Shows them in a record.
    pub fn record(self, record: &mut Object<'_>) {
        let contexts = [("encryptionContextEquals", self.equals), ("encryptionContextSubset", self.subset)];
        for (name, pairs) in contexts {
            if let Some(pairs) = pairs {
                record.object(name, |record| pairs.iter().for_each(|(key, value)| record.string(key, value)));
            }
        }
        if let Some(source_arn) = self.source_arn {
            record.string("sourceArn", source_arn);
        }
    }

    fn context(self) -> Option<(&'static str, &'a Pairs)> {
        let equals = self.equals.map(|pairs| ("EncryptionContextEquals", pairs));
        equals.or(self.subset.map(|pairs| ("EncryptionContextSubset", pairs)))
    }
}

const MOST_PAIRS: usize = 8;
const MOST_CHARACTERS: usize = 384;
const TWO_CONTEXTS: &str = "More than one constraint supplied";
const TOO_MANY_PAIRS: &str = "A grant constraint can have at most 8 encryption context pairs.";
const TOO_LONG: &str = "An encryption context value in a grant constraint can have at most 384 characters.";
