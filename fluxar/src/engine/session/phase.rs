//! The life of a session:
//!
//! ```text
//! Idle ──link up──▶ Handshaking ──ready──▶ Ready ──goodbye──▶ Draining ──empty──▶ Closed
//!                        └───────── refusal, violation, link lost ──────────────────▲
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
    /// Over.
    Closed,
}
