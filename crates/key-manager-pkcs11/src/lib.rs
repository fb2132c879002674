//! A key manager that is one or more tokens behind a PKCS#11 library.

#![forbid(unsafe_code)]
