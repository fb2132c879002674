//! A body that breaks off in the middle, when its first half is on its way.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::connection::Cut;

pub(crate) struct Half {
    whole_length: u64,
    left: Option<Bytes>,
    /// Whether the sender had the time to flush.
    flushed: bool,
}

impl Half {
    pub(crate) fn of(body: &Bytes) -> Self {
        let length = body.len();
        Self {
            whole_length: u64::try_from(length).unwrap_or(u64::MAX),
            left: Some(body.slice(..length / 2)),
            flushed: false,
        }
    }
}

impl Body for Half {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(half) = self.left.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.flushed {
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Cut)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole_length)
    }
}
