//! The admin socket: how `cardea admin` and `cardea dev` reach the running service. A Unix socket in the data directory that only
//! its owner can open; one JSON object a line each way, bounded in length, number and time.

mod client;
mod errand;
mod protocol;

use crate::ServerError;
use crate::config::Span;
use crate::data_dir::DataDir;
use crate::in_one_line;
use crate::node::{Facts, Jobs, ServiceClock};
use protocol::{AdminRequest, LONGEST_LINE};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

pub use client::{
    advance_clock, create_account, create_service, create_service_access_key, delete_service,
    delete_service_access_key, list_services, status,
};
pub use errand::ServiceSummary;
pub(crate) use errand::{Errand, NO_ACCOUNT};
pub use operations::admin::ServiceName;
pub(crate) use protocol::AdminResponse;
pub use protocol::Status;

/// The service's end of the socket. The socket goes when it is dropped.
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    desk: Rc<Desk>,
}

impl AdminSocket {
    /// Listens in the data directory, which this process has locked: a socket that is there is a dead one.
    pub(crate) fn bind(
        dir: &DataDir,
        jobs: Rc<Jobs>,
        clock: ServiceClock,
        facts: Facts,
    ) -> Result<Self, ServerError> {
        let path = dir.admin_socket();
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).map_err(ServerError::file("listen on", &path))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))
            .map_err(ServerError::file("close", &path))?;
        Ok(Self { listener, path, desk: Rc::new(Desk { jobs, clock, facts }) })
    }

    /// Answers whoever may open the socket.
    pub(crate) async fn serve_for_ever(&self) {
        let places = std::sync::Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) if is_ours(&stream) => {
                    let desk = Rc::clone(&self.desk);
                    tokio::task::spawn_local(async move {
                        // A client that is too slow, or gone, has nobody to be told.
                        let _ = tokio::time::timeout(TIMEOUT, desk.talk(stream)).await;
                        drop(place);
                    });
                }
                Ok(_) => tracing::warn!("a process of another user was refused at the admin socket"),
                Err(error) => {
                    tracing::warn!(error = %error, "the admin socket cannot accept");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Who answers.
struct Desk {
    jobs: Rc<Jobs>,
    clock: ServiceClock,
    facts: Facts,
}

impl Desk {
    async fn talk(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut line = Vec::new();
        BufReader::new(read.take(LONGEST_LINE)).read_until(b'\n', &mut line).await?;
        let response = match serde_json::from_slice(&line) {
            Ok(request) => self.answer(request).await,
            Err(error) => AdminResponse::refused(format!("not a request: {error}")),
        };
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM_FOR_RESPONSE));
        serde_json::to_writer(&mut *text, &response)?;
        text.push(b'\n');
        write.write_all(&text).await
    }

    async fn answer(&self, request: AdminRequest) -> AdminResponse {
        let answer = match request {
            AdminRequest::AdvanceClock { by } => self.advance_clock(by).await,
            AdminRequest::Errand { errand } => errand.run(self.jobs.service(), &self.facts.reach).await,
            AdminRequest::Status => Ok(AdminResponse::Status(self.status().await)),
        };
        answer.unwrap_or_else(|error| {
            AdminResponse::refused(match &error {
                ServerError::AdminRefused { reason } => reason.clone(),
                _ => in_one_line(&error),
            })
        })
    }

    /// What is due by then is done before the answer.
    async fn advance_clock(&self, by: Span) -> Result<AdminResponse, ServerError> {
        self.clock.advance(by)?;
        self.jobs.clock_moved();
        self.jobs
            .run()
            .await
            .map_err(ServerError::part("the clock was moved, and a job that was due failed"))?;
        Ok(AdminResponse::ClockAdvanced { now: self.now() })
    }

    async fn status(&self) -> Status {
        let service = self.jobs.service();
        Status {
            clock_ahead_millis: service.clock.ahead_millis(),
            https: self.facts.https,
            http: self.facts.http,
            journal_is_healthy: service.journal.healthy(),
            module_answers: service.module.status().await.is_ok(),
            process: std::process::id(),
            time: self.now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn now(&self) -> String {
        let millis = self.jobs.service().clock.now().as_millis();
        jiff::Timestamp::from_millisecond(millis).map(|now| now.to_string()).unwrap_or_default()
    }
}

/// The socket's mode keeps others out already; a file system may know no modes.
fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

const CONNECTIONS: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// More than a response takes, so that no half-written copy of a secret stays behind in memory.
const ROOM_FOR_RESPONSE: usize = 32 << 10;
