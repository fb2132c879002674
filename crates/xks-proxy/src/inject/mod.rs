//! Misbehaviour on purpose, so that an outage can be rehearsed: answers that are late, wrong, cut off, or never come. Asked for with
//! `--inject` alone, told loudly, and said in a header of every answer that it touched.
//!
//! It wraps the pipeline and changes nothing in it: what is recorded is what the proxy really did.

mod latency;
mod spec;
mod spoil;
mod tally;

pub(crate) use spec::InvalidSpec;

use crate::pipeline::{Connected, Pipeline, error_answer};
use crate::refusal::Refusal;
use http::{HeaderName, HeaderValue, Request};
use http_server::{Body, NoAnswer, Peer, Respond, Response};
use latency::Random;
use rustls::ServerConnection;
use spec::{Fault, Spec};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tally::{Tally, Try};
use xks_api::{Operation, Target};

/// What is to go wrong, and what came of it.
#[derive(Debug)]
pub(crate) struct Injection {
    spec: Spec,
    random: Random,
    tally: Tally,
}

/// The pipeline, and what goes wrong around it.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    pipeline: Pipeline,
    injection: Option<Arc<Injection>>,
}

impl Injection {
    /// As that text says.
    pub(crate) fn new(text: &str) -> Result<Self, InvalidSpec> {
        let spec: Spec = text.parse()?;
        let random = Random::new(spec.seed.unwrap_or_else(Random::seed));
        Ok(Self { spec, random, tally: Tally::default() })
    }

    /// Would KMS have failed you?
    pub(crate) fn report(&self) -> String {
        self.tally.to_string()
    }

    /// Says so now and then. Runs for ever.
    pub(crate) async fn report_for_ever(&self) {
        tracing::warn!(
            inject = %self.spec.text, seed = self.random.begun_with(),
            "THIS PROXY MISBEHAVES ON PURPOSE: do not use it for anything that matters"
        );
        let mut told = 0;
        loop {
            tokio::time::sleep(REPORT_EVERY).await;
            let tries = self.tally.tries();
            if tries != told {
                eprintln!("{}", self.report());
            }
            told = tries;
        }
    }

    fn fault(&self) -> Option<Fault> {
        self.spec.faults.iter().find(|(_, one_in)| self.random.one_in(*one_in)).map(|(fault, _)| *fault)
    }

    fn delay(&self) -> Duration {
        self.spec.latency.as_ref().map_or(Duration::ZERO, |latency| latency.draw(&self.random))
    }
}

impl Rehearsal {
    /// Of that pipeline; nothing goes wrong without an injection.
    pub(crate) fn new(pipeline: Pipeline, injection: Option<Arc<Injection>>) -> Self {
        Self { pipeline, injection }
    }

    async fn misbehave(
        &self,
        injection: &Injection,
        operation: Operation,
        request: Request<Body<'_>>,
        peer: &Peer<Connected>,
    ) -> Result<Response, NoAnswer> {
        let begun = Instant::now();
        let (fault, delay) = (injection.fault(), injection.delay());
        let answer = match fault {
            Some(Fault::Error(error)) => error_answer(&Refusal::new(error, "injected on purpose")),
            _ => self.pipeline.respond(request, peer).await?,
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let took = begun.elapsed();
        let status = answer.status();
        injection.tally.count(&Try { took, is_wrong: fault.is_some() || is_the_proxys(status.as_u16()) });
        match fault {
            Some(Fault::Reset) => Err(NoAnswer),
            Some(Fault::Timeout) => {
                tokio::time::sleep(NEVER).await;
                Err(NoAnswer)
            }
            Some(fault) => Ok(marked(spoil::spoiled(answer, fault, operation).await, Some(fault), delay)),
            None => Ok(marked(answer, None, delay)),
        }
    }
}

impl Respond for Rehearsal {
    type Tls = Connected;

    fn secured(&self, connection: &ServerConnection) -> Connected {
        self.pipeline.secured(connection)
    }

    async fn respond(
        &self,
        request: Request<Body<'_>>,
        peer: &Peer<Connected>,
    ) -> Result<Response, NoAnswer> {
        let Some(injection) = &self.injection else { return self.pipeline.respond(request, peer).await };
        let target = Target::of(request.uri().path());
        match target.filter(|target| injection.spec.concerns(target)).map(|target| target.operation) {
            Some(operation) => self.misbehave(injection, operation, request, peer).await,
            None => self.pipeline.respond(request, peer).await,
        }
    }
}

/// Says what was done, lest anybody take it for the proxy's own fault.
fn marked(mut answer: Response, fault: Option<Fault>, delay: Duration) -> Response {
    let fault = fault.map_or_else(String::new, |fault| format!("{fault} "));
    if let Ok(value) = HeaderValue::try_from(format!("{fault}latency={}us", delay.as_micros())) {
        answer.headers_mut().insert(INJECTED, value);
    }
    answer
}

/// Whether such an answer is a failure of the proxy, and not of the request.
const fn is_the_proxys(status: u16) -> bool {
    status == 429 || status >= 500
}

const INJECTED: HeaderName = HeaderName::from_static("x-cardea-injected");
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Longer than anybody waits.
const NEVER: Duration = Duration::from_secs(5);
