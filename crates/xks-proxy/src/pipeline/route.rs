//! From a path to a store and a call.

use crate::stores::{Store, Stores};
use http::Method;
use http::request::Parts;
use std::sync::Arc;
use xks_api::Target;

/// What a request is for.
pub(super) enum Routed<'a> {
    /// One of the four calls, of a store that is there.
    Call(Call<'a>),
    /// Whether the proxy is there, for a load balancer.
    Ping,
}

/// A call of a store.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) store: &'a Arc<Store>,
    pub(super) target: Target<'a>,
}

/// A request for nothing that is here.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) store: Option<Arc<str>>,
    pub(super) reason: &'static str,
    pub(super) kind: StrayKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StrayKind {
    /// The path is that of a call, but is asked for with another method than `POST`.
    Method,
    /// No store has that path, or it is no call's.
    Path,
}

/// Says what a request is for. Nobody is known yet, so it tells nothing but that.
pub(super) fn route<'a>(parts: &'a Parts, stores: &'a Stores) -> Result<Routed<'a>, Stray> {
    let path = parts.uri.path();
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    if reads && path == PING {
        return Ok(Routed::Ping);
    }
    let found = Target::of(path).and_then(|target| Some((stores.find(target.prefix)?, target)));
    let Some((store, target)) = found else {
        return Err(Stray { store: None, reason: "path", kind: StrayKind::Path });
    };
    //= xks §2: GET on any of the four is answered with 405
    if parts.method != Method::POST {
        let store = Some(Arc::clone(&store.prefix));
        return Err(Stray { store, reason: "method", kind: StrayKind::Method });
    }
    Ok(Routed::Call(Call { store, target }))
}

/// What load balancers ask for.
const PING: &str = "/ping";
