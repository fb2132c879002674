//! The one road that every call takes. No operation can leave a step out: it is called by these steps, not the other way.

mod authenticate;
mod authorized;
mod first_use;
mod on_behalf;
mod recipient;
mod record;
mod resolve;
mod scene;
mod suppose;
mod surroundings;
mod web_identity;
mod weigh;
mod who;

pub use authenticate::{Decoy, Sessions};
pub use authorized::Authorized;
pub use recipient::Delivered;
pub use resolve::{Located, Naming, no_such_alias, no_such_grant, no_such_key};
pub use scene::{Caller, OnBehalf, Scene};
pub use suppose::{Abroad, Supposition};
pub use surroundings::Surroundings;
pub use web_identity::{Asserted, WebIdentity};
pub use weigh::{AuthorizationMessage, Denied, PolicyHolder, key_policy};

use crate::api::{Routed, route, unless_not_json};
use crate::kms::custom_key_stores::unavailable;
use crate::kms::grants::check_tokens;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Subject, internal};
use crate::{Answer, Call, Service};
use keys::{Inadmissible, KeyOrigin, KeyState};
use recipient::Recipient;
use record::Draft;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use wire::{Fault, FaultKind};

/// Answers a call. Once the answer is there, its record is durable; the one answer without a record is that something the
/// service depends on, such as its disk, did not answer in time.
///
/// A call that changes something is carried to its end even if whoever waits for the answer goes away.
pub async fn answer(service: &Rc<Service>, call: Call) -> Answer {
    let request_id = call.ids.request;
    let (api, outcome) = match route(&call) {
        // In a box of its own: the futures around it are moved about, and a large one costs more to move than to box.
        Ok(routed) => (routed.api, in_time(Box::pin(respond(service, call, routed))).await),
        Err(unrouted) => (unrouted.api, Err(unrouted.fault)),
    };
    let content_type = api.content_type();
    match outcome {
        Ok(body) => Answer { status: 200, content_type, body },
        Err(fault) => {
            let (status, body) = api.write_fault(&fault, request_id);
            Answer { status, content_type, body }
        }
    }
}

async fn in_time(answered: impl Future<Output = Result<Vec<u8>, Fault>>) -> Result<Vec<u8>, Fault> {
    let answered = tokio::time::timeout(DEADLINE, answered).await;
    answered.unwrap_or_else(|_| Err(Fault::new(FaultKind::DependencyTimeout, TOO_SLOW)))
}

async fn respond(service: &Rc<Service>, call: Call, routed: Routed) -> Result<Vec<u8>, Fault> {
    if routed.entry.read_only {
        return authenticated(service, &call, &routed).await;
    }
    let service = Rc::clone(service);
    let carried = tokio::task::spawn_local(async move { authenticated(&service, &call, &routed).await });
    carried.await.unwrap_or_else(|_| Err(internal()))
}

async fn authenticated(service: &Service, call: &Call, routed: &Routed) -> Result<Vec<u8>, Fault> {
    match authenticate::authenticate(service, call, routed).await {
        Ok(caller) => (routed.entry.run)(service, call, routed, caller).await,
        Err(rejection) => {
            let fault = unless_not_json(call, rejection.fault);
            match rejection.claimed {
                Some(claimed) => record::rejected(service, call, routed, &claimed, fault).await,
                None => Err(fault),
            }
        }
    }
}

/// What is still to come of a call: its answer's body.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Fault>> + 'a>>;

/// Carries an operation out and makes its record durable.
pub fn run<'a, O: Operation>(
    service: &'a Service,
    call: &'a Call,
    routed: &'a Routed,
    caller: Caller,
) -> Running<'a> {
    Box::pin(async move {
        let scene = Scene::new(service, call, &caller);
        let mut draft = Draft::new(routed.api, O::NAME, O::READ_ONLY);
        let outcome = match ready(service) {
            Ok(()) => carry_out::<O>(&scene, routed, &mut draft).await,
            Err(fault) => Err(fault.into()),
        };
        draft.make_durable(&scene, outcome.as_ref().map_err(|refused| &refused.fault)).await?;
        match outcome {
            Ok(outcome) => routed.api.write(O::NAME, &outcome.output, call.ids.request),
            Err(refused) => Err(refused.answered(service).await),
        }
    })
}

/// Why an operation did not come about, for good.
struct Refused {
    fault: Fault,
    /// What a denied caller may have explained.
    denied: Option<Box<Denied>>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, denied: None }
    }
}

impl Refused {
    async fn answered(self, service: &Service) -> Fault {
        match self.denied {
            Some(denied) => denied.answered(&service.module).await,
            None => self.fault,
        }
    }
}

/// Nothing is begun that could not be recorded, or that would be decided on old knowledge.
fn ready(service: &Service) -> Result<(), Fault> {
    let followed = service.followed.within(service.settings.staleness_bound);
    if followed && service.journal.healthy() { Ok(()) } else { Err(internal()) }
}

async fn carry_out<O: Operation>(
    scene: &Scene<'_>,
    routed: &Routed,
    draft: &mut Draft,
) -> Result<Outcome<O::Output>, Refused> {
    let input: O::Input = routed.parse(scene.call)?;
    draft.parameters(|record| O::parameters(&input, record));
    O::examine(&input)?;
    let recipient = verified_recipient::<O>(&input, scene, draft)?;
    let facts = |action: &str| O::facts(&input, action);
    let scene = scene.asking(&facts, O::grant_tokens(&input), recipient.as_deref());
    for _ in 0..TRIES {
        match attempt::<O>(&input, &scene, draft).await {
            Ok(outcome) => return Ok(outcome.with_recipient(recipient.as_deref())),
            Err(Failure::Fault(fault)) => return Err(fault.into()),
            Err(Failure::Denied(denied)) => {
                return Err(Refused { fault: denied.fault(), denied: Some(denied) });
            }
            Err(Failure::Conflict) => {}
        }
    }
    tracing::warn!(operation = O::NAME, "gave up: others changed the same records {TRIES} times");
    Err(internal().into())
}

/// For whom the answer is, if not for the caller; few calls have one. The record names it from here on, whatever comes of the call.
fn verified_recipient<O: Operation>(
    input: &O::Input,
    scene: &Scene<'_>,
    draft: &mut Draft,
) -> Result<Option<Box<Recipient>>, Fault> {
    let Some(info) = O::recipient(input) else { return Ok(None) };
    let recipient = Recipient::verified(info, scene)?;
    draft.recipient(&recipient);
    Ok(Some(Box::new(recipient)))
}

impl<T> Outcome<T> {
    fn with_recipient(self, recipient: Option<&Recipient>) -> Self {
        match recipient {
            None => self,
            Some(recipient) => {
                let additional = recipient.event_data(self.additional.as_ref());
                self.with_additional(additional)
            }
        }
    }
}

async fn attempt<O: Operation>(
    input: &O::Input,
    scene: &Scene<'_>,
    draft: &mut Draft,
) -> Result<Outcome<O::Output>, Failure> {
    let subject = O::resolve(input, scene).await?;
    draft.subject(&subject);
    check_tokens(scene.grant_tokens(), &subject)?;
    let subject = allow::<O>(input, subject, scene).await?;
    subject.governed().try_for_each(|named| is_of(O::ORIGINS, named))?;
    subject.governed().try_for_each(|named| {
        O::STATES.admit(named.state(scene.now)).map_err(|refusal| inadmissible(named, refusal))
    })?;
    O::fit(input, &subject)?;
    if O::is_dry_run(input) {
        return Err(Fault::new(FaultKind::DryRunOperation, DRY_RUN).into());
    }
    O::execute(input, &subject, scene).await
}

async fn allow<O: Operation>(
    input: &O::Input,
    subject: O::Subject,
    scene: &Scene<'_>,
) -> Result<Authorized<O::Subject>, Failure> {
    for permission in O::permissions(input, &subject) {
        scene.weigh(&permission).await?;
    }
    Ok(Authorized::new(subject))
}

//= key-states: 6, 7, 9: the origin decides before the state does
fn is_of(origins: &[KeyOrigin], named: &NamedKey) -> Result<(), Fault> {
    let origin = named.key.origin;
    if origins.contains(&origin) {
        return Ok(());
    }
    let message = format!("{} origin is {origin} which is not valid for this operation.", named.arn);
    Err(Fault::new(FaultKind::UnsupportedOperation, message))
}

fn inadmissible(named: &NamedKey, refusal: Inadmissible) -> Fault {
    let kind = match refusal {
        Inadmissible::Is(KeyState::Disabled) => FaultKind::Disabled,
        Inadmissible::Is(KeyState::Unavailable) => return unusable(named),
        _ => FaultKind::KmsInvalidState,
    };
    Fault::new(kind, format!("{} {refusal}", named.arn))
}

fn unusable(named: &NamedKey) -> Fault {
    Fault::new(FaultKind::KmsInvalidState, unavailable(named.home.as_ref()))
}

/// So many times must others change the same records first for a call to fail.
const TRIES: usize = 64;

/// A call waits for a disk and a process on the same machine; what takes longer will not come.
const DEADLINE: Duration = Duration::from_secs(10);
const TOO_SLOW: &str = "The system timed out while trying to fulfill the request. You can retry the request.";
const DRY_RUN: &str = "The request would have succeeded, but the DryRun option is set.";
