//! Frames in records, once a handshake is over.
//!
//! ```text
//! len │ 04: SEALED alone │ ciphertext of: a frame without its len │ 01 │ 00 00 … │ tag
//! ```
//!
//! Every frame is one Noise message, numbered by its place on the link: what is left out, repeated,
//! moved or changed does not open. A frame is sealed after it was cut, not before, so that nothing
//! is put together that nobody has authenticated, and since a Noise message ends at 65,535 bytes.

use super::SealError;
use super::cipher::CipherState;
use super::handshake::{Keys, MESSAGE_BYTES_MAX};
use super::primitives::TAG_BYTES;
use super::primitives::hmac;
use zeroize::Zeroizing;

/// Bytes of a frame before its ciphertext: length and flags.
const HEAD_BYTES: usize = 5;
const LEN_BYTES: usize = 4;
/// What a sealed frame is longer than the frame in it: flags, the mark, the tag.
pub(crate) const OVERHEAD_BYTES: usize = 1 + 1 + TAG_BYTES;
/// Behind the frame and before the padding.
const MARK: u8 = 1;
/// The flags of a sealed frame.
const SEALED: u8 = 1 << 2;
/// A frame that was sealed by somebody else, for whoever reads on.
const DROPPED: u8 = 1 << 7;
/// Frames that do not open before the link is given up.
pub(crate) const FAILURES_MAX: u32 = 16;
/// The length of a frame, its own four bytes aside, that a record holds at most.
pub(crate) const FRAME_LEN_MAX: usize = 1 + MESSAGE_BYTES_MAX;

/// What a key seals before it is replaced.
#[derive(Clone, Copy, Debug)]
struct Lifetime {
    records: u64,
    bytes: u64,
}

/// 2^20 records or 1 GiB.
const LIFETIME: Lifetime = Lifetime { records: 1 << 20, bytes: 1 << 30 };

/// One direction.
#[derive(Debug)]
struct Direction {
    cipher: CipherState,
    used: Lifetime,
    lifetime: Lifetime,
}

impl Direction {
    fn new(cipher: CipherState) -> Self {
        Self { cipher, used: Lifetime { records: 0, bytes: 0 }, lifetime: LIFETIME }
    }

    /// Both sides count the same records, so both replace the key behind the same one.
    fn used(&mut self, bytes: usize) {
        self.used.records += 1;
        self.used.bytes += bytes as u64;
        let is_spent =
            self.used.records >= self.lifetime.records || self.used.bytes >= self.lifetime.bytes;
        if is_spent {
            self.cipher.rekey();
            self.used = Lifetime { records: 0, bytes: 0 };
        }
    }
}

/// Both directions of a link that is sealed.
#[derive(Debug)]
pub(crate) struct Records {
    send: Direction,
    receive: Direction,
    failures: u32,
    pads: bool,
    frame_len_max: usize,
    pub(crate) hash: [u8; 32],
    keys: Zeroizing<[u8; 32]>,
}

impl Records {
    pub(crate) fn new(keys: Keys) -> Self {
        let exported = keys.export(b"fluxar/1 exporter");
        Self {
            hash: keys.hash,
            keys: exported,
            send: Direction::new(keys.send),
            receive: Direction::new(keys.receive),
            failures: 0,
            pads: false,
            frame_len_max: FRAME_LEN_MAX,
        }
    }

    /// A secret that only both ends have, another one for every label.
    pub(crate) fn export(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        hmac(&self.keys, &[label])
    }

    /// Hides what lengths give away, from here on, in frames of this length at most.
    pub(crate) fn pad(&mut self, pads: bool, frame_len_max: usize) {
        self.pads = pads;
        self.frame_len_max = frame_len_max.min(FRAME_LEN_MAX);
    }

    /// Seals one message outside of a frame: a confirmation.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut out = plain.to_vec();
        self.send.cipher.encrypt(&[], &mut out, 0)?;
        self.send.used(plain.len());
        Ok(out)
    }

    /// The counterpart of `seal`.
    pub(crate) fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut text = sealed.to_vec();
        let len = self.receive.cipher.decrypt(&[], &mut text)?;
        self.receive.used(len);
        text.truncate(len);
        Ok(text)
    }

    /// Seals whole frames, appended to `out`.
    pub(crate) fn seal_frames(
        &mut self,
        mut frames: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        out.reserve(frames.len() + OVERHEAD_BYTES);
        while let Some((len, rest)) = frames.split_first_chunk::<LEN_BYTES>() {
            let (frame, behind) = rest.split_at(u32::from_be_bytes(*len) as usize);
            frames = behind;
            let bare = frame.len() + 1;
            let text = if self.pads { self.padded(bare) } else { bare };
            out.extend_from_slice(&((1 + text + TAG_BYTES) as u32).to_be_bytes());
            out.push(SEALED);
            let from = out.len();
            out.extend_from_slice(frame);
            out.push(MARK);
            out.resize(from + text, 0);
            self.send.cipher.encrypt(&[], out, from)?;
            self.send.used(text);
        }
        Ok(())
    }

    /// The least bucket that holds so many bytes, and still fits into a frame.
    fn padded(&self, bytes: usize) -> usize {
        let room = self.frame_len_max - 1 - TAG_BYTES;
        bucket(bytes).min(room).max(bytes)
    }

    /// Opens whole frames where they are, and marks those that do not open. Says how many did;
    /// `None` when too many did not.
    pub(crate) fn open_frames(&mut self, mut frames: &mut [u8]) -> Option<usize> {
        let mut opened = 0;
        while let Some(len) = frames.first_chunk::<LEN_BYTES>() {
            let len = u32::from_be_bytes(*len) as usize;
            let (frame, behind) = frames.split_at_mut(LEN_BYTES + len);
            frames = behind;
            if self.open_frame(frame) {
                opened += 1;
                continue;
            }
            frame[LEN_BYTES] = DROPPED;
            self.failures += 1;
            if self.failures >= FAILURES_MAX {
                return None;
            }
        }
        Some(opened)
    }

    fn open_frame(&mut self, frame: &mut [u8]) -> bool {
        let (head, text) = frame.split_at_mut(HEAD_BYTES);
        if head[LEN_BYTES] != SEALED || text.len() > MESSAGE_BYTES_MAX {
            return false;
        }
        let opened = self.receive.cipher.decrypt(&[], text);
        opened.map(|len| self.receive.used(len)).is_ok()
    }

    #[cfg(test)]
    pub(super) fn shorten_lives(&mut self, records: u64, bytes: u64) {
        self.send.lifetime = Lifetime { records, bytes };
        self.receive.lifetime = Lifetime { records, bytes };
    }

    #[cfg(test)]
    pub(super) fn seal_raw(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = ((1 + text.len() + TAG_BYTES) as u32).to_be_bytes().to_vec();
        out.push(SEALED);
        out.extend_from_slice(text);
        self.send.cipher.encrypt(&[], &mut out, HEAD_BYTES).expect("far from exhausted");
        out
    }

    /// The numbers of the next records out and in.
    #[cfg(test)]
    pub(crate) fn numbers(&self) -> (u64, u64) {
        (self.send.cipher.number(), self.receive.cipher.number())
    }
}

/// The frame in a frame that was opened, both without their lengths. `None` when it was not sealed
/// by the other side, and is to be dropped.
pub(crate) fn inner(frame: &[u8]) -> Option<Result<&[u8], SealError>> {
    let (&SEALED, rest) = frame.split_first()? else { return None };
    let padded = rest.get(..rest.len().checked_sub(TAG_BYTES)?)?;
    let end = padded.iter().rposition(|byte| *byte != 0);
    let bare = end.filter(|end| padded[*end] == MARK).map(|end| &padded[..end]);
    Some(bare.ok_or(SealError::Padding))
}

/// 64, 256, 1 Ki, 4 Ki, 16 Ki; above that eighths of the power of two below.
fn bucket(bytes: usize) -> usize {
    let small = [64, 256, 1 << 10, 4 << 10, 16 << 10];
    match small.into_iter().find(|bucket| bytes <= *bucket) {
        Some(bucket) => bucket,
        None => bytes.next_multiple_of((1 << bytes.ilog2()) / 8),
    }
}
