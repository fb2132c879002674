//! What keeps the process's memory from others: it holds what clients send, and what a service
//! has to say to others.

use crate::HttpServerError;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Nobody but root may read the memory of this process or trace it, and no core file is left of it.
pub fn close() -> Result<(), HttpServerError> {
    let unfenced = HttpServerError::part("the process cannot be fenced");
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .and_then(|()| setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }))
        .map_err(unfenced)
}
