//! What a proxy is asked, in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::RequestMetadata;
use crate::blob::OuterBlob;

/// The body of Encrypt.
pub(crate) fn encrypt(request: &RequestMetadata<'_>, additional_data: &[u8], plaintext: &[u8]) -> Bytes {
    json(&Encrypt {
        request_metadata: metadata(request, key_arn(request)),
        additional_authenticated_data: Base64(additional_data),
        plaintext: Base64(plaintext),
        encryption_algorithm: AES_GCM,
        ciphertext_data_integrity_value_algorithm: "SHA_256",
    })
}

/// The body of Decrypt.
pub(crate) fn decrypt(request: &RequestMetadata<'_>, additional_data: &[u8], blob: &OuterBlob<'_>) -> Bytes {
    json(&Decrypt {
        request_metadata: metadata(request, key_arn(request)),
        additional_authenticated_data: Base64(additional_data),
        encryption_algorithm: AES_GCM,
        ciphertext: Base64(blob.ciphertext),
        ciphertext_metadata: (!blob.metadata.is_empty()).then_some(Base64(blob.metadata)),
        initialization_vector: Base64(blob.iv),
        authentication_tag: Base64(blob.tag),
    })
}

/// The body of GetKeyMetadata. The key is none of ours yet, so its ARN is not told.
pub(crate) fn key_metadata(request: &RequestMetadata<'_>) -> Bytes {
    json(&Bare { request_metadata: metadata(request, None) })
}

/// The body of GetHealthStatus.
pub(crate) fn health(operation: &str, request_id: &str) -> Bytes {
    json(&Bare {
        request_metadata: Metadata {
            kms_operation: operation,
            kms_request_id: request_id,
            ..Metadata::default()
        },
    })
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_principal_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_source_vpc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_source_vpce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_arn: Option<&'a str>,
    kms_operation: &'a str,
    kms_request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_via_service: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Encrypt<'a> {
    request_metadata: Metadata<'a>,
    additional_authenticated_data: Base64<'a>,
    plaintext: Base64<'a>,
    encryption_algorithm: &'static str,
    ciphertext_data_integrity_value_algorithm: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decrypt<'a> {
    request_metadata: Metadata<'a>,
    additional_authenticated_data: Base64<'a>,
    encryption_algorithm: &'static str,
    ciphertext: Base64<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_metadata: Option<Base64<'a>>,
    initialization_vector: Base64<'a>,
    authentication_tag: Base64<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bare<'a> {
    request_metadata: Metadata<'a>,
}

struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(self.0))
    }
}

fn metadata<'a>(request: &RequestMetadata<'a>, key_arn: Option<&'a str>) -> Metadata<'a> {
    Metadata {
        aws_principal_arn: Some(request.principal),
        aws_source_vpc: request.source_vpc,
        aws_source_vpce: request.source_vpce,
        kms_key_arn: key_arn,
        kms_operation: request.operation,
        kms_request_id: request.request_id,
        kms_via_service: request.via_service,
    }
}

fn key_arn<'a>(request: &RequestMetadata<'a>) -> Option<&'a str> {
    Some(request.key_arn).filter(|arn| !arn.is_empty())
}

fn json(body: &impl Serialize) -> Bytes {
    let mut text = Vec::with_capacity(USUAL_LENGTH);
    // INVARIANT: only strings under fixed names, which cannot fail to be written.
    let written = serde_json::to_writer(&mut text, body);
    debug_assert!(written.is_ok(), "a body of strings is not written");
    text.into()
}

const AES_GCM: &str = "AES_GCM";

/// Holds a call about a data key without growing.
const USUAL_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::StoreKind;
    use keys::{KeyId, KeyMaterialId};
    use module_api::blob::Header;

    const REQUEST: RequestMetadata<'_> = RequestMetadata {
        operation: "GenerateDataKey",
        request_id: "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        principal: "arn:aws:iam::123456789012:user/Alice",
        key_arn: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        via_service: None,
        source_vpc: None,
        source_vpce: None,
    };

    fn text(body: &Bytes) -> &str {
        std::str::from_utf8(body).unwrap()
    }

    #[test]
    fn an_encryption_is_asked_for_as_kms_does() {
        let body = encrypt(&REQUEST, b"project=nile,department=marketing", b"Hello World!");
        assert_eq!(
            text(&body),
            r#"{"requestMetadata":{"awsPrincipalArn":"arn:aws:iam::123456789012:user/Alice","kmsKeyArn":"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab","kmsOperation":"GenerateDataKey","kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae"},"additionalAuthenticatedData":"cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n","plaintext":"SGVsbG8gV29ybGQh","encryptionAlgorithm":"AES_GCM","ciphertextDataIntegrityValueAlgorithm":"SHA_256"}"#
        );
    }

    #[test]
    fn a_decryption_gives_back_the_metadata_that_there_was() {
        let header = Header {
            account: "111122223333".parse().unwrap(),
            key_id: KeyId::single_region([7; 16]),
            material_id: KeyMaterialId::from_bytes([9; 32]),
        };
        let (iv, ciphertext) = (b"0123456789ab", b"Hello World!");
        let kind = StoreKind::Xks;
        let blob = OuterBlob { kind, header, metadata: b"key_version=1", iv, tag: &[0; 16], ciphertext };
        let body = decrypt(&REQUEST, b"x", &blob);
        let (_, rest) = text(&body).split_once("},").unwrap();
        assert_eq!(
            rest,
            r#""additionalAuthenticatedData":"eA==","encryptionAlgorithm":"AES_GCM","ciphertext":"SGVsbG8gV29ybGQh","ciphertextMetadata":"a2V5X3ZlcnNpb249MQ==","initializationVector":"MDEyMzQ1Njc4OWFi","authenticationTag":"AAAAAAAAAAAAAAAAAAAAAA=="}"#
        );
        let without = decrypt(&REQUEST, b"x", &OuterBlob { metadata: b"", ..blob });
        assert!(!text(&without).contains("ciphertextMetadata"));
    }

    #[test]
    fn metadata_is_asked_for_without_a_key_and_health_without_a_principal() {
        let request = RequestMetadata { operation: "CreateKey", ..REQUEST };
        assert_eq!(
            text(&key_metadata(&request)),
            r#"{"requestMetadata":{"awsPrincipalArn":"arn:aws:iam::123456789012:user/Alice","kmsOperation":"CreateKey","kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae"}}"#
        );
        assert_eq!(
            text(&health("KmsHealthCheck", "7112")),
            r#"{"requestMetadata":{"kmsOperation":"KmsHealthCheck","kmsRequestId":"7112"}}"#
        );
    }

    #[test]
    fn the_way_that_a_request_came_is_told_where_there_was_one() {
        let (via_service, source_vpc, source_vpce) =
            (Some("ebs.amazonaws.com"), Some("vpc-1"), Some("vpce-2"));
        let body = encrypt(&RequestMetadata { via_service, source_vpc, source_vpce, ..REQUEST }, b"", b"x");
        for expected in
            [r#""awsSourceVpc":"vpc-1","awsSourceVpce":"vpce-2""#, r#""kmsViaService":"ebs.amazonaws.com""#]
        {
            assert!(text(&body).contains(expected), "{}", text(&body));
        }
    }
}
