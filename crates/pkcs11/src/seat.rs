//! A session of one thread, with the handles of the keys that it has used.

use crate::keys;
use crate::token::{Library, is_user};
use crate::trouble::Trouble;
use cryptoki::error::RvError;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use pkcs11_api::{IV, ObjectId, Refusal, TAG};
use rustix::rand::{GetRandomFlags, getrandom};
use std::collections::HashMap;

/// A session that is logged in.
pub(crate) struct Seat {
    pub(crate) session: Session,
    library: Library,
    slot: Slot,
    handles: HashMap<Vec<u8>, ObjectHandle>,
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
    pub(crate) iv: [u8; IV],
    pub(crate) additional_data: &'a [u8],
    /// The ciphertext and the tag behind it.
    pub(crate) ciphertext: &'a [u8],
}

impl Seat {
    pub(crate) fn new(session: Session, library: Library, slot: Slot) -> Self {
        Self { session, library, slot, handles: HashMap::new(), destructions: 0 }
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

    /// The handle of the key, which is there and fit for use.
    pub(crate) fn find(&mut self, id: ObjectId<'_>) -> Result<ObjectHandle, Trouble> {
        if let Some(handle) = self.handles.get(id.as_bytes()) {
            return Ok(*handle);
        }
        let handle = match keys::find(&self.session, id)? {
            Some(handle) => handle,
            None => return Err(self.missing()),
        };
        if self.handles.len() >= MOST_HANDLES {
            self.handles.clear();
        }
        self.handles.insert(id.as_bytes().to_vec(), handle);
        Ok(handle)
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
        id: ObjectId<'_>,
        additional_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Sealed, Trouble> {
        let key = self.find(id)?;
        self.seal_with(key, additional_data, plaintext)
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
    pub(crate) fn open(&mut self, id: ObjectId<'_>, opening: &Opening<'_>) -> Result<Vec<u8>, Trouble> {
        let key = self.find(id)?;
        match self.open_with(key, opening) {
            Err(Trouble::Returned(error)) if says_wrong_tag(error) => Err(Refusal::InvalidCiphertext.into()),
            Err(Trouble::Returned(error)) if may_say_wrong_tag(error) => {
                self.prove_well(key)?;
                match self.open_with(key, opening) {
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

    /// The token seals and opens with the key.
    fn prove_well(&self, key: ObjectHandle) -> Result<(), Trouble> {
        let Sealed { iv, ciphertext } = self.seal_with(key, PROOF, PROOF)?;
        let opening = Opening { iv, additional_data: PROOF, ciphertext: &ciphertext };
        if self.open_with(key, &opening)? == PROOF {
            Ok(())
        } else {
            Err(Trouble::Returned(RvError::DeviceError))
        }
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

const MOST_HANDLES: usize = 4096;
const PROOF: &[u8] = b"cardea";
