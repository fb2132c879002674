//! A PKCS#11 library for tests: stands in front of a real one and injects the faults that a test switches on.
//!
//! `FAULTY_PKCS11_LIBRARY` names the real library; without it, it is SoftHSM's where Debian has it. `FAULTY_PKCS11_FAULTS` names a
//! file, which may not be there, of lines of a token's label or `*`, a function's name or `*`, and a fault:
//!
//! | fault | what happens in the call |
//! |---|---|
//! | `crash` | the process aborts |
//! | `delay 3` | it takes 3 milliseconds longer |
//! | `error 164` | it returns that `CK_RV` and does nothing |
//! | `hang` | it never returns |
//! | `removed` | the token is out of its slot, and its sessions have ended |
//!
//! The first line that fits counts. To change the faults, put another file in its place with a rename. Functions that name neither a
//! session nor a slot are of no token: only `*` fits. With no fault on, a call costs one look at the file's date more.
//!
//! `FAULTY_PKCS11_CALLS` names a file that gets a line for each call, with the function's name.
//!
//! It is never shipped, and no other crate of the workspace has `unsafe` for a library's sake but `pkcs11`.

#![expect(
    unsafe_code,
    reason = "JUSTIFICATION: a PKCS#11 library is C functions over the caller's pointers, and so is the one behind it"
)]

mod calls;
mod faults;

use calls::Calls;
use cryptoki_sys::*;
use faults::{Fault, Faults};
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, RwLock};

/// The one function that a caller looks up by its name.
///
/// # Safety
///
/// `list` is null or points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    if list.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    let ours: &'static CK_FUNCTION_LIST = &LIBRARY.ours;
    // SAFETY: not null, and the caller vouches for the rest. Nobody writes through the list.
    unsafe { *list = std::ptr::from_ref(ours).cast_mut() };
    CKR_OK
}

/// The library behind, and the list that is handed out in place of its own.
struct Library {
    real: CK_FUNCTION_LIST,
    ours: CK_FUNCTION_LIST,
    faults: Faults,
    calls_made: Calls,
    /// The slot of each session: of a token that was removed, the real library cannot be asked any more.
    sessions: Mutex<HashMap<CK_SESSION_HANDLE, CK_SLOT_ID>>,
    /// Held while the real library is in a call on a session; alone, to end sessions.
    calls: RwLock<()>,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let path = std::env::var_os("FAULTY_PKCS11_LIBRARY").unwrap_or_else(|| SOFTHSM.into());
    let real = load(&path).unwrap_or_else(|| {
        eprintln!("faulty-pkcs11: `{}` is no PKCS#11 library", path.display());
        // A caller that goes on without a library would test nothing.
        std::process::abort()
    });
    Library {
        real,
        ours: list(real),
        faults: Faults::of_environment(),
        calls_made: Calls::of_environment(),
        sessions: Mutex::default(),
        calls: RwLock::new(()),
    }
});

fn load(path: &std::ffi::OsStr) -> Option<CK_FUNCTION_LIST> {
    // SAFETY: the environment of the test vouches for the library.
    let library = unsafe { Pkcs11::new(path) }.ok()?;
    let mut list = std::ptr::null_mut();
    // SAFETY: `list` may be written to.
    let value = unsafe { library.C_GetFunctionList.as_ref().ok()?(&mut list) };
    // SAFETY: a list that was handed out is there as long as the library is, which is for ever.
    let list = (value == CKR_OK && !list.is_null()).then(|| unsafe { *list });
    std::mem::forget(library);
    list
}

/// The real list with our functions in it.
fn list(real: CK_FUNCTION_LIST) -> CK_FUNCTION_LIST {
    let mut list = CK_FUNCTION_LIST {
        C_GetFunctionList: Some(C_GetFunctionList),
        C_GetSlotInfo: Some(C_GetSlotInfo),
        C_GetSlotList: Some(C_GetSlotList),
        C_Initialize: Some(C_Initialize),
        C_OpenSession: Some(C_OpenSession),
        ..real
    };
    with_session_calls(&mut list);
    with_slot_calls(&mut list);
    list
}

/// Notes the call. What a fault makes of it, if it does not go on to the real library.
fn before(function: &str, slot: impl Fn() -> Option<CK_SLOT_ID>, removed: CK_RV) -> Option<CK_RV> {
    LIBRARY.calls_made.note(function);
    match LIBRARY.faults.of_call(function, || slot().and_then(label))? {
        Fault::Crash => std::process::abort(),
        Fault::Delay(time) => {
            std::thread::sleep(time);
            None
        }
        Fault::Error(value) => Some(value),
        Fault::Hang => loop {
            std::thread::park();
        },
        // What is of no token does not care.
        Fault::Removed => slot().map(|slot| {
            end_sessions(slot);
            removed
        }),
    }
}

fn before_on_session(function: &str, session: CK_SESSION_HANDLE) -> Option<CK_RV> {
    before(function, || sessions().get(&session).copied(), CKR_DEVICE_REMOVED)
}

fn before_on_slot(function: &str, slot: CK_SLOT_ID) -> Option<CK_RV> {
    before(function, || Some(slot), CKR_TOKEN_NOT_PRESENT)
}

/// The label of the token in a slot.
fn label(slot: CK_SLOT_ID) -> Option<String> {
    let mut token = CK_TOKEN_INFO::default();
    // SAFETY: `token` may be written to.
    let value = unsafe { LIBRARY.real.C_GetTokenInfo?(slot, &mut token) };
    let label = String::from_utf8_lossy(&token.label).trim_end().to_owned();
    (value == CKR_OK).then_some(label)
}

/// As they end when a token is pulled out, the login with them.
fn end_sessions(slot: CK_SLOT_ID) {
    let Some(close) = LIBRARY.real.C_CloseAllSessions else { return };
    let _alone = LIBRARY.calls.write().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: no call of ours is on a session now. That there may be none is an error of no consequence.
    unsafe { close(slot) };
}

fn is_removed(slot: CK_SLOT_ID) -> bool {
    let fault = LIBRARY.faults.of_call("C_GetSlotList", || label(slot));
    let removed = fault == Some(Fault::Removed);
    if removed {
        end_sessions(slot);
    }
    removed
}

fn sessions() -> MutexGuard<'static, HashMap<CK_SESSION_HANDLE, CK_SLOT_ID>> {
    LIBRARY.sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(non_snake_case, reason = "the standard's names")]
unsafe extern "C" fn C_Initialize(arguments: *mut c_void) -> CK_RV {
    if let Some(value) = before("C_Initialize", || None, CKR_DEVICE_REMOVED) {
        return value;
    }
    let Some(initialize) = LIBRARY.real.C_Initialize else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: the caller's argument, as the caller gave it.
    unsafe { initialize(arguments) }
}

/// Without the slots whose tokens are removed, if only slots with tokens are asked for.
#[expect(non_snake_case, reason = "the standard's names")]
unsafe extern "C" fn C_GetSlotList(present: CK_BBOOL, slots: *mut CK_SLOT_ID, count: *mut CK_ULONG) -> CK_RV {
    if let Some(value @ CKR_HOST_MEMORY..) = before("C_GetSlotList", || None, CKR_OK) {
        return value;
    }
    let Some(get) = LIBRARY.real.C_GetSlotList else { return CKR_FUNCTION_NOT_SUPPORTED };
    let mut found = vec![0; MOST_SLOTS];
    let mut length = CK_ULONG::try_from(found.len()).unwrap_or(0);
    // SAFETY: `found` has room for `length` slots.
    let value = unsafe { get(present, found.as_mut_ptr(), &mut length) };
    if value != CKR_OK || count.is_null() {
        return if count.is_null() { CKR_ARGUMENTS_BAD } else { value };
    }
    found.truncate(usize::try_from(length).unwrap_or(0));
    found.retain(|slot| present == CK_FALSE || !is_removed(*slot));
    // SAFETY: not null; the caller vouches for the rest.
    let room = unsafe { std::mem::replace(&mut *count, CK_ULONG::try_from(found.len()).unwrap_or(0)) };
    if slots.is_null() {
        return CKR_OK;
    }
    if usize::try_from(room).unwrap_or(0) < found.len() {
        return CKR_BUFFER_TOO_SMALL;
    }
    // SAFETY: the caller has room for `room` slots, and there are not more.
    unsafe { slots.copy_from_nonoverlapping(found.as_ptr(), found.len()) };
    CKR_OK
}

/// A removed token leaves an empty slot.
#[expect(non_snake_case, reason = "the standard's names")]
unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, information: *mut CK_SLOT_INFO) -> CK_RV {
    let removed = before("C_GetSlotInfo", || Some(slot), CKR_OK);
    let Some(get) = LIBRARY.real.C_GetSlotInfo else { return CKR_FUNCTION_NOT_SUPPORTED };
    if let Some(value @ CKR_HOST_MEMORY..) = removed {
        return value;
    }
    // SAFETY: the caller's arguments, as the caller gave them.
    let value = unsafe { get(slot, information) };
    if removed.is_some() && value == CKR_OK {
        // SAFETY: the real library has just written there.
        unsafe { (*information).flags &= !CKF_TOKEN_PRESENT };
    }
    value
}

#[expect(non_snake_case, reason = "the standard's names")]
unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    application: *mut c_void,
    notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    if let Some(value) = before_on_slot("C_OpenSession", slot) {
        return value;
    }
    let Some(open) = LIBRARY.real.C_OpenSession else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: the caller's arguments, as the caller gave them.
    let value = unsafe { open(slot, flags, application, notify, session) };
    if value == CKR_OK {
        // SAFETY: the real library has just written there.
        sessions().insert(unsafe { *session }, slot);
    }
    value
}

macro_rules! session_calls {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            #[expect(non_snake_case, reason = "the standard's names")]
            unsafe extern "C" fn $name(session: CK_SESSION_HANDLE, $($argument: $type),*) -> CK_RV {
                if let Some(value) = before_on_session(stringify!($name), session) {
                    return value;
                }
                let _call = LIBRARY.calls.read().unwrap_or_else(PoisonError::into_inner);
                let Some(function) = LIBRARY.real.$name else { return CKR_FUNCTION_NOT_SUPPORTED };
                // SAFETY: the caller's arguments, as the caller gave them.
                unsafe { function(session, $($argument),*) }
            }
        )*

        fn with_session_calls(list: &mut CK_FUNCTION_LIST) {
            $(list.$name = Some($name);)*
        }
    };
}

macro_rules! slot_calls {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            #[expect(non_snake_case, reason = "the standard's names")]
            unsafe extern "C" fn $name(slot: CK_SLOT_ID, $($argument: $type),*) -> CK_RV {
                if let Some(value) = before_on_slot(stringify!($name), slot) {
                    return value;
                }
                let _alone = LIBRARY.calls.write().unwrap_or_else(PoisonError::into_inner);
                let Some(function) = LIBRARY.real.$name else { return CKR_FUNCTION_NOT_SUPPORTED };
                // SAFETY: the caller's arguments, as the caller gave them.
                unsafe { function(slot, $($argument),*) }
            }
        )*

        fn with_slot_calls(list: &mut CK_FUNCTION_LIST) {
            $(list.$name = Some($name);)*
        }
    };
}

session_calls! {
    C_InitPIN(b: *mut CK_UTF8CHAR, c: CK_ULONG);
    C_SetPIN(b: *mut CK_UTF8CHAR, c: CK_ULONG, d: *mut CK_UTF8CHAR, e: CK_ULONG);
    C_CloseSession();
    C_GetSessionInfo(b: *mut CK_SESSION_INFO);
    C_GetOperationState(b: *mut CK_BYTE, c: *mut CK_ULONG);
    C_SetOperationState(b: *mut CK_BYTE, c: CK_ULONG, d: CK_OBJECT_HANDLE, e: CK_OBJECT_HANDLE);
    C_Login(b: CK_USER_TYPE, c: *mut CK_UTF8CHAR, d: CK_ULONG);
    C_Logout();
    C_CreateObject(b: *mut CK_ATTRIBUTE, c: CK_ULONG, d: *mut CK_OBJECT_HANDLE);
    C_CopyObject(b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG, e: *mut CK_OBJECT_HANDLE);
    C_DestroyObject(b: CK_OBJECT_HANDLE);
    C_GetObjectSize(b: CK_OBJECT_HANDLE, c: *mut CK_ULONG);
    C_GetAttributeValue(b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG);
    C_SetAttributeValue(b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG);
    C_FindObjectsInit(b: *mut CK_ATTRIBUTE, c: CK_ULONG);
    C_FindObjects(b: *mut CK_OBJECT_HANDLE, c: CK_ULONG, d: *mut CK_ULONG);
    C_FindObjectsFinal();
    C_EncryptInit(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
    C_Encrypt(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_EncryptUpdate(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_EncryptFinal(b: *mut CK_BYTE, c: *mut CK_ULONG);
    C_DecryptInit(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
    C_Decrypt(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_DecryptUpdate(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_DecryptFinal(b: *mut CK_BYTE, c: *mut CK_ULONG);
    C_DigestInit(b: *mut CK_MECHANISM);
    C_Digest(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_DigestUpdate(b: *mut CK_BYTE, c: CK_ULONG);
    C_DigestKey(b: CK_OBJECT_HANDLE);
    C_DigestFinal(b: *mut CK_BYTE, c: *mut CK_ULONG);
    C_SignInit(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
    C_Sign(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_SignUpdate(b: *mut CK_BYTE, c: CK_ULONG);
    C_SignFinal(b: *mut CK_BYTE, c: *mut CK_ULONG);
    C_SignRecoverInit(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
    C_SignRecover(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_VerifyInit(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
    C_Verify(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG);
    C_VerifyUpdate(b: *mut CK_BYTE, c: CK_ULONG);
    C_VerifyFinal(b: *mut CK_BYTE, c: CK_ULONG);
    C_VerifyRecoverInit(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
    C_VerifyRecover(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_DigestEncryptUpdate(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_DecryptDigestUpdate(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_SignEncryptUpdate(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_DecryptVerifyUpdate(b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
    C_GenerateKey(b: *mut CK_MECHANISM, c: *mut CK_ATTRIBUTE, d: CK_ULONG, e: *mut CK_OBJECT_HANDLE);
    C_GenerateKeyPair(b: *mut CK_MECHANISM, c: *mut CK_ATTRIBUTE, d: CK_ULONG, e: *mut CK_ATTRIBUTE, f: CK_ULONG, g: *mut CK_OBJECT_HANDLE, h: *mut CK_OBJECT_HANDLE);
    C_WrapKey(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: CK_OBJECT_HANDLE, e: *mut CK_BYTE, f: *mut CK_ULONG);
    C_UnwrapKey(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_ATTRIBUTE, g: CK_ULONG, h: *mut CK_OBJECT_HANDLE);
    C_DeriveKey(b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_ATTRIBUTE, e: CK_ULONG, f: *mut CK_OBJECT_HANDLE);
    C_SeedRandom(b: *mut CK_BYTE, c: CK_ULONG);
    C_GenerateRandom(b: *mut CK_BYTE, c: CK_ULONG);
    C_GetFunctionStatus();
    C_CancelFunction();
}

slot_calls! {
    C_GetTokenInfo(b: *mut CK_TOKEN_INFO);
    C_GetMechanismList(b: *mut CK_MECHANISM_TYPE, c: *mut CK_ULONG);
    C_GetMechanismInfo(b: CK_MECHANISM_TYPE, c: *mut CK_MECHANISM_INFO);
    C_InitToken(b: *mut CK_UTF8CHAR, c: CK_ULONG, d: *mut CK_UTF8CHAR);
    C_CloseAllSessions();
}

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
const MOST_SLOTS: usize = 1024;
