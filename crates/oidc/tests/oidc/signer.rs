//! Keys that sign tokens. The compact form and the JWK are written here and not by the library that reads them.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use aws_lc_rs::{encoding, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

/// When the tokens of these tests are verified.
pub const NOW: i64 = 1_790_000_000;

pub fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

impl Signer {
    pub fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn p256() -> Self {
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
    }

    pub fn p384() -> Self {
        Self::ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")
    }

    pub fn ed25519() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    fn ec(algorithm: &'static EcdsaSigningAlgorithm, curve: &'static str) -> Self {
        Self::Ec(EcdsaKeyPair::generate(algorithm).unwrap(), curve)
    }

    /// A token with that algorithm and key id in its head.
    pub fn token(&self, algorithm: &str, key_id: &str, claims: &Value) -> String {
        self.sign(&json!({"alg": algorithm, "kid": key_id, "typ": "JWT"}), claims)
    }

    /// Signed as the head says; with SHA-256 if it says something that this key cannot do.
    pub fn sign(&self, head: &Value, claims: &Value) -> String {
        let covered = covered(head, claims);
        let signature = self.signature(head["alg"].as_str().unwrap(), covered.as_bytes());
        format!("{covered}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa_encoding(algorithm), &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(key, _) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// The public half, as an entry of a JWKS.
    pub fn jwk(&self, key_id: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({"kty": "RSA", "kid": key_id, "use": "sig", "n": base64(&public.n), "e": base64(&public.e)})
            }
            Self::Ec(key, curve) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(key.public_key().as_ref().len() / 2);
                json!({"kty": "EC", "kid": key_id, "use": "sig", "crv": curve, "x": base64(x), "y": base64(y)})
            }
            Self::Ed(key) => {
                let x = base64(key.public_key().as_ref());
                json!({"kty": "OKP", "kid": key_id, "use": "sig", "crv": "Ed25519", "x": x})
            }
        }
    }

    /// The public key as its issuer might publish it, which is no secret.
    pub fn public_der(&self) -> Vec<u8> {
        let Self::Rsa(key) = self else { panic!("only RSA keys are confused with secrets here") };
        AsDer::<encoding::PublicKeyX509Der<'_>>::as_der(key.public_key()).unwrap().as_ref().to_vec()
    }
}

/// What a signature is over.
pub fn covered(head: &Value, claims: &Value) -> String {
    format!("{}.{}", base64(head.to_string().as_bytes()), base64(claims.to_string().as_bytes()))
}

/// A token that whoever knows the secret may have made.
pub fn hs256(secret: &[u8], key_id: &str, claims: &Value) -> String {
    let covered = covered(&json!({"alg": "HS256", "kid": key_id}), claims);
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), covered.as_bytes());
    format!("{covered}.{}", base64(signature.as_ref()))
}

pub fn jwks(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

/// What a good token says of that issuer.
pub fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "sub": "repo:octo/app:ref:refs/heads/main", "aud": "sts.amazonaws.com",
        "exp": NOW + 600, "iat": NOW - 10, "nbf": NOW - 10, "jti": "one",
    })
}

/// Those claims with some of them changed, and those left out that are null.
pub fn with(mut claims: Value, changes: Value) -> Value {
    let map = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => map.remove(name),
            _ => map.insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn rsa_encoding(algorithm: &str) -> &'static dyn RsaEncoding {
    match algorithm {
        "PS256" => &RSA_PSS_SHA256,
        "PS384" => &RSA_PSS_SHA384,
        "PS512" => &RSA_PSS_SHA512,
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    }
}

pub fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
