//! The front end's side of the PKCS#11 door: the members of an HSM, who is logged in, and who is asked next when one fails.
//!
//! A member is a token, and one process of `cardea-pkcs11` speaks for it, so that a library that hangs or crashes takes no other member
//! with it. A process of ours has an [`Hsm`] once; each of its workers takes a [`Seat`] and has a [`Way`] to every member. What any
//! member can do is a [`Job`]: it goes to one that is active, and to the next if that fails, within a request's time. A member that
//! failed is left alone and logged in to again in the background; a PIN that was refused is not tried twice.
//!
//! Nothing here knows which keys there are, or what a key is for.

#![forbid(unsafe_code)]

mod fault;
mod hsm;
mod keeper;
mod member;
mod members;
mod state;
mod way;
mod window;

pub use fault::{Fault, Trouble};
pub use hsm::{Hsm, Seat, Settings, Times};
pub use keeper::Upkeep;
pub use member::Member;
pub use members::Members;
pub use pkcs11_api::Pin;
pub use state::Chosen;
pub use way::{Job, Way};
