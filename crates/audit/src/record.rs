//! One record of the audit journal, in the format of a CloudTrail event: field for field, in CloudTrail's order, on one line.
//!
//! Rendering copies borrowed fields into bytes and allocates nothing else. A record never holds more text of a caller's than a
//! bound allows; what may be said of parameters and elements at all was decided by whoever rendered them.

use std::io::Write;

use jiff::Timestamp;
use keys::{AccountId, Moment};

use crate::json::{Json, write_string};

/// What happened, who asked, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Who asked.
    pub user_identity: UserIdentity<'a>,
    /// The service that called on that identity's behalf, such as `s3.amazonaws.com`. It then stands for address and software, too.
    pub invoked_by: Option<&'a str>,
    /// When the service took the call up.
    pub event_time: Moment,
    /// The service that was called, such as `kms.amazonaws.com`.
    pub event_source: &'a str,
    /// The operation, or the name of the service event.
    pub event_name: &'a str,
    /// The region that the call was for.
    pub aws_region: &'a str,
    /// The caller's address.
    pub source_ip_address: &'a str,
    /// The caller's software, as it said; cut at 1,024 bytes.
    pub user_agent: &'a str,
    /// The error that was answered, if one was.
    pub failure: Option<Failure<'a>>,
    /// What was asked, without what is secret.
    pub request_parameters: Option<&'a Json>,
    /// What was answered, where CloudTrail records that.
    pub response_elements: Option<&'a Json>,
    /// More about the call, such as the key material used.
    pub additional_event_data: Option<&'a Json>,
    /// The request id that the caller was told; service events have none.
    pub request_id: Option<&'a str>,
    /// The id of this record.
    pub event_id: &'a str,
    /// Whether the operation changes nothing.
    pub read_only: bool,
    /// The keys, aliases and roles concerned.
    pub resources: &'a [Resource<'a>],
    /// A call, or something the service did by itself.
    pub event_type: EventType,
    /// The account whose trail gets the record; none if the caller is unknown.
    pub recipient_account_id: Option<AccountId>,
    /// The same in both copies of a call that crosses accounts.
    pub shared_event_id: Option<&'a str>,
    /// Details of a service event.
    pub service_event_details: Option<&'a Json>,
    /// The connection, if it was TLS.
    pub tls_details: Option<TlsDetails<'a>>,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIdentity<'a> {
    /// A session of a role.
    AssumedRole {
        /// The role's id and the session's name, `AROA…:session`.
        principal_id: &'a str,
        /// The session's ARN.
        arn: &'a str,
        /// The role's account.
        account_id: AccountId,
        /// The temporary access key that signed.
        access_key_id: &'a str,
        /// How the session came about.
        session_context: SessionContext<'a>,
    },
    /// A caller of another account, as the owner of the key or role sees it.
    AwsAccount {
        /// The principal's id.
        principal_id: &'a str,
        /// The caller's account.
        account_id: AccountId,
    },
    /// A service that calls for itself.
    AwsService {
        /// Its name, such as `s3.amazonaws.com`.
        invoked_by: &'a str,
    },
    /// A user.
    IamUser {
        /// The user's id, `AIDA…`.
        principal_id: &'a str,
        /// The user's ARN.
        arn: &'a str,
        /// The user's account.
        account_id: AccountId,
        /// The access key that signed.
        access_key_id: &'a str,
        /// The user's name, without its path.
        user_name: &'a str,
        /// The session, if the access key is temporary.
        session: Option<SessionAttributes>,
    },
    /// An account's root principal.
    Root {
        /// The account.
        account_id: AccountId,
        /// The root's ARN.
        arn: &'a str,
        /// The access key that signed.
        access_key_id: &'a str,
        /// The session, if the access key is temporary.
        session: Option<SessionAttributes>,
    },
    /// The service itself, on behalf of an account.
    Service {
        /// The account.
        account_id: AccountId,
    },
    /// A caller who could not be authenticated.
    Unknown {
        /// The access key that was named, if one was; cut at 128 bytes.
        access_key_id: Option<&'a str>,
    },
    /// Who an identity provider says it is, in `AssumeRoleWithWebIdentity`. What came from the token is cut at 1,024 bytes.
    WebIdentityUser {
        /// The provider's ARN, the audience and the subject, with colons between.
        principal_id: &'a str,
        /// The subject.
        user_name: &'a str,
        /// The provider's ARN.
        identity_provider: &'a str,
    },
}

/// How a session of a role came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionContext<'a> {
    /// The role.
    pub session_issuer: SessionIssuer<'a>,
    /// The identity provider's ARN, if the role was assumed with a web identity.
    pub federated_provider: Option<&'a str>,
    /// When it began, and with what. None if a service has called for the session, which only says its name.
    pub attributes: Option<SessionAttributes>,
    /// The source identity, if one was set.
    pub source_identity: Option<&'a str>,
}

/// The role that a session is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionIssuer<'a> {
    /// The role's id, `AROA…`.
    pub principal_id: &'a str,
    /// The role's ARN.
    pub arn: &'a str,
    /// The role's account.
    pub account_id: AccountId,
    /// The role's name, without its path.
    pub user_name: &'a str,
}

/// What is known of any session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionAttributes {
    /// When its credentials were issued.
    pub creation_date: Moment,
    /// Whether who asked for it had shown a second factor.
    pub mfa_authenticated: bool,
}

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The bare name of the exception.
    pub code: &'a str,
    /// The message that was answered; cut at 1,024 bytes.
    pub message: &'a str,
}

/// A key, an alias or a role that a call concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The account that owns it.
    pub account_id: AccountId,
    /// What it is.
    pub resource_type: ResourceType,
    /// Its ARN.
    pub arn: &'a str,
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    /// `AWS::KMS::Alias`
    Alias,
    /// `AWS::KMS::Key`
    Key,
    /// `AWS::IAM::Role`
    Role,
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// A call of an operation.
    AwsApiCall,
    /// Something that the service did by itself.
    AwsServiceEvent,
}

/// What is known of a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsDetails<'a> {
    /// Such as `TLSv1.3`.
    pub tls_version: &'a str,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: &'a str,
    /// The Host header as sent; cut at 1,024 bytes.
    pub client_provided_host_header: &'a str,
    /// Such as `X25519MLKEM768`.
    pub key_exchange: Option<&'a str>,
}

impl Record<'_> {
    /// Appends the record's one line to `out`, without a line feed.
    pub fn render(&self, out: &mut Vec<u8>) {
        let mut line = Line(out);
        let invoked_by = self.user_identity.service().or(self.invoked_by);
        line.raw("{\"eventVersion\":\"1.11\",\"userIdentity\":");
        self.user_identity.render(invoked_by, &mut line);
        line.raw(",\"eventTime\":\"");
        line.time(self.event_time);
        line.raw("\"");
        line.string("eventSource", self.event_source);
        line.string("eventName", self.event_name);
        line.string("awsRegion", self.aws_region);
        line.string("sourceIPAddress", invoked_by.unwrap_or(self.source_ip_address));
        line.string("userAgent", invoked_by.unwrap_or_else(|| bounded(self.user_agent, LONGEST_TEXT)));
        if let Some(failure) = self.failure {
            line.string("errorCode", failure.code);
            line.string("errorMessage", bounded(failure.message, LONGEST_TEXT));
        }
        line.json_or_null("requestParameters", self.request_parameters);
        line.json_or_null("responseElements", self.response_elements);
        line.json("additionalEventData", self.additional_event_data);
        line.optional_string("requestID", self.request_id);
        line.string("eventID", self.event_id);
        line.raw(if self.read_only { ",\"readOnly\":true" } else { ",\"readOnly\":false" });
        line.resources(self.resources);
        line.string("eventType", self.event_type.name());
        line.raw(",\"managementEvent\":true");
        line.optional_string("recipientAccountId", self.recipient_account_id.as_ref().map(AccountId::as_str));
        line.optional_string("sharedEventID", self.shared_event_id);
        line.json("serviceEventDetails", self.service_event_details);
        line.string("eventCategory", "Management");
        if let Some(tls) = self.tls_details {
            tls.render(&mut line);
        }
        line.raw("}");
    }
}

impl<'a> UserIdentity<'a> {
    /// The service that the identity is, if it is one.
    const fn service(&self) -> Option<&'a str> {
        match *self {
            Self::AwsService { invoked_by } => Some(invoked_by),
            Self::Service { .. } => Some("AWS Internal"),
            _ => None,
        }
    }

    fn render(&self, invoked_by: Option<&str>, line: &mut Line<'_>) {
        match *self {
            Self::AssumedRole { principal_id, arn, account_id, access_key_id, session_context } => {
                line.principal("AssumedRole", principal_id, arn, account_id, access_key_id);
                session_context.render(line);
            }
            Self::AwsAccount { principal_id, account_id } => {
                line.identity_type("AWSAccount");
                line.string("principalId", principal_id);
                line.string("accountId", account_id.as_str());
            }
            Self::AwsService { .. } => line.identity_type("AWSService"),
            Self::IamUser { principal_id, arn, account_id, access_key_id, user_name, session } => {
                line.principal("IAMUser", principal_id, arn, account_id, access_key_id);
                line.string("userName", user_name);
                line.session(session);
            }
            Self::Root { account_id, arn, access_key_id, session } => {
                line.principal("Root", account_id.as_str(), arn, account_id, access_key_id);
                line.session(session);
            }
            Self::Service { account_id } => {
                line.raw("{\"accountId\":");
                write_string(line.0, account_id.as_str());
            }
            Self::Unknown { access_key_id } => {
                line.identity_type("Unknown");
                let id = access_key_id.map(|id| bounded(id, LONGEST_ACCESS_KEY_ID));
                line.optional_string("accessKeyId", id);
            }
            Self::WebIdentityUser { principal_id, user_name, identity_provider } => {
                line.identity_type("WebIdentityUser");
                line.string("principalId", bounded(principal_id, LONGEST_TEXT));
                line.string("userName", bounded(user_name, LONGEST_TEXT));
                line.string("identityProvider", bounded(identity_provider, LONGEST_TEXT));
            }
        }
        line.optional_string("invokedBy", invoked_by);
        line.raw("}");
    }
}

impl SessionContext<'_> {
    fn render(&self, line: &mut Line<'_>) {
        line.raw(",\"sessionContext\":{\"sessionIssuer\":{\"type\":\"Role\"");
        line.string("principalId", self.session_issuer.principal_id);
        line.string("arn", self.session_issuer.arn);
        line.string("accountId", self.session_issuer.account_id.as_str());
        line.string("userName", self.session_issuer.user_name);
        line.raw("}");
        if let Some(provider) = self.federated_provider {
            line.raw(",\"webIdFederationData\":{\"federatedProvider\":");
            write_string(line.0, provider);
            line.raw(",\"attributes\":{}}");
        }
        if let Some(attributes) = self.attributes {
            line.raw(",");
            attributes.render(line);
        }
        line.optional_string("sourceIdentity", self.source_identity);
        line.raw("}");
    }
}

impl SessionAttributes {
    fn render(&self, line: &mut Line<'_>) {
        line.raw("\"attributes\":{\"creationDate\":\"");
        line.time(self.creation_date);
        // A text, not a JSON truth value: so it is in CloudTrail.
        line.raw("\"");
        line.string("mfaAuthenticated", if self.mfa_authenticated { "true" } else { "false" });
        line.raw("}");
    }
}

impl TlsDetails<'_> {
    fn render(&self, line: &mut Line<'_>) {
        line.raw(",\"tlsDetails\":{\"tlsVersion\":");
        write_string(line.0, self.tls_version);
        line.string("cipherSuite", self.cipher_suite);
        line.string("clientProvidedHostHeader", bounded(self.client_provided_host_header, LONGEST_TEXT));
        line.optional_string("keyExchange", self.key_exchange);
        line.raw("}");
    }
}

impl EventType {
    const fn name(self) -> &'static str {
        match self {
            Self::AwsApiCall => "AwsApiCall",
            Self::AwsServiceEvent => "AwsServiceEvent",
        }
    }
}

impl ResourceType {
    const fn name(self) -> &'static str {
        match self {
            Self::Alias => "AWS::KMS::Alias",
            Self::Key => "AWS::KMS::Key",
            Self::Role => "AWS::IAM::Role",
        }
    }
}

/// A time as CloudTrail prints it inside `responseElements`: `Nov 21, 2026, 9:54:25 PM`.
#[must_use]
pub fn console_time(moment: Moment) -> String {
    timestamp(moment).strftime("%b %-d, %Y, %-I:%M:%S %p").to_string()
}

/// A record's text in the making. The names are ours and need no escapes.
struct Line<'a>(&'a mut Vec<u8>);

impl Line<'_> {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn name(&mut self, name: &str) {
        self.raw(",\"");
        self.raw(name);
        self.raw("\":");
    }

    fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(self.0, value);
    }

    fn optional_string(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(name, value);
        }
    }

    /// Begins a `userIdentity`.
    fn identity_type(&mut self, identity_type: &str) {
        self.raw("{\"type\":");
        write_string(self.0, identity_type);
    }

    /// Begins a `userIdentity` with what everyone who signs has.
    fn principal(
        &mut self,
        identity_type: &str,
        principal_id: &str,
        arn: &str,
        account_id: AccountId,
        access_key_id: &str,
    ) {
        self.identity_type(identity_type);
        self.string("principalId", principal_id);
        self.string("arn", arn);
        self.string("accountId", account_id.as_str());
        self.string("accessKeyId", access_key_id);
    }

    /// The context of a session that is of no role.
    fn session(&mut self, session: Option<SessionAttributes>) {
        if let Some(attributes) = session {
            self.raw(",\"sessionContext\":{");
            attributes.render(self);
            self.raw("}");
        }
    }

    fn json(&mut self, name: &str, value: Option<&Json>) {
        if let Some(value) = value {
            self.name(name);
            self.0.extend_from_slice(value.as_bytes());
        }
    }

    fn json_or_null(&mut self, name: &str, value: Option<&Json>) {
        self.name(name);
        self.0.extend_from_slice(value.map_or(b"null".as_slice(), Json::as_bytes));
    }

    fn resources(&mut self, resources: &[Resource<'_>]) {
        self.name("resources");
        self.raw("[");
        for (place, resource) in resources.iter().enumerate() {
            self.raw(if place == 0 { "{\"accountId\":" } else { ",{\"accountId\":" });
            write_string(self.0, resource.account_id.as_str());
            self.string("type", resource.resource_type.name());
            self.string("ARN", resource.arn);
            self.raw("}");
        }
        self.raw("]");
    }

    fn time(&mut self, moment: Moment) {
        // Writing to a vector cannot fail.
        let _ = write!(self.0, "{}", timestamp(moment));
    }
}

/// The moment in whole seconds; past an end of the calendar, that end.
fn timestamp(moment: Moment) -> Timestamp {
    let seconds = moment.as_seconds().clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(seconds).unwrap_or_default()
}

/// As much of a text as fits, in whole characters.
fn bounded(text: &str, limit: usize) -> &str {
    text.split_at_checked(text.floor_char_boundary(limit)).map_or(text, |(kept, _)| kept)
}

const LONGEST_TEXT: usize = 1024;
const LONGEST_ACCESS_KEY_ID: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object;

    fn account() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn plain() -> Record<'static> {
        Record {
            user_identity: UserIdentity::Unknown { access_key_id: None },
            invoked_by: None,
            event_time: Moment::from_millis(1_795_298_065_999),
            event_source: "kms.amazonaws.com",
            event_name: "GenerateRandom",
            aws_region: "us-west-2",
            source_ip_address: "192.0.2.0",
            user_agent: "aws-cli/2",
            failure: None,
            request_parameters: None,
            response_elements: None,
            additional_event_data: None,
            request_id: None,
            event_id: "00000000-0000-4000-8000-000000000001",
            read_only: true,
            resources: &[],
            event_type: EventType::AwsApiCall,
            recipient_account_id: None,
            shared_event_id: None,
            service_event_details: None,
            tls_details: None,
        }
    }

    fn rendered(record: &Record<'_>) -> String {
        let mut out = Vec::new();
        record.render(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_without_anything_optional_has_nulls_only_where_cloudtrail_has_them() {
        assert_eq!(
            rendered(&plain()),
            concat!(
                r#"{"eventVersion":"1.11","userIdentity":{"type":"Unknown"},"eventTime":"2026-11-21T21:54:25Z","#,
                r#""eventSource":"kms.amazonaws.com","eventName":"GenerateRandom","awsRegion":"us-west-2","#,
                r#""sourceIPAddress":"192.0.2.0","userAgent":"aws-cli/2","requestParameters":null,"responseElements":null,"#,
                r#""eventID":"00000000-0000-4000-8000-000000000001","readOnly":true,"resources":[],"eventType":"AwsApiCall","#,
                r#""managementEvent":true,"eventCategory":"Management"}"#
            )
        );
    }

    #[test]
    fn a_record_with_everything_keeps_cloudtrails_order() {
        let arn = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let record = Record {
            user_identity: UserIdentity::Root {
                account_id: account(),
                arn: "arn:aws:iam::111122223333:root",
                access_key_id: "AKIAIOSFODNN7EXAMPLE",
                session: None,
            },
            event_name: "CreateAlias",
            failure: Some(Failure { code: "AlreadyExistsException", message: "it \"exists\"" }),
            request_parameters: Some(&object(|o| o.string("aliasName", "alias/a"))),
            response_elements: Some(&object(|o| o.string("keyId", arn))),
            additional_event_data: Some(&object(|o| o.string("keyMaterialId", "96ab"))),
            request_id: Some("f1f4c0a3-0000-4000-8000-000000000002"),
            read_only: false,
            resources: &[
                Resource {
                    account_id: account(),
                    resource_type: ResourceType::Alias,
                    arn: "arn:aws:kms:us-west-2:111122223333:alias/a",
                },
                Resource { account_id: account(), resource_type: ResourceType::Key, arn },
            ],
            recipient_account_id: Some(account()),
            shared_event_id: Some("00000000-0000-4000-8000-000000000003"),
            tls_details: Some(TlsDetails {
                tls_version: "TLSv1.3",
                cipher_suite: "TLS_AES_128_GCM_SHA256",
                client_provided_host_header: "localhost:8443",
                key_exchange: Some("X25519MLKEM768"),
            }),
            ..plain()
        };
        assert_eq!(
            rendered(&record),
            concat!(
                r#"{"eventVersion":"1.11","userIdentity":{"type":"Root","principalId":"111122223333","#,
                r#""arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE"},"#,
                r#""eventTime":"2026-11-21T21:54:25Z","eventSource":"kms.amazonaws.com","eventName":"CreateAlias","#,
                r#""awsRegion":"us-west-2","sourceIPAddress":"192.0.2.0","userAgent":"aws-cli/2","#,
                r#""errorCode":"AlreadyExistsException","errorMessage":"it \"exists\"","#,
                r#""requestParameters":{"aliasName":"alias/a"},"#,
                r#""responseElements":{"keyId":"arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},"#,
                r#""additionalEventData":{"keyMaterialId":"96ab"},"requestID":"f1f4c0a3-0000-4000-8000-000000000002","#,
                r#""eventID":"00000000-0000-4000-8000-000000000001","readOnly":false,"#,
                r#""resources":[{"accountId":"111122223333","type":"AWS::KMS::Alias","ARN":"arn:aws:kms:us-west-2:111122223333:alias/a"},"#,
                r#"{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}],"#,
                r#""eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","#,
                r#""sharedEventID":"00000000-0000-4000-8000-000000000003","eventCategory":"Management","#,
                r#""tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","#,
                r#""clientProvidedHostHeader":"localhost:8443","keyExchange":"X25519MLKEM768"}}"#
            )
        );
    }

    #[test]
    fn a_service_event_is_the_services_own() {
        let details = object(|o| {
            o.string("keyId", "1234abcd-12ab-34cd-56ef-1234567890ab");
            o.string("rotationType", "AUTOMATIC");
        });
        let record = Record {
            user_identity: UserIdentity::Service { account_id: account() },
            event_name: "RotateKey",
            read_only: false,
            resources: &[Resource { account_id: account(), resource_type: ResourceType::Key, arn: "arn:k" }],
            event_type: EventType::AwsServiceEvent,
            recipient_account_id: Some(account()),
            service_event_details: Some(&details),
            ..plain()
        };
        assert_eq!(
            rendered(&record),
            concat!(
                r#"{"eventVersion":"1.11","userIdentity":{"accountId":"111122223333","invokedBy":"AWS Internal"},"#,
                r#""eventTime":"2026-11-21T21:54:25Z","eventSource":"kms.amazonaws.com","eventName":"RotateKey","#,
                r#""awsRegion":"us-west-2","sourceIPAddress":"AWS Internal","userAgent":"AWS Internal","#,
                r#""requestParameters":null,"responseElements":null,"eventID":"00000000-0000-4000-8000-000000000001","#,
                r#""readOnly":false,"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:k"}],"#,
                r#""eventType":"AwsServiceEvent","managementEvent":true,"recipientAccountId":"111122223333","#,
                r#""serviceEventDetails":{"keyId":"1234abcd-12ab-34cd-56ef-1234567890ab","rotationType":"AUTOMATIC"},"#,
                r#""eventCategory":"Management"}"#
            )
        );
    }

    /// The `userIdentity` as it stands in the line, between its neighbours.
    fn identity(user_identity: UserIdentity<'_>, invoked_by: Option<&str>) -> String {
        let text = rendered(&Record { user_identity, invoked_by, ..plain() });
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let (_, rest) = text.split_once("\"userIdentity\":").unwrap();
        rest.split_once(",\"eventTime\"").unwrap().0.to_owned()
    }

    fn attributes(mfa_authenticated: bool) -> SessionAttributes {
        SessionAttributes { creation_date: Moment::from_millis(1_795_298_065_999), mfa_authenticated }
    }

    fn assumed_role(federated_provider: Option<&'static str>) -> UserIdentity<'static> {
        UserIdentity::AssumedRole {
            principal_id: "AROAIDPPEZS35WEXAMPLE:deploy",
            arn: "arn:aws:sts::111122223333:assumed-role/Deployer/deploy",
            account_id: account(),
            access_key_id: "ASIAIOSFODNN7EXAMPLE",
            session_context: SessionContext {
                session_issuer: SessionIssuer {
                    principal_id: "AROAIDPPEZS35WEXAMPLE",
                    arn: "arn:aws:iam::111122223333:role/ci/Deployer",
                    account_id: account(),
                    user_name: "Deployer",
                },
                federated_provider,
                attributes: Some(attributes(false)),
                source_identity: federated_provider.map(|_| "jane"),
            },
        }
    }

    fn alice(session: Option<SessionAttributes>) -> UserIdentity<'static> {
        UserIdentity::IamUser {
            principal_id: "AIDAJ45Q7YFFAREXAMPLE",
            arn: "arn:aws:iam::111122223333:user/staff/Alice",
            account_id: account(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            user_name: "Alice",
            session,
        }
    }

    #[test]
    fn a_user_is_told_with_and_without_a_session() {
        assert_eq!(
            identity(alice(None), None),
            concat!(
                r#"{"type":"IAMUser","principalId":"AIDAJ45Q7YFFAREXAMPLE","arn":"arn:aws:iam::111122223333:user/staff/Alice","#,
                r#""accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"Alice"}"#
            )
        );
        assert_eq!(
            identity(alice(Some(attributes(true))), None),
            concat!(
                r#"{"type":"IAMUser","principalId":"AIDAJ45Q7YFFAREXAMPLE","arn":"arn:aws:iam::111122223333:user/staff/Alice","#,
                r#""accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"Alice","#,
                r#""sessionContext":{"attributes":{"creationDate":"2026-11-21T21:54:25Z","mfaAuthenticated":"true"}}}"#
            )
        );
    }

    #[test]
    fn a_session_of_root_has_its_attributes_and_no_issuer() {
        let root = UserIdentity::Root {
            account_id: account(),
            arn: "arn:aws:iam::111122223333:root",
            access_key_id: "ASIAIOSFODNN7EXAMPLE",
            session: Some(attributes(false)),
        };
        assert_eq!(
            identity(root, None),
            concat!(
                r#"{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","#,
                r#""accessKeyId":"ASIAIOSFODNN7EXAMPLE","#,
                r#""sessionContext":{"attributes":{"creationDate":"2026-11-21T21:54:25Z","mfaAuthenticated":"false"}}}"#
            )
        );
    }

    #[test]
    fn of_a_session_that_a_service_names_it_is_not_said_when_it_began() {
        let UserIdentity::AssumedRole { principal_id, arn, account_id, access_key_id, session_context } =
            assumed_role(None)
        else {
            panic!("another identity");
        };
        let session_context = SessionContext { attributes: None, ..session_context };
        let named =
            UserIdentity::AssumedRole { principal_id, arn, account_id, access_key_id, session_context };
        let text = identity(named, Some("s3.amazonaws.com"));
        assert!(text.contains(r#""userName":"Deployer"}},"invokedBy":"s3.amazonaws.com""#), "{text}");
    }

    #[test]
    fn a_session_of_a_role_names_the_role() {
        assert_eq!(
            identity(assumed_role(None), None),
            concat!(
                r#"{"type":"AssumedRole","principalId":"AROAIDPPEZS35WEXAMPLE:deploy","#,
                r#""arn":"arn:aws:sts::111122223333:assumed-role/Deployer/deploy","accountId":"111122223333","#,
                r#""accessKeyId":"ASIAIOSFODNN7EXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","#,
                r#""principalId":"AROAIDPPEZS35WEXAMPLE","arn":"arn:aws:iam::111122223333:role/ci/Deployer","#,
                r#""accountId":"111122223333","userName":"Deployer"},"#,
                r#""attributes":{"creationDate":"2026-11-21T21:54:25Z","mfaAuthenticated":"false"}}}"#
            )
        );
    }

    #[test]
    fn a_session_of_a_web_identity_names_the_provider_and_the_source_identity() {
        let provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
        assert_eq!(
            identity(assumed_role(Some(provider)), None),
            concat!(
                r#"{"type":"AssumedRole","principalId":"AROAIDPPEZS35WEXAMPLE:deploy","#,
                r#""arn":"arn:aws:sts::111122223333:assumed-role/Deployer/deploy","accountId":"111122223333","#,
                r#""accessKeyId":"ASIAIOSFODNN7EXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","#,
                r#""principalId":"AROAIDPPEZS35WEXAMPLE","arn":"arn:aws:iam::111122223333:role/ci/Deployer","#,
                r#""accountId":"111122223333","userName":"Deployer"},"webIdFederationData":{"#,
                r#""federatedProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com","#,
                r#""attributes":{}},"attributes":{"creationDate":"2026-11-21T21:54:25Z","mfaAuthenticated":"false"},"#,
                r#""sourceIdentity":"jane"}}"#
            )
        );
    }

    #[test]
    fn a_web_identity_is_told_as_its_provider_tells_it() {
        let provider = "arn:aws:iam::111122223333:oidc-provider/idp.example.com";
        let web_identity = |principal_id, user_name| UserIdentity::WebIdentityUser {
            principal_id,
            user_name,
            identity_provider: provider,
        };
        let (principal_id, long) = (format!("{provider}:app:jane"), "x".repeat(5000));
        assert_eq!(
            identity(web_identity(&principal_id, "jane"), None),
            concat!(
                r#"{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/idp.example.com:app:jane","#,
                r#""userName":"jane","identityProvider":"arn:aws:iam::111122223333:oidc-provider/idp.example.com"}"#
            )
        );
        assert!(identity(web_identity(&long, &long), None).len() < 2 * 1024 + 256);
    }

    #[test]
    fn other_identities_have_their_members() {
        assert_eq!(
            identity(UserIdentity::AwsAccount { principal_id: "AIDAEXAMPLE", account_id: account() }, None),
            r#"{"type":"AWSAccount","principalId":"AIDAEXAMPLE","accountId":"111122223333"}"#
        );
        assert_eq!(
            identity(UserIdentity::Unknown { access_key_id: Some("AKIA") }, None),
            r#"{"type":"Unknown","accessKeyId":"AKIA"}"#
        );
    }

    #[test]
    fn a_service_is_address_and_software_of_its_own_calls() {
        let service = UserIdentity::AwsService { invoked_by: "ebs.amazonaws.com" };
        let text = rendered(&Record { user_identity: service, ..plain() });
        assert!(
            text.contains(r#""userIdentity":{"type":"AWSService","invokedBy":"ebs.amazonaws.com"},"#),
            "{text}"
        );
        assert!(
            text.contains(r#""sourceIPAddress":"ebs.amazonaws.com","userAgent":"ebs.amazonaws.com","#),
            "{text}"
        );
    }

    #[test]
    fn a_service_that_calls_on_behalf_of_somebody_is_named_last_and_is_address_and_software() {
        let foreign = UserIdentity::AwsAccount { principal_id: "AIDAEXAMPLE", account_id: account() };
        for user_identity in [alice(Some(attributes(false))), assumed_role(None), foreign] {
            let told = identity(user_identity, None);
            let invoked = identity(user_identity, Some("s3.amazonaws.com"));
            let before = told.strip_suffix('}').unwrap();
            assert_eq!(invoked, format!("{before},\"invokedBy\":\"s3.amazonaws.com\"}}"));
            let text = rendered(&Record { user_identity, invoked_by: Some("s3.amazonaws.com"), ..plain() });
            assert!(
                text.contains(r#""sourceIPAddress":"s3.amazonaws.com","userAgent":"s3.amazonaws.com","#),
                "{text}"
            );
        }
    }

    #[test]
    fn every_resource_has_the_name_of_its_type() {
        for (resource_type, name) in [
            (ResourceType::Alias, "AWS::KMS::Alias"),
            (ResourceType::Key, "AWS::KMS::Key"),
            (ResourceType::Role, "AWS::IAM::Role"),
        ] {
            let resource = Resource { account_id: account(), resource_type, arn: "arn:r" };
            let text = rendered(&Record { resources: &[resource], ..plain() });
            let expected =
                format!(r#""resources":[{{"accountId":"111122223333","type":"{name}","ARN":"arn:r"}}]"#);
            assert!(text.contains(&expected), "{text}");
        }
    }

    #[test]
    fn tls_details_without_a_key_exchange_leave_it_out() {
        let tls = TlsDetails {
            tls_version: "TLSv1.2",
            cipher_suite: "c",
            client_provided_host_header: "h",
            key_exchange: None,
        };
        assert!(rendered(&Record { tls_details: Some(tls), ..plain() }).ends_with(
            r#","tlsDetails":{"tlsVersion":"TLSv1.2","cipherSuite":"c","clientProvidedHostHeader":"h"}}"#
        ));
    }

    #[test]
    fn a_callers_text_is_cut_at_its_bound_between_characters() {
        let long = "é".repeat(1000);
        let record = Record { failure: Some(Failure { code: "c", message: &long }), ..plain() };
        let record: serde_json::Value = serde_json::from_str(&rendered(&record)).unwrap();
        assert_eq!(record["errorMessage"].as_str().unwrap(), "é".repeat(512));
        let odd = format!("a{long}");
        let record: serde_json::Value =
            serde_json::from_str(&rendered(&Record { user_agent: &odd, ..plain() })).unwrap();
        assert_eq!(record["userAgent"].as_str().unwrap(), format!("a{}", "é".repeat(511)));
    }

    #[test]
    fn a_time_in_response_elements_reads_like_the_consoles() {
        assert_eq!(console_time(Moment::from_millis(1_795_298_065_999)), "Nov 21, 2026, 9:54:25 PM");
        assert_eq!(console_time(Moment::from_millis(0)), "Jan 1, 1970, 12:00:00 AM");
    }

    #[test]
    fn a_time_past_the_calendar_is_its_end() {
        let late = Record { event_time: Moment::from_millis(i64::MAX), ..plain() };
        assert!(rendered(&late).contains(r#""eventTime":"9999-12-30T22:00:00Z""#));
    }
}
