//! A runtime in a thread of its own, that ends with what it started when it is stopped.

use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Background {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Background {
    /// Runs `work` and the tasks that it spawns; these have `threads` threads.
    pub(crate) fn start(
        threads: usize,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .enable_all()
            .thread_name("faulty-proxy")
            .build()
            .map_err(Error::io("cannot start a runtime"))?;
        let (stop, stopped) = oneshot::channel();
        let until_stopped = async {
            tokio::select! {
                _ = stopped => (),
                () = work => (),
            }
        };
        let thread = std::thread::Builder::new()
            .spawn(move || runtime.block_on(until_stopped))
            .map_err(Error::io("cannot start a thread"))?;
        Ok(Self { stop, thread })
    }

    /// The runtime ends with its thread, and drops every connection before that.
    pub(crate) fn stop(self) {
        drop(self.stop);
        drop(self.thread.join());
    }
}
