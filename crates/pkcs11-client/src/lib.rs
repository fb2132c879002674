//! The front end's side of the PKCS#11 door: processes for the members of an HSM, logins, and who is asked next when one fails.

#![forbid(unsafe_code)]
