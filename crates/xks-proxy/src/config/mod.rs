//! The configuration of the proxy: TOML in, checked values out.
