//! Custom key stores: the keys in them as operations see them, and what their owners do with the stores.

mod destruction;
mod faults;
mod home;
mod layer;
mod named;
mod new_key;
mod requester;

pub use destruction::{destroy, is_gone};
pub use faults::{of_creation, unavailable};
pub use home::Home;
pub use layer::Layer;
pub use named::{InStore, check_connected};
pub use new_key::{event_data_of_new_key, keep, make_in_store};
pub use requester::Requester;
