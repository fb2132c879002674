//! Why a text is no policy. To the caller it is told in AWS's words where those are known; the reason in plain words is kept beside them,
//! because AWS's are often no help.

use super::PolicyKind;
use super::template::InvalidVariable;
use crate::PrincipalName;
use std::fmt;

/// A text that is no policy of its kind. Its `Display` is the message for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedPolicy {
    message: String,
    reason: String,
}

impl MalformedPolicy {
    pub(super) fn new(kind: PolicyKind, place: Option<&Place>, flaw: &Flaw) -> Self {
        let reason = match place {
            Some(place) => format!("In {place}: {flaw}."),
            None => format!("In the policy: {flaw}."),
        };
        Self { message: flaw.wording(kind).unwrap_or_else(|| reason.clone()), reason }
    }

    /// A policy that names a principal which does not exist.
    #[must_use]
    pub fn principal(kind: PolicyKind, name: &PrincipalName) -> Self {
        let of_type = match name {
            PrincipalName::Federated(_) => "Federated",
            PrincipalName::Service(_) => "Service",
            _ => "AWS",
        };
        Self::new(kind, None, &Flaw::Principal { of_type: of_type.into(), name: name.to_string() })
    }

    /// A policy of a version that does not do where it is to be used: of a managed policy or a session.
    #[must_use]
    pub fn version() -> Self {
        let message = "Policy document must be version 2012-10-17 or greater.";
        Self { message: message.into(), reason: message.into() }
    }

    /// What is wrong and in which statement, in plain words.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for MalformedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for MalformedPolicy {}

/// A statement, by its number and `Sid`.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) number: usize,
    pub(super) sid: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.number)?;
        self.sid.iter().try_for_each(|sid| write!(f, " (`{sid}`)"))
    }
}

/// A mistake in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    ActionColons(String),
    ActionNotOfSts(String),
    ActionVendor(String),
    ActionWithoutVendor(String),
    AllowWithNotPrincipal,
    ConditionKeyNotInKeyPolicies(String),
    ConditionKeyWithoutVendor(String),
    ConditionValue {
        operator: String,
        value: String,
    },
    ConditionWithoutValue {
        operator: String,
        key: String,
    },
    Effect(String),
    ElementTwice(&'static str, &'static str),
    IamResourcePath(String),
    IamResourceRegion(String),
    Json(String),
    /// A value that no request can have.
    Never {
        what: &'static str,
        value: String,
        why: &'static str,
    },
    NoActions,
    NoEffect,
    NoPrincipal,
    NoResources,
    NoStatement,
    NotPrincipalInTrust,
    NotResourceInTrust,
    Operator(String),
    OverlyPermissive,
    Principal {
        of_type: String,
        name: String,
    },
    PrincipalEmpty,
    PrincipalInExternalKey,
    PrincipalInIdentity,
    ResourceForm(String),
    ResourceInTrust,
    ResourceParts(String),
    ResourcePartition {
        partition: String,
        resource: String,
    },
    ResourceVendor(String),
    Shape(String),
    SidCharacters(String),
    SidTwice(String),
    TooLong,
    UnknownElement(String),
    Variable(String, InvalidVariable),
    Version(String),
    VersionWithoutVariables,
}

impl Flaw {
    /// AWS looks for some mistakes before others; of several it tells one of the lowest rank. Where there is nothing of AWS to follow,
    /// the first is told.
    pub(super) fn rank(&self, kind: PolicyKind) -> u8 {
        if kind == PolicyKind::ExternalKey {
            return 0;
        }
        match self {
            Self::ConditionValue { .. } | Self::ResourceParts(_) => 1,
            Self::Effect(effect) if kind == PolicyKind::Identity && is_effect_in_another_case(effect) => 1,
            Self::PrincipalInIdentity => 2,
            Self::SidTwice(_) | Self::SidCharacters(_) => 3,
            Self::NoActions => 4,
            Self::NoResources => 5,
            Self::ResourceForm(_)
            | Self::ResourcePartition { .. }
            | Self::ResourceVendor(_)
            | Self::IamResourcePath(_)
            | Self::IamResourceRegion(_) => 6,
            Self::ActionWithoutVendor(_)
            | Self::ActionColons(_)
            | Self::ActionVendor(_)
            | Self::ConditionKeyWithoutVendor(_) => 7,
            _ => 0,
        }
    }

    /// AWS's words for it, in a policy of that kind. None: not known.
    fn wording(&self, kind: PolicyKind) -> Option<String> {
        let words = match kind {
            PolicyKind::ExternalKey => return None,
            PolicyKind::Identity => return Some(self.wording_in_identity()),
            PolicyKind::Key => return self.wording_in_key(),
            PolicyKind::Trust => self.wording_in_trust()?,
        };
        Some(words)
    }

    //= iam:CreatePolicy, iam:PutUserPolicy: messages as recorded
    fn wording_in_identity(&self) -> String {
        match self {
            Self::ActionColons(_) => "Actions/Condition can contain only one colon.".into(),
            Self::ActionVendor(vendor) => format!("Vendor {vendor} is not valid"),
            Self::ActionWithoutVendor(_) | Self::ConditionKeyWithoutVendor(_) => {
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into()
            }
            Self::ConditionValue { .. } | Self::ResourceParts(_) => "The policy failed legacy parsing".into(),
            Self::Effect(effect) if is_effect_in_another_case(effect) => {
                "The policy failed legacy parsing".into()
            }
            Self::IamResourcePath(_) => format!(
                "IAM resource path must either be \"*\" or start with {}.",
                super::resource::IAM_PATHS.join(", ")
            ),
            Self::IamResourceRegion(resource) => {
                format!("IAM resource {resource} cannot contain region information.")
            }
            Self::NoActions => "Policy statement must contain actions.".into(),
            Self::NoResources => "Policy statement must contain resources.".into(),
            Self::PrincipalInIdentity => "Policy document should not specify a principal.".into(),
            Self::ResourceForm(resource) => format!("Resource {resource} must be in ARN format or \"*\"."),
            Self::ResourcePartition { partition, resource } => {
                format!("Partition \"{partition}\" is not valid for resource \"{resource}\".")
            }
            Self::ResourceVendor(_) => {
                "Resource vendor must be fully qualified and cannot contain regexes.".into()
            }
            Self::SidCharacters(_) => {
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the \
                                       regular expression [0-9A-Za-z]*"
                    .into()
            }
            Self::SidTwice(_) => "Statement IDs (SID) in a single policy must be unique.".into(),
            _ => "Syntax errors in policy.".into(),
        }
    }

    //= kms:PutKeyPolicy, kms:CreateKey: messages as recorded
    fn wording_in_key(&self) -> Option<String> {
        Some(match self {
            Self::ConditionKeyNotInKeyPolicies(key) => {
                format!("These condition keys are not permitted in a key policy: {key}")
            }
            Self::Json(_) => "This policy contains invalid Json".into(),
            Self::OverlyPermissive => "OverlyPermissiveCondition: Using the ForAllValues set operator with a \
                                       single-valued condition key matches requests without the specified [encryption \
                                       context or tag] or with an unspecified [encryption context or tag]. To fix, \
                                       remove ForAllValues."
                .into(),
            Self::Principal { .. } => "Policy contains a statement with one or more invalid principals.".into(),
            _ => return None,
        })
    }

    //= iam:CreateRole, iam:UpdateAssumeRolePolicy: messages as recorded
    fn wording_in_trust(&self) -> Option<String> {
        Some(match self {
            Self::ActionNotOfSts(_) => "AssumeRole policy may only specify STS AssumeRole actions.".into(),
            Self::AllowWithNotPrincipal => "Allow with NotPrincipal is not allowed.".into(),
            Self::Effect(effect) => format!("Invalid effect: {effect}"),
            Self::Json(_) => "This policy contains invalid Json".into(),
            Self::NoActions => "Missing required field Action".into(),
            Self::NoEffect => "Missing required field Effect".into(),
            Self::NoPrincipal => "Missing required field Principal".into(),
            Self::NoStatement => "Could not parse the policy: Statement is empty!".into(),
            Self::NotPrincipalInTrust => "AssumeRole policy must not contain NotPrincipal field.".into(),
            Self::NotResourceInTrust => "AssumeRole policy must not contain resources.".into(),
            Self::Operator(_) | Self::Shape(_) | Self::ElementTwice(..) => "Syntax error in policy.".into(),
            Self::Principal { of_type, name } if of_type == "AWS" => {
                format!("Invalid principal in policy: \"AWS\":\"{name}\"")
            }
            Self::Principal { of_type, name } => {
                format!("Invalid principal in policy: \"{}\":\"{name}\"", of_type.to_uppercase())
            }
            Self::PrincipalEmpty => "Missing required field Principal cannot be empty!".into(),
            Self::ResourceInTrust => "Has prohibited field Resource".into(),
            Self::SidTwice(_) => "The Statement Ids in the policy are not unique".into(),
            Self::Version(_) => "The policy must contain a valid version string".into(),
            _ => return None,
        })
    }
}

fn is_effect_in_another_case(effect: &str) -> bool {
    ["Allow", "Deny"].iter().any(|known| effect.eq_ignore_ascii_case(known))
}

impl fmt::Display for Flaw {
    /// In plain words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ActionColons(action) => write!(f, "the action `{action}` has more than one colon"),
            Self::ActionNotOfSts(action) => write!(f, "the action `{action}` is none of STS"),
            Self::ActionVendor(vendor) => write!(f, "no service has the name `{vendor}`"),
            Self::ActionWithoutVendor(action) => {
                write!(f, "the action `{action}` does not begin with a service and a colon")
            }
            Self::AllowWithNotPrincipal => {
                f.write_str("`NotPrincipal` may only be in a statement whose effect is `Deny`")
            }
            Self::ConditionKeyNotInKeyPolicies(key) => {
                write!(f, "the condition key `{key}` may not be in a key policy")
            }
            Self::ConditionKeyWithoutVendor(key) => {
                write!(f, "the condition key `{key}` does not begin with a service and a colon")
            }
            Self::ConditionValue { operator, value } => {
                write!(f, "the condition value `{value}` is none for `{operator}`")
            }
            Self::ConditionWithoutValue { operator, key } => {
                write!(f, "`{operator}` has no value for `{key}`")
            }
            Self::Effect(effect) => write!(f, "the effect `{effect}` is neither `Allow` nor `Deny`"),
            Self::ElementTwice(one, other) => write!(f, "there is `{one}` and also `{other}`"),
            Self::IamResourcePath(resource) => {
                write!(f, "the resource `{resource}` is of no kind that IAM has")
            }
            Self::IamResourceRegion(resource) => write!(f, "the resource `{resource}` of IAM has a region"),
            Self::Json(detail) => write!(f, "it is not well-formed JSON: {detail}"),
            Self::Never { what, value, why } => write!(f, "the {what} `{value}` can never match: {why}"),
            Self::NoActions => f.write_str("there is no action"),
            Self::NoEffect => f.write_str("`Effect` is missing"),
            Self::NoPrincipal => f.write_str("`Principal` is missing"),
            Self::NoResources => f.write_str("there is no resource"),
            Self::NoStatement => f.write_str("there is no statement"),
            Self::NotPrincipalInTrust => {
                f.write_str("`NotPrincipal` may not be in the trust policy of a role")
            }
            Self::NotResourceInTrust => f.write_str("`NotResource` may not be in the trust policy of a role"),
            Self::Operator(operator) => write!(f, "there is no condition operator `{operator}`"),
            Self::OverlyPermissive => {
                f.write_str("`ForAllValues` is used with a condition key that has one value")
            }
            Self::Principal { of_type, name } => {
                write!(f, "`{name}` is no principal of the type `{of_type}`, or does not exist")
            }
            Self::PrincipalEmpty => f.write_str("`Principal` names nobody"),
            Self::PrincipalInExternalKey => f.write_str(
                "the policy of an external key has neither `Principal` nor `NotPrincipal`: who asked is asked for by a \
                 condition, such as `ArnLike` on `aws:PrincipalArn`",
            ),
            Self::PrincipalInIdentity => {
                f.write_str("a principal may only be named in policies of keys and roles")
            }
            Self::ResourceForm(resource) => write!(f, "the resource `{resource}` is neither an ARN nor `*`"),
            Self::ResourceInTrust => f.write_str("`Resource` may not be in the trust policy of a role"),
            Self::ResourceParts(resource) => write!(f, "the resource `{resource}` lacks parts of an ARN"),
            Self::ResourcePartition { partition, .. } => write!(f, "there is no partition `{partition}`"),
            Self::ResourceVendor(resource) => write!(f, "the resource `{resource}` does not name a service"),
            Self::Shape(element) => write!(f, "`{element}` is not of the form that it must have"),
            Self::SidCharacters(sid) => write!(f, "the Sid `{sid}` may only have letters and digits"),
            Self::SidTwice(sid) => write!(f, "another statement has the Sid `{sid}` too"),
            Self::TooLong => f.write_str("it is too long"),
            Self::UnknownElement(element) => write!(f, "there is no element `{element}`"),
            Self::Variable(text, InvalidVariable::Empty) => write!(f, "a variable in `{text}` has no name"),
            Self::Variable(text, InvalidVariable::Quote) => {
                write!(f, "the default of a variable in `{text}` is not in single quotes")
            }
            Self::Variable(text, InvalidVariable::Unclosed) => {
                write!(f, "a variable in `{text}` is not closed by a brace")
            }
            Self::Version(version) => write!(f, "there is no version `{version}` of the policy language"),
            Self::VersionWithoutVariables => f.write_str("`Version` must be `2012-10-17`"),
        }
    }
}
