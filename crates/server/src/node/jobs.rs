//! What the service does by itself, when its time has come: what keys and custom key stores wait for, asking XKS proxies how they are, writing
//! down when access keys and keys were last used, and removing from the disk what is left of what is no more.

use crate::in_one_line;
use jiff::Timestamp;
use keys::Moment;
use operations::Service;
use operations::jobs::{
    JobError, check_health, do_what_is_due, keep_connections, shred, write_access_key_uses, write_key_uses,
};
use std::time::Duration;
use tokio::sync::Mutex;

/// The jobs, and the service that they work with.
pub(crate) struct Jobs {
    service: Service,
    /// One run at a time: two would put the same lines on record.
    turn: Mutex<()>,
}

impl Jobs {
    pub(super) fn new(service: Service) -> Self {
        Self { service, turn: Mutex::new(()) }
    }

    /// The service that they work with.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Does what is due now, and says when there is more.
    pub(crate) async fn run(&self) -> Result<Option<Moment>, JobError> {
        let _turn = self.turn.lock().await;
        do_what_is_due(&self.service).await
    }

    /// The clock has been moved: what is due next may be due sooner.
    pub(crate) fn clock_moved(&self) {
        self.service.bell.ring();
    }

    /// Does what is due whenever it is due.
    pub(super) async fn run_for_ever(&self) {
        loop {
            let pause = match self.run().await {
                Ok(next) => next.map_or(LONGEST_PAUSE, |next| self.until(next)),
                Err(JobError::Catalog(error)) if error.is_held() => PAUSE_FOR_READERS,
                Err(error) => {
                    tracing::error!(error = in_one_line(&error), "what is due to keys cannot be done");
                    PAUSE_AFTER_FAILURE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.service.bell.rung() => {}
            }
        }
    }

    /// Connects custom key stores and lets go of them whenever that is wanted.
    pub(super) async fn keep_connections_for_ever(&self) {
        keep_connections(&self.service).await;
    }

    /// Asks the proxies of connected custom key stores how they are, now and then. By the true clock: it is about the network.
    pub(super) async fn check_health_for_ever(&self, interval: Duration) {
        loop {
            if let Err(error) = check_health(&self.service).await {
                tracing::error!(
                    error = in_one_line(&error),
                    "custom key stores cannot be asked how they are"
                );
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// Writes down when access keys and keys were last used, and shreds, now and then.
    pub(super) async fn write_uses_and_shred_for_ever(&self) {
        loop {
            tokio::time::sleep(BETWEEN_USES).await;
            self.write_uses().await;
            self.shred().await;
        }
    }

    /// Writes down when access keys and keys were last used.
    pub(super) async fn write_uses(&self) {
        if let Err(error) = write_access_key_uses(&self.service).await {
            tracing::error!(error = in_one_line(&error), "uses of access keys cannot be written down");
        }
        if let Err(error) = write_key_uses(&self.service).await {
            tracing::error!(error = in_one_line(&error), "uses of keys cannot be written down");
        }
    }

    /// Removes from the disk what is left of what is no more.
    async fn shred(&self) {
        if let Err(error) = shred(&self.service).await {
            tracing::warn!(error = in_one_line(&error), "deleted and former values are still on the disk");
        }
    }

    fn until(&self, next: Moment) -> Duration {
        let now = Timestamp::now().as_millisecond().saturating_add(self.service.clock.ahead_millis());
        let millis = u64::try_from(next.as_millis().saturating_sub(now)).unwrap_or_default();
        Duration::from_millis(millis).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }
}

/// A deletion that is scheduled while the job sleeps is not due for seven days. Whatever can be due sooner rings the bell.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// A key that is in use all the time costs one write in so long, and what is deleted or replaced is on the disk for no longer.
const BETWEEN_USES: Duration = Duration::from_secs(60);
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// What is deleted goes on record once nobody reads it any more, which is soon, unless a backup is being taken.
const PAUSE_FOR_READERS: Duration = Duration::from_secs(1);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
