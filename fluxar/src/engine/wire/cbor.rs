//! Deterministic CBOR (RFC 8949 §4.2.1): a reader that refuses and never repairs, and a writer.
//!
//! Hand-written since the envelope is on the path of every message: see `ARCHITECTURE.md`.

use crate::engine::violation::Violation;

/// Unsigned integer.
pub(crate) const UINT: u8 = 0;
/// Byte string.
pub(crate) const BYTES: u8 = 2;
/// Text string.
pub(crate) const TEXT: u8 = 3;
/// Array.
pub(crate) const ARRAY: u8 = 4;
/// Map.
pub(crate) const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;

/// Nesting of a value that is skipped; nothing of the envelope itself comes near it.
const DEPTH_MAX: usize = 16;

/// Reads one deterministic item after the other from a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// What was read since `from`.
    pub(crate) fn since(&self, from: usize) -> &'a [u8] {
        &self.bytes[from..self.at]
    }

    /// Nothing may follow.
    pub(crate) fn finish(&self) -> Result<(), Violation> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(Violation::CborTrailing) }
    }

    fn byte(&mut self) -> Result<u8, Violation> {
        let byte = *self.bytes.get(self.at).ok_or(Violation::CborTruncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Violation> {
        let left = self.bytes.len() - self.at;
        // The declared length is only compared, never reserved.
        let len = usize::try_from(len).map_err(|_| Violation::CborTruncated)?;
        if len > left {
            return Err(Violation::CborTruncated);
        }
        let from = self.at;
        self.at += len;
        Ok(&self.bytes[from..self.at])
    }

    /// The major type and argument of the next item. Simple values give their number.
    fn head(&mut self) -> Result<(u8, u64), Violation> {
        let first = self.byte()?;
        let (major, info) = (first >> 5, first & 0x1f);
        let value = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24 => u64::from(self.byte()?),
            25 => self.uint_of(2)?,
            26 => self.uint_of(4)?,
            27 => self.uint_of(8)?,
            31 => return Err(Violation::CborIndefinite),
            _ => return Err(Violation::CborNotShortest),
        };
        let least = match info {
            24 => 24,
            25 => 0x100,
            26 => 0x1_0000,
            _ => 0x1_0000_0000,
        };
        if major == SIMPLE {
            // Simple values above 23, and floats: the envelope has no place for either.
            return Err(Violation::CborSimple);
        }
        if value < least {
            return Err(Violation::CborNotShortest);
        }
        Ok((major, value))
    }

    fn uint_of(&mut self, len: u64) -> Result<u64, Violation> {
        let bytes = self.take(len)?;
        Ok(bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    /// Takes a `null` if it is next.
    pub(crate) fn null(&mut self) -> bool {
        let is_null = self.bytes.get(self.at) == Some(&NULL);
        self.at += usize::from(is_null);
        is_null
    }

    fn expect(&mut self, wanted: u8) -> Result<u64, Violation> {
        match self.head()? {
            (major, value) if major == wanted => Ok(value),
            (TAG, _) => Err(Violation::CborTag),
            (SIMPLE, _) => Err(self.simple()),
            _ => Err(Violation::CborType),
        }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, Violation> {
        self.expect(UINT)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Violation> {
        match self.bytes.get(self.at) {
            Some(&FALSE) => {
                self.at += 1;
                Ok(false)
            }
            Some(&TRUE) => {
                self.at += 1;
                Ok(true)
            }
            // Never a boolean: says what else is wrong with it.
            _ => self.expect(SIMPLE).and(Err(Violation::CborType)),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Violation> {
        let len = self.expect(BYTES)?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Violation> {
        let len = self.expect(TEXT)?;
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).map_err(|_| Violation::CborUtf8)
    }

    /// The number of items that follow.
    pub(crate) fn array(&mut self) -> Result<u64, Violation> {
        self.expect(ARRAY)
    }

    /// The number of pairs that follow.
    pub(crate) fn map(&mut self) -> Result<u64, Violation> {
        self.expect(MAP)
    }

    /// The major type of the next item.
    pub(crate) fn peek(&self) -> Result<u8, Violation> {
        self.bytes.get(self.at).map(|first| first >> 5).ok_or(Violation::CborTruncated)
    }

    /// The last simple value was none of the three: or it was, where another type is due.
    fn simple(&self) -> Violation {
        match self.bytes.get(self.at.wrapping_sub(1)) {
            Some(&(FALSE | TRUE | NULL)) => Violation::CborType,
            _ => Violation::CborSimple,
        }
    }

    /// Steps over one item of any kind, `outer` levels deep, with a bounded depth and no recursion.
    pub(crate) fn skip(&mut self, outer: usize) -> Result<(), Violation> {
        let mut open = [Level::default(); DEPTH_MAX];
        let mut depth = outer;
        loop {
            let from = self.at;
            let (nested, is_map) = self.skip_one()?;
            if depth > outer {
                self.check_key(&mut open[depth - 1], from, nested)?;
            }
            if nested > 0 {
                if depth == DEPTH_MAX {
                    return Err(Violation::CborDepth);
                }
                open[depth] = Level { left: nested, is_map, last_key: (0, 0) };
                depth += 1;
                continue;
            }
            loop {
                if depth == outer {
                    return Ok(());
                }
                open[depth - 1].left -= 1;
                if open[depth - 1].left > 0 {
                    break;
                }
                depth -= 1;
            }
        }
    }

    /// Keys of a map rise bytewise. A key that is a container itself is nothing that anybody needs.
    fn check_key(&self, level: &mut Level, from: usize, nested: u64) -> Result<(), Violation> {
        let is_key = level.is_map && level.left.is_multiple_of(2);
        if !is_key {
            return Ok(());
        }
        let (last_from, last_to) = level.last_key;
        if nested > 0 || self.bytes[last_from..last_to] >= self.bytes[from..self.at] {
            return Err(Violation::CborKeyOrder);
        }
        level.last_key = (from, self.at);
        Ok(())
    }

    /// Steps over a head, and over the content of a string; says how many items follow inside, and
    /// whether they are pairs.
    fn skip_one(&mut self) -> Result<(u64, bool), Violation> {
        if matches!(self.bytes.get(self.at), Some(&(FALSE | TRUE | NULL))) {
            self.at += 1;
            return Ok((0, false));
        }
        let left = (self.bytes.len() - self.at) as u64;
        let nested = match self.head()? {
            (BYTES, len) => self.take(len).map(|_| (0, false))?,
            (TEXT, len) => {
                let bytes = self.take(len)?;
                std::str::from_utf8(bytes).map_err(|_| Violation::CborUtf8)?;
                (0, false)
            }
            (ARRAY, len) if len <= left => (len, false),
            (MAP, len) if len <= left / 2 => (len * 2, true),
            (ARRAY | MAP, _) => return Err(Violation::CborTruncated),
            (TAG, _) => return Err(Violation::CborTag),
            (SIMPLE, _) => return Err(Violation::CborSimple),
            _ => (0, false),
        };
        Ok(nested)
    }
}

/// An open array or map.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Items left inside; keys and values count one each.
    left: u64,
    is_map: bool,
    /// Where the last key stands.
    last_key: (usize, usize),
}

/// Appends the head of an item in its shortest form.
pub(crate) fn put_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let top = major << 5;
    // One stack array and one copy: `Vec::push` in a row checks the capacity each time.
    let be = value.to_be_bytes();
    match value {
        0..=23 => out.push(top | value as u8),
        24..=0xff => out.extend_from_slice(&[top | 24, be[7]]),
        0x100..=0xffff => out.extend_from_slice(&[top | 25, be[6], be[7]]),
        0x1_0000..=0xffff_ffff => {
            out.extend_from_slice(&[top | 26, be[4], be[5], be[6], be[7]]);
        }
        _ => {
            let mut head = [top | 27; 9];
            head[1..].copy_from_slice(&be);
            out.extend_from_slice(&head);
        }
    }
}

pub(crate) fn put_uint(out: &mut Vec<u8>, value: u64) {
    put_head(out, UINT, value);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_head(out, BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { TRUE } else { FALSE });
}

pub(crate) fn put_null(out: &mut Vec<u8>) {
    out.push(NULL);
}
