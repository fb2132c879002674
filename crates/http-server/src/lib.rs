//! TLS and HTTP as a service speaks them: connections accepted and handed to workers, limits that hold before anybody is known, and the end
//! of it all without a request lost. It never knows what is asked for.
//!
//! A service implements [`Respond`] and opens a [`Door`] by way of a [`Plan`]. What it may want to change while it runs, its limits and
//! what its handshakes use, it keeps in a [`Current`].

#![forbid(unsafe_code)]

mod current;
mod door;
mod error;
pub mod fence;
mod front;
mod limits;
mod listener;
pub mod logging;
mod metrics;
mod places;
pub mod tls;
mod workers;

pub use current::Current;
pub use door::{Bound, Door, Plan, one_a_core};
pub use error::{HttpServerError, in_one_line};
pub use front::{Body, BodyError, NoAnswer, Peer, Respond, Response};
pub use limits::Limits;
pub use metrics::MetricsEndpoint;
