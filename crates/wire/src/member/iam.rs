//! Members of requests to IAM, named as in its service model without `Type`.

use super::enumeration::enumerations;
use super::list::{ScalarList, StructureList};
use super::text::{is_latin, is_policy_character, is_word_character, texts};
use super::{Integer, Seconds};
use crate::NO_LIMIT;
use keys::named;

/// Names of actions that are to be simulated.
pub type ActionNames = ScalarList<ActionName, 0, NO_LIMIT>;
/// Audiences of an OIDC provider's tokens.
pub type ClientIds = ScalarList<ClientId, 0, NO_LIMIT>;
/// What a simulation is to take for granted.
pub type ContextEntries = StructureList<ContextEntry, 0, NO_LIMIT>;
/// The values of a context key.
pub type ContextKeyValues = ScalarList<ContextKeyValue, 0, NO_LIMIT>;
/// What an account's authorization details are to hold.
pub type EntityTypes = ScalarList<EntityType, 0, NO_LIMIT>;
/// How many entries a page may have.
pub type MaxItems = Integer<1, 1000>;
/// How long a session of a role may last.
pub type MaxSessionDuration = Seconds<3600, 43_200>;
/// Service control policies of a simulation, from the root of an organization down.
pub type OrganizationPolicies = StructureList<OrderedOrganizationPolicy, 0, 7>;
/// Policies that a simulation is to leave out.
pub type PolicyExclusions = StructureList<PolicyIdentifier, 0, 256>;
/// Policies that a simulation is to take into account.
pub type PolicyInputs = ScalarList<PolicyDocument, 0, NO_LIMIT>;
/// ARNs of resources that are to be simulated.
pub type ResourceNames = ScalarList<ResourceName, 0, NO_LIMIT>;
/// Keys of tags.
pub type TagKeys = ScalarList<TagKey, 0, 50>;
/// Tags.
pub type Tags = StructureList<Tag, 0, 50>;
/// Thumbprints of certificates of an OIDC provider.
pub type Thumbprints = ScalarList<Thumbprint, 0, NO_LIMIT>;

crate::input! {
    /// A context key that a simulation is to take for granted.
    pub struct ContextEntry {
        optional name: ContextKeyName = "ContextKeyName",
        optional values: ContextKeyValues = "ContextKeyValues",
        optional kind: ContextKeyType = "ContextKeyType",
    }
}

crate::input! {
    /// An inline policy, and whose it is.
    pub struct InlinePolicyIdentifier {
        required policy_name: PolicyName = "PolicyName",
        required attachment_type: AttachmentType = "AttachmentType",
        required attachment_name: AttachmentName = "AttachmentName",
    }
}

crate::input! {
    /// The service control policies of one level of an organization.
    pub struct OrderedOrganizationPolicy {
        optional service_control_policies: PolicyInputs = "ServiceControlPolicyInputList",
    }
}

crate::input! {
    /// A policy that a simulation is to leave out.
    pub struct PolicyIdentifier {
        optional kind: PolicyType = "PolicyType",
        optional policy_arn: Arn = "PolicyArn",
        optional inline_policy: InlinePolicyIdentifier = "InlinePolicyIdentifier",
    }
}

crate::input! {
    /// A tag.
    pub struct Tag {
        required key: TagKey = "Key",
        required value: TagValue = "Value",
    }
}

texts! {
    /// The id of an access key.
    AccessKeyId 16..=128, r"[\w]+" each is_word_character;
    /// The name of an action, such as `kms:Encrypt`.
    ActionName 3..=128;
    /// An ARN.
    Arn 20..=2048;
    /// The name of the user, group or role that has an inline policy.
    AttachmentName 1..=128, r"[\w+=,.@-]+" each is_name_character says NAME;
    /// An audience of an OIDC provider's tokens.
    ClientId 1..=255;
    /// The name of a context key.
    ContextKeyName 5..=256;
    /// A value of a context key.
    ContextKeyValue 0..=NO_LIMIT;
    /// The name of a user that may be older than today's limit of 64 characters.
    ExistingUserName 1..=128, r"[\w+=,.@-]+" each is_name_character says NAME;
    /// The name of a group.
    GroupName 1..=128, r"[\w+=,.@-]+" each is_name_character says NAME;
    /// Where the next page of a list begins.
    Marker 1..=320, r"[\u0020-\u00FF]+" each is_latin;
    /// The URL of an OIDC provider.
    OpenIdConnectProviderUrl 1..=255;
    /// The path of a user, a group or a role.
    Path 1..=512, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)" whole is_path says PATH;
    /// What the path of a user, a group or a role begins with.
    PathPrefix 1..=512, r"\u002F[\u0021-\u007F]*" whole is_path_prefix says PATH_PREFIX;
    /// What a policy is said to be.
    PolicyDescription 0..=1000;
    /// A policy document.
    PolicyDocument 1..=131_072, r"[\u0009\u000A\u000D\u0020-\u00FF]+" each is_policy_character;
    /// The name of a policy.
    PolicyName 1..=128, r"[\w+=,.@-]+" each is_name_character says NAME;
    /// The path of a managed policy.
    PolicyPath 1..=512, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/" whole is_policy_path says PATH;
    /// The id of a version of a managed policy, such as `v2`.
    PolicyVersionId 0..=NO_LIMIT, r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?" whole is_policy_version;
    /// The kind of scenario of EC2 that is to be simulated.
    ResourceHandlingOption 1..=64;
    /// The ARN of a resource or a caller in a simulation, or a wildcard.
    ResourceName 1..=2048;
    /// What a role is said to be.
    RoleDescription 0..=1000, r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*" each is_description_character;
    /// The name of a role.
    RoleName 1..=64, r"[\w+=,.@-]+" each is_name_character says NAME;
    /// The name of a service that has credentials of its own kind.
    ServiceName 0..=NO_LIMIT;
    /// The key of a tag.
    TagKey 1..=128, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+" each is_tag_character;
    /// The value of a tag.
    TagValue 0..=256, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*" each is_tag_character;
    /// The SHA-1 digest of a certificate in hexadecimal.
    Thumbprint 40..=40;
    /// The name of a user.
    UserName 1..=64, r"[\w+=,.@-]+" each is_name_character says NAME;
}

named! {
    /// Whether an access key may be used.
    AccessKeyStatus {
        /// It may.
        Active = "Active",
        /// It may not.
        Inactive = "Inactive",
        /// It may not any more. IAM itself sets this, nobody else.
        Expired = "Expired",
    }
}

named! {
    /// Which virtual MFA devices a list is to hold.
    AssignmentStatus {
        /// Those that somebody has.
        Assigned = "Assigned",
        /// Those that nobody has.
        Unassigned = "Unassigned",
        /// All.
        Any = "Any",
    }
}

named! {
    /// What an inline policy belongs to.
    AttachmentType {
        /// A user.
        User = "user",
        /// A group.
        Group = "group",
        /// A role.
        Role = "role",
    }
}

named! {
    /// How the values of a context key are to be read.
    ContextKeyType {
        /// A text.
        String = "string",
        /// Texts.
        StringList = "stringList",
        /// A number.
        Numeric = "numeric",
        /// Numbers.
        NumericList = "numericList",
        /// True or false.
        Boolean = "boolean",
        /// Truths and falsehoods.
        BooleanList = "booleanList",
        /// An address.
        Ip = "ip",
        /// Addresses.
        IpList = "ipList",
        /// Bytes in base64.
        Binary = "binary",
        /// Several of them.
        BinaryList = "binaryList",
        /// A moment.
        Date = "date",
        /// Moments.
        DateList = "dateList",
    }
}

named! {
    /// What authorization details and attachments are of.
    EntityType {
        /// Users.
        User = "User",
        /// Roles.
        Role = "Role",
        /// Groups.
        Group = "Group",
        /// Managed policies of the account.
        LocalManagedPolicy = "LocalManagedPolicy",
        /// Managed policies of AWS.
        AwsManagedPolicy = "AWSManagedPolicy",
    }
}

named! {
    /// Whose managed policies a list is to hold.
    PolicyScope {
        /// Everybody's.
        All = "All",
        /// Those of AWS.
        Aws = "AWS",
        /// The account's own.
        Local = "Local",
    }
}

named! {
    /// What kind of policy a simulation is to leave out.
    PolicyType {
        /// An inline policy.
        Inline = "inline",
        /// A managed policy of AWS.
        AwsManaged = "aws-managed",
        /// A managed policy of the account.
        UserManaged = "user-managed",
        /// A permissions boundary.
        PermissionBoundary = "permission-boundary",
        /// A service control policy.
        ServiceControl = "scp",
        /// A resource control policy.
        ResourceControl = "rcp",
    }
}

named! {
    /// What a managed policy is used as.
    PolicyUsage {
        /// As a policy that permits.
        PermissionsPolicy = "PermissionsPolicy",
        /// As a permissions boundary.
        PermissionsBoundary = "PermissionsBoundary",
    }
}

enumerations! {
    AccessKeyStatus AssignmentStatus AttachmentType ContextKeyType EntityType PolicyScope PolicyType PolicyUsage
}

pub(super) const fn is_name_character(c: char) -> bool {
    is_word_character(c) || matches!(c, '+' | '=' | ',' | '.' | '@' | '-')
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

const fn is_description_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a1}'..='\u{ff}')
}

fn is_path(text: &str) -> bool {
    let between = |text: &str| Some(text.strip_prefix('/')?.strip_suffix('/')?.to_owned());
    let printable = |c: char| matches!(c, '\u{21}'..='\u{7e}');
    text == "/" || between(text).is_some_and(|inner| !inner.is_empty() && inner.chars().all(printable))
}

fn is_path_prefix(text: &str) -> bool {
    text.strip_prefix('/').is_some_and(|rest| rest.chars().all(|c| matches!(c, '\u{21}'..='\u{7f}')))
}

fn is_policy_path(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.chars().all(is_name_character);
    let Some(rest) = text.strip_suffix('/') else { return false };
    rest.is_empty() || rest.strip_prefix('/').is_some_and(|parts| parts.split('/').all(part))
}

fn is_policy_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let (number, label) = rest.split_once('.').unwrap_or((rest, ""));
    number.starts_with(|first: char| matches!(first, '1'..='9'))
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

const NAME: &str = "It must contain only alphanumeric characters and/or the following: +=,.@_-";
const PATH: &str =
    "It must begin and end with / and contain only alphanumeric characters and/or / characters.";
const PATH_PREFIX: &str =
    "It must begin with the / character and contain only alphanumeric characters and/or / characters.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Form;
    use crate::{FaultKind, Input as _};

    crate::input! {
        /// Some of what IAM takes.
        pub struct Request {
            required user_name: UserName = "UserName",
            optional path: Path = "Path",
            optional path_prefix: PathPrefix = "PathPrefix",
            optional tags: Tags = "Tags",
            optional max_items: MaxItems = "MaxItems",
            optional status: AccessKeyStatus = "Status",
            optional tag_keys: TagKeys = "TagKeys",
        }
    }

    #[test]
    fn a_whole_request_is_read() {
        let form = "UserName=nile&Path=%2Fa%2F&PathPrefix=%2Fa&Tags.member.1.Key=k&Tags.member.1.Value=&MaxItems=7\
                    &Status=Inactive&TagKeys.member.1=k";
        let input = Request::parse_query(&Form::parse(form.as_bytes()).unwrap()).unwrap();
        assert_eq!((input.user_name.as_str(), input.path.unwrap().as_str()), ("nile", "/a/"));
        assert_eq!(input.path_prefix.unwrap().as_str(), "/a");
        assert_eq!((input.max_items.unwrap().value(), input.status), (7, Some(AccessKeyStatus::Inactive)));
        assert_eq!(input.tags.unwrap().0[0].key.as_str(), input.tag_keys.unwrap().0[0].as_str());
    }

    fn message(form: &str) -> String {
        let fault = Request::parse_query(&Form::parse(form.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Validation, "{fault}");
        fault.message().unwrap().to_owned()
    }

    #[test]
    fn what_breaks_a_limit_is_named_and_not_shown() {
        for (form, violation) in [
            (
                "UserName=",
                "'userName' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ),
            (
                "UserName=a&MaxItems=0",
                "'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1",
            ),
            (
                "UserName=a&Status=Lost",
                "'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]",
            ),
            (
                "UserName=a&Tags.member.1.Key=k&Tags.member.1.Value=%26",
                r"'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*",
            ),
            (
                "UserName=a&TagKeys.member.1=",
                r"'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+]",
            ),
        ] {
            assert_eq!(message(form), format!("1 validation error detected: Value at {violation}"));
        }
        assert_eq!(
            message("Path=/"),
            "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn names_and_paths_are_refused_in_words_of_iam() {
        assert_eq!(
            message("UserName=a%2Fb"),
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        );
        assert_eq!(
            message("UserName=a&Path=x"),
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
        );
        assert_eq!(
            message("UserName=a&PathPrefix=x"),
            "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters."
        );
    }

    #[test]
    fn limits_of_the_framework_are_found_before_those_of_the_service() {
        let form = format!("UserName={}&Path=x", "%26".repeat(65));
        assert!(message(&form).ends_with(
            "at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64"
        ));
    }

    #[test]
    fn more_than_fifty_tags_are_too_many() {
        let tags = |count: usize| -> String {
            (0..count).map(|n| format!("&Tags.member.{0}.Key={0}&Tags.member.{0}.Value=", n + 1)).collect()
        };
        assert!(message(&format!("UserName=a{}", tags(51))).ends_with("less than or equal to 50"));
        let form = Form::parse(format!("UserName=a{}", tags(50)).as_bytes()).unwrap();
        assert_eq!(Request::parse_query(&form).unwrap().tags.unwrap().0.len(), 50);
    }

    #[test]
    fn a_path_begins_and_ends_with_a_slash() {
        for path in ["/", "/a/", "/a/b!/", "//", "///"] {
            assert_eq!(is_path(path), path != "//", "{path}");
        }
        for path in ["", "a", "/a", "a/", "/a b/", "/ü/"] {
            assert!(!is_path(path), "{path}");
        }
        for path in ["/", "/a-b/", "/a/b/"] {
            assert!(is_policy_path(path), "{path}");
        }
        for path in ["", "//", "/a", "a/", "/a!/", "/a//b/"] {
            assert!(!is_policy_path(path), "{path}");
        }
    }

    #[test]
    fn a_version_of_a_policy_is_a_number() {
        for id in ["v1", "v20", "v1.", "v1.a-B"] {
            assert!(is_policy_version(id), "{id}");
        }
        for id in ["", "v", "v0", "v01", "1", "v1a", "v1.a.b", "v1._"] {
            assert!(!is_policy_version(id), "{id}");
        }
    }
}
