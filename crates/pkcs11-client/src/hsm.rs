//! The part of an HSM that a process of ours has once: the processes of its members, and what is known of them.

use crate::member::Member;
use crate::window::Window;
use crate::{Members, Upkeep, Way, keeper};
use sidecar::{Connector, Program, Supervisor, WhileDown};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The members of an HSM, and how they are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The vendor's PKCS#11 library.
    pub library: PathBuf,
    /// The labels of the members' tokens.
    pub tokens: Vec<String>,
    /// How many sessions are kept with each member.
    pub sessions: usize,
    /// How many requests may be under way for each session.
    pub requests_a_session: usize,
    /// The program that loads the library, `cardea-pkcs11`.
    pub program: PathBuf,
    /// The whole environment of the library, such as the variable that names its configuration. Nothing else is handed down.
    pub environment: BTreeMap<String, String>,
    /// How long is waited for what.
    pub times: Times,
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How long a request waits for the HSM, whoever does it.
    pub request: Duration,
    /// How long for one member before another is asked.
    pub answer: Duration,
    /// After that long without an answer the process of a member is stuck, and is killed. Told in tenths of a second.
    pub stuck: Duration,
}

/// An HSM. Clones are the same; with the last one its processes end.
#[derive(Clone)]
pub struct Hsm {
    members: Arc<Members>,
    processes: Arc<Processes>,
}

/// One worker's place at an HSM.
pub struct Seat {
    hsm: Hsm,
    connectors: Vec<Connector>,
    is_keeper: bool,
    /// Of how many.
    seats: usize,
}

impl Hsm {
    /// Starts the members' processes, and gives as many workers a seat. That a token or the library is away is no failure.
    ///
    /// # Errors
    ///
    /// Not even the thread that would start a process.
    pub fn start(settings: Settings, seats: usize) -> Result<(Self, Vec<Seat>), std::io::Error> {
        let mut connectors: Vec<_> = (0..seats).map(|_| Vec::new()).collect();
        let mut supervisors = Vec::new();
        for label in &settings.tokens {
            let (supervisor, of_member) =
                Supervisor::start_in_time(program(&settings, label), seats).map_err(std::io::Error::other)?;
            supervisors.push(supervisor);
            connectors.iter_mut().zip(of_member).for_each(|(seat, connector)| seat.push(connector));
        }
        let members = Arc::new(Members::new(settings));
        let processes = Processes { members: Arc::clone(&members), supervisors: Mutex::new(supervisors) };
        let hsm = Self { members, processes: Arc::new(processes) };
        let seat = |(at, connectors)| Seat { hsm: hsm.clone(), connectors, is_keeper: at == 0, seats };
        let taken = connectors.into_iter().enumerate().map(seat).collect();
        Ok((hsm, taken))
    }

    /// What is known of its members.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Ends the members' processes and waits until they are gone.
    pub fn stop(&self) {
        self.processes.stop();
    }
}

impl Seat {
    /// Takes the seat, on the runtime that this is called on. That of the keeper must be taken: there the members are kept logged in.
    #[must_use]
    pub fn take(self, upkeep: &Arc<impl Upkeep>) -> Arc<Way> {
        let Settings { sessions, .. } = self.hsm.members.settings();
        let (least, most) = (sessions.div_ceil(self.seats.max(1)), self.hsm.members.most_requests());
        let members = self
            .connectors
            .into_iter()
            .map(|connector| Member::new(connector.connect(WhileDown::Fail), Window::new(least, most)));
        let way = Arc::new(Way::new(self.hsm.members, members.collect()));
        if self.is_keeper {
            keeper::keep(&way, upkeep);
        }
        way
    }

    /// Whether it is the keeper's.
    #[must_use]
    pub const fn is_keeper(&self) -> bool {
        self.is_keeper
    }
}

/// The processes of the members.
struct Processes {
    members: Arc<Members>,
    supervisors: Mutex<Vec<Supervisor>>,
}

impl Processes {
    fn stop(&self) {
        self.members.close();
        let supervisors =
            std::mem::take(&mut *self.supervisors.lock().unwrap_or_else(PoisonError::into_inner));
        supervisors.into_iter().for_each(Supervisor::stop);
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Hsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hsm").field("members", &self.members).finish_non_exhaustive()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("hsm", &self.hsm).finish_non_exhaustive()
    }
}

fn program(settings: &Settings, label: &str) -> Program {
    let Settings { library, sessions, program, environment, .. } = settings;
    let arguments: [OsString; 6] = [
        "--library".into(),
        library.into(),
        "--token".into(),
        label.into(),
        "--sessions".into(),
        sessions.max(&1).to_string().into(),
    ];
    Program {
        name: format!("the PKCS#11 process of `{label}`"),
        path: program.clone(),
        arguments: arguments.into(),
        arguments_at_first: Vec::new(),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        user: None,
        longest_pause: LONGEST_PAUSE,
    }
}

/// As often as a member that failed is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
