//! An XKS proxy as AWS's specification 1.0.3 has it, over a key manager in memory, that can be told to misbehave: what
//! tests of external key stores talk to, in their own process ([`Proxy`]) or as the program `faulty-xks-proxy`.
//!
//! ```no_run
//! use faulty_proxy::{Api, Fault, Proxy, Scope, Setup};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), faulty_proxy::Error> {
//! let proxy = Proxy::start(Setup::new()?)?;
//! let (endpoint, trusted) = (proxy.endpoint(), proxy.ca_pem());
//! proxy.inject(Fault::Late(Duration::from_millis(260)), Scope::next(Api::Encrypt, 1));
//! // Encrypt through whatever is under test, with `Credential::EXAMPLE_ID` and the key `Setup::KEY`; it tries twice.
//! proxy.wait_for_requests(2, Duration::from_secs(5))?;
//! assert!(proxy.requests().iter().all(|request| request.signature.is_ok()));
//! # Ok(())
//! # }
//! ```
//!
//! The same from a shell, with `--control 127.0.0.1:9999`:
//!
//! ```sh
//! curl -d '{"inject": {"fault": {"late": 260}, "api": "encrypt", "often": {"next": 1}}}' http://127.0.0.1:9999/
//! curl http://127.0.0.1:9999/requests
//! ```
//!
//! It shares no code with the side that it tests: signatures are checked by its own reading of Signature Version 4. It
//! must never be used for keys that matter: they live in memory, and die with it.

mod api;
mod background;
mod black_hole;
mod control;
mod error;
mod fault;
mod key_manager;
mod observation;
mod proxy;
mod script;
mod serving;
mod setup;
mod signature;
mod state;
mod tls;

pub use black_hole::BlackHole;
pub use control::{Command, Control, Injection, KeyChange};
pub use error::Error;
pub use fault::{ConnectionFault, ErrorName, Fault};
pub use key_manager::{ExternalKey, ExternalKeys};
pub use observation::{Counters, SeenRequest};
pub use proxy::Proxy;
pub use script::{Api, Often, Scope};
pub use setup::{Credential, HealthReport, HealthStatus, Member, Setup};
pub use signature::SignatureFault;
pub use tls::{Authority, ClientAuth, Identity, KeyKind, Leaf, OldTlsServer, Protocol, Tls};

pub use rustls::version::{TLS12, TLS13};
pub use rustls::{CipherSuite, SupportedProtocolVersion};
