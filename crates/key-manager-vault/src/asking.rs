//! One question to one server: a request, its deadline, and whether the answer is a success. Tokens and bodies are never logged.

use crate::Settings;
use crate::message::read;
use crate::refusal::Refusal;
use crate::tokens::Token;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use https::{Client, Error, Routes, Tls};
use tokio::time::{Instant, timeout_at};

/// A question: what is asked for, below `/v1/`.
pub(crate) struct Question {
    method: Method,
    pub(crate) path: String,
    body: Bytes,
    longest_answer: usize,
}

impl Question {
    pub(crate) fn to_read(path: String) -> Self {
        Self { method: Method::GET, path, body: Bytes::new(), longest_answer: LONGEST_READ }
    }

    pub(crate) fn to_do(path: String, body: Bytes) -> Self {
        Self { method: Method::POST, path, body, longest_answer: LONGEST_ANSWER }
    }
}

/// Who asks.
pub(crate) struct Asker {
    client: Client,
    namespace: Option<HeaderValue>,
}

impl Asker {
    /// With connections of its own, made on the runtime of the thread that asks.
    pub(crate) fn new(tls: &Tls, settings: &Settings) -> Self {
        let client = Client::new(tls.clone(), Routes::default(), None);
        // Segments of a path: always a value of a header.
        let namespace = settings.namespace.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
        Self { client, namespace }
    }

    /// What a server answers, in its mount's namespace, read by `value`; the answer is overwritten then.
    pub(crate) async fn ask<T>(
        &self,
        address: &Uri,
        question: &Question,
        token: Option<&Token>,
        end: Instant,
        value: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, Refusal> {
        let headers = [(NAMESPACE, self.namespace.clone()), (TOKEN, token.map(Token::value))];
        let answer = self.send(address, question, headers, end).await?;
        if !answer.status().is_success() {
            return Err(Refusal::of(&answer));
        }
        read(answer.into_body(), value).ok_or(Refusal::Odd("an answer that is not what was asked for"))
    }

    /// How a server says it is: that belongs to no namespace and needs no token.
    pub(crate) async fn health(&self, address: &Uri, end: Instant) -> Result<Response<Bytes>, Refusal> {
        let question = Question::to_read("sys/health".to_owned());
        self.send(address, &question, [], end).await
    }

    async fn send<const N: usize>(
        &self,
        address: &Uri,
        question: &Question,
        headers: [(HeaderName, Option<HeaderValue>); N],
        end: Instant,
    ) -> Result<Response<Bytes>, Refusal> {
        let mut request = Request::new(question.body.clone());
        request.method_mut().clone_from(&question.method);
        *request.uri_mut() = url(address, &question.path)?;
        request.headers_mut().insert(REQUESTED, HeaderValue::from_static("true"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            request.headers_mut().extend(value.map(|value| (name, value)));
        }
        let answer = timeout_at(end, self.client.send(&request, question.longest_answer)).await;
        answer.map_err(|_| Refusal::TimedOut)?.map_err(|error| match error {
            Error::TooLong => Refusal::Odd("an answer that is too long"),
            error => Refusal::Unfit(error.to_string()),
        })
    }
}

fn url(address: &Uri, path: &str) -> Result<Uri, Refusal> {
    let authority = address.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let url = Uri::builder().scheme("https").authority(authority).path_and_query(format!("/v1/{path}"));
    url.build().map_err(|_| Refusal::Odd("no way to be asked"))
}

const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
/// Servers can be told to take no request without it.
const REQUESTED: HeaderName = HeaderName::from_static("x-vault-request");
const LONGEST_ANSWER: usize = 64 * 1024;
/// What is said of a key has a line for each of its versions.
const LONGEST_READ: usize = 256 * 1024;
