//! Records of what the service does to keys by itself: CloudTrail's service events. Nobody asked, so they have no request.

use crate::Service;
use audit::json::Json;
use audit::{EventType, Record, Resource, ResourceType, UserIdentity};
use catalog::Changes;
use uuid::Uuid;
use wire::arn::{AliasArn, KeyArn};

/// Something done to a key.
#[derive(Debug)]
pub struct ServiceEvent<'a> {
    /// What, such as `RotateKey`.
    pub name: &'static str,
    /// The key.
    pub key: &'a KeyArn,
    /// The alias that came about with it.
    pub alias: Option<&'a AliasArn>,
    /// `responseElements`.
    pub elements: Option<&'a Json>,
    /// `serviceEventDetails`.
    pub details: Option<&'a Json>,
    /// `additionalEventData`.
    pub additional: Option<&'a Json>,
}

impl<'a> ServiceEvent<'a> {
    /// One of which its details say everything.
    pub const fn detailed(name: &'static str, key: &'a KeyArn, details: &'a Json) -> Self {
        Self { name, key, alias: None, elements: None, details: Some(details), additional: None }
    }

    /// Has it put on record once the changes are made.
    pub fn announce(&self, service: &Service, changes: Changes) -> Changes {
        let event_id = Uuid::new_v4().to_string();
        changes.announce(&event_id, self.line(service, &event_id))
    }

    fn line(&self, service: &Service, event_id: &str) -> Vec<u8> {
        let KeyArn { account, region, .. } = self.key;
        let (key, alias) = (self.key.to_string(), self.alias.map(AliasArn::to_string));
        let resource = |resource_type, arn| Resource { account_id: *account, resource_type, arn };
        let alias = alias.as_deref().map(|arn| resource(ResourceType::Alias, arn));
        let resources: Vec<_> = alias.into_iter().chain([resource(ResourceType::Key, &key)]).collect();
        let mut line = Vec::new();
        Record {
            user_identity: UserIdentity::Service { account_id: *account },
            invoked_by: None,
            event_time: service.clock.now(),
            event_source: "kms.amazonaws.com",
            event_name: self.name,
            aws_region: region.as_str(),
            source_ip_address: INTERNAL,
            user_agent: INTERNAL,
            failure: None,
            request_parameters: None,
            response_elements: self.elements,
            additional_event_data: self.additional,
            request_id: None,
            event_id,
            read_only: false,
            resources: &resources,
            event_type: EventType::AwsServiceEvent,
            recipient_account_id: Some(*account),
            shared_event_id: None,
            service_event_details: self.details,
            tls_details: None,
        }
        .render(&mut line);
        line
    }
}

const INTERNAL: &str = "AWS Internal";
