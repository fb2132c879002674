//! An XKS proxy: AWS KMS, or Cardea, on one side, key managers on the other.

#![forbid(unsafe_code)]

pub mod commands;
