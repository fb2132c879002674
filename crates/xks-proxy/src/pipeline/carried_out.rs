//! Work that is done to its end whether or not anybody still waits for it: a caller who hangs up stops nothing that a record is to tell of,
//! and gives nothing back that is still in use.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Work that goes on in the worker's thread when it is dropped before it is done. To be dropped there.
pub(super) struct CarriedOut<T: 'static>(Option<Pin<Box<dyn Future<Output = T>>>>);

impl<T> CarriedOut<T> {
    pub(super) fn new(work: impl Future<Output = T> + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T> Future for CarriedOut<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out meanwhile: what panics is not gone on with.
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        let done = work.as_mut().poll(context);
        if done.is_pending() {
            self.0 = Some(work);
        }
        done
    }
}

impl<T> Drop for CarriedOut<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            tokio::task::spawn_local(async move { drop(work.await) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;
    use tokio::sync::oneshot;
    use tokio::task::{LocalSet, yield_now};

    #[test]
    fn what_nobody_waits_for_any_more_is_done_none_the_less() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let tasks = LocalSet::new();
        let (go_on, told) = oneshot::channel();
        let done = Rc::new(Cell::new(false));
        let notes = Rc::clone(&done);
        tasks.block_on(&runtime, async move {
            let work = CarriedOut::new(async move {
                let _ = told.await;
                notes.set(true);
            });
            tokio::select! {
                biased;
                () = work => {}
                () = yield_now() => {}
            }
            go_on.send(()).unwrap();
        });
        runtime.block_on(tasks);
        assert!(done.get());
    }

    #[test]
    fn who_waits_gets_what_it_comes_to() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(CarriedOut::new(async { 7 })), 7);
    }
}
