//! The one road that every call takes. No operation can leave a step out: it is called by these steps, not the other way.

mod authenticate;
mod authorized;
mod record;
mod resolve;
mod scene;

pub use authorized::Authorized;
pub use resolve::{Naming, no_such_alias};
pub use scene::{Caller, Scene};

use crate::operation::{Failure, Operation, Outcome, Subject, internal};
use crate::registry::{Entry, find};
use crate::{Answer, Call, Service};
use access::{Decision, Question, decide};
use keys::{Inadmissible, KeyState};
use record::Draft;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use wire::{AWS_JSON, Fault, FaultKind, Input, Output, is_json, operation_of_target};

/// Answers a call. Once the answer is there, its record is durable; the one answer without a record is that something the
/// service depends on, such as its disk, did not answer in time.
///
/// A call that changes something is carried to its end even if whoever waits for the answer goes away.
pub async fn answer(service: &Rc<Service>, call: Call) -> Answer {
    let in_time = tokio::time::timeout(DEADLINE, respond(service, call)).await;
    match in_time.unwrap_or_else(|_| Err(Fault::new(FaultKind::DependencyTimeout, TOO_SLOW))) {
        Ok(body) => Answer { status: 200, content_type: AWS_JSON, body },
        Err(fault) => Answer { status: fault.kind().status(), content_type: AWS_JSON, body: fault.body() },
    }
}

async fn respond(service: &Rc<Service>, call: Call) -> Result<Vec<u8>, Fault> {
    let target = call.header("x-amz-target").and_then(operation_of_target);
    let Some(entry) = target.and_then(find) else {
        return Err(unless_not_json(&call, Fault::bare(FaultKind::UnknownOperation)));
    };
    if entry.read_only {
        return authenticated(service, &call, entry).await;
    }
    let service = Rc::clone(service);
    let carried = tokio::task::spawn_local(async move { authenticated(&service, &call, entry).await });
    carried.await.unwrap_or_else(|_| Err(internal()))
}

async fn authenticated(service: &Service, call: &Call, entry: &'static Entry) -> Result<Vec<u8>, Fault> {
    match authenticate::authenticate(service, call).await {
        Ok(caller) => (entry.run)(service, call, caller).await,
        Err(rejection) => {
            let fault = unless_not_json(call, rejection.fault);
            match rejection.claimed {
                Some(claimed) => record::rejected(service, call, entry, &claimed, fault).await,
                None => Err(fault),
            }
        }
    }
}

/// AWS finds a body that is no JSON before it looks at anything else.
fn unless_not_json(call: &Call, fault: Fault) -> Fault {
    if is_json(&call.body) { fault } else { Fault::bare(FaultKind::Serialization) }
}

/// What is still to come of a call: its answer's body.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Fault>> + 'a>>;

/// Carries an operation out and makes its record durable.
pub fn run<'a, O: Operation>(service: &'a Service, call: &'a Call, caller: Caller) -> Running<'a> {
    Box::pin(async move {
        let scene = Scene::new(service, call, caller);
        let mut draft = Draft::new(O::NAME, O::READ_ONLY);
        let outcome = match ready(service) {
            Ok(()) => carry_out::<O>(&scene, &mut draft).await,
            Err(fault) => Err(fault),
        };
        draft.make_durable(&scene, outcome.as_ref()).await?;
        body(&outcome?.output)
    })
}

/// Nothing is begun that could not be recorded, or that would be decided on old knowledge.
fn ready(service: &Service) -> Result<(), Fault> {
    let followed = service.followed.within(service.settings.staleness_bound);
    if followed && service.journal.healthy() { Ok(()) } else { Err(internal()) }
}

async fn carry_out<O: Operation>(scene: &Scene<'_>, draft: &mut Draft) -> Result<Outcome<O::Output>, Fault> {
    let input = O::Input::parse(&scene.call.body)?;
    draft.parameters(|record| O::parameters(&input, record));
    O::examine(&input)?;
    for _ in 0..TRIES {
        match attempt::<O>(&input, scene, draft).await {
            Ok(outcome) => return Ok(outcome),
            Err(Failure::Fault(fault)) => return Err(fault),
            Err(Failure::Conflict) => {}
        }
    }
    tracing::warn!(operation = O::NAME, "gave up: others changed the same records {TRIES} times");
    Err(internal())
}

async fn attempt<O: Operation>(
    input: &O::Input,
    scene: &Scene<'_>,
    draft: &mut Draft,
) -> Result<Outcome<O::Output>, Failure> {
    let subject = O::resolve(input, scene).await?;
    draft.subject(&subject);
    let subject = allow::<O>(input, subject, scene)?;
    subject.governed().try_for_each(|named| {
        O::STATES.admit(named.key.state()).map_err(|refusal| inadmissible(&named.arn, refusal))
    })?;
    O::fit(input, &subject)?;
    if O::is_dry_run(input) {
        return Err(Fault::new(FaultKind::DryRunOperation, DRY_RUN).into());
    }
    O::execute(input, &subject, scene).await
}

fn allow<O: Operation>(
    input: &O::Input,
    subject: O::Subject,
    scene: &Scene<'_>,
) -> Result<Authorized<O::Subject>, Fault> {
    for permission in O::permissions(input, &subject) {
        let principal = &scene.caller.principal;
        let question = Question { principal, action: permission.action, resource: permission.resource };
        if let Decision::Denied(denial) = decide(&question) {
            return Err(Fault::new(FaultKind::AccessDenied, denial.to_string()));
        }
    }
    Ok(Authorized::new(subject))
}

fn inadmissible(key: &wire::arn::KeyArn, refusal: Inadmissible) -> Fault {
    let kind = match refusal {
        Inadmissible::Is(KeyState::Disabled) => FaultKind::Disabled,
        _ => FaultKind::KmsInvalidState,
    };
    Fault::new(kind, format!("{key} {refusal}"))
}

fn body<T: Output>(output: &T) -> Result<Vec<u8>, Fault> {
    if !T::HAS_BODY {
        return Ok(Vec::new());
    }
    serde_json::to_vec(output).map_err(|_| internal())
}

/// So many times must others change the same records first for a call to fail.
const TRIES: usize = 64;

/// A call waits for a disk and a process on the same machine; what takes longer will not come.
const DEADLINE: Duration = Duration::from_secs(10);

const TOO_SLOW: &str = "The system timed out while trying to fulfill the request. You can retry the request.";
const DRY_RUN: &str = "The request would have succeeded, but the DryRun option is set.";
