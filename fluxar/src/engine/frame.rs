//! L1: length-delimited frames and their fragments.
//!
//! ```text
//! len:u32 BE | flags:u8 | [seq:varint] | [group:varint] | body
//! ```

use crate::engine::violation::Violation;
use bytes::Bytes;
use rustc_hash::FxHashMap;

/// Bits 0-1: 0 plain, others as negotiated.
pub const CODEC: u8 = 0b0000_0011;
/// Bit 2: a sealed frame, and nothing else about it.
pub const SEALED: u8 = 1 << 2;
/// Bit 3: an explicit sequence number follows.
pub const SEQ: u8 = 1 << 3;
/// Bit 4: a fragment of a group.
pub const GROUP: u8 = 1 << 4;
/// Bit 5: more fragments of the group follow.
pub const MORE: u8 = 1 << 5;
/// Bit 6: outside the sequence.
pub const VOLATILE: u8 = 1 << 6;
const RESERVED: u8 = 1 << 7;

/// Bytes of the length field.
pub const LEN_BYTES: usize = 4;
/// Bytes of a fragment besides its body, at most: length, flags, number, group.
pub(crate) const FRAGMENT_HEAD_BYTES: usize = LEN_BYTES + 1 + 8 + 8;

/// One frame, as a view of the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The flag bits.
    pub flags: u8,
    /// The number of the message that this frame completes, when it is said.
    pub seq: Option<u64>,
    /// The group of a fragment.
    pub group: Option<u64>,
    /// A message, or a part of one.
    pub body: &'a [u8],
}

/// The length of the whole frame at the start of `bytes`, or `None` when it is not all there.
///
/// # Errors
/// The declared length is 0 or above `frame_bytes_max`; nothing is reserved for it.
pub fn whole_len(bytes: &[u8], frame_bytes_max: u32) -> Result<Option<usize>, Violation> {
    let Some(len) = bytes.first_chunk::<LEN_BYTES>() else { return Ok(None) };
    let len = u32::from_be_bytes(*len);
    if len == 0 {
        return Err(Violation::FrameEmpty);
    }
    if len > frame_bytes_max {
        return Err(Violation::FrameTooLong);
    }
    let whole = LEN_BYTES + len as usize;
    Ok((bytes.len() >= whole).then_some(whole))
}

/// The length that the frame at the front says it has, its own four bytes included. All of `frames`
/// where not even those are there.
pub(crate) fn frame_len(frames: &[u8]) -> usize {
    let len = frames.first_chunk::<LEN_BYTES>();
    len.map_or(frames.len(), |len| LEN_BYTES.saturating_add(u32::from_be_bytes(*len) as usize))
}

/// Reads a frame after its length field, where nothing was negotiated.
///
/// # Errors
/// A flag that was not negotiated, or a malformed number.
pub fn decode(bytes: &[u8]) -> Result<Frame<'_>, Violation> {
    decode_with(bytes, 0)
}

/// Reads a frame after its length field. `allowed` are flags that were negotiated, of CODEC and
/// SEQ.
///
/// # Errors
/// A flag that was not negotiated, or a malformed number.
pub fn decode_with(bytes: &[u8], allowed: u8) -> Result<Frame<'_>, Violation> {
    let (&flags, rest) = bytes.split_first().ok_or(Violation::FrameEmpty)?;
    if flags & !VOLATILE == 0 && !rest.is_empty() {
        return Ok(Frame { flags, seq: None, group: None, body: rest });
    }
    for (bits, violation) in [
        (RESERVED, Violation::FrameReserved),
        (CODEC, Violation::FrameCodec),
        (SEALED, Violation::FrameSealed),
        (SEQ, Violation::FrameSeq),
    ] {
        if flags & bits & !allowed != 0 {
            return Err(violation);
        }
    }
    if flags & (GROUP | MORE) == MORE {
        return Err(Violation::FrameMore);
    }
    if flags & SEQ != 0 && flags & (MORE | VOLATILE) != 0 {
        return Err(Violation::SeqPlace);
    }
    let (seq, rest) = optional(flags & SEQ != 0, rest, Violation::SeqNumber)?;
    let (group, body) = optional(flags & GROUP != 0, rest, Violation::GroupNumber)?;
    if body.is_empty() {
        return Err(Violation::FrameBody);
    }
    Ok(Frame { flags, seq, group, body })
}

/// A varint that is there, and what follows it.
fn optional(
    is_there: bool,
    bytes: &[u8],
    malformed: Violation,
) -> Result<(Option<u64>, &[u8]), Violation> {
    if !is_there {
        return Ok((None, bytes));
    }
    get_varint(bytes).map(|(number, rest)| (Some(number), rest)).ok_or(malformed)
}

/// QUIC's variable-length integer (RFC 9000 §16), and what follows it.
fn get_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let len = 1_usize << (first >> 6);
    let (number, rest) = bytes.split_at_checked(len)?;
    let value = number[1..]
        .iter()
        .fold(u64::from(first & 0x3f), |value, byte| (value << 8) | u64::from(*byte));
    // Shortest form, as everywhere.
    (varint_len(value) == len).then_some((value, rest))
}

fn varint_len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    let len = varint_len(value);
    let mut bytes = value.to_be_bytes();
    let from = 8 - len;
    bytes[from] |= (len.trailing_zeros() as u8) << 6;
    out.extend_from_slice(&bytes[from..]);
}

/// Appends a whole frame whose body is written by `body`; says how long the body is.
pub(crate) fn put_whole(out: &mut Vec<u8>, flags: u8, body: impl FnOnce(&mut Vec<u8>)) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, flags]);
    body(out);
    let len = out.len() - start - LEN_BYTES;
    out[start..start + LEN_BYTES].copy_from_slice(&(len as u32).to_be_bytes());
    len - 1
}

/// Appends one fragment.
pub(crate) fn put_fragment(out: &mut Vec<u8>, flags: u8, group: u64, body: &[u8]) {
    put_whole(out, flags | GROUP, |out| {
        put_varint(out, group);
        out.extend_from_slice(body);
    });
}

/// Appends a whole frame with its number.
pub(crate) fn put_numbered(out: &mut Vec<u8>, flags: u8, seq: u64, body: &[u8]) {
    put_whole(out, flags | SEQ, |out| {
        put_varint(out, seq);
        out.extend_from_slice(body);
    });
}

/// Appends the last fragment of a group, with the number of its message.
pub(crate) fn put_last_fragment(
    out: &mut Vec<u8>,
    flags: u8,
    (seq, group): (u64, u64),
    body: &[u8],
) {
    put_whole(out, flags | GROUP, |out| {
        put_varint(out, seq);
        put_varint(out, group);
        out.extend_from_slice(body);
    });
}

#[derive(Debug, Default)]
struct Group {
    message: Vec<u8>,
    /// What every fragment must say alike.
    flags: u8,
}

/// Puts fragments together again. Holds no more than was received, in at most `groups_max`
/// groups and `bytes_max` bytes.
#[derive(Debug)]
pub(crate) struct Assembler {
    groups: FxHashMap<u64, Group>,
    bytes: usize,
    next_group: u64,
    groups_max: usize,
    bytes_max: usize,
    message_bytes_max: usize,
}

impl Assembler {
    pub(crate) fn new(groups_max: u32, bytes_max: u32, message_bytes_max: u32) -> Self {
        Self {
            groups: FxHashMap::default(),
            bytes: 0,
            next_group: 1,
            groups_max: groups_max as usize,
            bytes_max: bytes_max as usize,
            message_bytes_max: message_bytes_max as usize,
        }
    }

    /// Takes one fragment; gives the message when it was the last.
    pub(crate) fn take(
        &mut self,
        frame: &Frame<'_>,
        group: u64,
    ) -> Result<Option<Bytes>, Violation> {
        if !self.groups.contains_key(&group) {
            if group < self.next_group {
                return Err(Violation::GroupOrder);
            }
            if self.groups.len() == self.groups_max {
                return Err(Violation::GroupsTooMany);
            }
            self.next_group = group + 1;
        }
        let flags = frame.flags & (VOLATILE | CODEC);
        let open = self.groups.entry(group).or_insert_with(|| Group { message: Vec::new(), flags });
        if (open.flags ^ flags) & VOLATILE != 0 {
            return Err(Violation::GroupVolatile);
        }
        if open.flags != flags {
            return Err(Violation::GroupCodec);
        }
        if open.message.len() + frame.body.len() > self.message_bytes_max {
            return Err(Violation::MessageTooLong);
        }
        self.bytes += frame.body.len();
        if self.bytes > self.bytes_max {
            return Err(Violation::GroupBytes);
        }
        open.message.extend_from_slice(frame.body);
        if frame.flags & MORE != 0 {
            return Ok(None);
        }
        let message = self.groups.remove(&group).unwrap_or_default().message;
        self.bytes -= message.len();
        Ok(Some(Bytes::from(message)))
    }

    /// Whether a message is not all there.
    pub(crate) fn is_open(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Groups and bytes in hand.
    #[cfg(test)]
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.groups.len(), self.bytes)
    }

    /// Forgets everything, when the link is gone.
    pub(crate) fn clear(&mut self) {
        self.groups = FxHashMap::default();
        self.bytes = 0;
        self.next_group = 1;
    }
}
