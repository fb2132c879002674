//! What each command does. One engine a thread, each with its place at the token.

use crate::keys;
use crate::seat::{Opening, Seat, Use};
use crate::token::{Token, TokenStatus};
use crate::transport::{self, TransportKey};
use crate::trouble::Trouble;
use cryptoki::session::Session;
use pkcs11_api::{
    Bytes, Command, IV, Iv, KeyDescription, KeyLabel, KeyName, MAX_ADDITIONAL_DATA, MAX_PLAINTEXT,
    MAX_RANDOM, MAX_RECIPIENTS, OaepDigest, ObjectId, PublicKey, Refusal, Reply, TAG, WrappedKey,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Carries commands out, one after another.
pub(crate) struct Engine {
    token: Arc<Token>,
    place: usize,
}

impl Engine {
    pub(crate) const fn new(token: Arc<Token>, place: usize) -> Self {
        Self { token, place }
    }

    /// Carries the command out and hands over the reply.
    pub(crate) fn answer<T>(&self, command: &Command<'_>, give: impl FnOnce(&Reply<'_>) -> T) -> T {
        match self.carry_out(command) {
            Ok(done) => done.tell(give),
            Err(refusal) => give(&Reply::Refused(refusal)),
        }
    }

    fn carry_out(&self, command: &Command<'_>) -> Result<Done, Refusal> {
        match *command {
            Command::DescribeKey { name } => self.work(|seat| seat.describe(name)).map(Done::Described),
            Command::DestroyKey { id } => self.destroy(id),
            Command::FindKey { name } => self.work(|seat| {
                seat.forget_handles();
                seat.find(name, Use::EncryptAndDecrypt)?;
                Ok(Done::Found)
            }),
            Command::GenerateTokenKey { id, label } => self.generate_token_key(id, label),
            Command::GenerateWrappedKey { ref recipients } => self.generate_wrapped_key(recipients),
            Command::LogIn { pin } => {
                self.token.log_in(pin)?;
                self.token.status().map(Done::Status)
            }
            Command::LogOut => {
                self.token.log_out();
                Ok(Done::LoggedOut)
            }
            Command::Open { name, iv, additional_data, ciphertext, tag } => {
                self.open(name, iv, additional_data, ciphertext, tag)
            }
            Command::Random { length } => self.random(length),
            Command::Seal { name, additional_data, plaintext } => self.seal(name, additional_data, plaintext),
            Command::Status => self.token.status().map(Done::Status),
            Command::TransportKey => self.transport_key(),
            Command::UnwrapKey { id, label, wrapped } => self.unwrap_key(id, label, &wrapped),
        }
    }

    fn destroy(&self, id: ObjectId<'_>) -> Result<Done, Refusal> {
        let _making = self.token.making();
        let destroyed = self.work(|seat| keys::destroy(&seat.session, id));
        self.token.note_destruction();
        destroyed.map(Done::Destroyed)
    }

    fn generate_token_key(&self, id: ObjectId<'_>, label: KeyLabel<'_>) -> Result<Done, Refusal> {
        self.make(id, |session| keys::generate(session, id, label))
    }

    fn unwrap_key(
        &self,
        id: ObjectId<'_>,
        label: KeyLabel<'_>,
        wrapped: &WrappedKey<'_>,
    ) -> Result<Done, Refusal> {
        self.make(id, |session| {
            let transport = TransportKey::find(session)?.ok_or(Refusal::TransportKeyMissing)?;
            let key = transport.unwrap(session, wrapped, &keys::kept(id, label))?;
            if keys::is_fit(session, key)? {
                return Ok(());
            }
            session.destroy_object(key)?;
            Err(Refusal::WrappedKeyInvalid.into())
        })
    }

    /// Makes a key, unless one with that id is there.
    fn make(
        &self,
        id: ObjectId<'_>,
        make: impl Fn(&Session) -> Result<(), Trouble>,
    ) -> Result<Done, Refusal> {
        let _making = self.token.making();
        self.work(|seat| {
            seat.forget_handles();
            match seat.find(id.into(), Use::EncryptAndDecrypt) {
                Ok(_) => Ok(Done::Key { made: false }),
                Err(Trouble::Refused(Refusal::KeyMissing)) => {
                    make(&seat.session)?;
                    Ok(Done::Key { made: true })
                }
                Err(trouble) => Err(trouble),
            }
        })
    }

    fn generate_wrapped_key(&self, recipients: &[PublicKey<'_>]) -> Result<Done, Refusal> {
        if !(1..=MAX_RECIPIENTS).contains(&recipients.len()) {
            return Err(Refusal::Malformed);
        }
        self.work(|seat| {
            let key = keys::generate_for_wrapping(&seat.session)?;
            let wrapped = recipients.iter().map(|recipient| transport::wrap(&seat.session, key, recipient));
            let wrapped = wrapped.collect::<Result<_, Trouble>>();
            let destroyed = seat.session.destroy_object(key);
            let wrapped = wrapped?;
            destroyed?;
            Ok(Done::WrappedKeys(wrapped))
        })
    }

    fn transport_key(&self) -> Result<Done, Refusal> {
        let _making = self.token.making();
        self.work(|seat| {
            let key = TransportKey::find_or_make(&seat.session)?;
            let digest = key.best_digest(&seat.session)?;
            Ok(Done::TransportKey { key, digest })
        })
    }

    fn seal(
        &self,
        name: KeyName<'_>,
        additional_data: Bytes<'_>,
        plaintext: Bytes<'_>,
    ) -> Result<Done, Refusal> {
        within(plaintext.0.len(), MAX_PLAINTEXT)?;
        within(additional_data.0.len(), MAX_ADDITIONAL_DATA)?;
        let sealed = self.work(|seat| seat.seal(name, additional_data.0, plaintext.0))?;
        Ok(Done::Sealed { iv: sealed.iv, bytes: sealed.ciphertext })
    }

    fn open(
        &self,
        name: KeyName<'_>,
        iv: Iv<'_>,
        additional_data: Bytes<'_>,
        ciphertext: Bytes<'_>,
        tag: [u8; TAG],
    ) -> Result<Done, Refusal> {
        within(ciphertext.0.len(), MAX_PLAINTEXT)?;
        within(additional_data.0.len(), MAX_ADDITIONAL_DATA)?;
        let both = [ciphertext.0, &tag].concat();
        let opening = Opening { iv, additional_data: additional_data.0, ciphertext: &both };
        let plaintext = self.work(|seat| seat.open(name, &opening))?;
        Ok(Done::Opened(Zeroizing::new(plaintext)))
    }

    fn random(&self, length: u16) -> Result<Done, Refusal> {
        let length = usize::from(length);
        if length == 0 {
            return Err(Refusal::Malformed);
        }
        within(length, MAX_RANDOM)?;
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.work(|seat| Ok(seat.session.generate_random_slice(&mut bytes)?))?;
        Ok(Done::Random(bytes))
    }

    fn work<T>(&self, work: impl FnMut(&mut Seat) -> Result<T, Trouble>) -> Result<T, Refusal> {
        self.token.work(self.place, work)
    }
}

/// What was done, as it will be told.
enum Done {
    Described(KeyDescription),
    Destroyed(u32),
    Found,
    Key { made: bool },
    LoggedOut,
    Opened(Zeroizing<Vec<u8>>),
    Random(Zeroizing<Vec<u8>>),
    Sealed { iv: [u8; IV], bytes: Vec<u8> },
    Status(TokenStatus),
    TransportKey { key: TransportKey, digest: OaepDigest },
    WrappedKeys(Vec<(OaepDigest, Vec<u8>)>),
}

impl Done {
    fn tell<T>(&self, give: impl FnOnce(&Reply<'_>) -> T) -> T {
        match self {
            Self::Described(key) => give(&Reply::KeyDescription(*key)),
            Self::Destroyed(objects) => give(&Reply::Destroyed { objects: *objects }),
            Self::Found => give(&Reply::Found),
            Self::Key { made } => give(&Reply::Key { made: *made }),
            Self::LoggedOut => give(&Reply::LoggedOut),
            Self::Opened(plaintext) => give(&Reply::Opened(Bytes(plaintext))),
            Self::Random(bytes) => give(&Reply::Random(Bytes(bytes))),
            Self::Sealed { iv, bytes } => give(&sealed(*iv, bytes)),
            Self::Status(status) => give(&status_reply(status)),
            Self::TransportKey { key, digest } => give(&transport_key_reply(key, *digest)),
            Self::WrappedKeys(keys) => {
                let keys =
                    keys.iter().map(|(digest, bytes)| WrappedKey { digest: *digest, bytes: Bytes(bytes) });
                give(&Reply::WrappedKeys(keys.collect()))
            }
        }
    }
}

fn sealed(iv: [u8; IV], bytes: &[u8]) -> Reply<'_> {
    match bytes.split_last_chunk() {
        Some((ciphertext, tag)) => Reply::Sealed { iv, ciphertext: Bytes(ciphertext), tag: *tag },
        None => Reply::Refused(Refusal::Malformed),
    }
}

fn status_reply(status: &TokenStatus) -> Reply<'_> {
    Reply::Status {
        manufacturer: &status.manufacturer,
        library: &status.library,
        library_version: status.library_version,
        serial: status.serial.as_deref(),
        logged_in: status.logged_in,
        sessions: status.sessions,
    }
}

fn transport_key_reply(key: &TransportKey, digest: OaepDigest) -> Reply<'_> {
    let public_key = PublicKey { modulus: Bytes(&key.modulus), exponent: Bytes(&key.exponent), digest };
    match ObjectId::new(&key.id) {
        Ok(id) => Reply::TransportKey { id, public_key },
        // Not one that we made.
        Err(_) => Reply::Refused(Refusal::KeyUnfit),
    }
}

const fn within(length: usize, most: usize) -> Result<(), Refusal> {
    if length <= most { Ok(()) } else { Err(Refusal::TooLarge) }
}
