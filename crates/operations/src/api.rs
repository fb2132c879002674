//! The services that share the endpoint: which one a call is for, how it writes its requests and its answers.

use crate::registry::Entry;
use crate::{Call, cardea, iam, kms, sts};
use uuid::Uuid;
use wire::query::Form;
use wire::{Fault, FaultKind, Input, Output, is_json, xml};

/// One service: a list of operations and a protocol.
#[derive(Debug)]
pub struct Api {
    /// What credentials are scoped to, and the prefix of its actions in policies.
    pub service: &'static str,
    /// `eventSource`.
    pub event_source: &'static str,
    /// How it speaks.
    pub protocol: Protocol,
    /// Its operations, in the order of their names.
    pub operations: &'static [Entry],
}

/// How a service writes requests and answers.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    /// AWS JSON 1.1.
    Json {
        /// What comes before the operation's name in `X-Amz-Target`.
        target_prefix: &'static str,
    },
    /// AWS Query: form parameters in, XML out.
    Query {
        /// `Version`.
        version: &'static str,
        /// The namespace of its answers.
        namespace: &'static str,
    },
}

/// Every service there is.
pub static APIS: &[&Api] = &[&KMS, &IAM, &STS, &CARDEA];

static KMS: Api = Api {
    service: "kms",
    event_source: "kms.amazonaws.com",
    protocol: Protocol::Json { target_prefix: "TrentService" },
    operations: kms::OPERATIONS,
};

static IAM: Api = Api {
    service: "iam",
    event_source: "iam.amazonaws.com",
    protocol: Protocol::Query {
        version: "2010-05-08",
        namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    },
    operations: iam::OPERATIONS,
};

static STS: Api = Api {
    service: "sts",
    event_source: "sts.amazonaws.com",
    protocol: Protocol::Query {
        version: "2011-06-15",
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    },
    operations: sts::OPERATIONS,
};

static CARDEA: Api = Api {
    service: "cardea",
    event_source: "cardea",
    protocol: Protocol::Json { target_prefix: "Cardea" },
    operations: cardea::OPERATIONS,
};

/// A call whose operation is known, and its parameters as far as the protocol had to read them for that.
#[derive(Debug)]
pub struct Routed {
    /// The service.
    pub api: &'static Api,
    /// The operation.
    pub entry: &'static Entry,
    /// The parameters of a Query call.
    pub form: Option<Form>,
}

/// A call that is for no operation: how to answer it, and with what.
#[derive(Debug)]
pub struct Unrouted {
    /// The service that it seems to be for.
    pub api: &'static Api,
    /// What it is told.
    pub fault: Fault,
}

/// Finds the operation that a call is for.
pub fn route(call: &Call) -> Result<Routed, Unrouted> {
    if call.is_form() { route_form(call) } else { route_target(call) }
}

fn route_target(call: &Call) -> Result<Routed, Unrouted> {
    let target = call.header("x-amz-target").and_then(|target| target.split_once('.'));
    let found = target.and_then(|(prefix, name)| {
        let api = APIS.iter().copied().find(|api| api.has_prefix(prefix))?;
        Some(Routed { api, entry: api.find(name)?, form: None })
    });
    found.ok_or_else(|| Unrouted {
        api: &KMS,
        fault: unless_not_json(call, Fault::bare(FaultKind::UnknownOperation)),
    })
}

fn route_form(call: &Call) -> Result<Routed, Unrouted> {
    let form = Form::parse(&call.body).map_err(|fault| Unrouted { api: &IAM, fault })?;
    let api = APIS.iter().copied().find(|api| api.has_version(form.version()));
    let (action, version) = (form.action().unwrap_or_default(), form.version().unwrap_or_default());
    let unknown = || {
        let message = format!("Could not find operation {action} for version {version}");
        Unrouted { api: api.unwrap_or(&IAM), fault: Fault::new(FaultKind::UnknownOperation, message) }
    };
    let (api, entry) = api.and_then(|api| Some((api, api.find(action)?))).ok_or_else(unknown)?;
    Ok(Routed { api, entry, form: Some(form) })
}

/// AWS finds a body that is no JSON before it looks at anything else.
pub fn unless_not_json(call: &Call, fault: Fault) -> Fault {
    if call.is_form() || is_json(&call.body) { fault } else { Fault::bare(FaultKind::Serialization) }
}

impl Api {
    /// The operation of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        let at = self.operations.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
        self.operations.get(at)
    }

    /// What an operation answers, as the client gets it.
    pub fn write<T: Output>(&self, name: &str, output: &T, request_id: Uuid) -> Result<Vec<u8>, Fault> {
        match self.protocol {
            Protocol::Json { .. } if !T::HAS_BODY => Ok(Vec::new()),
            Protocol::Json { .. } => serde_json::to_vec(output).map_err(|_| crate::operation::internal()),
            Protocol::Query { namespace, .. } => {
                xml::answer(name, namespace, output, &request_id).map_err(|_| crate::operation::internal())
            }
        }
    }

    /// An error, as the client gets it: status and body.
    #[must_use]
    pub fn write_fault(&self, fault: &Fault, request_id: Uuid) -> (u16, Vec<u8>) {
        match self.protocol {
            Protocol::Json { .. } => (fault.kind().status(), fault.body()),
            Protocol::Query { namespace, .. } => {
                (fault.kind().query_status(), xml::fault(fault, namespace, &request_id))
            }
        }
    }

    /// The content type of its answers.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self.protocol {
            Protocol::Json { .. } => "application/x-amz-json-1.1",
            Protocol::Query { .. } => "text/xml",
        }
    }

    //= iam: a global service, whose requests are signed for us-east-1 wherever they go
    /// Whether its requests are signed for that region, served or not.
    #[must_use]
    pub fn is_signed_for(&self, region: &str) -> bool {
        self.service == "iam" && region == "us-east-1"
    }

    fn has_prefix(&self, prefix: &str) -> bool {
        matches!(self.protocol, Protocol::Json { target_prefix } if target_prefix == prefix)
    }

    fn has_version(&self, wanted: Option<&str>) -> bool {
        matches!(self.protocol, Protocol::Query { version, .. } if Some(version) == wanted)
    }
}

impl Routed {
    /// What the request says.
    pub fn parse<T: Input>(&self, call: &Call) -> Result<T, Fault> {
        match &self.form {
            Some(form) => T::parse_query(form),
            None => T::parse(&call.body),
        }
    }
}
