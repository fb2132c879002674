//! Where a passphrase comes from if no file is named: the environment, or whoever is at the terminal. It is never an argument, and never
//! shown.

use key_manager_software::{Passphrase, Protector, ProtectorSettings};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::env::{self, VarError};
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// The one that the key store has, or will have.
pub fn present(is_new: bool) -> Result<Protector, Box<dyn Error>> {
    let passphrase = match from_environment("CARDEA_KEY_STORE_PASSPHRASE")? {
        Some(passphrase) => passphrase,
        None if is_new => asked_twice("passphrase of the new key store", FILE)?,
        None => asked("passphrase of the key store", FILE)?,
    };
    Ok(Protector::Passphrase(Passphrase::given(passphrase)))
}

/// The one that the key store is to have.
pub fn new(file: Option<&Path>) -> Result<Protector, Box<dyn Error>> {
    if let Some(file) = file {
        return Ok(Protector::new(&ProtectorSettings::PassphraseFile(file.to_owned())));
    }
    let passphrase = match from_environment("CARDEA_KEY_STORE_NEW_PASSPHRASE")? {
        Some(passphrase) => passphrase,
        None => asked_twice("new passphrase of the key store", NEW_FILE)?,
    };
    Ok(Protector::Passphrase(Passphrase::given(passphrase)))
}

fn from_environment(name: &str) -> Result<Option<Zeroizing<String>>, Box<dyn Error>> {
    match env::var(name) {
        Ok(passphrase) => Ok(Some(Zeroizing::new(passphrase))),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("the environment variable {name} is not UTF-8").into()),
    }
}

fn asked_twice(what: &str, option: &str) -> Result<Zeroizing<String>, Box<dyn Error>> {
    let first = asked(what, option)?;
    if *first == *asked("the same again", option)? {
        Ok(first)
    } else {
        Err("the two passphrases differ".into())
    }
}

fn asked(what: &str, option: &str) -> Result<Zeroizing<String>, Box<dyn Error>> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let terminal = terminal.map_err(|_| {
        format!("there is no terminal to ask for a passphrase on: name the file with it in {option}")
    })?;
    // Before anybody is asked, so that nothing of the answer is seen or lost.
    let unseen = Unseen::begin(&terminal)?;
    write!(&terminal, "{what}: ")?;
    let line = line(&terminal);
    drop(unseen);
    writeln!(&terminal)?;
    Ok(line?)
}

fn line(terminal: &File) -> io::Result<Zeroizing<String>> {
    // As much as a terminal gives at once, so that it never grows and leaves a copy behind.
    let mut line = Zeroizing::new(String::with_capacity(LONGEST));
    BufReader::with_capacity(LONGEST, terminal).read_line(&mut line)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

/// For as long as it lives, the terminal does not show what is typed.
struct Unseen<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Unseen<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &unseen)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Unseen<'_> {
    fn drop(&mut self) {
        // There is nobody to tell, and the shell sets it, too.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// The options that name a file in place of an answer.
const FILE: &str = "--passphrase-file";
const NEW_FILE: &str = "--new-passphrase-file";
const LONGEST: usize = 4096;
