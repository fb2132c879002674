//! Who a caller is, and what its side allows: users, roles and sessions out of the records and out of session tokens.
//!
//! Decides nothing: `access` does, from what is gathered here.

mod authority;
mod aws_managed;
mod principals;
mod session;

pub use authority::{Directory, DirectoryError, Identity, account_and_name};
pub use aws_managed::{AwsManagedPolicy, aws_managed, aws_managed_policy};
pub use principals::{BindError, Existing, account_and_url};
pub use session::{Compiled, Federated, Session, SessionPrincipal, SessionToken, claim_name};
