//! Keys that name a peer.

use super::primitives::{KEY_BYTES, Secret, public_of};
use zeroize::Zeroizing;

/// RFC 4648, in lower case and without padding: survives being read out.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a public key.
const TEXT_BYTES: usize = 52;

/// The secret that makes a peer who it is: an X25519 key, used for nothing but Noise. Wiped when
/// dropped, never shown.
#[derive(Clone)]
pub struct SealKey {
    secret: Secret,
    public: SealPublicKey,
}

impl SealKey {
    /// From 32 random bytes, which are a secret from now on.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self { secret: Zeroizing::new(*bytes), public: SealPublicKey(public_of(bytes)) }
    }

    /// The bytes, to be stored where nobody else reads.
    #[must_use]
    pub fn secret_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.secret
    }

    /// What others pin.
    #[must_use]
    pub fn public(&self) -> SealPublicKey {
        self.public
    }
}

impl PartialEq for SealKey {
    /// By the public keys, which are no secret.
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for SealKey {}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealKey({}, secret redacted)", self.public)
    }
}

/// A peer's public key, which is its fingerprint too: 52 characters, as in
/// `tcp://host:9000#fp=…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealPublicKey([u8; KEY_BYTES]);

/// A text is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 52 characters a-z and 2-7: copy it as `fluxar key show` prints it")]
#[non_exhaustive]
pub struct FingerprintError;

impl SealPublicKey {
    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; KEY_BYTES] {
        self.0
    }
}

impl std::fmt::Display for SealPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        let (mut bits, mut waiting) = (0_u32, 0);
        for byte in self.0.iter().copied().map(u32::from) {
            bits = (bits << 8) | byte;
            waiting += 8;
            while waiting >= 5 {
                waiting -= 5;
                f.write_char(char::from(ALPHABET[(bits >> waiting & 31) as usize]))?;
            }
        }
        // 256 bits are 51 characters and one bit, which stands at the top of the last.
        f.write_char(char::from(ALPHABET[(bits << (5 - waiting) & 31) as usize]))
    }
}

impl std::fmt::Debug for SealPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealPublicKey({self})")
    }
}

impl std::str::FromStr for SealPublicKey {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        if text.len() != TEXT_BYTES {
            return Err(FingerprintError);
        }
        let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
        let (mut bits, mut waiting) = (0_u32, 0);
        for letter in text.bytes() {
            let place = ALPHABET.iter().position(|known| *known == letter);
            let five =
                u32::try_from(place.ok_or(FingerprintError)?).map_err(|_| FingerprintError)?;
            bits = (bits << 5) | five;
            waiting += 5;
            if waiting >= 8 {
                waiting -= 8;
                bytes.push((bits >> waiting) as u8);
            }
        }
        // One key has one text.
        let rest = bits & ((1 << waiting) - 1);
        let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| FingerprintError)?;
        if rest == 0 { Ok(Self(bytes)) } else { Err(FingerprintError) }
    }
}
