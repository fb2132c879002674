//! A key manager that is the Transit engine of HashiCorp Vault or OpenBao.

#![forbid(unsafe_code)]
