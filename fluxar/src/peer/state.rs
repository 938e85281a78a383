//! Where a peer's session is, for the application.

use crate::error::Status;

/// The life of a session, as a handle sees it. A dialer that reconnects goes back from
/// [`State::Detached`] or [`State::Disconnected`] to [`State::Ready`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A link is being made, or the HELLOs are exchanged.
    #[default]
    Connecting,
    /// Calls go through.
    Ready,
    /// One side said goodbye: what is open may finish, nothing new is taken.
    Draining,
    /// The link is lost, the session is not: it goes on over the next link, with all that is open.
    /// What is sent meanwhile waits for that, within the bound of what may wait for a link.
    Detached,
    /// The session is lost, and another will be made. Calls end with `unavailable` meanwhile.
    Disconnected,
    /// Over for good.
    Closed,
}

/// A state, and what led to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) state: State,
    pub(crate) reason: Option<Status>,
}
