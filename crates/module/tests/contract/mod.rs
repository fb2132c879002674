//! What every door of the module must do, whether the engine is called directly or the process over its socket.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than expected fails"
)]

pub mod algorithms;

use keys::{EncryptionAlgorithm, KeyId, KeyOrigin, KeySpec, KeyUsage};
use module_api::blob::{Header, PREAMBLE};
use module_api::{
    Binding, Bytes, Command, CredentialBinding, CredentialToken, EncryptionContext, Key, KeyToken,
    MAX_MESSAGE, MAX_SEALED_MESSAGE, MessagePurpose, NewKey, Refusal, Reply,
};
use std::borrow::Cow;

/// Something that answers commands.
pub trait Door {
    /// Answers one command.
    fn answer<T>(&mut self, command: &Command<'_>, give: impl FnOnce(&Reply<'_>) -> T) -> T;
}

/// Runs the whole suite.
pub fn holds(door: &mut impl Door) {
    a_plaintext_comes_back_and_only_with_its_context(door);
    limits_of_length_are_kept(door);
    no_changed_blob_decrypts(door);
    no_truncated_or_extended_blob_decrypts(door);
    a_blob_of_one_key_never_decrypts_under_another(door);
    no_changed_token_opens(door);
    a_token_opens_only_with_every_field_of_its_binding(door);
    re_encrypt_changes_key_and_context(door);
    data_keys_decrypt_to_themselves(door);
    random_bytes_are_as_many_as_asked_and_never_the_same(door);
    a_credential_signs_only_for_its_access_key(door);
    a_token_of_one_kind_is_none_of_the_other(door);
    imported_material_is_not_made_here(door);
    keys_in_custom_key_stores_are_symmetric(door);
    other_usages_are_unsupported(door);
    two_keys_differ_in_all_that_the_module_chose(door);
    a_message_comes_back_for_its_purpose_and_for_no_other(door);
    no_changed_cut_or_extended_message_opens(door);
    messages_tokens_and_blobs_are_nothing_to_one_another(door);
    the_length_of_a_message_is_bounded(door);
}

struct Made {
    token: KeyToken,
    binding: Binding,
    public_key: Vec<u8>,
}

impl Made {
    fn key(&self) -> Key<'_> {
        Key::new(&self.token, &self.binding)
    }
}

fn a_plaintext_comes_back_and_only_with_its_context(door: &mut impl Door) {
    let made = make(door, new_key(1));
    let blob = encrypt(door, &made, &context(&[("a", "1"), ("b", "2")]), b"text").unwrap();
    assert_eq!(decrypt(door, &made.key(), &context(&[("b", "2"), ("a", "1")]), &blob).unwrap(), b"text");
    let others: [&[(&str, &str)]; 6] = [
        &[],
        &[("a", "1")],
        &[("a", "1"), ("b", "3")],
        &[("A", "1"), ("b", "2")],
        &[("a", "1"), ("b", "2"), ("c", "")],
        &[("a", "1b"), ("", "2")],
    ];
    for other in others {
        assert_eq!(
            decrypt(door, &made.key(), &context(other), &blob),
            Err(Refusal::InvalidCiphertext),
            "{other:?}"
        );
    }
    let bare = encrypt(door, &made, &EncryptionContext::default(), b"text").unwrap();
    assert_eq!(decrypt(door, &made.key(), &context(&[]), &bare).unwrap(), b"text");
    assert_ne!(bare, encrypt(door, &made, &context(&[]), b"text").unwrap(), "no two blobs are the same");
    let header = Header::parse(&bare).unwrap();
    assert_eq!((header.key_id, header.account), (made.binding.key_id, made.binding.account));
    assert_eq!(header.material_id, made.binding.material_id);
}

fn limits_of_length_are_kept(door: &mut impl Door) {
    let made = make(door, new_key(1));
    for length in [1, 31, 32, 33, 4095, 4096] {
        let plaintext: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let blob = encrypt(door, &made, &context(&[]), &plaintext).unwrap();
        assert!(blob.len() < 6144);
        assert_eq!(decrypt(door, &made.key(), &context(&[]), &blob).unwrap(), plaintext);
    }
    assert_eq!(encrypt(door, &made, &context(&[]), &[]), Err(Refusal::Malformed));
    assert_eq!(encrypt(door, &made, &context(&[]), &[1; 4097]), Err(Refusal::TooLarge));
    for (length, refusal) in
        [(0, Refusal::Malformed), (1025, Refusal::TooLarge), (u16::MAX, Refusal::TooLarge)]
    {
        let context = EncryptionContext::default();
        let context = context.canonical();
        for command in [
            Command::GenerateRandom { number_of_bytes: length, recipient: None },
            Command::GenerateDataKey { key: made.key(), context, number_of_bytes: length, recipient: None },
            Command::GenerateDataKeyWithoutPlaintext { key: made.key(), context, number_of_bytes: length },
        ] {
            assert_eq!(refused(door, &command), Some(refusal), "{command:?}");
        }
    }
}

fn no_changed_blob_decrypts(door: &mut impl Door) {
    let made = make(door, new_key(1));
    let context = context(&[("a", "1")]);
    let blob = encrypt(door, &made, &context, b"some text").unwrap();
    for at in 0..blob.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = blob.clone();
            changed[at] ^= flip;
            assert_eq!(
                decrypt(door, &made.key(), &context, &changed),
                Err(Refusal::InvalidCiphertext),
                "byte {at}"
            );
        }
    }
}

fn no_truncated_or_extended_blob_decrypts(door: &mut impl Door) {
    let made = make(door, new_key(1));
    let blob = encrypt(door, &made, &context(&[]), b"some text").unwrap();
    for length in 0..blob.len() {
        assert_eq!(
            decrypt(door, &made.key(), &context(&[]), &blob[..length]),
            Err(Refusal::InvalidCiphertext)
        );
        assert_eq!(
            decrypt(door, &made.key(), &context(&[]), &blob[length + 1..]),
            Err(Refusal::InvalidCiphertext)
        );
    }
    let longer = [&blob[..], &[0]].concat();
    assert_eq!(decrypt(door, &made.key(), &context(&[]), &longer), Err(Refusal::InvalidCiphertext));
}

fn a_blob_of_one_key_never_decrypts_under_another(door: &mut impl Door) {
    let (one, other) = (make(door, new_key(1)), make(door, new_key(2)));
    let rotated = make(door, new_key(1));
    let blob = encrypt(door, &one, &context(&[]), b"text").unwrap();
    for wrong in [&other, &rotated] {
        assert_eq!(decrypt(door, &wrong.key(), &context(&[]), &blob), Err(Refusal::InvalidCiphertext));
        let Binding { account, key_id, material_id, .. } = wrong.binding;
        let relabelled = [&Header { account, key_id, material_id }.encode()[..], &blob[63..]].concat();
        assert_eq!(decrypt(door, &wrong.key(), &context(&[]), &relabelled), Err(Refusal::InvalidCiphertext));
    }
    let foreign = encrypt(door, &other, &context(&[]), b"text").unwrap();
    let mixed = [&blob[..PREAMBLE], &foreign[PREAMBLE..]].concat();
    assert_eq!(decrypt(door, &one.key(), &context(&[]), &mixed), Err(Refusal::InvalidCiphertext));
}

fn no_changed_token_opens(door: &mut impl Door) {
    let made = make(door, new_key(1));
    let token = made.token.as_bytes().to_vec();
    let mut wrong: Vec<Vec<u8>> = (0..token.len()).map(|length| token[..length].to_vec()).collect();
    wrong.push([&token[..], &[0]].concat());
    wrong.push(vec![0xff; 60_000]);
    for at in 0..token.len() {
        for flip in [1, 0x80] {
            let mut changed = token.clone();
            changed[at] ^= flip;
            wrong.push(changed);
        }
    }
    for wrong in wrong {
        let (length, changed) = (
            wrong.len(),
            Made {
                token: KeyToken::from_bytes(wrong),
                binding: made.binding.clone(),
                public_key: Vec::new(),
            },
        );
        let refused = encrypt(door, &changed, &context(&[]), b"text");
        assert_eq!(refused, Err(Refusal::TokenRefused), "{length} bytes");
    }
    assert!(encrypt(door, &made, &context(&[]), b"text").is_ok());
}

/// Both with the key already open in a cache and without.
fn a_token_opens_only_with_every_field_of_its_binding(door: &mut impl Door) {
    for opened_before in [false, true] {
        let made = make(door, new_key(1));
        let blob =
            if opened_before { encrypt(door, &made, &context(&[]), b"text").unwrap() } else { vec![0; 200] };
        let right = made.binding.clone();
        let wrong = [
            Binding { account: "123456789013".parse().unwrap(), ..right.clone() },
            Binding { region: "eu-central-2".parse().unwrap(), ..right.clone() },
            Binding { key_id: KeyId::single_region([2; 16]), ..right.clone() },
            Binding { key_id: KeyId::multi_region(*right.key_id.bytes()), ..right.clone() },
            Binding { origin: KeyOrigin::External, ..right.clone() },
            Binding { material_id: keys::KeyMaterialId::from_bytes([0; 32]), ..right.clone() },
        ];
        for binding in wrong {
            let made = Made { token: made.token.clone(), binding, public_key: Vec::new() };
            assert_eq!(
                encrypt(door, &made, &context(&[]), b"text"),
                Err(Refusal::TokenRefused),
                "{:?}",
                made.binding
            );
            let decrypted = decrypt(door, &made.key(), &context(&[]), &blob);
            let refusal = if opened_before { Refusal::TokenRefused } else { Refusal::InvalidCiphertext };
            assert_eq!(decrypted, Err(refusal), "{:?}", made.binding);
        }
        for binding in [
            Binding { spec: KeySpec::Hmac256, ..right.clone() },
            Binding { usage: KeyUsage::GenerateVerifyMac, ..right.clone() },
        ] {
            let made = Made { token: made.token.clone(), binding, public_key: Vec::new() };
            assert_eq!(
                encrypt(door, &made, &context(&[]), b"text"),
                Err(Refusal::Unsupported),
                "{:?}",
                made.binding
            );
        }
    }
}

fn re_encrypt_changes_key_and_context(door: &mut impl Door) {
    let (source, destination) = (make(door, new_key(1)), make(door, new_key(2)));
    let (from, to) = (context(&[("a", "1")]), context(&[("b", "2")]));
    let blob = encrypt(door, &source, &from, b"text").unwrap();
    let command = |blob, source_context| Command::ReEncrypt {
        source: source.key(),
        source_algorithm: EncryptionAlgorithm::SymmetricDefault,
        source_context,
        blob,
        destination: destination.key(),
        destination_algorithm: EncryptionAlgorithm::SymmetricDefault,
        destination_context: to.canonical(),
    };
    let again = ciphertext(door, &command(Bytes(&blob), from.canonical())).unwrap();
    assert_eq!(decrypt(door, &destination.key(), &to, &again).unwrap(), b"text");
    assert_eq!(decrypt(door, &destination.key(), &from, &again), Err(Refusal::InvalidCiphertext));
    assert_eq!(refused(door, &command(Bytes(&blob), to.canonical())), Some(Refusal::InvalidCiphertext));
    assert_eq!(refused(door, &command(Bytes(&again), from.canonical())), Some(Refusal::InvalidCiphertext));
}

fn data_keys_decrypt_to_themselves(door: &mut impl Door) {
    let made = make(door, new_key(1));
    let context = context(&[("a", "1")]);
    for number_of_bytes in [1, 16, 32, 1024] {
        let (key, canonical) = (made.key(), context.canonical());
        let command = Command::GenerateDataKey { key, context: canonical, number_of_bytes, recipient: None };
        let (plaintext, blob) = door.answer(&command, |reply| match reply {
            Reply::DataKey { plaintext, ciphertext } => (plaintext.0.to_vec(), ciphertext.0.to_vec()),
            other => panic!("{other:?}"),
        });
        assert_eq!(plaintext.len(), usize::from(number_of_bytes));
        assert_eq!(decrypt(door, &made.key(), &context, &blob).unwrap(), plaintext);
        let (key, context_bytes) = (made.key(), context.canonical());
        let sealed =
            Command::GenerateDataKeyWithoutPlaintext { key, context: context_bytes, number_of_bytes };
        let blob = ciphertext(door, &sealed).unwrap();
        assert_eq!(decrypt(door, &made.key(), &context, &blob).unwrap().len(), usize::from(number_of_bytes));
    }
}

fn random_bytes_are_as_many_as_asked_and_never_the_same(door: &mut impl Door) {
    let mut random = |number_of_bytes| {
        door.answer(&Command::GenerateRandom { number_of_bytes, recipient: None }, |reply| match reply {
            Reply::Random(random) => random.0.to_vec(),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!([1, 1024].map(|length| random(length).len()), [1, 1024]);
    let mut seen: Vec<_> = (0..100).map(|_| random(16)).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100);
}

fn a_credential_signs_only_for_its_access_key(door: &mut impl Door) {
    let binding = credential("AKIAIOSFODNN7EXAMPLE");
    let (secret, token) = create_credential(door, &binding);
    assert_eq!(secret.len(), 40);
    let key = signing_key(door, &token, &binding).unwrap();
    assert_eq!(key, signing_key(door, &token, &binding).unwrap());
    let (other_secret, other_token) = create_credential(door, &binding);
    assert_ne!(secret, other_secret);
    assert_ne!(key, signing_key(door, &other_token, &binding).unwrap());
    let foreign = CredentialBinding { account: "123456789013".parse().unwrap(), ..binding.clone() };
    for wrong in [credential("AKIAIOSFODNN7EXAMPLF"), foreign] {
        assert_eq!(signing_key(door, &token, &wrong), Err(Refusal::TokenRefused));
    }
    for at in 0..token.len() {
        let mut changed = token.clone();
        changed[at] ^= 1;
        assert_eq!(signing_key(door, &changed, &binding), Err(Refusal::TokenRefused), "byte {at}");
    }
}

fn a_token_of_one_kind_is_none_of_the_other(door: &mut impl Door) {
    let made = make(door, new_key(1));
    let binding = credential("AKIAIOSFODNN7EXAMPLE");
    let (_, token) = create_credential(door, &binding);
    let token = CredentialToken::from_bytes(token);
    let swapped = Made {
        token: KeyToken::from_bytes(token.as_bytes()),
        binding: made.binding.clone(),
        public_key: Vec::new(),
    };
    assert_eq!(encrypt(door, &swapped, &context(&[]), b"text"), Err(Refusal::TokenRefused));
    assert_eq!(signing_key(door, made.token.as_bytes(), &binding), Err(Refusal::TokenRefused));
}

fn imported_material_is_not_made_here(door: &mut impl Door) {
    let key = Cow::Owned(NewKey { origin: KeyOrigin::External, ..new_key(1) });
    assert_eq!(refused(door, &Command::GenerateKey { key }), Some(Refusal::Unsupported));
}

fn keys_in_custom_key_stores_are_symmetric(door: &mut impl Door) {
    for origin in [KeyOrigin::AwsCloudHsm, KeyOrigin::ExternalKeyStore] {
        let made = make(door, NewKey { origin, ..new_key(1) });
        let blob = encrypt(door, &made, &context(&[]), b"text").unwrap();
        assert_eq!(decrypt(door, &made.key(), &context(&[]), &blob).unwrap(), b"text");
        let (spec, usage) = (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
        let key = Cow::Owned(NewKey { origin, spec, usage, ..new_key(1) });
        assert_eq!(refused(door, &Command::GenerateKey { key }), Some(Refusal::Unsupported));
    }
}

fn other_usages_are_unsupported(door: &mut impl Door) {
    for spec in KeySpec::ALL {
        for usage in KeyUsage::ALL {
            if *spec == KeySpec::Sm2 || !spec.usages().contains(usage) {
                let key = Cow::Owned(NewKey { spec: *spec, usage: *usage, ..new_key(1) });
                assert_eq!(refused(door, &Command::GenerateKey { key }), Some(Refusal::Unsupported));
            }
        }
    }
}

fn two_keys_differ_in_all_that_the_module_chose(door: &mut impl Door) {
    let (one, other) = (make(door, new_key(1)), make(door, new_key(1)));
    assert_ne!(one.binding.material_id, other.binding.material_id);
    assert_ne!(one.token.as_bytes(), other.token.as_bytes());
}

fn a_message_comes_back_for_its_purpose_and_for_no_other(door: &mut impl Door) {
    for purpose in MessagePurpose::ALL {
        for message in [&b""[..], b"t", b"a session", &[0; 5000]] {
            let sealed = seal(door, purpose, message).unwrap();
            assert_ne!(sealed, seal(door, purpose, message).unwrap(), "no two seals are the same");
            for other in MessagePurpose::ALL {
                let opened = open(door, other, &sealed);
                if other == purpose {
                    assert_eq!(opened.unwrap(), message);
                } else {
                    assert_eq!(opened, Err(Refusal::MessageRefused), "{purpose:?} as {other:?}");
                }
            }
        }
    }
}

fn no_changed_cut_or_extended_message_opens(door: &mut impl Door) {
    let sealed = seal(door, MessagePurpose::Session, b"a session").unwrap();
    let mut wrong: Vec<Vec<u8>> = (0..sealed.len()).map(|length| sealed[..length].to_vec()).collect();
    wrong.extend((1..sealed.len()).map(|from| sealed[from..].to_vec()));
    wrong.push([&sealed[..], &[0]].concat());
    wrong.push(vec![0xff; 60_000]);
    for at in 0..sealed.len() {
        for flip in [1, 0x80] {
            let mut changed = sealed.clone();
            changed[at] ^= flip;
            wrong.push(changed);
        }
    }
    let other = seal(door, MessagePurpose::Session, b"a session").unwrap();
    wrong.push([&sealed[..50], &other[50..]].concat());
    for wrong in wrong {
        assert_eq!(open(door, MessagePurpose::Session, &wrong), Err(Refusal::MessageRefused), "{wrong:?}");
    }
    assert!(open(door, MessagePurpose::Session, &sealed).is_ok());
}

fn messages_tokens_and_blobs_are_nothing_to_one_another(door: &mut impl Door) {
    let (made, binding) = (make(door, new_key(1)), credential("AKIAIOSFODNN7EXAMPLE"));
    let (_, token) = create_credential(door, &binding);
    let blob = encrypt(door, &made, &context(&[]), b"text").unwrap();
    for purpose in MessagePurpose::ALL {
        for foreign in [made.token.as_bytes(), &token, &blob] {
            assert_eq!(open(door, purpose, foreign), Err(Refusal::MessageRefused));
        }
        // As long as a backing key and a secret access key, so that length does not tell them apart.
        let (as_key, as_secret) =
            (seal(door, purpose, &[7; 32]).unwrap(), seal(door, purpose, &[b'x'; 40]).unwrap());
        let swapped = Made {
            token: KeyToken::from_bytes(as_key.clone()),
            binding: made.binding.clone(),
            public_key: Vec::new(),
        };
        assert_eq!(encrypt(door, &swapped, &context(&[]), b"text"), Err(Refusal::TokenRefused));
        assert_eq!(signing_key(door, &as_secret, &binding), Err(Refusal::TokenRefused));
        assert_eq!(
            decrypt(door, &made.key(), &context(&[]), &[as_key, blob.clone()].concat()),
            Err(Refusal::InvalidCiphertext)
        );
    }
}

fn the_length_of_a_message_is_bounded(door: &mut impl Door) {
    let longest: Vec<u8> = (0..MAX_MESSAGE).map(|at| (at % 251) as u8).collect();
    for purpose in MessagePurpose::ALL {
        let sealed = seal(door, purpose, &longest).unwrap();
        assert_eq!(sealed.len(), MAX_SEALED_MESSAGE);
        assert_eq!(open(door, purpose, &sealed).unwrap(), longest);
        for more in [1, 100_000] {
            let too_long = vec![1; MAX_MESSAGE + more];
            assert_eq!(seal(door, purpose, &too_long), Err(Refusal::TooLarge));
            let too_long = [&sealed[..], &vec![0; more]].concat();
            assert_eq!(open(door, purpose, &too_long), Err(Refusal::MessageRefused));
        }
    }
}

fn new_key(number: u8) -> NewKey {
    NewKey {
        account: "123456789012".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        key_id: KeyId::single_region([number; 16]),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: KeyOrigin::AwsKms,
    }
}

fn credential(access_key_id: &str) -> CredentialBinding {
    CredentialBinding { account: "123456789012".parse().unwrap(), access_key_id: access_key_id.into() }
}

fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
    pairs.iter().copied().collect()
}

fn make(door: &mut impl Door, new: NewKey) -> Made {
    let command = Command::GenerateKey { key: Cow::Borrowed(&new) };
    door.answer(&command, |reply| match reply {
        Reply::Key { token, material_id, public_key } => Made {
            token: KeyToken::from_bytes(token.0),
            binding: new.with_material(*material_id),
            public_key: public_key.0.to_vec(),
        },
        other => panic!("{other:?}"),
    })
}

fn encrypt(
    door: &mut impl Door,
    made: &Made,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let (key, context) = (made.key(), context.canonical());
    let algorithm = EncryptionAlgorithm::SymmetricDefault;
    ciphertext(door, &Command::Encrypt { key, algorithm, context, plaintext: Bytes(plaintext) })
}

fn ciphertext(door: &mut impl Door, command: &Command<'_>) -> Result<Vec<u8>, Refusal> {
    door.answer(command, |reply| match reply {
        Reply::Ciphertext(ciphertext) => Ok(ciphertext.0.to_vec()),
        Reply::Refused(refusal) => Err(*refusal),
        other => panic!("{other:?}"),
    })
}

fn decrypt(
    door: &mut impl Door,
    key: &Key<'_>,
    context: &EncryptionContext,
    blob: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let algorithm = EncryptionAlgorithm::SymmetricDefault;
    let (key, context) = (key.clone(), context.canonical());
    let command = Command::Decrypt { key, algorithm, context, blob: Bytes(blob), recipient: None };
    door.answer(&command, |reply| match reply {
        Reply::Plaintext(plaintext) => Ok(plaintext.0.to_vec()),
        Reply::Refused(refusal) => Err(*refusal),
        other => panic!("{other:?}"),
    })
}

fn seal(door: &mut impl Door, purpose: MessagePurpose, message: &[u8]) -> Result<Vec<u8>, Refusal> {
    ciphertext(door, &Command::SealMessage { purpose, bytes: Bytes(message) })
}

fn open(door: &mut impl Door, purpose: MessagePurpose, sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
    door.answer(&Command::OpenMessage { purpose, bytes: Bytes(sealed) }, |reply| match reply {
        Reply::Plaintext(message) => Ok(message.0.to_vec()),
        Reply::Refused(refusal) => Err(*refusal),
        other => panic!("{other:?}"),
    })
}

fn create_credential(door: &mut impl Door, binding: &CredentialBinding) -> (Vec<u8>, Vec<u8>) {
    door.answer(&Command::CreateAccessKeySecret { binding: Cow::Borrowed(binding) }, |reply| match reply {
        Reply::AccessKeySecret { secret, token } => (secret.0.to_vec(), token.0.to_vec()),
        other => panic!("{other:?}"),
    })
}

fn signing_key(door: &mut impl Door, token: &[u8], binding: &CredentialBinding) -> Result<Vec<u8>, Refusal> {
    let command = Command::DeriveSigningKey {
        token: Bytes(token),
        binding: Cow::Borrowed(binding),
        date: "20261121",
        region: "eu-central-1",
        service: "kms",
    };
    door.answer(&command, |reply| match reply {
        Reply::SigningKey(key) => Ok(key.0.to_vec()),
        Reply::Refused(refusal) => Err(*refusal),
        other => panic!("{other:?}"),
    })
}

fn refused(door: &mut impl Door, command: &Command<'_>) -> Option<Refusal> {
    door.answer(command, |reply| if let Reply::Refused(refusal) = reply { Some(*refusal) } else { None })
}
