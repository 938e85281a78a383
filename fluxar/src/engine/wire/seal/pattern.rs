//! Who sends which keys when.
//!
//! ```text
//! XX   -> e             IK   <- s (known before)    NK   <- s (known before)
//!      <- e ee s es          -> e es s ss                -> e es
//!      -> s se               <- e ee se                  <- e ee
//! ```

/// One step of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    E,
    S,
    Ee,
    Es,
    Se,
    Ss,
    Psk,
}

/// A handshake pattern of Noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each one is a choice of this protocol")]
pub enum Pattern {
    /// Both sides show their keys: for the first contact.
    Xx,
    /// The dialer knows the acceptor's key, and shows its own at once.
    Ik,
    /// The dialer knows the acceptor's key, and has none.
    Nk,
}

impl Pattern {
    /// As in a protocol name of Noise.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xx => "XX",
            Self::Ik => "IK",
            Self::Nk => "NK",
        }
    }

    /// Whether the initiator must know the responder's key.
    #[must_use]
    pub const fn is_pinned(self) -> bool {
        matches!(self, Self::Ik | Self::Nk)
    }

    /// Whether the initiator shows a key of its own.
    #[must_use]
    pub const fn is_mutual(self) -> bool {
        matches!(self, Self::Xx | Self::Ik)
    }

    pub(crate) const fn messages(self) -> &'static [&'static [Token]] {
        use Token::{E, Ee, Es, S, Se, Ss};
        match self {
            Self::Xx => &[&[E], &[E, Ee, S, Es], &[S, Se]],
            Self::Ik => &[&[E, Es, S, Ss], &[E, Ee, Se]],
            Self::Nk => &[&[E, Es], &[E, Ee]],
        }
    }

    /// The tokens of one message, the pre-shared key's among them: number 0 stands before the
    /// first message, number n behind the n-th.
    pub(crate) fn tokens(self, message: usize, psk: Option<u8>) -> impl Iterator<Item = Token> {
        let psk = psk.map(usize::from);
        let before = (psk == Some(0) && message == 0).then_some(Token::Psk);
        let behind = (psk == Some(message + 1)).then_some(Token::Psk);
        before.into_iter().chain(self.messages()[message].iter().copied()).chain(behind)
    }
}
