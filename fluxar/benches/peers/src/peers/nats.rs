//! A plain client of NATS' text protocol, over the same outbox as the raw echo: what the broker can
//! do, not what a client library adds. Core NATS, no JetStream.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use super::outbox::Outbox;
use super::{Handle, Target, Topics};
use crate::measure::Arrivals;

/// Room kept for one read.
const READ_BYTES: usize = 64 << 10;
/// Longer lines are refused; the server's first one is the longest.
const LINE_BYTES_MAX: usize = 16 << 10;
/// Larger payloads are refused.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// One connection to the broker.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    outbox: Outbox,
    /// Taken by the one subscription; a publisher leaves the few pings of the server unread.
    input: Arc<Mutex<Option<Reader>>>,
}

#[derive(Debug)]
struct Reader {
    socket: OwnedReadHalf,
    buffer: BytesMut,
}

/// What the server says.
enum Said {
    Message,
    Ping,
    Pong,
    Other,
}

impl Reader {
    /// Reads on until one whole line, or one whole message, has come.
    async fn next(&mut self) -> Result<Said> {
        loop {
            if let Some(said) = self.take()? {
                return Ok(said);
            }
            self.buffer.reserve(READ_BYTES);
            let read = self.socket.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the broker closed the connection");
        }
    }

    /// Takes what is whole from the buffer.
    fn take(&mut self) -> Result<Option<Said>> {
        let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') else {
            ensure!(self.buffer.len() < LINE_BYTES_MAX, "a line without an end");
            return Ok(None);
        };
        let line = self.buffer[..end].trim_ascii();
        if !line.starts_with(b"MSG ") {
            let said = match line {
                b"PING" => Said::Ping,
                b"PONG" => Said::Pong,
                line if line.starts_with(b"-ERR") => bail!("{}", String::from_utf8_lossy(line)),
                _ => Said::Other,
            };
            self.buffer.advance(end + 1);
            return Ok(Some(said));
        }
        let length = line.rsplit(|&byte| byte == b' ').next().context("a message has a length")?;
        let length: usize = std::str::from_utf8(length)?.parse()?;
        ensure!(length <= PAYLOAD_BYTES_MAX, "a message of {length} bytes");
        let whole = end + 1 + length + 2;
        if self.buffer.len() < whole {
            return Ok(None);
        }
        self.buffer.advance(whole);
        Ok(Some(Said::Message))
    }
}

impl Handle for Client {
    async fn connect(target: &Target) -> Result<Self> {
        let socket = TcpStream::connect(target.server).await?;
        socket.set_nodelay(true)?;
        let (input, output) = socket.into_split();
        let outbox = Outbox::default();
        tokio::spawn(outbox.clone().write_to(output));
        let hello = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"rust\"}\r\nPING\r\n";
        outbox.append(|bytes| bytes.extend_from_slice(hello));
        let mut reader = Reader { socket: input, buffer: BytesMut::new() };
        while !matches!(reader.next().await?, Said::Pong) {}
        Ok(Self { outbox, input: Arc::new(Mutex::new(Some(reader))) })
    }
}

impl Topics for Client {
    async fn subscribe(self, arrivals: Arrivals) -> Result<BoxFuture<'static, Result<()>>> {
        let reader = self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut reader = reader.context("one subscription a connection")?;
        self.outbox.append(|bytes| bytes.extend_from_slice(b"SUB bench.events 1\r\nPING\r\n"));
        while !matches!(reader.next().await?, Said::Pong) {}
        Ok(Box::pin(async move {
            loop {
                match reader.next().await? {
                    Said::Message => arrivals.one(),
                    Said::Ping => self.outbox.append(|bytes| bytes.extend_from_slice(b"PONG\r\n")),
                    Said::Pong | Said::Other => {}
                }
            }
        }))
    }

    async fn publish(&self, payload: Bytes) -> Result<()> {
        let head = format!("PUB bench.events {}\r\n", payload.len());
        self.outbox.append(|bytes| {
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(&payload);
            bytes.extend_from_slice(b"\r\n");
        });
        Ok(())
    }
}
