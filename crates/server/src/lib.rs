//! The library behind `cardea serve`: TLS, HTTP with its limits, configuration, the wiring of the other parts, the admin
//! socket and the jobs. It knows no operation and no key; what a request means is `operations`' business.

pub mod admin;
pub mod config;
pub mod data_dir;
mod error;
pub mod http;
pub mod logging;
mod node;
pub mod root_env;
pub mod tls;

pub use error::ServerError;
pub use http_server::in_one_line;
pub use node::{Serve, serve};
