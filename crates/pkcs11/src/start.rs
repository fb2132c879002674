//! From the start of the process to its end. The library is loaded later, by the first command that needs it.

use crate::crew::{Crew, CrewError};
use crate::engine::Engine;
use crate::token::Token;
use rustix::io::{Errno, write};
use sidecar_process::{NoConnections, abort_on_panic, await_end, harden, receive_connections};
use std::ffi::OsString;
use std::io::{self, Stdin};
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::sync::Arc;
use std::thread;

/// What the process is told on its command line.
#[derive(Debug)]
pub struct Arguments {
    library: PathBuf,
    token: String,
    sessions: usize,
}

impl Arguments {
    /// Reads `--library PATH --token LABEL --sessions N`.
    pub fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Self, StartError> {
        let (mut library, mut token, mut sessions) = (None, None, None);
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--library") => library = words.next().map(PathBuf::from),
                Some("--token") => token = words.next().and_then(|label| label.into_string().ok()),
                Some("--sessions") => {
                    sessions = words.next().and_then(|number| number.to_str()?.parse().ok());
                }
                _ => return Err(StartError::Arguments),
            }
        }
        match (library, token, sessions) {
            (Some(library), Some(token), Some(sessions @ 1..=MOST_SESSIONS)) => {
                Ok(Self { library, token, sessions })
            }
            _ => Err(StartError::Arguments),
        }
    }
}

/// The whole life of the process.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    abort_on_panic("cardea-pkcs11");
    let control = io::stdin();
    match serve(words, &control) {
        Ok(()) => {
            await_end(&control);
            // Without a word to the library: it may be the very thing that does not return.
            exit(0)
        }
        Err(error) => {
            let reason = error.to_string().replace('\n', " ");
            eprintln!("cardea-pkcs11: {reason}");
            // If nobody listens, the log has it.
            let _ = write(&control, format!("{reason}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn serve(words: impl Iterator<Item = OsString>, control: &Stdin) -> Result<(), StartError> {
    let Arguments { library, token, sessions } = Arguments::parse(words)?;
    harden()?;
    let crew = Arc::new(Crew::new(receive_connections(control)?, sessions));
    let token = Arc::new(Token::new(library, token, sessions));
    for place in 0..sessions {
        let (crew, engine) = (Arc::clone(&crew), Engine::new(Arc::clone(&token), place));
        let life = move || end(crew.serve(&engine));
        thread::Builder::new().name("session".to_owned()).spawn(life).map_err(StartError::Thread)?;
    }
    write(control, b"ready\n")?;
    Ok(())
}

/// The front end cannot go on with a connection that failed; the supervisor starts a new process with new ones.
fn end(life: Result<(), CrewError>) {
    if let Err(reason) = life {
        eprintln!("cardea-pkcs11: ends: {reason}");
        exit(1);
    }
}

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The command line is wrong.
    #[error("usage: cardea-pkcs11 --library PATH --token LABEL --sessions N; started by `cardea serve`")]
    Arguments,
    /// No work connections came over the control connection.
    #[error(transparent)]
    Connections(#[from] NoConnections),
    /// The kernel refuses to fence the process, or the control connection failed.
    #[error("the process cannot be fenced or heard: {0}")]
    Kernel(#[from] Errno),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(io::Error),
}

/// More than tokens commonly open.
const MOST_SESSIONS: usize = 1024;
