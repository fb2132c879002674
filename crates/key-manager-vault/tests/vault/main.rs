//! The key manager over HTTPS: against the stand-in that speaks the published API, and, where a program of OpenBao is named, against that.

mod answers;
mod bench;
mod failover;
mod keys;
mod openbao;
mod secrets;
mod tokens;
