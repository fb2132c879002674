//! A server that speaks the published API of the Transit engine of Vault and OpenBao, with keys in memory, for tests.

#![forbid(unsafe_code)]
