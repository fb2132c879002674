//! The errors of the API: their AWS names, HTTP status and bodies. The only place that knows how an error looks outside.

use std::borrow::Cow;
use std::fmt;

/// An error as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    message: Option<Cow<'static, str>>,
}

impl Fault {
    /// That error with that message.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: Some(message.into()) }
    }

    /// That error, with a body that has no message member at all.
    #[must_use]
    pub const fn bare(kind: FaultKind) -> Self {
        Self { kind, message: None }
    }

    /// Which error it is.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Its message, if its body has one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The body of the answer: `{"__type":"…","message":"…"}`.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let mut body = format!(r#"{{"__type":"{}""#, self.kind.name()).into_bytes();
        if let Some(message) = &self.message {
            body.extend_from_slice(self.kind.message_member().as_bytes());
            // Writing a string into memory cannot fail.
            let _ = serde_json::to_writer(&mut body, message.as_ref());
        }
        body.push(b'}');
        body
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message().unwrap_or_default())
    }
}

impl std::error::Error for Fault {}

macro_rules! faults {
    ($($(#[$about:meta])+ $group:ident { $($variant:ident $name:literal $status:literal $(/ $query_name:literal $query_status:literal)?,)+ })+) => {
        /// Which error it is: one row each. A row holds its name and status in AWS JSON and, where they differ, those in the
        /// Query protocol; the name in JSON is also the one in records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultKind {
            $($(#[doc = $name] $variant,)+)+
        }

        impl FaultKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            $(
                $(#[$about])+
                pub const $group: &'static [Self] = &[$(Self::$variant,)+];
            )+

            /// The AWS name, as `__type` carries it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$variant => $name,)+)+ }
            }

            /// The HTTP status of an answer with this error.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $($(Self::$variant => $status,)+)+ }
            }

            /// The `Code` of the error in the Query protocol.
            #[must_use]
            pub const fn query_name(self) -> &'static str {
                match self { $($(Self::$variant => first!($($query_name,)? $name),)+)+ }
            }

            /// The HTTP status of an answer with this error in the Query protocol.
            #[must_use]
            pub const fn query_status(self) -> u16 {
                match self { $($(Self::$variant => first!($($query_status,)? $status),)+)+ }
            }
        }
    };
}

macro_rules! first {
    ($first:literal $(, $rest:literal)*) => {
        $first
    };
}

impl FaultKind {
    /// KMS writes `message`; its front-end framework writes `Message` for what it finds itself.
    const fn message_member(self) -> &'static str {
        match self {
            Self::AccessDenied | Self::Serialization => r#","Message":"#,
            _ => r#","message":"#,
        }
    }
}

faults! {
    /// The service model of KMS.
    KMS {
        AlreadyExists "AlreadyExistsException" 400,
        CloudHsmClusterInUse "CloudHsmClusterInUseException" 400,
        CloudHsmClusterInvalidConfiguration "CloudHsmClusterInvalidConfigurationException" 400,
        CloudHsmClusterNotActive "CloudHsmClusterNotActiveException" 400,
        CloudHsmClusterNotFound "CloudHsmClusterNotFoundException" 400,
        CloudHsmClusterNotRelated "CloudHsmClusterNotRelatedException" 400,
        Conflict "ConflictException" 400,
        CustomKeyStoreHasCmks "CustomKeyStoreHasCMKsException" 400,
        CustomKeyStoreInvalidState "CustomKeyStoreInvalidStateException" 400,
        CustomKeyStoreNameInUse "CustomKeyStoreNameInUseException" 400,
        CustomKeyStoreNotFound "CustomKeyStoreNotFoundException" 400,
        DependencyTimeout "DependencyTimeoutException" 500 / "ServiceUnavailable" 503,
        Disabled "DisabledException" 400,
        DryRunOperation "DryRunOperationException" 400,
        ExpiredImportToken "ExpiredImportTokenException" 400,
        IncorrectKey "IncorrectKeyException" 400,
        IncorrectKeyMaterial "IncorrectKeyMaterialException" 400,
        IncorrectTrustAnchor "IncorrectTrustAnchorException" 400,
        InvalidAliasName "InvalidAliasNameException" 400,
        InvalidArn "InvalidArnException" 400,
        InvalidCiphertext "InvalidCiphertextException" 400,
        InvalidGrantId "InvalidGrantIdException" 400,
        InvalidGrantToken "InvalidGrantTokenException" 400,
        InvalidImportToken "InvalidImportTokenException" 400,
        InvalidKeyUsage "InvalidKeyUsageException" 400,
        InvalidMarker "InvalidMarkerException" 400,
        KeyUnavailable "KeyUnavailableException" 500,
        KmsInternal "KMSInternalException" 500 / "InternalFailure" 500,
        KmsInvalidMac "KMSInvalidMacException" 400,
        KmsInvalidSignature "KMSInvalidSignatureException" 400,
        KmsInvalidState "KMSInvalidStateException" 400,
        LimitExceeded "LimitExceededException" 400 / "LimitExceeded" 409,
        MalformedPolicyDocument "MalformedPolicyDocumentException" 400 / "MalformedPolicyDocument" 400,
        NotFound "NotFoundException" 400,
        Tag "TagException" 400,
        UnsupportedOperation "UnsupportedOperationException" 400,
        XksKeyAlreadyInUse "XksKeyAlreadyInUseException" 400,
        XksKeyInvalidConfiguration "XksKeyInvalidConfigurationException" 400,
        XksKeyNotFound "XksKeyNotFoundException" 400,
        XksProxyIncorrectAuthenticationCredential "XksProxyIncorrectAuthenticationCredentialException" 400,
        XksProxyInvalidConfiguration "XksProxyInvalidConfigurationException" 400,
        XksProxyInvalidResponse "XksProxyInvalidResponseException" 400,
        XksProxyUriEndpointInUse "XksProxyUriEndpointInUseException" 400,
        XksProxyUriInUse "XksProxyUriInUseException" 400,
        XksProxyUriUnreachable "XksProxyUriUnreachableException" 400,
        XksProxyVpcEndpointServiceInUse "XksProxyVpcEndpointServiceInUseException" 400,
        XksProxyVpcEndpointServiceInvalidConfiguration "XksProxyVpcEndpointServiceInvalidConfigurationException" 400,
        XksProxyVpcEndpointServiceNotFound "XksProxyVpcEndpointServiceNotFoundException" 400,
    }
    /// Common to all AWS services.
    COMMON {
        AccessDenied "AccessDeniedException" 400 / "AccessDenied" 403,
        ExpiredToken "ExpiredTokenException" 400 / "ExpiredToken" 403,
        IncompleteSignature "IncompleteSignatureException" 400 / "IncompleteSignature" 400,
        InvalidSignature "InvalidSignatureException" 400 / "SignatureDoesNotMatch" 403,
        MissingAuthenticationToken "MissingAuthenticationTokenException" 400 / "MissingAuthenticationToken" 403,
        NotAuthorized "NotAuthorizedException" 400 / "NotAuthorized" 400,
        RequestEntityTooLarge "RequestEntityTooLargeException" 413 / "RequestEntityTooLarge" 413,
        Serialization "SerializationException" 400 / "MalformedInput" 400,
        ServiceUnavailable "ServiceUnavailableException" 503 / "ServiceUnavailable" 503,
        Throttling "ThrottlingException" 400 / "Throttling" 400,
        UnknownOperation "UnknownOperationException" 400 / "InvalidAction" 400,
        UnrecognizedClient "UnrecognizedClientException" 400 / "InvalidClientTokenId" 403,
        Validation "ValidationException" 400 / "ValidationError" 400,
    }
    /// The service model of IAM, without those that it shares with KMS.
    IAM {
        ConcurrentModification "ConcurrentModificationException" 409 / "ConcurrentModification" 409,
        DeleteConflict "DeleteConflictException" 409 / "DeleteConflict" 409,
        EntityAlreadyExists "EntityAlreadyExistsException" 409 / "EntityAlreadyExists" 409,
        EntityTemporarilyUnmodifiable "EntityTemporarilyUnmodifiableException" 409 / "EntityTemporarilyUnmodifiable" 409,
        InvalidInput "InvalidInputException" 400 / "InvalidInput" 400,
        NoSuchEntity "NoSuchEntityException" 404 / "NoSuchEntity" 404,
        OpenIdIdpCommunicationError "OpenIdIdpCommunicationErrorException" 400 / "OpenIdIdpCommunicationError" 400,
        PolicyEvaluation "PolicyEvaluationException" 500 / "PolicyEvaluation" 500,
        PolicyNotAttachable "PolicyNotAttachableException" 400 / "PolicyNotAttachable" 400,
        ServiceFailure "ServiceFailureException" 500 / "ServiceFailure" 500,
        UnmodifiableEntity "UnmodifiableEntityException" 400 / "UnmodifiableEntity" 400,
    }
    /// The service model of STS, without those that it shares with the others.
    STS {
        ExpiredIdentityToken "ExpiredTokenException" 400 / "ExpiredTokenException" 400,
        IdpCommunicationError "IDPCommunicationErrorException" 400 / "IDPCommunicationError" 400,
        IdpRejectedClaim "IDPRejectedClaimException" 403 / "IDPRejectedClaim" 403,
        InvalidAuthorizationMessage "InvalidAuthorizationMessageException" 400 / "InvalidAuthorizationMessageException" 400,
        InvalidIdentityToken "InvalidIdentityTokenException" 400 / "InvalidIdentityToken" 400,
        PackedPolicyTooLarge "PackedPolicyTooLargeException" 400 / "PackedPolicyTooLarge" 400,
        RegionDisabled "RegionDisabledException" 403 / "RegionDisabledException" 403,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_without_message_has_no_message_member() {
        let body = Fault::bare(FaultKind::InvalidCiphertext).body();
        assert_eq!(body, br#"{"__type":"InvalidCiphertextException"}"#);
    }

    #[test]
    fn a_message_is_escaped() {
        let body = Fault::new(FaultKind::NotFound, "Invalid keyId '\"\n'").body();
        assert_eq!(body, br#"{"__type":"NotFoundException","message":"Invalid keyId '\"\n'"}"#);
    }

    #[test]
    fn what_the_framework_finds_has_a_capital_message() {
        let body = Fault::new(FaultKind::AccessDenied, "no").body();
        assert_eq!(body, br#"{"__type":"AccessDeniedException","Message":"no"}"#);
    }

    #[test]
    fn one_event_has_a_name_and_a_status_in_each_protocol() {
        for (kind, json, query) in [
            (FaultKind::AccessDenied, ("AccessDeniedException", 400), ("AccessDenied", 403)),
            (FaultKind::InvalidSignature, ("InvalidSignatureException", 400), ("SignatureDoesNotMatch", 403)),
            (FaultKind::LimitExceeded, ("LimitExceededException", 400), ("LimitExceeded", 409)),
            (FaultKind::NoSuchEntity, ("NoSuchEntityException", 404), ("NoSuchEntity", 404)),
            (FaultKind::NotFound, ("NotFoundException", 400), ("NotFoundException", 400)),
        ] {
            assert_eq!((kind.name(), kind.status()), json);
            assert_eq!((kind.query_name(), kind.query_status()), query);
        }
    }

    #[test]
    fn the_code_of_an_error_tells_it_from_every_other() {
        let mut names: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.query_name()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count - 1, "ServiceUnavailable alone stands for two");
    }
}
