//! What can be set when dialling and listening.

use super::tls::{TlsClient, TlsServer};
use std::time::Duration;

/// Bytes of one WebSocket message accepted: a batch of 256 KiB behind a frame of 1 MiB, with room.
pub const MESSAGE_BYTES_MAX: usize = 2 << 20;
/// How long dialling, and a listener's side of a handshake, may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How to dial.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DialOptions {
    /// From the name's resolution to a link. 5 s.
    pub timeout: Duration,
    /// `Origin` to send with a WebSocket upgrade. None: only browsers need one.
    pub origin: Option<String>,
    /// Users that may listen at a Unix socket dialled, beside our own and root. Empty.
    pub users: Vec<u32>,
    /// Bytes of one message accepted from a transport that moves messages. 2 MiB; keep it above
    /// `Limits::frame_bytes_max` + 256 KiB.
    pub message_bytes_max: usize,
    /// Whom to trust at `tls`, `wss` and `quic` addresses. `None`: the platform's authorities.
    pub tls: Option<TlsClient>,
}

impl Default for DialOptions {
    fn default() -> Self {
        Self {
            timeout: HANDSHAKE_TIMEOUT,
            origin: None,
            users: Vec::new(),
            message_bytes_max: MESSAGE_BYTES_MAX,
            tls: None,
        }
    }
}

impl DialOptions {
    /// Sets [`Self::timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`Self::origin`].
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Adds to [`Self::users`].
    #[must_use]
    pub fn allow_user(mut self, uid: u32) -> Self {
        self.users.push(uid);
        self
    }

    /// Sets [`Self::tls`].
    #[must_use]
    pub fn tls(mut self, settings: TlsClient) -> Self {
        self.tls = Some(settings);
        self
    }

    /// Sets [`Self::message_bytes_max`].
    #[must_use]
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }
}

/// How to listen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListenOptions {
    /// How long one peer may take over the transport's handshake. 5 s.
    pub handshake_timeout: Duration,
    /// Names that a WebSocket's `Host` may carry, beside the loopback names and the name that was
    /// bound; `*` for any. Empty. This is what stops a web page from reaching a local server
    /// through a name that it has pointed at 127.0.0.1.
    pub hosts: Vec<String>,
    /// Values that a WebSocket's `Origin` may have when there is one; `*` for any. Empty: pages in
    /// browsers are refused, programs send none.
    pub origins: Vec<String>,
    /// Users that may connect to a Unix socket, beside our own. Empty.
    pub users: Vec<u32>,
    /// Bytes of one message accepted from a transport that moves messages. 2 MiB; keep it above
    /// `Limits::frame_bytes_max` + 256 KiB.
    pub message_bytes_max: usize,
    /// What to show at `tls`, `wss` and `quic` addresses, which need it.
    pub tls: Option<TlsServer>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            handshake_timeout: HANDSHAKE_TIMEOUT,
            hosts: Vec::new(),
            origins: Vec::new(),
            users: Vec::new(),
            message_bytes_max: MESSAGE_BYTES_MAX,
            tls: None,
        }
    }
}

impl ListenOptions {
    /// Sets [`Self::handshake_timeout`].
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Adds to [`Self::hosts`].
    #[must_use]
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Adds to [`Self::origins`], such as `https://app.example`.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Adds to [`Self::users`].
    #[must_use]
    pub fn allow_user(mut self, uid: u32) -> Self {
        self.users.push(uid);
        self
    }

    /// Sets [`Self::tls`].
    #[must_use]
    pub fn tls(mut self, settings: TlsServer) -> Self {
        self.tls = Some(settings);
        self
    }

    /// Sets [`Self::message_bytes_max`].
    #[must_use]
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }
}
