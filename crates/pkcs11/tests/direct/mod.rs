//! A look at a token past our process. A library reads its environment when it is initialised, so the test is run again, in a
//! process of its own that has SoftHSM's configuration there.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that finds something else than expected fails"
)]

use crate::support::{LIBRARY, PIN, SoftHsm};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

/// Runs the test again, in a process in which [`library`] and [`session`] give something.
pub fn again(hsm: &SoftHsm, test: &str) {
    let program = std::env::current_exe().unwrap();
    let mut command = hsm.command(program.to_str().unwrap());
    let run = command.args(["--exact", test, "--nocapture"]).env(AGAIN, "1").output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// A session with the only token, if this is the process in which the test runs again.
pub fn session() -> Option<Session> {
    let library = library()?;
    let slot = library.get_slots_with_initialized_token().unwrap().remove(0);
    let session = library.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN.to_owned()))).unwrap();
    Some(session)
}

/// The library, if this is that process.
pub fn library() -> Option<Pkcs11> {
    std::env::var_os(AGAIN)?;
    let library = Pkcs11::new(LIBRARY).unwrap();
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    Some(library)
}

/// Makes a token that knows its security officer only.
pub fn make_token_without_user(library: &Pkcs11, label: &str) {
    let slot = library.get_slots_with_token().unwrap().remove(0);
    library.init_token(slot, &AuthPin::from("so-pin".to_owned()), label).unwrap();
}

/// So many secret keys are in the token, and neither they nor the one private key can leave it.
pub fn assert_nothing_can_leave(session: &Session, secret_keys: usize) {
    let found = session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)]).unwrap();
    assert_eq!(found.len(), secret_keys);
    for key in found {
        let wanted = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::KeyType(KeyType::AES),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
            Attribute::Sign(false),
            Attribute::Derive(false),
        ];
        let types: Vec<_> = wanted.iter().map(Attribute::attribute_type).collect();
        assert_eq!(session.get_attributes(key, &types).unwrap(), wanted);
        assert_stays(session, key, AttributeType::Value);
    }
    let private_keys = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap();
    let [transport] = private_keys.as_slice() else { panic!("{} private keys", private_keys.len()) };
    assert_stays(session, *transport, AttributeType::PrivateExponent);
}

/// Makes a key of which whoever uses the token could take a copy, or one that is as ours are.
pub fn make_key(session: &Session, id: &[u8], extractable: bool) {
    let template = [
        Attribute::Token(true),
        Attribute::ValueLen(32.into()),
        Attribute::Sensitive(!extractable),
        Attribute::Extractable(extractable),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Id(id.to_vec()),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
}

fn assert_stays(session: &Session, key: ObjectHandle, secret: AttributeType) {
    let told = session.get_attributes(key, &[AttributeType::Sensitive, AttributeType::Extractable]).unwrap();
    assert_eq!(told, [Attribute::Sensitive(true), Attribute::Extractable(false)]);
    let value = session.get_attribute_info(key, &[secret]).unwrap();
    assert!(matches!(value.as_slice(), [AttributeInfo::Sensitive]), "{value:?}");
    assert_eq!(session.get_attributes(key, &[secret]).unwrap(), []);
}

pub const AGAIN: &str = "CARDEA_TEST_RUNS_AGAIN";
