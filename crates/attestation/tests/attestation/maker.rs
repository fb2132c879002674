//! Makes documents as the Nitro hypervisor does, under a root of its own; each part can be made wrong.

use crate::cbor::{Cbor, head};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, SignatureAlgorithm, date_time_ymd,
};
use std::sync::LazyLock;
use std::time::Duration;

/// 2026-06-15T00:00:00Z.
pub const NOW: Duration = Duration::from_secs(1_781_481_600);

/// An RSA key of the attested.
pub static RSA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    der.as_ref().to_vec()
});

/// A link of a chain that is to be.
pub struct Link {
    pub params: CertificateParams,
    pub algorithm: &'static SignatureAlgorithm,
}

impl Link {
    pub fn authority(name: &str, below: BasicConstraints) -> Self {
        let mut link = Self::leaf(name);
        link.params.is_ca = IsCa::Ca(below);
        link.params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        link.params.crl_distribution_points =
            vec![CrlDistributionPoint { uris: vec!["http://crl.example/crl".to_owned()] }];
        link
    }

    pub fn leaf(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        Self { params, algorithm: &PKCS_ECDSA_P384_SHA384 }
    }
}

/// The chain that AWS's look like: a root, two authorities, and what signs documents.
pub fn links() -> Vec<Link> {
    vec![
        Link::authority("root", BasicConstraints::Unconstrained),
        Link::authority("region", BasicConstraints::Constrained(1)),
        Link::authority("instance", BasicConstraints::Constrained(0)),
        Link::leaf("enclave"),
    ]
}

/// A chain of certificates, from the root down, and the key of the last.
pub struct Chain {
    pub certificates: Vec<Vec<u8>>,
    pub root_pem: String,
    pub key: KeyPair,
}

impl Chain {
    pub fn new() -> Self {
        Self::of(links())
    }

    /// Each link is certified by the one before it.
    pub fn of(links: Vec<Link>) -> Self {
        let mut links = links.into_iter();
        let Link { params, algorithm } = links.next().unwrap();
        let mut key = KeyPair::generate_for(algorithm).unwrap();
        let root = params.self_signed(&key).unwrap();
        let (root_pem, mut certificates) = (root.pem(), vec![root.der().to_vec()]);
        let mut above = params;
        for Link { params, algorithm } in links {
            let next = KeyPair::generate_for(algorithm).unwrap();
            let certificate = params.signed_by(&next, &Issuer::from_params(&above, &key)).unwrap();
            certificates.push(certificate.der().to_vec());
            (above, key) = (params, next);
        }
        Self { certificates, root_pem, key }
    }

    pub fn roots(&self) -> attestation::Roots {
        attestation::Roots::from_pem(self.root_pem.as_bytes()).unwrap()
    }

    /// A document that is as it should be.
    pub fn document(&self) -> Document {
        let (leaf, bundle) = self.certificates.split_last().unwrap();
        let bundle = bundle.iter().map(|one| Cbor::Bytes(one.clone())).collect();
        let pcrs =
            (0..16).map(|number| (Cbor::Number(number), Cbor::Bytes(vec![number as u8 + 1; 48]))).collect();
        Document {
            members: vec![
                ("module_id", Cbor::Text("i-0123456789abcdef0-enc0123456789abcdef")),
                ("digest", Cbor::Text("SHA384")),
                ("timestamp", Cbor::Number(NOW.as_millis() as i64)),
                ("pcrs", Cbor::Map(pcrs)),
                ("certificate", Cbor::Bytes(leaf.clone())),
                ("cabundle", Cbor::List(bundle)),
                ("public_key", Cbor::Bytes(RSA.clone())),
                ("user_data", Cbor::Bytes(b"between us".to_vec())),
                ("nonce", Cbor::Null),
            ],
        }
    }

    /// A document with that member in place of the one that it has.
    pub fn document_with(&self, name: &'static str, value: Cbor) -> Vec<u8> {
        self.signed(&self.document().with(name, value))
    }

    pub fn signed(&self, document: &Document) -> Vec<u8> {
        self.message(&document.payload()).encoded()
    }

    pub fn message(&self, payload: &[u8]) -> Message {
        self.message_under(&Cbor::Map(vec![(Cbor::Number(1), Cbor::Number(-35))]), payload)
    }

    /// The same with another protected header.
    pub fn message_under(&self, header: &Cbor, payload: &[u8]) -> Message {
        let protected = header.encoded();
        let signed = Cbor::List(vec![
            Cbor::Text("Signature1"),
            Cbor::Bytes(protected.clone()),
            Cbor::Bytes(vec![]),
            Cbor::Bytes(payload.to_vec()),
        ]);
        let signature = signature(&self.key, &signed.encoded());
        Message {
            tag: Some(18),
            parts: vec![
                Cbor::Bytes(protected),
                Cbor::Map(vec![]),
                Cbor::Bytes(payload.to_vec()),
                Cbor::Bytes(signature),
            ],
        }
    }
}

fn signature(key: &KeyPair, message: &[u8]) -> Vec<u8> {
    let signing = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &key.serialize_der()).unwrap();
    signing.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
}

/// What is to be signed.
pub struct Document {
    pub members: Vec<(&'static str, Cbor)>,
}

impl Document {
    pub fn with(mut self, name: &'static str, value: Cbor) -> Self {
        let at = self.members.iter().position(|(other, _)| *other == name).unwrap();
        self.members[at] = (name, value);
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.members.retain(|(other, _)| *other != name);
        self
    }

    pub fn and(mut self, name: &'static str, value: Cbor) -> Self {
        self.members.push((name, value));
        self
    }

    pub fn map(&self) -> Cbor {
        Cbor::Map(self.members.iter().map(|(name, value)| (Cbor::Text(name), value.clone())).collect())
    }

    pub fn payload(&self) -> Vec<u8> {
        self.map().encoded()
    }
}

/// A COSE_Sign1 message.
pub struct Message {
    pub tag: Option<u64>,
    pub parts: Vec<Cbor>,
}

impl Message {
    pub fn with_part(mut self, at: usize, part: Cbor) -> Self {
        self.parts[at] = part;
        self
    }

    pub fn encoded(&self) -> Vec<u8> {
        let tag = self.tag.map(|tag| head(6, tag)).unwrap_or_default();
        [tag, Cbor::List(self.parts.clone()).encoded()].concat()
    }
}
