//! Makes, lists, rotates, disables and destroys keys of the software key manager, and backs them up. No key is ever printed, and no
//! passphrase is taken from the command line, where others could see it.

mod passphrase;
mod report;
mod which;

use super::Outcome;
use jiff::Timestamp;
use key_manager::ExternalKeyId;
use key_manager_software::{Content, KeyStore, Overwrite, Usage};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use which::Which;

/// Makes, lists, rotates, disables and destroys keys of the software key manager, and backs them up
///
/// A running proxy takes each change within seconds. The key store is the one of a configuration (--config), or it is named by itself
/// (--store). Without a file, a passphrase is taken from the environment variable CARDEA_KEY_STORE_PASSPHRASE or asked for on the terminal.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Makes a key store, without any key
    Init,
    /// Makes a key
    Create(Create),
    /// Lists all keys, destroyed ones too
    List(Listed),
    /// Shows a key and its versions
    Show(Shown),
    /// Keeps a key from being used, until it is enabled
    Disable(Named),
    /// Lets a key be used again
    Enable(Named),
    /// Makes a new version of a key, which encrypts from now on; all versions decrypt
    Rotate(Named),
    /// Destroys a key that is disabled, or an old version: what it encrypted can never be read again
    Destroy(Destroy),
    /// Copies the key store, sealed as it is, to a new file
    Backup(Backup),
    /// Puts a backup in the place of the key store
    Restore(Restore),
    /// Seals the key store under a new passphrase
    ChangePassphrase(ChangePassphrase),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The id of the external key.
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    key: Named,
    /// What it may be used for. KMS takes only keys for both.
    #[arg(long, value_name = "USAGE", value_parser = usage, default_value = "encrypt-decrypt")]
    usage: Usage,
}

#[derive(Debug, clap::Args)]
struct Listed {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Shown {
    #[command(flatten)]
    key: Named,
    #[command(flatten)]
    how: Listed,
}

#[derive(Debug, clap::Args)]
struct Destroy {
    #[command(flatten)]
    key: Named,
    /// Destroy this version only, which must not be the newest.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u32>,
    /// The id once more.
    #[arg(long, value_name = "ID")]
    yes_destroy: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Backup {
    /// The new file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the key store that is there, if the backup is not older.
    #[arg(long)]
    overwrite: bool,
    /// Replace it also if changes since the backup are undone by that, or if it cannot be read.
    #[arg(long, requires = "overwrite")]
    roll_back: bool,
}

#[derive(Debug, clap::Args)]
struct ChangePassphrase {
    /// The file with the new passphrase; else it is taken from the environment variable CARDEA_KEY_STORE_NEW_PASSPHRASE or asked for.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Outcome {
    let which = &arguments.which;
    let store = || which.store(false);
    let said = match &arguments.what {
        What::Init => init(&which.store(true)?)?,
        What::Create(arguments) => create(&store()?, arguments)?,
        What::List(arguments) => report::list(&store()?.read()?, arguments.json)?,
        What::Show(arguments) => show(&store()?, arguments)?,
        What::Disable(key) => changed("is disabled", key, &store()?.disable(key.id()?)?),
        What::Enable(key) => changed("is enabled", key, &store()?.enable(key.id()?)?),
        What::Rotate(key) => rotate(&store()?, key)?,
        What::Destroy(arguments) => destroy(&store, arguments)?,
        What::Backup(arguments) => back_up(&store()?, arguments)?,
        What::Restore(arguments) => restore(&store()?, arguments)?,
        What::ChangePassphrase(arguments) => change_passphrase(&store()?, arguments)?,
    };
    io::stdout().lock().write_all(said.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

type Said = Result<String, Box<dyn Error>>;

fn init(store: &KeyStore) -> Said {
    let content = store.create()?;
    let (file, protector) = (store.file().display(), content.protector());
    Ok(format!("the key store `{file}` is made, without keys; it is sealed by {protector}\n"))
}

fn create(store: &KeyStore, Create { key, usage }: &Create) -> Said {
    let content = store.create_key(key.id()?, *usage, now()?)?;
    Ok(changed("is made", key, &content))
}

fn show(store: &KeyStore, Shown { key, how }: &Shown) -> Said {
    report::show(&store.read()?, key.id()?.as_str(), how.json)
}

fn rotate(store: &KeyStore, key: &Named) -> Said {
    let (content, version) = store.rotate(key.id()?, now()?)?;
    Ok(changed(&format!("has version {version}, which encrypts from now on"), key, &content))
}

fn destroy(store: &impl Fn() -> Result<KeyStore, Box<dyn Error>>, arguments: &Destroy) -> Said {
    let Destroy { key, version, yes_destroy } = arguments;
    if yes_destroy.as_ref() != Some(&key.id) {
        let what = version.map_or_else(|| "it".to_owned(), |version| format!("version {version}"));
        let id = &key.id;
        return Err(format!(
            "what {what} of `{id}` encrypted could never be read again, by anybody: say --yes-destroy {id} if that is wanted"
        ).into());
    }
    match version {
        Some(version) => {
            let content = store()?.destroy_version(key.id()?, *version)?;
            Ok(changed(&format!("has version {version} no longer"), key, &content))
        }
        None => Ok(changed("is destroyed", key, &store()?.destroy(key.id()?)?)),
    }
}

fn back_up(store: &KeyStore, Backup { file }: &Backup) -> Said {
    let content = store.back_up(file)?;
    let (file, generation, protector) = (file.display(), content.generation(), content.protector());
    Ok(format!("generation {generation} is in `{file}`, which opens with the same {protector} only\n"))
}

fn restore(store: &KeyStore, Restore { file, overwrite, roll_back }: &Restore) -> Said {
    let may = match (overwrite, roll_back) {
        (false, _) => Overwrite::No,
        (true, false) => Overwrite::Older,
        (true, true) => Overwrite::EvenNewer,
    };
    let content = store.restore(file, may).map_err(|error| match error {
        key_manager_software::Error::Exists(_) => format!("{error}: say --overwrite to replace it"),
        key_manager_software::Error::Older { .. } => format!("{error}; say --roll-back if that is wanted"),
        _ => error.to_string(),
    })?;
    let (file, generation) = (store.file().display(), content.generation());
    Ok(format!("the backup is in `{file}`, as generation {generation}\n"))
}

fn change_passphrase(store: &KeyStore, ChangePassphrase { new_passphrase_file }: &ChangePassphrase) -> Said {
    let content = store.change_protector(&passphrase::new(new_passphrase_file.as_deref())?)?;
    Ok(format!(
        "the key store is sealed under the new passphrase, as generation {}; a proxy that runs goes on with what it has, and takes \
         changes again once the file that its configuration names has the new passphrase\n",
        content.generation()
    ))
}

impl Named {
    fn id(&self) -> Result<ExternalKeyId<'_>, Box<dyn Error>> {
        ExternalKeyId::new(&self.id).map_err(|error| format!("`{}`: {error}", self.id).into())
    }
}

fn changed(what: &str, key: &Named, content: &Content) -> String {
    format!("the key `{}` {what} (generation {})\n", key.id, content.generation())
}

fn usage(text: &str) -> Result<Usage, &'static str> {
    match text {
        "encrypt-decrypt" => Ok(Usage::EncryptDecrypt),
        "encrypt" => Ok(Usage::Encrypt),
        "decrypt" => Ok(Usage::Decrypt),
        _ => Err("a usage is encrypt-decrypt, encrypt or decrypt"),
    }
}

fn now() -> Result<u64, Box<dyn Error>> {
    u64::try_from(Timestamp::now().as_second()).map_err(|_| "the clock of this machine is wrong".into())
}
