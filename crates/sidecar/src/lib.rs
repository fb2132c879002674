//! A process of ours beside the front end, and the calls to it.
//!
//! [`Supervisor`] starts a [`Program`], watches its process and starts it again when it ends. Each worker turns its [`Connector`]
//! into a [`Client`], which stays good over restarts. A call answers or fails within its [`Limit`] and one tick; a process that does
//! not answer in time is killed, where the limit says so; also if nobody waits for the answer any more.
//!
//! Nothing here knows what is in a command or a reply. Either may be secret: it is wiped from every buffer that it passes.

#![forbid(unsafe_code)]

mod calls;
mod client;
mod connection;
mod process;
mod supervisor;

pub use calls::Limit;
pub use client::{CallError, Client};
pub use connection::{Connector, WhileDown};
pub use process::{Program, StartError, User};
pub use supervisor::Supervisor;
