//! What can go wrong on the way to a link.

use super::address::{Address, AddressError};
use std::io;
use std::time::Duration;

/// Why there is no link, or no listener.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The address cannot be read.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The scheme exists, but this program was built without it.
    #[error(
        "this build has no `{scheme}` transport: enable the feature `{feature}` of the crate fluxar"
    )]
    NotBuilt {
        /// The scheme.
        scheme: &'static str,
        /// The cargo feature that builds it.
        feature: &'static str,
    },
    /// The address names something that can only be listened at.
    #[error("nobody can be dialled at `{0}`")]
    CannotDial(Address),
    /// The address names something that can only be dialled.
    #[error("`{0}` can be dialled, not listened at: the program it starts serves on `stdio:`")]
    CannotListen(Address),
    /// It took longer than the option allows.
    #[error("no link to {address} within {after:?}: is the peer up, and is that its address?")]
    Timeout {
        /// Who was dialled, or who asked.
        address: String,
        /// The bound.
        after: Duration,
    },
    /// The operating system could not connect.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Who was dialled.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The operating system could not listen.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error("{address} is taken: stop the one who listens there, or choose another address")]
    InUse {
        /// Where.
        address: String,
    },
    /// A socket's file or directory is not safe to use.
    #[error("`{path}` is not safe for a socket: {reason}")]
    Unsafe {
        /// The file or directory.
        path: String,
        /// What is wrong and what to do.
        reason: &'static str,
    },
    /// The program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The peer dialled said no, or is not one that we trust.
    #[error("no link to {address}: {reason}")]
    Refused {
        /// Who was dialled.
        address: String,
        /// What it said, or what is wrong with it.
        reason: String,
    },
    /// The peer that dialled us was refused.
    #[error("refused {peer}: {reason}")]
    Rejected {
        /// Who asked.
        peer: String,
        /// Why.
        reason: String,
    },
    /// The transport's handshake broke off or made no sense.
    #[error("the handshake with {peer} failed: {reason}")]
    Handshake {
        /// The other end.
        peer: String,
        /// Why.
        reason: String,
    },
}

impl TransportError {
    /// Whether dialling again later may succeed without anything being changed here.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Handshake { .. } => true,
            Self::Connect { source, .. } => source.kind() != io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }
}

/// Why [`accept`](super::Listener::accept) returned nobody.
#[derive(Debug, thiserror::Error)]
#[error("cannot accept: {source}")]
pub struct AcceptError {
    source: io::Error,
    pause: Option<Duration>,
}

/// How long to let the machine recover when it has no descriptor or memory left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

impl AcceptError {
    /// Tells the errors of one peer and of a short machine from those of the listener itself.
    pub(crate) fn new(source: io::Error) -> Self {
        // Numbers of Linux; the three fatal ones are the same on every Unix but ENOTSOCK.
        const EBADF: i32 = 9;
        const EINVAL: i32 = 22;
        const ENOTSOCK: i32 = 88;
        const EXHAUSTED: [i32; 4] = [12, 23, 24, 105]; // ENOMEM, ENFILE, EMFILE, ENOBUFS
        let pause = match source.raw_os_error() {
            None | Some(EBADF | EINVAL | ENOTSOCK) => None,
            Some(code) if EXHAUSTED.contains(&code) => Some(EXHAUSTED_PAUSE),
            Some(_) => Some(Duration::ZERO),
        };
        Self { source, pause }
    }

    /// How long to wait before accepting again; `None` when the listener is dead.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// Whether accepting again may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.pause.is_some()
    }
}

/// Why nobody can listen at the address.
#[cfg(any(feature = "tcp", feature = "ws", feature = "tls", feature = "quic", feature = "unix"))]
pub(super) fn listen_error(address: &Address, source: io::Error) -> TransportError {
    match source.kind() {
        io::ErrorKind::AddrInUse => TransportError::InUse { address: address.to_string() },
        _ => TransportError::Listen { address: address.to_string(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_machine_and_a_vanished_peer_do_not_kill_the_listener() {
        let pause = |code| AcceptError::new(io::Error::from_raw_os_error(code)).pause();
        assert_eq!(pause(24), Some(EXHAUSTED_PAUSE)); // EMFILE
        assert_eq!(pause(103), Some(Duration::ZERO)); // ECONNABORTED
        assert_eq!(pause(9), None); // EBADF
        assert!(!AcceptError::new(io::Error::other("made up")).is_retryable());
    }
}
