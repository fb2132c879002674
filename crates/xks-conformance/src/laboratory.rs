//! What checks work with: the proxy, and what the run was told.

use crate::run::Options;
use crate::target::Target;

/// What checks work with.
#[derive(Debug)]
pub(crate) struct Laboratory {
    pub(crate) target: Target,
    pub(crate) options: Options,
}
