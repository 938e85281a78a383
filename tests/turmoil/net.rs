//! Links over the simulated TCP, by the same public traits that any transport implements.

use bytes::BytesMut;
use fluxar::transport::{Batch, Link, LinkInfo, LinkReader, LinkWriter, TransportError};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite};
use turmoil::net::TcpStream;
use turmoil::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Where the server listens.
pub(crate) const PORT: u16 = 9000;
/// Room for one read.
const READ_BYTES: usize = 4 << 10;
/// A path that is cut answers nothing at all.
const DIAL_TIMEOUT: Duration = Duration::from_secs(1);

struct Reader(OwnedReadHalf);

impl LinkReader for Reader {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        into.reserve(READ_BYTES);
        pin!(self.0.read_buf(into)).poll(cx)
    }
}

struct Writer(OwnedWriteHalf);

impl LinkWriter for Writer {
    fn poll_write(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        while !batch.is_empty() {
            batch.sent += ready!(Pin::new(&mut self.0).poll_write(cx, batch.rest()))?;
        }
        batch.clear();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

pub(crate) fn link(stream: TcpStream) -> Link {
    let (reader, writer) = stream.into_split();
    Link::new(Reader(reader), Writer(writer), LinkInfo::new("tcp", "here", "there"))
}

/// A link to the server, unless the path is cut. Every attempt waits a while, the first for a server
/// that has just begun: by the clock of the simulation, and not by dice that no seed decides.
pub(crate) async fn dial(_: usize) -> Result<Link, TransportError> {
    let failed =
        |source| TransportError::Connect { address: format!("tcp://server:{PORT}"), source };
    let start = tokio::time::Instant::now() + Duration::from_millis(20);
    tokio::time::sleep_until(start).await;
    let connecting = TcpStream::connect(("server", PORT));
    match tokio::time::timeout(DIAL_TIMEOUT, connecting).await {
        Ok(stream) => stream.map(link).map_err(failed),
        Err(late) => Err(failed(late.into())),
    }
}
