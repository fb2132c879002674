//! AES-GCM in two calls of the library: `C_EncryptInit` and `C_Encrypt` into a buffer that is surely large enough.
//!
//! cryptoki's own call asks for the size first, which is a third round trip to a network HSM each time. This is the one file that
//! calls the library without it, and the one with `unsafe`.

#![expect(unsafe_code, reason = "JUSTIFICATION: cryptoki has no call that encrypts into a buffer of ours")]

use crate::trouble::Trouble;
use cryptoki::error::Rv;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki_sys::{
    CK_BYTE, CK_C_Decrypt, CK_C_DecryptInit, CK_C_Encrypt, CK_C_EncryptInit, CK_GCM_PARAMS, CK_MECHANISM,
    CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CKM_AES_GCM,
};
use pkcs11_api::{IV, Iv, TAG};
use std::ffi::OsStr;
use std::ptr;

/// The four functions of a library that is loaded for good.
pub(crate) struct Gcm {
    /// INVARIANT: as long as this is there, the functions are.
    _library: cryptoki_sys::Pkcs11,
    encrypt: Pair,
    decrypt: Pair,
}

#[derive(Clone, Copy)]
struct Pair {
    begin: unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_MECHANISM, CK_OBJECT_HANDLE) -> CK_RV,
    finish:
        unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) -> CK_RV,
}

impl Gcm {
    /// Finds the functions in the library, which cryptoki has loaded already and initialises.
    pub(crate) fn find(path: &OsStr) -> Option<Self> {
        // SAFETY: the library is in the process already, so no initialiser runs that has not run.
        let library = unsafe { cryptoki_sys::Pkcs11::new(path) }.ok()?;
        let list_functions = *library.C_GetFunctionList.as_ref().ok()?;
        let mut list = ptr::null_mut();
        // SAFETY: the function is the library's own, and `list` is a place for one pointer.
        let listed = unsafe { list_functions(&raw mut list) };
        if listed != cryptoki_sys::CKR_OK || list.is_null() {
            return None;
        }
        // SAFETY: a list that was returned with CKR_OK is one of version 2.40 at least and lives as long as the library.
        let list = unsafe { &*list };
        let encrypt = Pair::of(list.C_EncryptInit, list.C_Encrypt)?;
        let decrypt = Pair::of(list.C_DecryptInit, list.C_Decrypt)?;
        Some(Self { _library: library, encrypt, decrypt })
    }

    /// Encrypts; the ciphertext with the tag behind it comes back. The vector is the one that was used: an HSM may write its own.
    pub(crate) fn encrypt(
        &self,
        session: &Session,
        key: ObjectHandle,
        iv: &mut [u8; IV],
        additional_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Trouble> {
        self.encrypt.run(session, key, iv, additional_data, plaintext)
    }

    /// Decrypts a ciphertext with the tag behind it.
    pub(crate) fn decrypt(
        &self,
        session: &Session,
        key: ObjectHandle,
        iv: Iv<'_>,
        additional_data: &[u8],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, Trouble> {
        self.decrypt.run(session, key, &mut iv.as_bytes().to_vec(), additional_data, ciphertext)
    }
}

impl Pair {
    fn of(begin: CK_C_EncryptInit, finish: CK_C_Encrypt) -> Option<Self> {
        // The types of decryption are the same two.
        let _: (CK_C_DecryptInit, CK_C_Decrypt) = (begin, finish);
        Some(Self { begin: begin?, finish: finish? })
    }

    fn run(
        self,
        session: &Session,
        key: ObjectHandle,
        iv: &mut [u8],
        additional_data: &[u8],
        input: &[u8],
    ) -> Result<Vec<u8>, Trouble> {
        let mut parameters = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: number(iv.len()),
            ulIvBits: number(iv.len().saturating_mul(8)),
            pAAD: additional_data.as_ptr().cast_mut(),
            ulAADLen: number(additional_data.len()),
            ulTagBits: number(TAG * 8),
        };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_AES_GCM as CK_MECHANISM_TYPE,
            pParameter: (&raw mut parameters).cast(),
            ulParameterLen: number(size_of::<CK_GCM_PARAMS>()),
        };
        let mut output = vec![0; input.len().saturating_add(SLACK)];
        let mut length = number(output.len());
        // SAFETY: the mechanism, its parameters and what they point to are alive until the second call has returned; the library
        // writes to nothing of them but the vector, which is ours to be written to.
        let begun = unsafe { (self.begin)(session.handle(), &raw mut mechanism, key.handle()) };
        returned(begun)?;
        // SAFETY: the library only reads the input, and writes no more to the output than `length` says is there.
        let finished = unsafe {
            let input_start = input.as_ptr().cast_mut();
            (self.finish)(
                session.handle(),
                input_start,
                number(input.len()),
                output.as_mut_ptr(),
                &raw mut length,
            )
        };
        returned(finished)?;
        output.truncate(usize::try_from(length).unwrap_or(0));
        Ok(output)
    }
}

fn returned(value: CK_RV) -> Result<(), Trouble> {
    match Rv::from(value) {
        Rv::Ok => Ok(()),
        Rv::Error(error) => Err(Trouble::Returned(error)),
    }
}

#[expect(clippy::as_conversions, reason = "both are the machine's word")]
const fn number(length: usize) -> CK_ULONG {
    length as CK_ULONG
}

/// More than any tag or padding: a buffer that is too small would leave the operation open.
const SLACK: usize = 64;
