//! `ws://host:port/path`, and `wss`: one batch is one binary message.
//!
//! The subprotocol `fluxar.1` is required on both sides. A Close frame ends both directions: what
//! the peer had sent before it saw ours still arrives.

#[cfg(feature = "tls")]
mod secure;
mod upgrade;

#[cfg(feature = "tls")]
pub(super) use secure::IO as SECURE_IO;

use super::{
    Accept, AcceptError, Address, Batch, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    LinkReader, LinkWriter, ListenOptions, Listener, TransportError, tcp,
};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::Sink;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use upgrade::Policy;

/// What both sides must name.
pub(super) const SUBPROTOCOL: &str = "fluxar.1";
/// Bytes read from the socket at once; allocated for every link.
const READ_BYTES: usize = 16 << 10;
/// Bytes gathered from several waiting messages before the reader hands them on.
const GATHER_BYTES: usize = 64 << 10;
/// Bytes of a batch that the writer takes: a frame of 16 MiB, and a batch before it.
const WRITE_BYTES_MAX: usize = 20 << 20;
/// Characters of a refusal's text that are shown.
const REASON_CHARS_MAX: usize = 300;

pub(super) const IO: Io = Io { dial: Some(dial), listen: Some(listen) };

fn config(message_bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BYTES_MAX)
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max))
}

fn dial<'a>(
    address: &'a Address,
    options: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move {
        let stream = tcp::connect(address).await?;
        let info = LinkInfo::new("ws", local_name("ws", &stream), address.to_string());
        ask(stream, info, address, options).await
    })
}

/// The dialer's side of the upgrade.
async fn ask<S: Wire>(
    stream: S,
    info: LinkInfo,
    address: &Address,
    options: &DialOptions,
) -> Result<Link, TransportError> {
    let broken = |reason: String| TransportError::Handshake { peer: address.to_string(), reason };
    let uri = address.to_string().parse().map_err(|error| broken(format!("{error}")))?;
    let mut request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    if let Some(origin) = &options.origin {
        request = request.with_header("Origin", origin);
    }
    let config = config(options.message_bytes_max);
    let upgrade = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    let (socket, _) = upgrade.await.map_err(|error| match error {
        tungstenite::Error::Http(response) => {
            TransportError::Refused { address: address.to_string(), reason: reason_of(&response) }
        }
        error => broken(error.to_string()),
    })?;
    Ok(link(socket, info))
}

/// The status and the text of a refusal, cut to a length that fits into a message.
fn reason_of(response: &tungstenite::http::Response<Option<Vec<u8>>>) -> String {
    let body = response.body().as_deref().unwrap_or_default();
    let text: String = String::from_utf8_lossy(body)
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(REASON_CHARS_MAX)
        .collect();
    format!("HTTP {}: {text}", response.status())
}

fn local_name(scheme: &str, stream: &TcpStream) -> String {
    let local = stream.local_addr().map_or_else(|_| "?".to_owned(), |local| local.to_string());
    format!("{scheme}://{local}")
}

fn listen<'a>(
    address: &'a Address,
    options: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let (listener, address) = tcp::bind(address).await?;
        let policy = Arc::new(Policy::new(&address, options));
        Ok(Listener::new(Ws { listener, policy, options: options.clone() }, address))
    })
}

struct Ws {
    listener: TcpListener,
    policy: Arc<Policy>,
    options: ListenOptions,
}

impl Accept for Ws {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        let (stream, from) = ready!(self.listener.poll_accept(cx)).map_err(AcceptError::new)?;
        let peer = format!("ws://{from}");
        let named = peer.clone();
        let policy = Arc::clone(&self.policy);
        let config = config(self.options.message_bytes_max);
        let after = self.options.handshake_timeout;
        let establish = async move {
            let broken = |error: io::Error| TransportError::Handshake {
                peer: named.clone(),
                reason: error.to_string(),
            };
            let stream = tcp::prompt(stream).map_err(broken)?;
            let info = LinkInfo::new("ws", local_name("ws", &stream), named.clone());
            Ok(link(upgrade::accept(stream, &policy, &named, config).await?, info))
        };
        Poll::Ready(Ok(Incoming::within(after, peer, establish)))
    }
}

/// What a WebSocket runs over: TCP, or TLS over it.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for S {}

type Socket<S> = WebSocketStream<S>;

fn link<S: Wire>(socket: Socket<S>, info: LinkInfo) -> Link {
    let socket = Arc::new(Mutex::new(socket));
    let reader = WsReader { socket: Arc::clone(&socket), end: None };
    Link::new(reader, WsWriter { socket, closed: false }, info)
}

/// One poll at a time; never held over an await.
fn lock<S>(socket: &Mutex<Socket<S>>) -> MutexGuard<'_, Socket<S>> {
    socket.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the receiving direction ended.
enum End {
    Closed,
    /// An error that waits behind bytes which arrived before it.
    Broken(io::Error),
}

struct WsReader<S> {
    socket: Arc<Mutex<Socket<S>>>,
    end: Option<End>,
}

impl<S: Wire> LinkReader for WsReader<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        let before = into.len();
        if self.end.is_none() {
            let mut socket = lock(&self.socket);
            while into.len() - before < GATHER_BYTES {
                match Pin::new(&mut *socket).poll_next(cx) {
                    Poll::Ready(next) => self.end = take(&mut socket, cx, next, into),
                    Poll::Pending if into.len() == before => return Poll::Pending,
                    Poll::Pending => break,
                }
                if self.end.is_some() {
                    break;
                }
            }
        }
        if into.len() > before {
            return Poll::Ready(Ok(into.len() - before));
        }
        match self.end.replace(End::Closed) {
            Some(End::Broken(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(0)),
        }
    }
}

/// Appends what came; says whether that was the end.
fn take<S: Wire>(
    socket: &mut Socket<S>,
    cx: &mut Context<'_>,
    next: Option<Result<Message, tungstenite::Error>>,
    into: &mut BytesMut,
) -> Option<End> {
    match next {
        Some(Ok(Message::Binary(bytes))) => {
            into.extend_from_slice(&bytes);
            None
        }
        Some(Ok(Message::Text(_))) => {
            let text = "a text message arrived: fluxar speaks in binary messages only";
            Some(End::Broken(io::Error::new(io::ErrorKind::InvalidData, text)))
        }
        // The answer to a ping is queued by the library and leaves with the next poll.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => None,
        Some(Ok(Message::Close(_))) => {
            // The answer is queued: this is its one chance to leave. When the socket is full the
            // peer finds the connection closed instead, which says the same.
            let _ = Pin::new(socket).poll_flush(cx);
            Some(End::Closed)
        }
        Some(Err(error)) => Some(End::Broken(io_error(error))),
        None => Some(End::Closed),
    }
}

fn io_error(error: tungstenite::Error) -> io::Error {
    use tungstenite::error::ProtocolError;
    match error {
        tungstenite::Error::Io(error) => error,
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            io::Error::new(io::ErrorKind::ConnectionReset, "the peer left without a close frame")
        }
        tungstenite::Error::Protocol(ProtocolError::SendAfterClosing)
        | tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed => {
            io::Error::new(io::ErrorKind::BrokenPipe, "the WebSocket is closed")
        }
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

struct WsWriter<S> {
    socket: Arc<Mutex<Socket<S>>>,
    closed: bool,
}

impl<S: Wire> LinkWriter for WsWriter<S> {
    fn poll_write(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        let mut socket = lock(&self.socket);
        let mut socket = Pin::new(&mut *socket);
        if !batch.is_empty() {
            ready!(socket.as_mut().poll_ready(cx)).map_err(io_error)?;
            let bytes = Bytes::from(std::mem::take(&mut batch.bytes));
            let message = Message::Binary(bytes.slice(batch.sent..));
            let queued = socket.as_mut().start_send(message);
            // The socket has copied the message by now, so that this takes the storage back.
            batch.bytes = Vec::from(bytes);
            batch.sent = batch.bytes.len();
            queued.map_err(io_error)?;
        }
        ready!(socket.poll_flush(cx)).map_err(io_error)?;
        batch.clear();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closed {
            return Poll::Ready(Ok(()));
        }
        let done = ready!(Pin::new(&mut *lock(&self.socket)).poll_close(cx));
        self.closed = true;
        match done {
            // The peer closed first: nothing is left to say.
            Err(tungstenite::Error::AlreadyClosed | tungstenite::Error::ConnectionClosed) => {
                Poll::Ready(Ok(()))
            }
            done => Poll::Ready(done.map_err(io_error)),
        }
    }
}
