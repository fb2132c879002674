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
    /// When the service took the call up.
    pub event_time: Moment,
    /// The service that was called, such as `kms.amazonaws.com`.
    pub event_source: &'a str,
    /// The operation, or the name of the service event.
    pub event_name: &'a str,
    /// The region that the call was for.
    pub aws_region: &'a str,
    /// The caller's address, or `AWS Internal`.
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
    /// The keys and aliases concerned.
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
    /// A caller of another account, as the owner of the key sees it.
    AwsAccount {
        /// The principal's id.
        principal_id: &'a str,
        /// The caller's account.
        account_id: AccountId,
    },
    /// An account's root principal.
    Root {
        /// The account.
        account_id: AccountId,
        /// The root's ARN.
        arn: &'a str,
        /// The access key that signed.
        access_key_id: &'a str,
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
}

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The bare name of the exception.
    pub code: &'a str,
    /// The message that was answered; cut at 1,024 bytes.
    pub message: &'a str,
}

/// A key or an alias that a call concerned.
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
        line.raw("{\"eventVersion\":\"1.11\",\"userIdentity\":");
        self.user_identity.render(&mut line);
        line.raw(",\"eventTime\":\"");
        line.time(self.event_time);
        line.raw("\"");
        line.string("eventSource", self.event_source);
        line.string("eventName", self.event_name);
        line.string("awsRegion", self.aws_region);
        line.string("sourceIPAddress", self.source_ip_address);
        line.string("userAgent", bounded(self.user_agent, LONGEST_TEXT));
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

impl UserIdentity<'_> {
    fn render(&self, line: &mut Line<'_>) {
        match *self {
            Self::AwsAccount { principal_id, account_id } => {
                line.raw("{\"type\":\"AWSAccount\"");
                line.string("principalId", principal_id);
                line.string("accountId", account_id.as_str());
            }
            Self::Root { account_id, arn, access_key_id } => {
                line.raw("{\"type\":\"Root\"");
                line.string("principalId", account_id.as_str());
                line.string("arn", arn);
                line.string("accountId", account_id.as_str());
                line.string("accessKeyId", access_key_id);
            }
            Self::Service { account_id } => {
                line.raw("{\"accountId\":");
                write_string(line.0, account_id.as_str());
                line.raw(",\"invokedBy\":\"AWS Internal\"");
            }
            Self::Unknown { access_key_id } => {
                line.raw("{\"type\":\"Unknown\"");
                line.optional_string(
                    "accessKeyId",
                    access_key_id.map(|id| bounded(id, LONGEST_ACCESS_KEY_ID)),
                );
            }
        }
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
            source_ip_address: "AWS Internal",
            user_agent: "AWS Internal",
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

    #[test]
    fn every_identity_has_its_members() {
        let identity = |user_identity| {
            let record: serde_json::Value =
                serde_json::from_str(&rendered(&Record { user_identity, ..plain() })).unwrap();
            record["userIdentity"].to_string()
        };
        assert_eq!(
            identity(UserIdentity::AwsAccount { principal_id: "AIDAEXAMPLE", account_id: account() }),
            r#"{"accountId":"111122223333","principalId":"AIDAEXAMPLE","type":"AWSAccount"}"#
        );
        assert_eq!(
            identity(UserIdentity::Unknown { access_key_id: Some("AKIA") }),
            r#"{"accessKeyId":"AKIA","type":"Unknown"}"#
        );
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
