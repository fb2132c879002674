//! For whom the plaintext in an answer is, if not for the caller: an enclave or an instance that attests what it is. Nothing that an
//! attestation document says is used before the document is verified, and it is verified before anything is weighed.

use super::Scene;
use crate::Fact;
use access::ConditionKey;
use attestation::{AttestationError, Attested, Registers};
use audit::json::{Json, Object, object};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keys::Moment;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;
use wire::member::RecipientInfo;
use wire::{Blob, Fault, FaultKind, Path, Sensitive, Violations};
use zeroize::Zeroizing;

/// An attested recipient.
#[derive(Debug)]
pub struct Recipient {
    public_key: Box<[u8]>,
    image: Option<String>,
    pcrs: BTreeMap<String, String>,
    nitro_tpm_pcrs: BTreeMap<String, String>,
    /// What the record says of it.
    event_data: Json,
}

impl Recipient {
    /// Whoever the document speaks of, if it can be believed now.
    pub(in crate::pipeline) fn verified(info: &RecipientInfo, scene: &Scene<'_>) -> Result<Self, Fault> {
        let document = given(info)?;
        let roots = &scene.settings().attestation_roots;
        let attested = roots.verify(document, since_epoch(scene.now)).map_err(refusal)?;
        Ok(Self::of(&attested))
    }

    fn of(attested: &Attested) -> Self {
        Self {
            public_key: attested.public_key.clone(),
            image: attested.image_sha384().map(hex),
            pcrs: by_name(&attested.pcrs),
            nitro_tpm_pcrs: by_name(&attested.nitro_tpm_pcrs),
            event_data: object(|data| data.object("recipient", |recipient| record(attested, recipient))),
        }
    }

    /// What conditions may ask of it.
    pub(in crate::pipeline) fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        let image = self.image.as_deref();
        let image = image.map(|image| Fact::text(ConditionKey::KmsRecipientAttestationImageSha384, image));
        let registers = [
            Fact::pairs(ConditionKey::KmsRecipientAttestationPcr, &self.pcrs),
            Fact::pairs(ConditionKey::KmsRecipientAttestationNitroTpmPcr, &self.nitro_tpm_pcrs),
        ];
        image.into_iter().chain(registers)
    }

    /// `additionalEventData`: what an operation has put there already, and who the recipient is.
    pub(in crate::pipeline) fn event_data(&self, besides: Option<&Json>) -> Json {
        object(|data| {
            besides.into_iter().for_each(|besides| data.members(besides));
            data.members(&self.event_data);
        })
    }
}

impl Scene<'_> {
    /// The key that the security module encrypts to in place of telling the plaintext, if the request asks for that.
    pub fn recipient_key(&self) -> Option<&[u8]> {
        self.recipient.map(|recipient| &*recipient.public_key)
    }

    /// What the module gave for [`Self::recipient_key`], as the answer has it: the plaintext, or the envelope with it.
    pub fn delivered(&self, mut given: Zeroizing<Vec<u8>>) -> Delivered {
        let given = std::mem::take(&mut *given);
        match self.recipient {
            None => Delivered { plaintext: Some(Sensitive::new(given)), for_recipient: None },
            Some(_) => Delivered { plaintext: None, for_recipient: Some(Blob(given)) },
        }
    }
}

/// A plaintext on its way out: one of both.
#[derive(Debug)]
pub struct Delivered {
    /// To the caller.
    pub plaintext: Option<Sensitive<Vec<u8>>>,
    /// To the recipient.
    pub for_recipient: Option<Blob>,
}

/// The document. With the one mechanism there is, `KeyEncryptionAlgorithm` says nothing but must be said.
fn given(info: &RecipientInfo) -> Result<&[u8], Fault> {
    let mut violations = Violations::default();
    let path = Path::ROOT.member("Recipient");
    if info.key_encryption_algorithm.is_none() {
        violations.missing(&path.member("KeyEncryptionAlgorithm"));
    }
    if info.attestation_document.is_none() {
        violations.missing(&path.member("AttestationDocument"));
    }
    match (&info.attestation_document, violations.into_fault()) {
        (Some(document), None) => Ok(document.as_bytes()),
        (_, fault) => Err(fault.unwrap_or_else(|| Fault::bare(FaultKind::Validation))),
    }
}

fn refusal(error: AttestationError) -> Fault {
    let message = match error {
        AttestationError::NoRoots => NO_ROOTS.to_owned(),
        error => format!("The attestation document is not valid: {error}."),
    };
    Fault::new(FaultKind::Validation, message)
}

fn since_epoch(now: Moment) -> Duration {
    Duration::from_millis(now.as_millis().try_into().unwrap_or_default())
}

/// The registers as condition keys have them: decimal numbers, and hexadecimal digits in lower case.
fn by_name(registers: &Registers) -> BTreeMap<String, String> {
    registers.iter().map(|(number, value)| (number.to_string(), hex(value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

//= CloudTrail: the measurements of a recipient are in base64, unlike in condition keys
fn record(attested: &Attested, recipient: &mut Object<'_>) {
    recipient.string("attestationDocumentModuleId", &attested.module_id);
    let of_enclave = ENCLAVE_REGISTERS.map(|(name, number)| (name, attested.pcrs.value(number)));
    let of_tpm = TPM_REGISTERS.map(|(name, number)| (name, attested.nitro_tpm_pcrs.value(number)));
    for (name, value) in of_enclave.into_iter().chain(of_tpm) {
        value.into_iter().for_each(|value| recipient.string(name, &STANDARD.encode(value)));
    }
}

const NO_ROOTS: &str = "Recipient is not supported: no roots of attestation are configured.";

const ENCLAVE_REGISTERS: [(&str, u8); 6] = [
    ("attestationDocumentEnclaveImageDigest", 0),
    ("attestationDocumentEnclavePCR1", 1),
    ("attestationDocumentEnclavePCR2", 2),
    ("attestationDocumentEnclavePCR3", 3),
    ("attestationDocumentEnclavePCR4", 4),
    ("attestationDocumentEnclavePCR8", 8),
];

const TPM_REGISTERS: [(&str, u8); 3] = [
    ("attestationDocumentNitroTPMPCR4", 4),
    ("attestationDocumentNitroTPMPCR7", 7),
    ("attestationDocumentNitroTPMPCR12", 12),
];
