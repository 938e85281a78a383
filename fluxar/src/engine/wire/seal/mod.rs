//! Sealing: Noise, revision 34, unchanged. `docs/spec/seal.md`.
//!
//! Names are those of the Noise specification. Nothing here draws randomness: ephemeral secrets
//! are handed in.

mod cipher;
mod handshake;
mod key;
mod pattern;
pub(crate) mod primitives;
mod symmetric;

pub use cipher::CipherState;
pub use handshake::{Handshake, Keys, MESSAGE_BYTES_MAX, Setup};
pub use key::{FingerprintError, IdentityKey, PublicKey};
pub use pattern::Pattern;
pub use primitives::{Cipher, KEY_BYTES, TAG_BYTES, dh};

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
    /// Every number of this key was used.
    #[error("the key has sealed all that it may: make a new session")]
    Exhausted,
}
