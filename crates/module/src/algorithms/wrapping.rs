//! Unwrapping key material that comes from outside: RSAES-OAEP (PKCS#1 v2.2) and AES key wrap with padding (RFC 5649).
