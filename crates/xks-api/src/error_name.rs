//! The twelve errors of the API.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! error_names {
    ($($(#[$doc:meta])+ $name:ident $text:literal $status:literal;)+) => {
        /// The name of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ErrorName {$(
            $(#[$doc])+
            #[serde(rename = $text)]
            $name,
        )+}

        impl ErrorName {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// As it stands in `errorName`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The status of HTTP that belongs to it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }
        }
    };
}

error_names! {
    /// The second layer of authorization denies it.
    AccessDenied "AccessDeniedException" 403;
    /// The signature is not that of a credential of the store, or it is too old.
    AuthenticationFailed "AuthenticationFailedException" 401;
    /// The key manager did not answer in time.
    DependencyTimeout "DependencyTimeoutException" 503;
    /// Anything else that is not the caller's fault.
    Internal "InternalException" 500;
    /// The ciphertext, or what it is bound to, is not what Encrypt made.
    InvalidCiphertext "InvalidCiphertextException" 400;
    /// The key is not for this.
    InvalidKeyUsage "InvalidKeyUsageException" 400;
    /// The key or its store is disabled.
    InvalidState "InvalidStateException" 400;
    /// No store has that path.
    InvalidUriPath "InvalidUriPathException" 404;
    /// No key of the store has that id.
    KeyNotFound "KeyNotFoundException" 404;
    /// More calls than may be made.
    Throttling "ThrottlingException" 429;
    /// More than this proxy can do, and more than every proxy must.
    UnsupportedOperation "UnsupportedOperationException" 501;
    /// A parameter that is wrong or missing.
    Validation "ValidationException" 400;
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_twelve_and_they_are_written_as_they_are_called() {
        assert_eq!(ErrorName::ALL.len(), 12);
        for name in ErrorName::ALL {
            assert_eq!(serde_json::to_string(name).unwrap(), format!("\"{name}\""));
        }
    }
}
