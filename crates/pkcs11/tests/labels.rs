//! Keys that the owner of the HSM made, by their labels, on real SoftHSM tokens.

#![expect(clippy::unwrap_used, reason = "a test that finds something else than expected fails")]

#[expect(dead_code, reason = "shared by several test programs")]
mod direct;
#[expect(dead_code, reason = "shared by several test programs")]
mod support;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::Session;
use cryptoki::types::Date;
use pkcs11_api::{KeyDate, KeyDescription, KeyLabel, KeyName, ObjectId, Refusal};
use std::fs;
use std::path::PathBuf;
use support::{Member, PIN, Sealed, SoftHsm};

#[tokio::test]
async fn a_key_is_described_as_the_token_has_it() {
    if let Some(session) = direct::session() {
        let (from, to) = (Date::new(*b"2026", *b"01", *b"02"), Date::new(*b"2031", *b"12", *b"31"));
        make_aes(&session, "aes-256", 32, &[]);
        let (from, to) = (Attribute::StartDate(from), Attribute::EndDate(to));
        make_aes(&session, "dated", 32, &[Attribute::Private(false), from.clone(), to.clone()]);
        // SoftHSM cannot read them itself.
        make_aes(&session, "unreadable dates", 32, &[from, to]);
        // Not a key, and so not another of that name.
        let data = [Attribute::Class(ObjectClass::DATA), Attribute::Token(true), label("aes-256")];
        session.create_object(&data).unwrap();
        make_aes(&session, "aes-128", 16, &[]);
        make_generic_secret(&session, "hmac");
        return make_rsa(&session, "rsa");
    }
    let (_hsm, one) = member("a_key_is_described_as_the_token_has_it").await;
    let owned = KeyDescription { extractable: true, ..KeyDescription::default() };
    let aes = KeyDescription { key_type: 0x1f, encrypt: true, decrypt: true, ..owned };
    let (start, end) = (KeyDate { year: 2026, month: 1, day: 2 }, KeyDate { year: 2031, month: 12, day: 31 });
    let long = KeyDescription { value_length: Some(32), ..aes };
    assert_eq!(one.describe(named("aes-256")).await, Ok(long));
    assert_eq!(one.describe(named("unreadable dates")).await, Ok(long));
    let dated = KeyDescription { start: Some(start), end: Some(end), ..long };
    assert_eq!(one.describe(named("dated")).await, Ok(dated));
    let short = KeyDescription { value_length: Some(16), ..aes };
    assert_eq!(one.describe(named("aes-128")).await, Ok(short));
    let hmac = KeyDescription { key_type: 0x10, value_length: Some(32), sign: true, verify: true, ..owned };
    assert_eq!(one.describe(named("hmac")).await, Ok(hmac));
    let rsa = one.describe(named("rsa")).await.unwrap();
    assert_eq!((rsa.key_type, rsa.modulus_bits, rsa.value_length), (0, Some(2048), None));
    assert!(rsa.encrypt && rsa.decrypt && rsa.sensitive && !rsa.extractable && !rsa.derive, "{rsa:?}");
    one.generate(b"an id").await.unwrap();
    let own = one.describe(ObjectId::new(b"an id").unwrap().into()).await.unwrap();
    let as_made = KeyDescription { sensitive: true, extractable: false, ..long };
    assert_eq!(own, as_made);
    assert_eq!(one.describe(named("none")).await, Err(Refusal::KeyMissing));
}

#[tokio::test]
async fn a_key_that_its_owner_could_read_is_used_by_its_label_and_not_by_its_id() {
    if let Some(session) = direct::session() {
        return make_aes(&session, "own", 32, &[Attribute::Id(b"own-id".to_vec())]);
    }
    let test = "a_key_that_its_owner_could_read_is_used_by_its_label_and_not_by_its_id";
    let (_hsm, one) = member(test).await;
    assert_eq!(one.find_named(named("own")).await, Ok(()));
    let sealed = one.seal_named(named("own"), b"data", b"a plaintext").await.unwrap();
    assert_eq!((sealed.iv.len(), sealed.ciphertext.len()), (12, 11));
    assert_eq!(one.open_named(named("own"), b"data", &sealed).await.unwrap(), b"a plaintext");
    let opened = one.open_named(named("own"), b"Data", &sealed).await;
    assert_eq!(opened, Err(Refusal::InvalidCiphertext));
    assert_eq!(one.seal(b"own-id", b"", b"text").await, Err(Refusal::KeyUnfit));
    assert_eq!(one.seal_named(named("own-id"), b"", b"text").await, Err(Refusal::KeyMissing));
}

#[tokio::test]
async fn keys_that_are_not_aes_256_are_unfit_and_several_of_one_label_ambiguous() {
    if let Some(session) = direct::session() {
        make_aes(&session, "aes-128", 16, &[]);
        make_generic_secret(&session, "hmac");
        make_rsa(&session, "rsa");
        for (times, label) in [(2, "two keys"), (3, "three keys"), (9, "nine keys")] {
            (0..times).for_each(|_| make_aes(&session, label, 32, &[]));
        }
        make_aes(&session, "a key and a pair", 32, &[]);
        return make_rsa(&session, "a key and a pair");
    }
    let test = "keys_that_are_not_aes_256_are_unfit_and_several_of_one_label_ambiguous";
    let (_hsm, one) = member(test).await;
    let sealed = Sealed { iv: vec![1; 12], ciphertext: b"text".to_vec(), tag: [2; 16] };
    for (label, refusal) in [
        ("aes-128", Refusal::KeyUnfit),
        ("hmac", Refusal::KeyUnfit),
        ("rsa", Refusal::KeyUnfit),
        ("two keys", Refusal::KeyAmbiguous),
        ("three keys", Refusal::KeyAmbiguous),
        ("nine keys", Refusal::KeyAmbiguous),
        ("a key and a pair", Refusal::KeyAmbiguous),
    ] {
        assert_eq!(one.find_named(named(label)).await, Err(refusal), "{label}");
        assert_eq!(one.seal_named(named(label), b"", b"text").await, Err(refusal), "{label}");
        assert_eq!(one.open_named(named(label), b"", &sealed).await, Err(refusal), "{label}");
    }
    for label in ["two keys", "three keys", "nine keys", "a key and a pair"] {
        assert_eq!(one.describe(named(label)).await, Err(Refusal::KeyAmbiguous), "{label}");
    }
}

#[tokio::test]
async fn a_key_does_only_what_its_owner_allows() {
    if let Some(session) = direct::session() {
        import_aes(&session, "encrypts", true, false);
        return import_aes(&session, "decrypts", false, true);
    }
    let (_hsm, one) = member("a_key_does_only_what_its_owner_allows").await;
    let before = one.status().await.unwrap();
    let sealed = one.seal_named(named("encrypts"), b"data", b"text").await.unwrap();
    assert_eq!(one.open_named(named("encrypts"), b"data", &sealed).await, Err(Refusal::KeyUsage));
    assert_eq!(one.open_named(named("decrypts"), b"data", &sealed).await.unwrap(), b"text");
    assert_eq!(one.seal_named(named("decrypts"), b"data", b"text").await, Err(Refusal::KeyUsage));
    let opened = one.open_named(named("decrypts"), b"other data", &sealed).await;
    assert_eq!(opened, Err(Refusal::InvalidCiphertext));
    for label in ["encrypts", "decrypts"] {
        assert_eq!(one.find_named(named(label)).await, Err(Refusal::KeyUsage), "{label}");
        let key = one.describe(named(label)).await.unwrap();
        assert_eq!((key.encrypt, key.decrypt), (label == "encrypts", label == "decrypts"));
    }
    assert_eq!(one.status().await.unwrap(), before);
}

#[tokio::test]
async fn a_vector_of_16_bytes_opens() {
    if let Some(session) = direct::session() {
        import_aes(&session, "own", true, true);
        let key = session.find_objects(&[label("own")]).unwrap().remove(0);
        let mut iv = [3; 16];
        let parameters = GcmParams::new(&mut iv, b"data", 128.into()).unwrap();
        let sealed = session.encrypt(&Mechanism::AesGcm(parameters), key, b"a plaintext").unwrap();
        return fs::write(beside_the_configuration(), sealed).unwrap();
    }
    let (hsm, one) = member("a_vector_of_16_bytes_opens").await;
    let sealed = fs::read(hsm.directory.path().join("sealed")).unwrap();
    let (ciphertext, tag) = sealed.split_last_chunk().unwrap();
    let mut sealed = Sealed { iv: vec![3; 16], ciphertext: ciphertext.to_vec(), tag: *tag };
    assert_eq!(one.open_named(named("own"), b"data", &sealed).await.unwrap(), b"a plaintext");
    sealed.iv[15] ^= 1;
    assert_eq!(one.open_named(named("own"), b"data", &sealed).await, Err(Refusal::InvalidCiphertext));
}

#[tokio::test]
async fn a_key_that_was_made_again_under_its_label_is_found_again() {
    if let Some(session) = direct::session() {
        for key in session.find_objects(&[label("own")]).unwrap() {
            session.destroy_object(key).unwrap();
        }
        return make_aes(&session, "own", 32, &[]);
    }
    let test = "a_key_that_was_made_again_under_its_label_is_found_again";
    let (hsm, one) = member(test).await;
    let sealed = one.seal_named(named("own"), b"", b"text").await.unwrap();
    direct::again(&hsm, test);
    let again = one.seal_named(named("own"), b"", b"text").await.unwrap();
    assert_eq!(one.open_named(named("own"), b"", &again).await.unwrap(), b"text");
    assert_eq!(one.open_named(named("own"), b"", &sealed).await, Err(Refusal::InvalidCiphertext));
}

#[tokio::test]
async fn what_an_owner_changed_about_a_key_is_described_at_once() {
    if let Some(session) = direct::session() {
        return match session.find_objects(&[label("own")]).unwrap().first() {
            None => make_aes(&session, "own", 32, &[]),
            Some(key) => session.update_attributes(*key, &[Attribute::Decrypt(false)]).unwrap(),
        };
    }
    let test = "what_an_owner_changed_about_a_key_is_described_at_once";
    let (hsm, one) = member(test).await;
    assert!(one.describe(named("own")).await.unwrap().decrypt);
    let sealed = one.seal_named(named("own"), b"", b"text").await.unwrap();
    assert_eq!(one.open_named(named("own"), b"", &sealed).await.unwrap(), b"text");
    direct::again(&hsm, test);
    assert!(!one.describe(named("own")).await.unwrap().decrypt);
    assert_eq!(one.open_named(named("own"), b"", &sealed).await, Err(Refusal::KeyUsage));
}

/// A member whose token has what the test makes past the process.
async fn member(test: &str) -> (SoftHsm, Member) {
    let hsm = SoftHsm::with_tokens(&["one"]);
    direct::again(&hsm, test);
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    (hsm, one)
}

/// As an owner may make one: nothing keeps it from leaving the token.
fn make_aes(session: &Session, name: &str, length: u64, besides: &[Attribute]) {
    let mut template = owned(name).to_vec();
    template.extend([
        Attribute::ValueLen(length.into()),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
    ]);
    template
        .retain(|attribute| besides.iter().all(|other| other.attribute_type() != attribute.attribute_type()));
    template.extend_from_slice(besides);
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
}

/// Always the same key.
fn import_aes(session: &Session, name: &str, encrypt: bool, decrypt: bool) {
    let mut template = owned(name).to_vec();
    template.extend([
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Value(vec![9; 32]),
        Attribute::Encrypt(encrypt),
        Attribute::Decrypt(decrypt),
    ]);
    session.create_object(&template).unwrap();
}

fn make_generic_secret(session: &Session, name: &str) {
    let mut template = owned(name).to_vec();
    template.extend([
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Sign(true),
        Attribute::Verify(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
    ]);
    session.generate_key(&Mechanism::GenericSecretKeyGen, &template).unwrap();
}

fn make_rsa(session: &Session, name: &str) {
    let public = [
        Attribute::Token(true),
        Attribute::ModulusBits(2048.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
        Attribute::Encrypt(true),
        label(name),
    ];
    let private = [Attribute::Token(true), Attribute::Decrypt(true), Attribute::Sensitive(true), label(name)];
    session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private).unwrap();
}

fn owned(name: &str) -> [Attribute; 5] {
    [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        label(name),
    ]
}

fn label(name: &str) -> Attribute {
    Attribute::Label(name.as_bytes().to_vec())
}

fn named(label: &str) -> KeyName<'_> {
    KeyLabel::new(label).unwrap().into()
}

/// Where the process that makes something past ours leaves it.
fn beside_the_configuration() -> PathBuf {
    PathBuf::from(std::env::var_os("SOFTHSM2_CONF").unwrap()).with_file_name("sealed")
}
