//! What the faulty proxy promises its users: that it is right when it is not told otherwise, and wrong in just the way that
//! it is told.

mod changes;
mod client;
mod faults;
mod good_path;
mod program;
mod refusals;
mod tls;
