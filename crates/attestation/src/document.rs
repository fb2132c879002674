//! What stands in a document, with the members and limits that AWS publishes for documents of enclaves and of NitroTPMs. Nothing
//! here is believed before the signature is.

use crate::AttestationError;
use crate::reader::Reader;
use std::collections::BTreeMap;
use std::time::Duration;

/// A document that is as it should be, whoever made it.
pub struct Document<'d> {
    pub module_id: &'d str,
    /// When it was made, since 1970.
    pub timestamp: Duration,
    pub pcrs: Registers,
    pub nitro_tpm_pcrs: Registers,
    /// The certificate whose key signed it.
    pub certificate: &'d [u8],
    /// The certificates from the root down to the issuer of that.
    pub cabundle: Vec<&'d [u8]>,
    pub public_key: &'d [u8],
}

/// Platform configuration registers: what was measured, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers(BTreeMap<u8, Box<[u8]>>);

impl Registers {
    /// What a register holds.
    #[must_use]
    pub fn value(&self, number: u8) -> Option<&[u8]> {
        self.0.get(&number).map(AsRef::as_ref)
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.0.iter().map(|(number, value)| (*number, value.as_ref()))
    }
}

impl<'d> Document<'d> {
    /// Reads one, and refuses what it must not have, have twice or not have.
    pub fn read(payload: &'d [u8]) -> Result<Self, AttestationError> {
        let mut reader = Reader::new(payload);
        let mut members = Members::default();
        reader.map(DOCUMENT, 0..=MOST_MEMBERS, |reader| members.read(reader))?;
        reader.end(DOCUMENT)?;
        members.complete()
    }
}

/// The members that were read so far.
#[derive(Default)]
struct Members<'d> {
    module_id: Option<&'d str>,
    digest: Option<()>,
    timestamp: Option<Duration>,
    pcrs: Option<Registers>,
    nitro_tpm_pcrs: Option<Registers>,
    certificate: Option<&'d [u8]>,
    cabundle: Option<Vec<&'d [u8]>>,
    public_key: Option<Option<&'d [u8]>>,
    user_data: Option<()>,
    nonce: Option<()>,
}

impl<'d> Members<'d> {
    fn read(&mut self, reader: &mut Reader<'d>) -> Result<(), AttestationError> {
        match reader.text(DOCUMENT)? {
            "module_id" => once("module_id", &mut self.module_id, reader.text("module_id")?),
            "digest" => once("digest", &mut self.digest, digest(reader)?),
            "timestamp" => once("timestamp", &mut self.timestamp, timestamp(reader)?),
            "pcrs" => once("pcrs", &mut self.pcrs, registers("pcrs", reader)?),
            "nitrotpm_pcrs" => {
                once("nitrotpm_pcrs", &mut self.nitro_tpm_pcrs, registers("nitrotpm_pcrs", reader)?)
            }
            "certificate" => {
                once("certificate", &mut self.certificate, reader.bytes("certificate", is_short)?)
            }
            "cabundle" => once("cabundle", &mut self.cabundle, bundle(reader)?),
            "public_key" => {
                once("public_key", &mut self.public_key, reader.optional_bytes("public_key", is_short)?)
            }
            "user_data" => once("user_data", &mut self.user_data, passed_over("user_data", reader)?),
            "nonce" => once("nonce", &mut self.nonce, passed_over("nonce", reader)?),
            _ => Err(AttestationError::UnknownMember),
        }
    }

    /// A document has registers of one kind.
    fn complete(self) -> Result<Document<'d>, AttestationError> {
        let missing = AttestationError::Missing;
        self.digest.ok_or(missing("digest"))?;
        if self.pcrs.is_some() && self.nitro_tpm_pcrs.is_some() {
            return Err(AttestationError::UnknownMember);
        }
        if self.pcrs.is_none() && self.nitro_tpm_pcrs.is_none() {
            return Err(missing("pcrs"));
        }
        Ok(Document {
            module_id: self.module_id.ok_or(missing("module_id"))?,
            timestamp: self.timestamp.ok_or(missing("timestamp"))?,
            pcrs: self.pcrs.unwrap_or_default(),
            nitro_tpm_pcrs: self.nitro_tpm_pcrs.unwrap_or_default(),
            certificate: self.certificate.ok_or(missing("certificate"))?,
            cabundle: self.cabundle.ok_or(missing("cabundle"))?,
            public_key: self.public_key.flatten().ok_or(missing("public_key"))?,
        })
    }
}

fn once<T>(member: &'static str, place: &mut Option<T>, value: T) -> Result<(), AttestationError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(AttestationError::Duplicate(member)),
    }
}

fn digest(reader: &mut Reader<'_>) -> Result<(), AttestationError> {
    if reader.text("digest")? == "SHA384" { Ok(()) } else { Err(AttestationError::Malformed("digest")) }
}

fn timestamp(reader: &mut Reader<'_>) -> Result<Duration, AttestationError> {
    match reader.unsigned("timestamp")? {
        0 => Err(AttestationError::Malformed("timestamp")),
        millis => Ok(Duration::from_millis(millis)),
    }
}

fn registers(member: &'static str, reader: &mut Reader<'_>) -> Result<Registers, AttestationError> {
    let mut registers = BTreeMap::new();
    reader.map(member, 1..=REGISTERS, |reader| {
        let number = reader.unsigned(member)?;
        let number = u8::try_from(number).ok().filter(|number| u64::from(*number) < REGISTERS);
        let number = number.ok_or(AttestationError::Malformed(member))?;
        let value = reader.bytes(member, |length| [32, 48, 64].contains(&length))?;
        match registers.insert(number, value.into()) {
            None => Ok(()),
            Some(_) => Err(AttestationError::Duplicate(member)),
        }
    })?;
    Ok(Registers(registers))
}

fn bundle<'d>(reader: &mut Reader<'d>) -> Result<Vec<&'d [u8]>, AttestationError> {
    let mut bundle = Vec::new();
    reader.list("cabundle", 1..=LONGEST_CHAIN, |reader| {
        bundle.push(reader.bytes("cabundle", is_short)?);
        Ok(())
    })?;
    Ok(bundle)
}

/// What is between the attested and others.
fn passed_over(member: &'static str, reader: &mut Reader<'_>) -> Result<(), AttestationError> {
    reader.optional_bytes(member, |length| length <= 1024).map(drop)
}

const fn is_short(length: usize) -> bool {
    1 <= length && length <= 1024
}

const DOCUMENT: &str = "payload";
const MOST_MEMBERS: u64 = 10;
const REGISTERS: u64 = 32;

/// AWS publishes no limit; its chains have four. Longer ones are not followed by `webpki` either.
const LONGEST_CHAIN: u64 = 7;
