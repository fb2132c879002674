//! The library behind `cardea serve`: TLS, HTTP with its limits, configuration, the wiring of the other parts, the admin
//! socket and the jobs. It knows no operation and no key; what a request means is `operations`' business.

pub mod admin;
pub mod config;
pub mod data_dir;
mod door;
mod error;
mod fence;
pub mod http;
mod listener;
pub mod logging;
mod metrics;
mod node;
pub mod root_env;
pub mod tls;
mod workers;

pub use door::{Bound, Door, Plan};
pub use error::{ServerError, in_one_line};
pub use node::{Serve, serve};
