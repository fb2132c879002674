//! Custom key stores: the keys in them as operations see them, and what their owners do with the stores.

mod backend;
mod claims;
mod connect_custom_key_store;
mod create_custom_key_store;
mod delete_custom_key_store;
mod describe_custom_key_stores;
mod destruction;
mod disconnect_custom_key_store;
mod faults;
mod home;
mod layer;
mod named;
mod new_key;
mod own;
mod refusals;
mod requester;
mod update_custom_key_store;

pub use connect_custom_key_store::ConnectCustomKeyStore;
pub use create_custom_key_store::CreateCustomKeyStore;
pub use delete_custom_key_store::DeleteCustomKeyStore;
pub use describe_custom_key_stores::DescribeCustomKeyStores;
pub use destruction::{destroy, is_gone};
pub use disconnect_custom_key_store::DisconnectCustomKeyStore;
pub use faults::{of_creation, unavailable};
pub use home::Home;
pub use layer::Layer;
pub use named::{InStore, check_connected};
pub use new_key::{event_data_of_new_key, keep, make_in_store};
pub use requester::Requester;
pub use update_custom_key_store::UpdateCustomKeyStore;
