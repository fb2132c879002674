//! Custom key stores: the keys in them as operations see them, and what their owners do with the stores.

mod faults;
mod home;
mod layer;
mod requester;

pub use faults::unavailable;
pub use home::Home;
pub use layer::Layer;
pub use requester::Requester;
