//! Joins the audit log of a KMS with that of the proxy.
