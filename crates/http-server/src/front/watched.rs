//! The bytes of an HTTP/1.1 connection: its [`Activity`] learns when some arrive, and whether any wait to be sent.

use super::activity::Activity;
use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufRead, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

pub(super) struct Watched<I> {
    io: I,
    activity: Rc<Activity>,
    /// What was read before and is to be read again.
    rest: Bytes,
}

/// Tells when there is something to read, and leaves it there.
pub(super) trait Peek {
    /// `false` when nothing will come any more.
    fn poll_peek(&mut self, context: &mut Context<'_>) -> Poll<bool>;
}

impl<I> Watched<I> {
    pub(super) fn new(io: I, activity: Rc<Activity>) -> Self {
        Self { io, activity, rest: Bytes::new() }
    }

    pub(super) fn begin_with(&mut self, rest: Bytes) {
        self.rest = rest;
    }
}

impl<I: Peek> Peek for Watched<I> {
    fn poll_peek(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        self.io.poll_peek(context)
    }
}

impl Peek for TokioIo<TcpStream> {
    fn poll_peek(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let mut byte = [0];
        let peeked = self.inner().poll_peek(context, &mut ReadBuf::new(&mut byte));
        peeked.map(|read| read.is_ok_and(|bytes| bytes > 0))
    }
}

impl Peek for TokioIo<TlsStream<TcpStream>> {
    fn poll_peek(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let peeked = Pin::new(self.inner_mut()).poll_fill_buf(context);
        peeked.map(|read| read.is_ok_and(|bytes| !bytes.is_empty()))
    }
}

impl<I: Read + Unpin> Read for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.rest.is_empty() {
            let length = self.rest.len().min(buffer.remaining());
            let bytes = self.rest.split_to(length);
            buffer.put_slice(&bytes);
            self.activity.bytes_arrived();
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_ready() {
            self.activity.bytes_arrived();
        }
        read
    }
}

impl<I: Write + Unpin> Write for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.activity.has_unsent(true);
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.activity.has_unsent(false);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.activity.has_unsent(true);
        Pin::new(&mut self.io).poll_write_vectored(context, buffers)
    }
}
