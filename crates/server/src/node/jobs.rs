//! What the service does by itself, when its time has come: deleting keys whose window has ended.

use crate::in_one_line;
use jiff::Timestamp;
use keys::Moment;
use operations::Service;
use operations::jobs::{JobError, delete_due_keys};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// The jobs, and the service that they work with.
pub(crate) struct Jobs {
    service: Service,
    /// One run at a time: two would put the same deletion on record.
    turn: Mutex<()>,
    clock_moved: Notify,
}

impl Jobs {
    pub(super) fn new(service: Service) -> Self {
        Self { service, turn: Mutex::new(()), clock_moved: Notify::new() }
    }

    /// The service that they work with.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Does what is due now, and says when there is more.
    pub(crate) async fn run(&self) -> Result<Option<Moment>, JobError> {
        let _turn = self.turn.lock().await;
        delete_due_keys(&self.service).await
    }

    /// The clock has been moved: what is due next may be due sooner.
    pub(crate) fn clock_moved(&self) {
        self.clock_moved.notify_one();
    }

    /// Does what is due whenever it is due.
    pub(super) async fn run_for_ever(&self) {
        loop {
            let pause = match self.run().await {
                Ok(next) => next.map_or(LONGEST_PAUSE, |next| self.until(next)),
                Err(error) => {
                    tracing::error!(error = in_one_line(&error), "keys that are due cannot be deleted");
                    PAUSE_AFTER_FAILURE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.clock_moved.notified() => {}
            }
        }
    }

    fn until(&self, next: Moment) -> Duration {
        let now = Timestamp::now().as_millisecond().saturating_add(self.service.clock.ahead_millis());
        let millis = u64::try_from(next.as_millis().saturating_sub(now)).unwrap_or_default();
        Duration::from_millis(millis).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }
}

/// A key that is scheduled while the job sleeps is not due for seven days.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
