//! Links over byte streams: what tcp, unix, stdio and mem have in common.

use super::{Batch, LinkReader, LinkWriter};
use bytes::BytesMut;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Room kept for the next read of a quiet link.
const READ_BYTES_MIN: usize = 4 << 10;
/// Room for one read of a busy link.
const READ_BYTES_MAX: usize = 64 << 10;
/// Small reads in a row after which the room is halved.
const SMALL_READS: u32 = 4;

/// How much room the next read gets: doubled when a read filled it, halved after a few that left
/// most of it empty, so that a link is quick under load and small at rest.
#[derive(Debug)]
struct Room {
    bytes: usize,
    small_reads: u32,
}

impl Room {
    fn on_read(&mut self, taken: usize) {
        if taken >= self.bytes {
            self.bytes = (self.bytes * 2).min(READ_BYTES_MAX);
            self.small_reads = 0;
        } else if taken >= self.bytes / 4 {
            self.small_reads = 0;
        } else {
            self.small_reads += 1;
            if self.small_reads >= SMALL_READS {
                self.bytes = (self.bytes / 2).max(READ_BYTES_MIN);
                self.small_reads = 0;
            }
        }
    }

    /// Makes room in `into`; storage of busier days is given back when nothing is in it.
    fn make(&self, into: &mut BytesMut) {
        if into.is_empty() && into.capacity() > self.bytes * 2 {
            *into = BytesMut::with_capacity(self.bytes);
        } else {
            into.reserve(self.bytes);
        }
    }
}

/// Reads a byte stream.
pub(super) struct StreamReader<R> {
    stream: R,
    room: Room,
}

impl<R> StreamReader<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, room: Room { bytes: READ_BYTES_MIN, small_reads: 0 } }
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> LinkReader for StreamReader<R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        self.room.make(into);
        // The future holds nothing between polls, so that a new one a poll loses nothing.
        let taken = ready!(pin!(self.stream.read_buf(into)).poll(cx))?;
        self.room.on_read(taken);
        Poll::Ready(Ok(taken))
    }
}

/// Writes a byte stream. Closing drops it, since that is what ends a child's input.
pub(super) struct StreamWriter<W> {
    stream: Option<W>,
}

impl<W> StreamWriter<W> {
    pub(super) fn new(stream: W) -> Self {
        Self { stream: Some(stream) }
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> LinkWriter for StreamWriter<W> {
    fn poll_write(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        let stream = self.stream.as_mut().ok_or_else(closed)?;
        while !batch.is_empty() {
            let sent = ready!(Pin::new(&mut *stream).poll_write(cx, batch.rest()))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            batch.sent += sent;
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        batch.clear();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(stream) = self.stream.as_mut() {
            ready!(Pin::new(stream).poll_shutdown(cx))?;
            self.stream = None;
        }
        Poll::Ready(Ok(()))
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "this side has closed its direction of the link")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_grows_under_load_and_shrinks_at_rest() {
        let mut room = Room { bytes: READ_BYTES_MIN, small_reads: 0 };
        for _ in 0..10 {
            room.on_read(room.bytes);
        }
        assert_eq!(room.bytes, READ_BYTES_MAX);
        let mut into = BytesMut::new();
        room.make(&mut into);
        assert!(into.capacity() >= READ_BYTES_MAX);
        for _ in 0..SMALL_READS * 4 {
            room.on_read(100);
        }
        assert_eq!(room.bytes, READ_BYTES_MIN);
        room.make(&mut into);
        assert!(into.capacity() <= READ_BYTES_MIN * 2);
    }

    #[test]
    fn storage_with_bytes_in_it_is_never_replaced() {
        let room = Room { bytes: READ_BYTES_MIN, small_reads: 0 };
        let mut into = BytesMut::with_capacity(READ_BYTES_MAX);
        into.extend_from_slice(b"half a frame");
        room.make(&mut into);
        assert_eq!(into, b"half a frame"[..]);
    }
}
