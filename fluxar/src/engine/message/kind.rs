//! The seven kinds. Frozen: extend the envelope's meta before adding to these.

use crate::engine::violation::Violation;

/// What a message is; with `ref` it answers or continues another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(clippy::exhaustive_enums, reason = "seven, frozen by the protocol")]
pub enum Kind {
    /// Offer; answer and confirmation.
    Hello = 1,
    /// Request or notification; response.
    Call = 2,
    /// Open; item or end.
    Stream = 3,
    /// Ask; granted, refused or over.
    Subscribe = 4,
    /// Publish; deliver.
    Event = 5,
    /// Heartbeat or ping; credit or pong.
    Ack = 6,
    /// Goodbye; cancel or unsubscribe.
    Cancel = 7,
}

impl Kind {
    /// The kind of a wire number.
    ///
    /// # Errors
    /// [`Violation::KindUnknown`].
    pub fn from_number(number: u64) -> Result<Self, Violation> {
        Ok(match number {
            1 => Self::Hello,
            2 => Self::Call,
            3 => Self::Stream,
            4 => Self::Subscribe,
            5 => Self::Event,
            6 => Self::Ack,
            7 => Self::Cancel,
            _ => return Err(Violation::KindUnknown),
        })
    }

    /// The wire number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}
