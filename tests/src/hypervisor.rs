//! A Nitro hypervisor: it attests enclaves and instances with a NitroTPM, under a root of its own. And such an enclave: it has a key
//! that nobody else has, and opens with OpenSSL what is for it.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A hypervisor. A service that is started with [`Self::config`] believes it.
pub struct Hypervisor {
    certificates: Vec<Vec<u8>>,
    key: EcdsaKeyPair,
    files: TempDir,
}

/// What is attested.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// Who.
    pub module_id: String,
    /// When, in milliseconds since 1970.
    pub timestamp: i64,
    /// Registers and what they hold.
    pub registers: Vec<(u8, Vec<u8>)>,
    /// Whether they are those of a NitroTPM.
    pub is_nitro_tpm: bool,
    /// The public key of the attested.
    pub public_key: Option<Vec<u8>>,
}

/// An enclave: whoever has its key.
pub struct Enclave {
    /// Its public key.
    pub public_key: Vec<u8>,
    files: TempDir,
}

impl Hypervisor {
    /// One with a root of its own.
    #[must_use]
    pub fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let (root, root_key) = (authority("root"), key_pair());
        let (instance, instance_key) = (authority("instance"), key_pair());
        let signer_key = key_pair();
        let signer = CertificateParams::default();
        let of_root = root.self_signed(&root_key).unwrap();
        let of_instance = instance.signed_by(&instance_key, &Issuer::from_params(&root, &root_key)).unwrap();
        let of_signer =
            signer.signed_by(&signer_key, &Issuer::from_params(&instance, &instance_key)).unwrap();
        std::fs::write(files.path().join(ROOTS), of_root.pem()).unwrap();
        let certificates = [of_root, of_instance, of_signer].map(|certificate| certificate.der().to_vec());
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &signer_key.serialize_der());
        Self { certificates: certificates.into(), key: key.unwrap(), files }
    }

    /// The configuration of a service that believes it.
    #[must_use]
    pub fn config(&self) -> String {
        format!("[attestation]\nroots = {:?}\n", self.roots().to_str().unwrap())
    }

    /// The file with the certificate of its root.
    #[must_use]
    pub fn roots(&self) -> PathBuf {
        self.files.path().join(ROOTS)
    }

    /// The document that attests it.
    #[must_use]
    pub fn document(&self, of: &Attestation) -> Vec<u8> {
        let (protected, payload) = (map(&[(number(1), number(-35))]), self.payload(of));
        let parts = [text("Signature1"), bytes(&protected), bytes(&[]), bytes(&payload)];
        let signature = self.key.sign(&SystemRandom::new(), &list(&parts)).unwrap();
        list(&[bytes(&protected), map(&[]), bytes(&payload), bytes(signature.as_ref())])
    }

    fn payload(&self, of: &Attestation) -> Vec<u8> {
        let (signer, bundle) = self.certificates.split_last().unwrap();
        let bundle: Vec<_> = bundle.iter().map(|certificate| bytes(certificate)).collect();
        let registers = of.registers.iter().map(|(index, value)| (number((*index).into()), bytes(value)));
        let null = || vec![0xf6];
        map(&[
            (text("module_id"), text(&of.module_id)),
            (text("digest"), text("SHA384")),
            (text("timestamp"), number(of.timestamp)),
            (
                text(if of.is_nitro_tpm { "nitrotpm_pcrs" } else { "pcrs" }),
                map(&registers.collect::<Vec<_>>()),
            ),
            (text("certificate"), bytes(signer)),
            (text("cabundle"), list(&bundle)),
            (text("public_key"), of.public_key.as_deref().map_or_else(null, bytes)),
            (text("user_data"), null()),
            (text("nonce"), null()),
        ])
    }
}

impl Default for Hypervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl Enclave {
    /// One with a key of its own.
    #[must_use]
    pub fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
        std::fs::write(files.path().join(PRIVATE_KEY), private.as_ref()).unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        Self { public_key: public.as_ref().to_vec(), files }
    }

    /// What the hypervisor says of it now: each register holds its number and one more, 48 times.
    #[must_use]
    pub fn attestation(&self) -> Attestation {
        Attestation {
            module_id: "i-0123456789abcdef0-enc0123456789abcdef".to_owned(),
            timestamp: jiff::Timestamp::now().as_millisecond(),
            registers: (0..16).map(|index| (index, vec![index + 1; 48])).collect(),
            is_nitro_tpm: false,
            public_key: Some(self.public_key.clone()),
        }
    }

    /// Opens what is for it, as CMS with OpenSSL; nothing if it is not for it.
    #[must_use]
    pub fn open(&self, envelope: &[u8]) -> Option<Vec<u8>> {
        let key = self.files.path().join(PRIVATE_KEY);
        let mut command = Command::new("openssl");
        command.args(["cms", "-decrypt", "-binary", "-inform", "DER", "-keyform", "DER", "-inkey"]).arg(key);
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        process.stdin.take().unwrap().write_all(envelope).unwrap();
        let output = process.wait_with_output().unwrap();
        output.status.success().then_some(output.stdout)
    }
}

impl Default for Enclave {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Hypervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hypervisor").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Enclave {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enclave").finish_non_exhaustive()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn key_pair() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

/// A head of CBOR in the shortest form, which is what is signed.
fn head(major: u8, argument: usize) -> Vec<u8> {
    let bytes = u64::try_from(argument).unwrap().to_be_bytes();
    let (low, following) = match argument {
        0..24 => (bytes[7], &[][..]),
        24..0x100 => (24, &bytes[7..]),
        0x100..0x1_0000 => (25, &bytes[6..]),
        0x1_0000..0x1_0000_0000 => (26, &bytes[4..]),
        _ => (27, &bytes[..]),
    };
    [&[(major << 5) | low], following].concat()
}

fn number(value: i64) -> Vec<u8> {
    let (major, argument) = if value < 0 { (1, -1 - value) } else { (0, value) };
    head(major, argument.try_into().unwrap())
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len()), value.to_vec()].concat()
}

fn text(value: &str) -> Vec<u8> {
    [head(3, value.len()), value.as_bytes().to_vec()].concat()
}

fn list(entries: &[Vec<u8>]) -> Vec<u8> {
    [head(4, entries.len()), entries.concat()].concat()
}

fn map(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let content = pairs.iter().flat_map(|(name, value)| [name.as_slice(), value].concat());
    head(5, pairs.len()).into_iter().chain(content).collect()
}

const ROOTS: &str = "roots.pem";
const PRIVATE_KEY: &str = "key.der";
