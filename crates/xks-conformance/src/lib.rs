//! Checks of any XKS proxy against its specification.

#![forbid(unsafe_code)]
