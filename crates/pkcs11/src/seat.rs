//! A session of one thread, with what it knows of the keys that it has used.

use crate::description;
use crate::handles::Handles;
use crate::keys::{self, UsableKey};
use crate::token::{Library, is_user};
use crate::trouble::Trouble;
use cryptoki::error::RvError;
use cryptoki::object::{AttributeType, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use pkcs11_api::{IV, Iv, KeyDescription, KeyName, Refusal, TAG};
use rustix::rand::{GetRandomFlags, getrandom};
use std::time::Instant;

/// A session that is logged in.
pub(crate) struct Seat {
    pub(crate) session: Session,
    library: Library,
    slot: Slot,
    handles: Handles<UsableKey>,
    /// How many destructions of keys the handles take account of.
    destructions: u64,
}

/// What the token made of a plaintext.
pub(crate) struct Sealed {
    pub(crate) iv: [u8; IV],
    /// The ciphertext and the tag behind it.
    pub(crate) ciphertext: Vec<u8>,
}

/// What is to be opened.
pub(crate) struct Opening<'a> {
    pub(crate) iv: Iv<'a>,
    pub(crate) additional_data: &'a [u8],
    /// The ciphertext and the tag behind it.
    pub(crate) ciphertext: &'a [u8],
}

/// What a key is wanted for.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    Decrypt,
    Encrypt,
    EncryptAndDecrypt,
}

impl Seat {
    pub(crate) fn new(session: Session, library: Library, slot: Slot) -> Self {
        Self { session, library, slot, handles: Handles::new(), destructions: 0 }
    }

    /// Forgets the handles. One that stands for nothing could come to stand for another key.
    pub(crate) fn forget_handles(&mut self) {
        self.handles.clear();
    }

    /// Forgets the handles unless they are younger than the last of so many destructions.
    pub(crate) fn take_account_of(&mut self, destructions: u64) {
        if self.destructions != destructions {
            self.forget_handles();
            self.destructions = destructions;
        }
    }

    /// The key, which is there and may be used so. What is known of it does not count against it: its owner may have allowed more.
    pub(crate) fn find(&mut self, name: KeyName<'_>, wanted_for: Use) -> Result<UsableKey, Trouble> {
        let known = self.handles.known(name, Instant::now);
        if let Some(key) = known.filter(|key| is_for(*key, wanted_for)) {
            return Ok(key);
        }
        let now = Instant::now();
        let found = match name {
            KeyName::Id(id) => keys::find(&self.session, id)?,
            KeyName::Label(label) => description::find_labelled(&self.session, label)?,
        };
        let key = found.ok_or_else(|| self.missing())?;
        self.handles.note(name, key, now);
        if is_for(key, wanted_for) { Ok(key) } else { Err(Refusal::KeyUsage.into()) }
    }

    /// What the key is, asked of the token.
    pub(crate) fn describe(&self, name: KeyName<'_>) -> Result<KeyDescription, Trouble> {
        description::describe(&self.session, name)?.ok_or_else(|| self.missing())
    }

    /// To whoever is not logged in, a token shows no keys, and some libraries show none of a token that is gone: neither must pass
    /// for a key that is gone.
    fn missing(&self) -> Trouble {
        if self.library.pkcs11.get_token_info(self.slot).is_err() {
            Trouble::Lost(Refusal::TokenAbsent)
        } else if is_user(&self.session) {
            Trouble::Refused(Refusal::KeyMissing)
        } else {
            Trouble::Lost(Refusal::NotLoggedIn)
        }
    }

    /// Encrypts under a vector that is fresh for each try.
    pub(crate) fn seal(
        &mut self,
        name: KeyName<'_>,
        additional_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Sealed, Trouble> {
        let key = self.find(name, Use::Encrypt)?;
        self.seal_with(key.handle, additional_data, plaintext)
    }

    fn seal_with(
        &self,
        key: ObjectHandle,
        additional_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Sealed, Trouble> {
        let mut iv = random()?;
        let ciphertext = self.library.gcm.encrypt(&self.session, key, &mut iv, additional_data, plaintext)?;
        if ciphertext.len() != plaintext.len().saturating_add(TAG) {
            return Err(Trouble::Returned(RvError::GeneralError));
        }
        Ok(Sealed { iv, ciphertext })
    }

    /// Decrypts. Libraries say different things of a wrong tag, some of them what they say of a fault: then the token has to seal
    /// and open something else with the key, and the customer is blamed only if it can, and still cannot open this.
    pub(crate) fn open(&mut self, name: KeyName<'_>, opening: &Opening<'_>) -> Result<Vec<u8>, Trouble> {
        let key = self.find(name, Use::Decrypt)?;
        match self.open_with(key.handle, opening) {
            Err(Trouble::Returned(error)) if says_wrong_tag(error) => Err(Refusal::InvalidCiphertext.into()),
            Err(Trouble::Returned(error)) if may_say_wrong_tag(error) => {
                self.prove_well(key)?;
                match self.open_with(key.handle, opening) {
                    Err(Trouble::Returned(again)) if again == error => Err(Refusal::InvalidCiphertext.into()),
                    opened => opened,
                }
            }
            opened => opened,
        }
    }

    fn open_with(&self, key: ObjectHandle, opening: &Opening<'_>) -> Result<Vec<u8>, Trouble> {
        self.library.gcm.decrypt(&self.session, key, opening.iv, opening.additional_data, opening.ciphertext)
    }

    /// The token seals and opens with the key; with one that only opens, it shows that it is there, and seals and opens with another.
    fn prove_well(&self, key: UsableKey) -> Result<(), Trouble> {
        if key.encrypt {
            return self.prove_well_with(key.handle);
        }
        self.session.get_attributes(key.handle, &[AttributeType::KeyType])?;
        let other = keys::generate_for_a_trial(&self.session)?;
        let proved = self.prove_well_with(other);
        let destroyed = self.session.destroy_object(other);
        proved?;
        Ok(destroyed?)
    }

    fn prove_well_with(&self, key: ObjectHandle) -> Result<(), Trouble> {
        let Sealed { iv, ciphertext } = self.seal_with(key, PROOF, PROOF)?;
        let opening = Opening { iv: Iv::from(&iv), additional_data: PROOF, ciphertext: &ciphertext };
        if self.open_with(key, &opening)? == PROOF {
            Ok(())
        } else {
            Err(Trouble::Returned(RvError::DeviceError))
        }
    }
}

const fn is_for(key: UsableKey, wanted_for: Use) -> bool {
    match wanted_for {
        Use::Decrypt => key.decrypt,
        Use::Encrypt => key.encrypt,
        Use::EncryptAndDecrypt => key.encrypt && key.decrypt,
    }
}

const fn says_wrong_tag(error: RvError) -> bool {
    matches!(error, RvError::EncryptedDataInvalid)
}

const fn may_say_wrong_tag(error: RvError) -> bool {
    matches!(
        error,
        RvError::ArgumentsBad
            | RvError::DataInvalid
            | RvError::DataLenRange
            | RvError::DeviceError
            | RvError::EncryptedDataLenRange
            | RvError::FunctionFailed
            | RvError::GeneralError
            | RvError::SignatureInvalid
            | RvError::UnknownErrorCode(_)
            | RvError::VendorDefined(_)
    )
}

/// Bytes of the kernel's generator, which no fork or snapshot of a virtual machine repeats.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(count) if count == N => Ok(bytes),
        _ => Err(Trouble::Returned(RvError::HostMemory)),
    }
}

const PROOF: &[u8] = b"cardea";
