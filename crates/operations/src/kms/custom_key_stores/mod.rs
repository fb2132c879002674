//! Custom key stores: the keys in them as operations see them, and what their owners do with the stores.

mod faults;
mod home;

pub use faults::unavailable;
pub use home::Home;
