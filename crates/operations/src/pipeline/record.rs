//! The record of a call: gathered while it runs, durable before it is answered.

use super::Scene;
use super::authenticate::Claimed;
use super::recipient::Recipient;
use super::who::Who;
use crate::api::{Api, Routed};
use crate::key_uses::{LastUse, Using, tracked};
use crate::kms::event_data_of_place;
use crate::operation::{Elsewhere, NamedKey, Outcome, Subject, internal};
use crate::{Call, Service, TlsConnection};
use audit::json::{Json, Object, object};
use audit::{EventType, Failure, Record, Resource, ResourceType, TlsDetails, UserIdentity};
use catalog::Stored;
use keys::{AccountId, Key, KeyPlace, Moment};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;
use uuid::fmt::Hyphenated;
use wire::Fault;
use wire::arn::KeyArn;

/// What is known of a call so far.
pub struct Draft {
    api: &'static Api,
    name: &'static str,
    read_only: bool,
    parameters: Option<Json>,
    resources: Vec<Named>,
    /// `additionalEventData` of a call that an attested recipient is for and that fails.
    recipient: Option<Box<Json>>,
    /// The same of one that uses a key in a custom key store.
    in_store: Option<Box<Json>>,
}

/// A resource and its ARN.
struct Named {
    account: AccountId,
    kind: ResourceType,
    arn: String,
    /// The key, if it is one that there was before.
    key: Option<Arc<Stored<Key>>>,
}

impl Draft {
    pub const fn new(api: &'static Api, name: &'static str, read_only: bool) -> Self {
        let resources = Vec::new();
        Self { api, name, read_only, parameters: None, resources, recipient: None, in_store: None }
    }

    /// Notes the parameters. An operation without any that may be shown has none in its record.
    pub fn parameters(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        self.parameters = Some(bounded(object(write))).filter(|parameters| parameters.as_bytes() != b"{}");
    }

    /// Notes for whom the answer is to be.
    pub fn recipient(&mut self, recipient: &Recipient) {
        self.recipient = Some(Box::new(recipient.event_data(None)));
    }

    /// Notes what the call is about.
    pub fn subject(&mut self, subject: &impl Subject) {
        self.resources.clear();
        self.resources.extend(subject.alias().map(|arn| Named {
            account: arn.account,
            kind: ResourceType::Alias,
            arn: arn.to_string(),
            key: None,
        }));
        self.resources.extend(subject.role().map(|named| Named {
            account: named.role.account,
            kind: ResourceType::Role,
            arn: named.arn.clone(),
            key: None,
        }));
        self.resources.extend(subject.keys().map(Named::existing));
        let place = only_place(subject).filter(|_| tracked(self.name).is_some());
        self.in_store = place.map(|place| Box::new(event_data_of_place(place)));
    }

    /// Writes the record, and the copies for the other accounts whose resources the call was about. If that fails, so does
    /// the call.
    pub async fn make_durable<O>(
        &self,
        scene: &Scene<'_>,
        outcome: Result<&Outcome<O>, &Fault>,
    ) -> Result<(), Fault> {
        let caller = scene.caller;
        let account = *caller.identity.principal.account();
        let made = outcome.ok().and_then(|outcome| outcome.made.as_ref()).map(Named::key);
        let named = || self.resources.iter().chain(&made);
        let resources: Vec<Resource<'_>> = named().map(Named::as_resource).collect();
        let owners: BTreeSet<AccountId> =
            named().map(|named| named.account).filter(|owner| *owner != account).collect();
        let shared = (!owners.is_empty()).then(|| Uuid::new_v4().to_string());
        let (texts, who) = (Texts::of(scene.call), Who::of(caller));
        let mut record = texts.record(scene.call, who.identity(), caller.region.as_str());
        record.invoked_by = caller.on_behalf.as_ref().map(|via| via.service.as_str());
        record.event_time = scene.now;
        record.recipient_account_id = Some(account);
        record.shared_event_id = shared.as_deref();
        record.resources = &resources;
        let of_failure = outcome.is_err().then(|| self.event_data_of_failure()).flatten();
        self.describe(&mut record, outcome, of_failure.as_ref());
        let mut uses = self.uses(scene, outcome.is_ok());
        uses.expect_record(account, scene.call.ids.event);
        append(scene.service(), &record).await.inspect_err(|_| uses.withdraw())?;
        uses.note(account);
        if let Some(elsewhere) = outcome.ok().and_then(|outcome| outcome.elsewhere.as_deref()) {
            Box::pin(append_elsewhere(scene.service(), record, elsewhere)).await?;
        }
        if !owners.is_empty() {
            let copy = Record { user_identity: who.identity_for_others(), ..record };
            Box::pin(append_copies(scene.service(), copy, owners, uses)).await?;
        }
        Ok(())
    }

    /// Has the record say what was asked for and what came of it.
    fn describe<'r, O>(
        &'r self,
        record: &mut Record<'r>,
        outcome: Result<&'r Outcome<O>, &'r Fault>,
        of_failure: Option<&'r Json>,
    ) {
        record.event_source = self.api.event_source;
        record.event_name = self.name;
        record.read_only = self.read_only;
        record.request_parameters = self.parameters.as_ref();
        match outcome {
            Ok(outcome) => {
                record.response_elements = outcome.elements.as_ref();
                record.additional_event_data = outcome.additional.as_ref();
            }
            Err(fault) => {
                record.failure = Some(failure(fault));
                record.additional_event_data = of_failure;
            }
        }
    }

    fn event_data_of_failure(&self) -> Option<Json> {
        let known = [self.in_store.as_deref(), self.recipient.as_deref()];
        known
            .iter()
            .any(Option::is_some)
            .then(|| object(|data| known.into_iter().flatten().for_each(|members| data.members(members))))
    }

    /// The uses of keys that the call comes to when its record is durable.
    fn uses(&self, scene: &Scene<'_>, succeeded: bool) -> Uses {
        let (at, request) = (scene.now, scene.call.ids.request);
        let operation = tracked(self.name).filter(|_| succeeded);
        let keys = self.resources.iter().filter_map(|named| named.key.as_ref());
        let keys = operation.into_iter().flat_map(|_| keys.clone());
        let under_way = keys.map(|key| scene.service().key_uses.begin(key)).collect();
        Uses { operation: self.name, at, request, under_way }
    }
}

/// Where the key is outside the service, if the call is about one and that is in a custom key store.
fn only_place(subject: &impl Subject) -> Option<&KeyPlace> {
    let mut keys = subject.governed();
    let place = keys.next()?.key.place.as_ref()?;
    keys.next().is_none().then_some(place)
}

/// The uses of keys that are not noted yet.
struct Uses {
    operation: &'static str,
    at: Moment,
    request: Uuid,
    under_way: Vec<Using>,
}

impl Uses {
    /// The record with that id is about to be given to the journal, for the trail of that account: it is what tells of the uses of
    /// the account's keys. From here on they are noted even if nobody waits for the record any more.
    fn expect_record(&mut self, trail: AccountId, event: Uuid) {
        let last = LastUse::new(self.at, self.operation, event, self.request);
        self.under_way.iter_mut().filter(|using| using.account == trail).for_each(|using| using.expect(last));
    }

    /// The record is not in the journal.
    fn withdraw(&mut self) {
        self.under_way.iter_mut().for_each(Using::withdraw);
    }

    /// The record is durable.
    fn note(&mut self, trail: AccountId) {
        self.under_way.retain(|using| using.account != trail);
    }
}

/// The record of what the call came to in another region.
async fn append_elsewhere(service: &Service, record: Record<'_>, there: &Elsewhere) -> Result<(), Fault> {
    let (event_id, key) = (Uuid::new_v4().to_string(), Named::key(&there.key));
    let record = Record {
        event_id: &event_id,
        event_name: there.name,
        aws_region: there.key.region.as_str(),
        request_parameters: Some(&there.parameters),
        response_elements: Some(&there.elements),
        resources: &[key.as_resource()],
        ..record
    };
    append(service, &record).await
}

/// The same record once more for each of the other accounts.
async fn append_copies(
    service: &Service,
    record: Record<'_>,
    owners: BTreeSet<AccountId>,
    mut uses: Uses,
) -> Result<(), Fault> {
    for owner in owners {
        let event = Uuid::new_v4();
        let event_id = event.to_string();
        let copy = Record { event_id: &event_id, recipient_account_id: Some(owner), ..record };
        uses.expect_record(owner, event);
        append(service, &copy).await.inspect_err(|_| uses.withdraw())?;
        uses.note(owner);
    }
    Ok(())
}

impl Named {
    fn key(arn: &KeyArn) -> Self {
        Self { account: arn.account, kind: ResourceType::Key, arn: arn.to_string(), key: None }
    }

    fn existing(named: &NamedKey) -> Self {
        Self { key: Some(Arc::clone(&named.key)), ..Self::key(&named.arn) }
    }

    fn as_resource(&self) -> Resource<'_> {
        Resource { account_id: self.account, resource_type: self.kind, arn: &self.arn }
    }
}

/// Records an attempt to use an account's access key without its secret, or a token that is not accepted, then answers it.
pub async fn rejected(
    service: &Service,
    call: &Call,
    routed: &Routed,
    claimed: &Claimed,
    fault: Fault,
) -> Result<Vec<u8>, Fault> {
    let texts = Texts::of(call);
    let identity = UserIdentity::Unknown { access_key_id: claimed.access_key_id.as_deref() };
    let mut record = texts.record(call, identity, claimed.region.as_str());
    record.event_source = routed.api.event_source;
    record.event_name = routed.entry.name;
    record.read_only = routed.entry.read_only;
    record.event_time = service.clock.now();
    record.recipient_account_id = Some(claimed.account);
    record.failure = Some(failure(&fault));
    append(service, &record).await?;
    Err(fault)
}

/// Parameters that are too long to be kept are said to be. They must not keep a change from being recorded at all.
//= CloudTrail: requestParameters has at most 100 KB
fn bounded(parameters: Json) -> Json {
    let size = parameters.as_bytes().len();
    if size <= LONGEST_PARAMETERS {
        return parameters;
    }
    object(|omitted| {
        omitted.boolean("omitted", true);
        omitted.number("originalSize", size.try_into().unwrap_or(i64::MAX));
        omitted.string("reason", "requestParameters is longer than 100 KB");
    })
}

async fn append(service: &Service, record: &Record<'_>) -> Result<(), Fault> {
    let mut line = Vec::with_capacity(TYPICAL_RECORD);
    record.render(&mut line);
    service.journal.append(line).await.map_err(|error| {
        tracing::error!(%error, "a record could not be written; its call is refused");
        internal()
    })
}

fn failure(fault: &Fault) -> Failure<'_> {
    Failure { code: fault.kind().name(), message: fault.message().unwrap_or_default() }
}

/// The texts of a call that its record borrows.
struct Texts {
    source: String,
    request_id: [u8; Hyphenated::LENGTH],
    event_id: [u8; Hyphenated::LENGTH],
}

impl Texts {
    fn of(call: &Call) -> Self {
        Self {
            source: call.source.to_string(),
            request_id: text(call.ids.request),
            event_id: text(call.ids.event),
        }
    }

    /// A record with what every record of the call says.
    fn record<'a>(
        &'a self,
        call: &'a Call,
        user_identity: UserIdentity<'a>,
        aws_region: &'a str,
    ) -> Record<'a> {
        Record {
            user_identity,
            invoked_by: None,
            event_time: keys::Moment::from_millis(0),
            event_source: "",
            event_name: "",
            aws_region,
            source_ip_address: &self.source,
            user_agent: call.header("user-agent").unwrap_or_default(),
            failure: None,
            request_parameters: None,
            response_elements: None,
            additional_event_data: None,
            request_id: std::str::from_utf8(&self.request_id).ok(),
            event_id: std::str::from_utf8(&self.event_id).unwrap_or_default(),
            read_only: true,
            resources: &[],
            event_type: EventType::AwsApiCall,
            recipient_account_id: None,
            shared_event_id: None,
            service_event_details: None,
            tls_details: call.tls.as_deref().map(|tls| tls_details(call, tls)),
        }
    }
}

fn text(id: Uuid) -> [u8; Hyphenated::LENGTH] {
    let mut text = [0; Hyphenated::LENGTH];
    id.hyphenated().encode_lower(&mut text);
    text
}

fn tls_details<'a>(call: &'a Call, tls: &'a TlsConnection) -> TlsDetails<'a> {
    let authority = call.parts.uri.authority().map(http::uri::Authority::as_str);
    TlsDetails {
        tls_version: &tls.version,
        cipher_suite: &tls.cipher_suite,
        client_provided_host_header: call.header("host").or(authority).unwrap_or_default(),
        key_exchange: tls.key_exchange.as_deref(),
    }
}

const LONGEST_PARAMETERS: usize = 100 * 1024;
const TYPICAL_RECORD: usize = 1536;
