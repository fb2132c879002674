//! module-client
