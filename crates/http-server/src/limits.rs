//! What clients must not be able to exhaust.

use std::time::Duration;

/// What clients must not be able to exhaust. Replaced while the service runs, they hold for connections that were open before within half
/// a second, but for those that say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// How long a whole request body may take to arrive.
    pub body_timeout: Duration,
    /// Bytes of unfinished request bodies in memory over all connections.
    pub buffered_body_bytes: usize,
    /// Connections at one time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// How long the service waits for requests in flight when it is told to stop.
    pub drain_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// Bytes of all header lines of a request together; at least 8192. For new connections.
    pub header_bytes: u32,
    /// How long the header of an HTTP/1.1 request may take to arrive.
    pub header_timeout: Duration,
    /// Header lines of a request. For new connections.
    pub headers: usize,
    /// Connections at one time that speak HTTP/2, which take more memory; further ones are not offered it. For new connections.
    pub http2_connections: usize,
    /// Requests at one time on one HTTP/2 connection. For new connections.
    pub http2_streams: u32,
    /// Bytes that a client may send ahead on one HTTP/2 connection, and on each of its streams. For new connections.
    pub http2_window: u32,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// Bytes that an HTTP/1.1 connection may hold of what is still arriving; never less than `header_bytes`. For new connections.
    pub read_buffer_bytes: usize,
}

impl Limits {
    /// What a connection may hold of a body that is still arriving, where nothing else is asked for.
    pub const READ_BUFFER_BYTES: usize = 64 << 10;
}
