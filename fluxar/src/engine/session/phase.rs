//! The life of a session:
//!
//! ```text
//! Idle ──link up──▶ Handshaking ──ready──▶ Ready ──goodbye──▶ Draining ──empty──▶ Closed
//!                        │               ▲ │                │ ▲                    ▲
//!                        │         resumed │ │ link lost      │ │                    │
//!                        │                 │ ▼                ▼ │                    │
//!                        │               Detached ── too late, rejected ─────────────┤
//!                        └───────── refusal, violation, link lost without resume ────┘
//! ```

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// No link yet.
    Idle,
    /// HELLOs are exchanged.
    Handshaking,
    /// Everything may be sent.
    Ready,
    /// No new work; what is open may finish.
    Draining,
    /// The link is lost and the session waits for another; what is sent meanwhile waits with it.
    Detached,
    /// Over.
    Closed,
}
