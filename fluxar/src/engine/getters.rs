//! What an engine tells of itself: getters, which change nothing.

use crate::config::Limits;
use crate::engine::Engine;
use crate::engine::session::auth::Identity;
use crate::engine::session::handshake::PeerInfo;
use crate::engine::session::limits::PeerLimits;
use crate::engine::session::phase::Phase;

impl Engine {
    /// Where the session is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Who the other side is; may do nothing before the session is ready.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Who the other side says it is.
    #[must_use]
    pub fn peer(&self) -> &PeerInfo {
        &self.peer
    }

    /// What the other side takes.
    #[must_use]
    pub fn peer_limits(&self) -> &PeerLimits {
        &self.peer_limits
    }

    /// True when both sides write records with numbers as keys.
    #[must_use]
    pub fn numbered_keys(&self) -> bool {
        self.numbered_keys
    }

    /// What this side takes.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// The session's name, once it is ready.
    #[must_use]
    pub fn session(&self) -> [u8; 16] {
        self.session
    }

    /// Whether producers may add to the outbox.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.fx.out.bytes() < self.config.limits.outbox_soft_bytes as usize
    }

    /// Bytes that wait for the link.
    #[must_use]
    pub fn outbox_bytes(&self) -> usize {
        self.fx.out.bytes()
    }

    /// Whether [`Engine::poll_transmit`] has something to give.
    #[must_use]
    pub fn has_output(&self) -> bool {
        let owes = self.heartbeat.pong_due.is_some() || self.receipts.is_due();
        owes || self.fx.out.has_output()
    }

    /// Notifications of the peer's that were dropped since too many handlers were running.
    #[must_use]
    pub fn notifications_dropped(&self) -> u64 {
        self.notifications_dropped
    }

    /// Items open in either direction: calls, streams and subscriptions.
    #[must_use]
    pub fn open_items(&self) -> usize {
        self.calls.outbound_len()
            + self.calls.inbound_len()
            + self.streams.outbound_len()
            + self.streams.inbound_len()
            + self.subscriptions.outbound_len()
            + self.subscriptions.inbound_len()
    }
}
