//! Sealing: Noise, revision 34, unchanged. `docs/spec/seal.md`.
//!
//! Names are those of the Noise specification. Nothing here draws randomness: ephemeral secrets
//! are handed in.

mod cipher;
mod handshake;
mod key;
mod pattern;
mod primitives;
mod record;
mod session;
mod suite;
mod symmetric;

pub use cipher::CipherState;
pub use handshake::{Handshake, Keys, MESSAGE_BYTES_MAX, Setup};
pub use key::{FingerprintError, SealKey, SealPublicKey};
pub use pattern::Pattern;
pub use primitives::{Cipher, KEY_BYTES, TAG_BYTES, dh};
pub(crate) use record::{OVERHEAD_BYTES, RECORD_LEN_MAX};
pub(crate) use session::Seal;
pub use session::{Psk, SealConfig};
pub use suite::Suite;

/// Whether this build seals.
pub const AVAILABLE: bool = true;

use crate::engine::violation::Violation;

/// Why something could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The tag belongs to other bytes, another key or another number.
    #[error("it was not sealed by the other side, or not for this place")]
    Forged,
    /// It ends too early.
    #[error("it is too short to have been sealed")]
    Short,
    /// It is longer than a Noise message.
    #[error("it is longer than 65,535 bytes: cut it")]
    Long,
    /// A public key of low order, which would leave nothing to our secret.
    #[error("a public key is of low order: make a new one")]
    WeakKey,
    /// The pattern needs a key that is not there.
    #[error("the pattern needs a key that is not there: hand in the static or the pinned key")]
    Key,
    /// The other side is due, or the handshake is over, or it failed before.
    #[error("no such message is due in this handshake")]
    Order,
    /// No such suite.
    #[error("there is no such seal: offer one of 1 to 12")]
    Suite,
    /// What was answered is not what came.
    #[error("the answer was changed on its way")]
    Transcript,
    /// A key or an ephemeral key of our own came back.
    #[error("the other side is this side: make a key for each peer")]
    Reflected,
    /// The other side is not who was asked for.
    #[error("the other side has another key than the one that is pinned: check the fingerprint")]
    Pin,
    /// A record opens, and is none.
    #[error("a record holds something else than whole frames and zeros behind them")]
    Padding,
    /// Too many records were not the other side's.
    #[error("too many records were not sealed by the other side")]
    Failures,
    /// Every number of this key was used.
    #[error("the key has sealed all that it may: make a new session")]
    Exhausted,
}

impl From<SealError> for Violation {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Pin | SealError::Reflected | SealError::WeakKey => Self::SealKey,
            SealError::Transcript => Self::SealTranscript,
            SealError::Padding => Self::SealPadding,
            SealError::Failures => Self::SealFailures,
            SealError::Suite => Self::SealOffer,
            _ => Self::SealBroken,
        }
    }
}
