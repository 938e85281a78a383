//! Ids of messages.

/// The name of a message: one 128-bit number, never 0.
///
/// Ids below 2^64 belong to a session and travel as unsigned integers of a few bytes; larger ones
/// are global (UUIDv7) and travel as 16 bytes. Spec: `[L3.id.1]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

impl Id {
    /// The id with this number; none for 0.
    #[must_use]
    pub const fn new(number: u128) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }

    /// The number of an id that belongs to a session.
    #[must_use]
    pub fn session(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.session() {
            Some(number) => write!(f, "{number}"),
            None => write!(f, "{:032x}", self.0),
        }
    }
}
