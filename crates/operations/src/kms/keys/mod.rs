//! Keys: made, described, listed, switched on and off, deleted.

mod cancel_key_deletion;
mod create_key;
mod describe_key;
mod get_key_last_usage;
mod list_keys;
mod schedule_key_deletion;
mod switch_key;
mod update_key_description;

pub use cancel_key_deletion::CancelKeyDeletion;
pub use create_key::CreateKey;
pub use describe_key::DescribeKey;
pub use get_key_last_usage::GetKeyLastUsage;
pub use list_keys::ListKeys;
pub use schedule_key_deletion::ScheduleKeyDeletion;
pub use switch_key::{DisableKey, EnableKey};
pub use update_key_description::UpdateKeyDescription;
