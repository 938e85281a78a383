//! L0: ways to obtain links. A transport knows bytes and addresses, never messages.
//!
//! [`dial`] and [`listen`] take an [`Address`] and look its scheme up in the one table of this
//! file. To add a transport: one file with an `Io`, one row in `SCHEMES`, one feature.

pub mod address;
mod byte_stream;
pub mod error;
pub mod mem;
pub mod options;
#[cfg(feature = "quic")]
mod quic;
mod security;
#[cfg(feature = "stdio")]
mod stdio;
#[cfg(feature = "tcp")]
mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_absent.rs"]
pub mod tls;
#[cfg(all(unix, feature = "unix"))]
mod unix;
#[cfg(feature = "ws")]
mod ws;

pub use address::{Address, AddressError};
pub use error::{AcceptError, TransportError};
pub use options::{DialOptions, ListenOptions};
pub use security::{Fingerprint, LinkSecurity, PeerCertificate};
pub use tls::{TlsClient, TlsServer};

use address::Form;
use bytes::BytesMut;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
#[cfg(any(feature = "ws", feature = "tls", feature = "quic"))]
use std::time::Duration;

/// Capacity that a written [`Batch`] keeps for the next one.
pub const BATCH_KEPT_BYTES_MAX: usize = 1 << 20;

/// The receiving half of a link.
pub trait LinkReader: Send + 'static {
    /// Appends what has arrived to `into` and says how many bytes that was; 0 is the end, and
    /// stays the end.
    ///
    /// When `into` is empty its storage may be replaced by a smaller one, so that an idle link
    /// costs little.
    ///
    /// # Errors
    /// The link is broken, or the other end broke the rules of the transport.
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>>;
}

/// The sending half of a link.
pub trait LinkWriter: Send + 'static {
    /// Writes all of `batch`, then clears it for reuse. Ready when nothing of it is left and the
    /// operating system has it; cancel safe, since the batch remembers how far it got.
    ///
    /// # Errors
    /// The link is broken.
    fn poll_write(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>>;

    /// Says that nothing follows. Bytes of the other direction that are under way still arrive;
    /// whether the other end may go on sending after it has seen this depends on the transport
    /// (a WebSocket may not).
    ///
    /// # Errors
    /// The link is broken.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Whole frames on their way out, and how many of their bytes have gone.
#[derive(Debug, Default)]
pub struct Batch {
    /// The frames. Kept and reused when they are written.
    pub bytes: Vec<u8>,
    /// Bytes of it already written.
    pub sent: usize,
}

impl Batch {
    /// Whether nothing is left to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent >= self.bytes.len()
    }

    /// What is left to write.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Forgets what was written, and keeps a modest capacity for what comes next.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.sent = 0;
        if self.bytes.capacity() > BATCH_KEPT_BYTES_MAX {
            self.bytes.shrink_to(BATCH_KEPT_BYTES_MAX);
        }
    }
}

/// Where a link leads, for people and authenticators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LinkInfo {
    /// The scheme.
    pub transport: &'static str,
    /// This end.
    pub local: String,
    /// The other end.
    pub peer: String,
    /// What the transport's handshake has proved; none on links that are not encrypted.
    pub security: Option<Arc<LinkSecurity>>,
}

impl LinkInfo {
    /// Describes a link.
    #[must_use]
    pub fn new(transport: &'static str, local: impl Into<String>, peer: impl Into<String>) -> Self {
        Self { transport, local: local.into(), peer: peer.into(), security: None }
    }

    /// Adds what the transport's handshake has proved.
    #[must_use]
    pub fn secured(mut self, security: LinkSecurity) -> Self {
        self.security = Some(Arc::new(security));
        self
    }
}

/// One live connection. Dropping it ends it at once.
#[non_exhaustive]
pub struct Link {
    /// The receiving half.
    pub reader: Box<dyn LinkReader>,
    /// The sending half.
    pub writer: Box<dyn LinkWriter>,
    /// Where it leads.
    pub info: LinkInfo,
}

impl Link {
    /// Puts two halves together.
    #[must_use]
    pub fn new(reader: impl LinkReader, writer: impl LinkWriter, info: LinkInfo) -> Self {
        Self { reader: Box::new(reader), writer: Box::new(writer), info }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("info", &self.info).finish_non_exhaustive()
    }
}

/// A future behind a pointer, since the table holds functions of many transports.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type Dial = for<'a> fn(&'a Address, &'a DialOptions) -> BoxFuture<'a, Result<Link, TransportError>>;
type Listen =
    for<'a> fn(&'a Address, &'a ListenOptions) -> BoxFuture<'a, Result<Listener, TransportError>>;

/// What a transport's file offers to the table.
pub(crate) struct Io {
    dial: Option<Dial>,
    listen: Option<Listen>,
}

/// One row: a scheme, the shape of its addresses, the feature that builds it, and, when this
/// build has it, what it does.
pub(crate) struct Scheme {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    feature: &'static str,
    io: Option<Io>,
}

#[cfg(feature = "tcp")]
const TCP: Option<Io> = Some(tcp::IO);
#[cfg(not(feature = "tcp"))]
const TCP: Option<Io> = None;
#[cfg(all(unix, feature = "unix"))]
const UNIX: Option<Io> = Some(unix::IO);
#[cfg(not(all(unix, feature = "unix")))]
const UNIX: Option<Io> = None;
#[cfg(feature = "ws")]
const WS: Option<Io> = Some(ws::IO);
#[cfg(not(feature = "ws"))]
const WS: Option<Io> = None;
#[cfg(feature = "tls")]
const TLS: Option<Io> = Some(tls::IO);
#[cfg(not(feature = "tls"))]
const TLS: Option<Io> = None;
#[cfg(all(feature = "ws", feature = "tls"))]
const WSS: Option<Io> = Some(ws::SECURE_IO);
#[cfg(not(all(feature = "ws", feature = "tls")))]
const WSS: Option<Io> = None;
#[cfg(feature = "quic")]
const QUIC: Option<Io> = Some(quic::IO);
#[cfg(not(feature = "quic"))]
const QUIC: Option<Io> = None;
#[cfg(feature = "stdio")]
const STDIO: Option<Io> = Some(stdio::IO);
#[cfg(not(feature = "stdio"))]
const STDIO: Option<Io> = None;
#[cfg(feature = "stdio")]
const EXEC: Option<Io> = Some(stdio::EXEC_IO);
#[cfg(not(feature = "stdio"))]
const EXEC: Option<Io> = None;

/// The table of schemes: the only place where transports are told apart by name.
pub(crate) static SCHEMES: [Scheme; 9] = [
    Scheme { name: "tcp", form: Form::HostPort, feature: "tcp", io: TCP },
    Scheme { name: "ws", form: Form::HostPortPath, feature: "ws", io: WS },
    Scheme { name: "tls", form: Form::HostPort, feature: "tls", io: TLS },
    Scheme { name: "wss", form: Form::HostPortPath, feature: "ws` and `tls", io: WSS },
    Scheme { name: "quic", form: Form::HostPort, feature: "quic", io: QUIC },
    Scheme { name: "unix", form: Form::Path, feature: "unix", io: UNIX },
    Scheme { name: "mem", form: Form::Name, feature: "tokio", io: Some(mem::IO) },
    Scheme { name: "stdio", form: Form::Bare, feature: "stdio", io: STDIO },
    Scheme { name: "exec", form: Form::Program, feature: "stdio", io: EXEC },
];

fn io_of(address: &Address) -> Result<&'static Io, TransportError> {
    let row = SCHEMES.iter().find(|row| row.name == address.scheme());
    let row = row.expect("an address is only made with a scheme of the table");
    row.io.as_ref().ok_or(TransportError::NotBuilt { scheme: row.name, feature: row.feature })
}

/// Opens a link to `address`, under [`DialOptions::timeout`].
///
/// # Errors
/// See [`TransportError`]; [`TransportError::is_retryable`] says whether trying again may help.
///
/// # Cancel safety
/// Dropping the future gives the attempt up and leaves nothing behind.
pub async fn dial(address: &Address, options: &DialOptions) -> Result<Link, TransportError> {
    let io = io_of(address)?;
    let dial = io.dial.ok_or_else(|| TransportError::CannotDial(address.clone()))?;
    let attempt = dial(address, options);
    tokio::time::timeout(options.timeout, attempt).await.unwrap_or_else(|_| {
        Err(TransportError::Timeout { address: address.to_string(), after: options.timeout })
    })
}

/// Starts to listen at `address`.
///
/// # Errors
/// See [`TransportError`].
///
/// # Cancel safety
/// Dropping the future gives the attempt up and leaves nothing behind.
pub async fn listen(
    address: &Address,
    options: &ListenOptions,
) -> Result<Listener, TransportError> {
    let io = io_of(address)?;
    let listen = io.listen.ok_or_else(|| TransportError::CannotListen(address.clone()))?;
    listen(address, options).await
}

/// What a transport's listener does.
pub(crate) trait Accept: Send + 'static {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>>;
}

/// Accepts links at one address. Dropping it frees the address; links already accepted live on.
pub struct Listener {
    accept: Box<dyn Accept>,
    address: Address,
}

impl Listener {
    pub(crate) fn new(accept: impl Accept, address: Address) -> Self {
        Self { accept: Box::new(accept), address }
    }

    /// The next one who wants a link. Never waits for a handshake: that is
    /// [`Incoming::establish`], for the caller to run beside this.
    ///
    /// # Errors
    /// [`AcceptError::pause`] says whether to go on, and after which pause.
    ///
    /// # Cancel safety
    /// Nobody is lost when the future is dropped.
    pub async fn accept(&mut self) -> Result<Incoming, AcceptError> {
        std::future::poll_fn(|cx| self.accept.poll_accept(cx)).await
    }

    /// Where it listens: the address asked for, with the port that was really taken.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Somebody who wants a link and has not been examined yet.
pub struct Incoming {
    establish: BoxFuture<'static, Result<Link, TransportError>>,
    peer: String,
}

impl Incoming {
    pub(crate) fn new(
        peer: String,
        establish: impl Future<Output = Result<Link, TransportError>> + Send + 'static,
    ) -> Self {
        Self { establish: Box::pin(establish), peer }
    }

    /// As [`Incoming::new`], for a handshake that the other end could draw out.
    #[cfg(any(feature = "ws", feature = "tls", feature = "quic"))]
    pub(crate) fn within(
        after: Duration,
        peer: String,
        handshake: impl Future<Output = Result<Link, TransportError>> + Send + 'static,
    ) -> Self {
        let address = peer.clone();
        Self::new(peer, async move {
            match tokio::time::timeout(after, handshake).await {
                Ok(linked) => linked,
                Err(_) => Err(TransportError::Timeout { address, after }),
            }
        })
    }

    /// Who asks, as far as the transport knows.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Does the transport's own handshake (a WebSocket's upgrade, a Unix socket's check of the
    /// user), under [`ListenOptions::handshake_timeout`]. Run it beside the accept loop.
    ///
    /// # Errors
    /// The peer was refused, broke the handshake's rules, or was too slow.
    ///
    /// # Cancel safety
    /// Dropping the future refuses the link.
    pub async fn establish(self) -> Result<Link, TransportError> {
        self.establish.await
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("peer", &self.peer).finish_non_exhaustive()
    }
}
