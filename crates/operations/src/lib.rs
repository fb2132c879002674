//! The operations of the API: one file each, one pipeline for all of them, and the registry that lists them.
//!
//! A call goes once down [`answer`]: authenticate, parse, resolve, allow, state, dry run, execute, record durable, answer.
//! This crate knows no engine and no cryptography, and of HTTP only the head of a request, which it hands to `sigv4`.

#![forbid(unsafe_code)]

mod access_key_uses;
pub mod admin;
mod api;
mod call;
mod cardea;
mod clock;
mod fact;
mod iam;
pub mod identity;
pub mod jobs;
pub mod key_uses;
mod kms;
mod operation;
mod pipeline;
mod registry;
mod service;
mod service_event;
mod sts;

pub use access_key_uses::AccessKeyUses;
pub use api::{APIS, Api, Protocol, Routed};
pub use call::{Answer, Call, CallIds, TlsConnection};
pub use clock::Clock;
pub use fact::Fact;
pub use key_uses::KeyUses;
pub use kms::OPERATIONS;
pub use operation::{Failure, Operation, Outcome};
pub use pipeline::{Decoy, Sessions, answer};
pub use registry::Entry;
pub use service::{Bell, Service, Settings};
