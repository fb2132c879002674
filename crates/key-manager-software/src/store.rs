//! A key store: its file and what opens it. Each change reads the file, changes the keys, and replaces the file, while nobody else does.

use crate::crypto::{self, Secret};
use crate::disk::{self, Lock, read_private};
use crate::format::{self, Head, Protected, ProtectorKind, StoreId};
use crate::keys::{Keys, Refusal, Usage};
use crate::{Error, Protector, Settings};
use key_manager::ExternalKeyId;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A key store: its file and what opens it. Nothing is read before something is asked.
#[derive(Debug)]
pub struct KeyStore {
    file: PathBuf,
    protector: Protector,
    /// What the protector opened last, so that it is not asked for the same again.
    opened: Mutex<Option<(StoreId, Protected, Arc<Secret>)>>,
}

impl KeyStore {
    /// The one that is configured.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self::at(settings.file.clone(), Protector::new(&settings.protector))
    }

    /// The one in that file.
    #[must_use]
    pub const fn at(file: PathBuf, protector: Protector) -> Self {
        Self { file, protector, opened: Mutex::new(None) }
    }

    /// Where it is.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Makes it, without any key.
    ///
    /// # Errors
    ///
    /// Its file is there already; or the protector or the disk failed.
    pub fn create(&self) -> Result<Content, Error> {
        let _lock = Lock::take(&self.file)?;
        if self.file.symlink_metadata().is_ok() {
            return Err(Error::Exists(self.file.clone()));
        }
        let (store, file_key) = (crypto::random()?, Secret::random()?);
        let protected = self.protector.seal(&store, &file_key)?;
        let head = Head { store, generation: 1, protected };
        let content = Content { head, file_key: Arc::new(file_key), keys: Arc::default() };
        disk::create(&self.file, &content.written()?)?;
        Ok(content)
    }

    /// What is in it now.
    ///
    /// # Errors
    ///
    /// Its file is not there, can be read by others, is damaged, or does not open.
    pub fn read(&self) -> Result<Content, Error> {
        self.read_file(&self.file)
    }

    /// Adds a key of one version, enabled.
    ///
    /// # Errors
    ///
    /// There is or was a key of that id; or as for every change: [`Self::read`], or the disk failed.
    pub fn create_key(&self, id: ExternalKeyId<'_>, usage: Usage, now: u64) -> Result<Content, Error> {
        self.change(|keys, secret| keys.create(id.as_str(), usage, secret, now)).map(|(content, ())| content)
    }

    /// Lets a key be used.
    ///
    /// # Errors
    ///
    /// There is no such key; or as for every change.
    pub fn enable(&self, id: ExternalKeyId<'_>) -> Result<Content, Error> {
        self.change(|keys, _| keys.enable(id.as_str())).map(|(content, ())| content)
    }

    /// Keeps a key from being used, until it is enabled.
    ///
    /// # Errors
    ///
    /// There is no such key; or as for every change.
    pub fn disable(&self, id: ExternalKeyId<'_>) -> Result<Content, Error> {
        self.change(|keys, _| keys.disable(id.as_str())).map(|(content, ())| content)
    }

    /// Adds a version to a key, which encrypts from now on, behind the same id. Its number is returned, too.
    ///
    /// # Errors
    ///
    /// There is no such key; or as for every change.
    pub fn rotate(&self, id: ExternalKeyId<'_>, now: u64) -> Result<(Content, u32), Error> {
        self.change(|keys, secret| keys.rotate(id.as_str(), secret, now))
    }

    /// Destroys a key that is disabled: what it encrypted can never be read again. Its id stays spent.
    ///
    /// # Errors
    ///
    /// There is no such key, or it is not disabled; or as for every change.
    pub fn destroy(&self, id: ExternalKeyId<'_>) -> Result<Content, Error> {
        self.change(|keys, _| keys.destroy(id.as_str())).map(|(content, ())| content)
    }

    /// Destroys a version that is not the newest: what it encrypted can never be read again.
    ///
    /// # Errors
    ///
    /// There is no such version, or it encrypts now; or as for every change.
    pub fn destroy_version(&self, id: ExternalKeyId<'_>, number: u32) -> Result<Content, Error> {
        self.change(|keys, _| keys.destroy_version(id.as_str(), number)).map(|(content, ())| content)
    }

    /// Seals it with something else, under a new file key, so that what opened the file before opens no later one.
    ///
    /// # Errors
    ///
    /// As for every change.
    pub fn change_protector(&self, protector: &Protector) -> Result<Content, Error> {
        let _lock = Lock::take(&self.file)?;
        let before = self.read()?;
        let file_key = Secret::random()?;
        let protected = protector.seal(&before.head.store, &file_key)?;
        let head = Head { protected, ..before.next_head(before.head.generation)? };
        self.put(Content { head, file_key: Arc::new(file_key), keys: before.keys })
    }

    /// Copies it, sealed as it is, to a file that is not there yet, if it opens.
    ///
    /// # Errors
    ///
    /// The file is there; or as for [`Self::read`].
    pub fn back_up(&self, to: &Path) -> Result<Content, Error> {
        let _lock = Lock::take(&self.file)?;
        let content = self.read()?;
        disk::create(to, &content.written()?)?;
        Ok(content)
    }

    /// Puts a backup in its place, if that opens with the same protector. It gets a generation of its own, so that it is not taken for an
    /// older state of the file.
    ///
    /// # Errors
    ///
    /// The backup does not open, or may not take the place of what is there; or as for every change.
    pub fn restore(&self, backup: &Path, may: Overwrite) -> Result<Content, Error> {
        let _lock = Lock::take(&self.file)?;
        let backup = self.read_file(backup)?;
        let latest = self.latest_generation(&backup, may)?;
        let head = backup.next_head(latest)?;
        self.put(Content { head, ..backup })
    }

    /// The generation after which a restored one comes.
    fn latest_generation(&self, backup: &Content, may: Overwrite) -> Result<u64, Error> {
        let generation = backup.generation();
        if self.file.symlink_metadata().is_err() {
            return Ok(generation);
        }
        if may == Overwrite::No {
            return Err(Error::Exists(self.file.clone()));
        }
        let older = |current: String| match may {
            Overwrite::EvenNewer => Ok(()),
            _ => Err(Error::Older { backup: generation, current }),
        };
        match self.read() {
            Ok(current) if current.head.store != backup.head.store => older("another store".to_owned())?,
            Ok(current) if current.generation() > generation => older(current.generation().to_string())?,
            Ok(_) => (),
            Err(error) => older(format!("what cannot be read: {error}"))?,
        }
        // Of a damaged file it is no more than a hint; one that is too high does no harm.
        let current = read_private(&self.file, LONGEST).ok();
        let current = current.and_then(|file| format::parse(&file).ok().map(|file| file.head));
        let current = current.filter(|head| head.store == backup.head.store).map(|head| head.generation);
        Ok(current.unwrap_or_default().max(generation))
    }

    fn read_file(&self, file: &Path) -> Result<Content, Error> {
        let bytes = read_private(file, LONGEST)?;
        let damaged = |_| Error::Damaged(file.to_owned());
        let parsed = format::parse(&bytes).map_err(damaged)?;
        let file_key = self.file_key(file, &parsed.head)?;
        let keys = Arc::new(parsed.open(&file_key).map_err(damaged)?);
        Ok(Content { head: parsed.head, file_key, keys })
    }

    fn file_key(&self, file: &Path, Head { store, protected, .. }: &Head) -> Result<Arc<Secret>, Error> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        match &*opened {
            Some((of, sealed, file_key)) if of == store && sealed == protected => Ok(Arc::clone(file_key)),
            _ => {
                let file_key = Arc::new(self.protector.open(file, store, protected)?);
                *opened = Some((*store, protected.clone(), Arc::clone(&file_key)));
                Ok(file_key)
            }
        }
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Keys, Secret) -> Result<T, Refusal>,
    ) -> Result<(Content, T), Error> {
        let _lock = Lock::take(&self.file)?;
        let before = self.read()?;
        let mut keys = Keys::clone(&before.keys);
        let done = change(&mut keys, Secret::random()?)?;
        let head = before.next_head(before.generation())?;
        let content = self.put(Content { head, keys: Arc::new(keys), ..before })?;
        Ok((content, done))
    }

    fn put(&self, content: Content) -> Result<Content, Error> {
        disk::replace(&self.file, &content.written()?)?;
        Ok(content)
    }
}

/// What a backup may take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Of what is newer than itself, of another store, and of what cannot be read.
    EvenNewer,
    /// Of nothing.
    No,
    /// Of what is not newer than itself.
    Older,
}

/// What is in a key store. Clones share the keys.
#[derive(Clone, Debug)]
pub struct Content {
    head: Head,
    file_key: Arc<Secret>,
    keys: Arc<Keys>,
}

impl Content {
    /// Counts the changes of the store.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.head.generation
    }

    /// Which store it is, whatever becomes of its file.
    #[must_use]
    pub const fn store(&self) -> &StoreId {
        &self.head.store
    }

    /// What it is sealed with.
    #[must_use]
    pub const fn protector(&self) -> ProtectorKind {
        self.head.protected.kind
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The head of the state after that generation.
    fn next_head(&self, generation: u64) -> Result<Head, Error> {
        let generation = generation.checked_add(1).ok_or(crypto::Failed)?;
        Ok(Head { generation, ..self.head.clone() })
    }

    fn written(&self) -> Result<Vec<u8>, Error> {
        Ok(format::write(&self.head, &self.file_key, &crypto::random()?, &self.keys)?)
    }
}

/// Room for hundreds of thousands of versions.
const LONGEST: usize = 64 * 1024 * 1024;
