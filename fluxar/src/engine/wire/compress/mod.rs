//! Compression of whole messages: zstd and gzip. `docs/spec/compress.md`.
//!
//! Every message is compressed for itself. What is kept from one to the next is the codec's working
//! memory, never its history: fragments of large messages interleave, so messages do not end in the
//! order in which they were begun; a message that is sent again must mean the same again; and
//! history shared by messages is what attacks on compressed secrets live on.

#[cfg(not(all(feature = "zstd", feature = "gzip")))]
mod absent;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

#[cfg(not(feature = "gzip"))]
use absent as gzip;
#[cfg(not(feature = "zstd"))]
use absent as zstd;

/// Messages below this are not worth the attempt, unless told otherwise.
pub const THRESHOLD_BYTES: u32 = 1 << 10;
/// Output that is allowed whatever the input is.
const FREE_BYTES: usize = 4 << 10;
/// Bytes of output a byte of input, above that.
const RATIO_MAX: usize = 100;
/// What the output's buffer begins with, at most.
#[cfg(any(feature = "zstd", feature = "gzip"))]
const START_BYTES: usize = 64 << 10;

/// A way to compress. Numbers are those of the frame's codec bits and of HELLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Codec {
    /// Zstandard (RFC 8878).
    Zstd = 1,
    /// gzip (RFC 1952).
    Gzip = 2,
}

impl Codec {
    /// Every codec, the better ones first.
    pub const ALL: [Self; 2] = [Self::Zstd, Self::Gzip];

    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The codec with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| u64::from(codec.number()) == number)
    }

    /// Whether this build has it.
    #[must_use]
    pub const fn is_available(self) -> bool {
        match self {
            Self::Zstd => zstd::AVAILABLE,
            Self::Gzip => gzip::AVAILABLE,
        }
    }
}

/// Why something was not decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecompressError {
    /// It is not one whole stream of the codec, with nothing behind it.
    #[error("it is not one whole compressed message")]
    Broken,
    /// It is larger than allowed, or too large for its input.
    #[error("it is larger than a message may be, or above 100 times what came")]
    TooLarge,
}

/// The most that may come out of `packed` bytes when a message has at most `message_bytes_max`.
const fn output_max(packed: usize, message_bytes_max: usize) -> usize {
    let by_ratio = packed.saturating_mul(RATIO_MAX);
    let allowed = if by_ratio > FREE_BYTES { by_ratio } else { FREE_BYTES };
    if allowed < message_bytes_max { allowed } else { message_bytes_max }
}

/// Working memory of the codecs, made when needed.
#[derive(Debug, Default)]
pub struct Contexts {
    zstd: zstd::Contexts,
    gzip: gzip::Contexts,
}

impl Contexts {
    /// Compresses a message. `None` when that does not make it smaller, or so much smaller that a
    /// receiver would take it for an attack: then it is sent as it is.
    pub fn compress(&mut self, codec: Codec, plain: &[u8]) -> Option<Vec<u8>> {
        let packed = match codec {
            Codec::Zstd => self.zstd.compress(plain),
            Codec::Gzip => self.gzip.compress(plain),
        }?;
        let is_fit = plain.len() <= output_max(packed.len(), usize::MAX);
        (packed.len() < plain.len() && is_fit).then_some(packed)
    }

    /// Decompresses a message. Holds no more than the result, twice at most while it grows, and the
    /// codec's window, whatever the input says of itself.
    ///
    /// # Errors
    /// The input is broken, or its output too large.
    pub fn decompress(
        &mut self,
        codec: Codec,
        packed: &[u8],
        message_bytes_max: usize,
    ) -> Result<Vec<u8>, DecompressError> {
        let max = output_max(packed.len(), message_bytes_max);
        match codec {
            Codec::Zstd => self.zstd.decompress(packed, max),
            Codec::Gzip => self.gzip.decompress(packed, max),
        }
    }

    /// Gives the memory back.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// A buffer for output, with room for what is likely.
#[cfg(any(feature = "zstd", feature = "gzip"))]
fn start(packed: usize, max: usize) -> Vec<u8> {
    Vec::with_capacity(packed.saturating_mul(4).min(START_BYTES).min(max + 1))
}

/// Makes room for more output, one byte beyond `max` at most: whoever fills that is too large.
#[cfg(any(feature = "zstd", feature = "gzip"))]
fn grow(out: &mut Vec<u8>, max: usize) -> Result<(), DecompressError> {
    if out.len() > max {
        return Err(DecompressError::TooLarge);
    }
    if out.len() == out.capacity() {
        let wanted = out.len().saturating_mul(2).clamp(FREE_BYTES, max + 1).min(max + 1);
        out.reserve_exact(wanted - out.len());
    }
    Ok(())
}

#[cfg(all(test, feature = "zstd", feature = "gzip"))]
mod tests;
