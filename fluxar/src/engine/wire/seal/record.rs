//! Frames in records, once a handshake is over.
//!
//! ```text
//! len │ 04: SEALED alone │ ciphertext of: whole frames, each with its len │ 00 00 … │ tag
//! ```
//!
//! Every record is one Noise message, numbered by its place on the link: what is left out, repeated,
//! moved or changed does not open. Frames are sealed after they were cut, not before, so that
//! nothing is put together that nobody has authenticated, and since a Noise message ends at 65,535
//! bytes. Frames that leave together share a record: its tag and its key schedule cost more than a
//! small frame.

use super::SealError;
use super::cipher::CipherState;
use super::handshake::{Keys, MESSAGE_BYTES_MAX};
use super::primitives::TAG_BYTES;
use super::primitives::hmac;
use crate::engine::frame::{LEN_BYTES, SEALED, frame_len};
use bytes::{Buf as _, BytesMut};
use zeroize::Zeroizing;

/// Bytes of a frame before its ciphertext: length and flags.
const HEAD_BYTES: usize = LEN_BYTES + 1;
/// What the `len` of a record is above that of a frame that is alone in it.
pub(crate) const OVERHEAD_BYTES: usize = 1 + LEN_BYTES + TAG_BYTES;
/// Bytes in a record, if a frame alone has not more: so much is opened before any of it is read.
const SHARED_BYTES: usize = 16 << 10;
/// Records that do not open before the link is given up.
pub(crate) const FAILURES_MAX: u32 = 16;
/// The `len` of a record at most.
pub(crate) const RECORD_LEN_MAX: usize = 1 + MESSAGE_BYTES_MAX;

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
    /// Frames were sealed before.
    has_begun: bool,
    pads: bool,
    record_len_max: usize,
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
            has_begun: false,
            pads: false,
            record_len_max: RECORD_LEN_MAX,
        }
    }

    /// A secret that only both ends have, another one for every label.
    pub(crate) fn export(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        hmac(&self.keys, &[label])
    }

    /// Keeps records as short as the other side takes them, and hides what their lengths give away.
    pub(crate) fn shape(&mut self, record_len_max: usize, pads: bool) {
        self.record_len_max = record_len_max.min(RECORD_LEN_MAX);
        self.pads = pads;
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
        out.reserve(frames.len() + HEAD_BYTES + TAG_BYTES);
        while !frames.is_empty() {
            let (record, behind) = frames.split_at(self.shared(frames));
            frames = behind;
            let len = if self.pads { self.padded(record.len()) } else { record.len() };
            out.extend_from_slice(&((1 + len + TAG_BYTES) as u32).to_be_bytes());
            out.push(SEALED);
            let from = out.len();
            out.extend_from_slice(record);
            out.resize(from + len, 0);
            self.send.cipher.encrypt(&[], out, from)?;
            self.send.used(len);
            self.has_begun = true;
        }
        Ok(())
    }

    /// Bytes of the frames at the front that share a record. The first frame of a link is alone in
    /// one: whoever is not Ready before it takes nothing long.
    fn shared(&self, frames: &[u8]) -> usize {
        let most = match self.has_begun {
            true => SHARED_BYTES.min(self.room()),
            false => 0,
        };
        let mut shared = frame_len(frames);
        while shared < frames.len() {
            let more = shared + frame_len(&frames[shared..]);
            if more > most {
                break;
            }
            shared = more;
        }
        shared
    }

    fn room(&self) -> usize {
        self.record_len_max - 1 - TAG_BYTES
    }

    /// The least bucket that holds so many bytes, and still fits into a record.
    fn padded(&self, bytes: usize) -> usize {
        bucket(bytes).min(self.room()).max(bytes)
    }

    /// Opens a record where it is, and leaves the frames in it. False when it was not sealed by the
    /// other side, and nothing but a count comes of it.
    ///
    /// # Errors
    /// `Failures` when that was so too often, `Padding` when there is something else than frames.
    pub(crate) fn open_record(&mut self, record: &mut BytesMut) -> Result<bool, SealError> {
        let Some(len) = self.open_text(record) else {
            self.failures += 1;
            return if self.failures < FAILURES_MAX { Ok(false) } else { Err(SealError::Failures) };
        };
        record.advance(HEAD_BYTES);
        record.truncate(len);
        record.truncate(whole_frames(record).ok_or(SealError::Padding)?);
        Ok(true)
    }

    fn open_text(&mut self, record: &mut [u8]) -> Option<usize> {
        let (head, text) = record.split_at_mut_checked(HEAD_BYTES)?;
        if head[LEN_BYTES] != SEALED || text.len() > MESSAGE_BYTES_MAX {
            return None;
        }
        let len = self.receive.cipher.decrypt(&[], text).ok()?;
        self.receive.used(len);
        Some(len)
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

/// Bytes of the whole frames at the front, one at least, if nothing but zeros follows.
fn whole_frames(text: &[u8]) -> Option<usize> {
    let mut whole = 0;
    while text.len() - whole > LEN_BYTES {
        match frame_len(&text[whole..]) {
            LEN_BYTES => break,
            len if len > text.len() - whole => return None,
            len => whole += len,
        }
    }
    let is_padded = text[whole..].iter().all(|byte| *byte == 0);
    (whole > 0 && is_padded).then_some(whole)
}

/// 64, 256, 1 Ki, 4 Ki, 16 Ki; above that eighths of the power of two below.
fn bucket(bytes: usize) -> usize {
    let small = [64, 256, 1 << 10, 4 << 10, 16 << 10];
    match small.into_iter().find(|bucket| bytes <= *bucket) {
        Some(bucket) => bucket,
        None => bytes.next_multiple_of((1 << bytes.ilog2()) / 8),
    }
}
