//! Reading CBOR that others wrote: any length form, bounded depth, nothing allocated on a promise.

use super::DEPTH_MAX;
use super::mismatch::Mismatch;
use super::write::{BREAK, NEGATIVE, TAG};
use crate::engine::wire::cbor::{ARRAY, BYTES, MAP, TEXT, UINT};
use std::borrow::Cow;

const UNTIL_BREAK: u8 = 31;

/// Reads one CBOR item after the other.
#[derive(Clone, Debug)]
pub struct Reader<'b> {
    bytes: &'b [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
    checks: bool,
}

/// A list or map that is being read: the items or entries left, or "until the break".
#[derive(Clone, Copy, Debug)]
pub struct Open {
    left: Option<u64>,
}

impl Open {
    /// The declared length, and nothing for one that is not declared.
    pub(super) fn declared(self) -> Option<usize> {
        self.left.and_then(|left| usize::try_from(left).ok())
    }
}

/// What an item is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Uint,
    Negative,
    Bytes,
    Text,
    List,
    Map,
    Tag,
    Bool,
    Null,
    Float,
    Other,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Uint | Self::Negative => "an integer",
            Self::Bytes => "a byte string",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Tag => "a tagged item",
            Self::Bool => "a bool",
            Self::Null => "null",
            Self::Float => "a float",
            Self::Other => "a simple value",
        }
    }
}

/// An integer as CBOR has them: `-1 - argument` when negative.
#[derive(Clone, Copy, Debug)]
pub(super) enum Integer {
    Plus(u64),
    Minus(u64),
}

impl Integer {
    pub(super) fn to_i128(self) -> i128 {
        match self {
            Self::Plus(value) => i128::from(value),
            Self::Minus(value) => -1 - i128::from(value),
        }
    }
}

#[cold]
fn cut() -> Mismatch {
    Mismatch::new("the CBOR item is cut short")
}

impl<'b> Reader<'b> {
    /// Reads from these bytes. With `checks`, values must keep the constraints of their contract.
    #[must_use]
    pub fn new(bytes: &'b [u8], checks: bool) -> Self {
        Self { bytes, at: 0, depth: 0, checks }
    }

    /// The rest of another reader's bytes, as deep as that one is.
    pub(super) fn resumed(bytes: &'b [u8], depth: usize, checks: bool) -> Self {
        Self { bytes, at: 0, depth, checks }
    }

    /// True when values are to be checked against their constraints.
    #[must_use]
    pub fn checks(&self) -> bool {
        self.checks
    }

    /// Reads what is long, out of the way: see [`Writer::apart`](super::Writer::apart).
    ///
    /// # Errors
    /// Its own.
    #[inline(never)]
    pub fn apart<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Mismatch>,
    ) -> Result<T, Mismatch> {
        read(self)
    }

    /// Nothing may follow.
    ///
    /// # Errors
    /// Something does.
    pub fn finish(&self) -> Result<(), Mismatch> {
        match self.at == self.bytes.len() {
            true => Ok(()),
            false => Err(Mismatch::new("bytes follow the CBOR item")),
        }
    }

    #[inline]
    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn since(&self, from: usize) -> &'b [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'b [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    #[inline(always)]
    fn first(&self) -> Result<u8, Mismatch> {
        self.bytes.get(self.at).copied().ok_or_else(cut)
    }

    #[inline]
    pub(super) fn kind(&self) -> Result<Kind, Mismatch> {
        let first = self.first()?;
        Ok(match (first >> 5, first & 31) {
            (UINT, _) => Kind::Uint,
            (NEGATIVE, _) => Kind::Negative,
            (BYTES, _) => Kind::Bytes,
            (TEXT, _) => Kind::Text,
            (ARRAY, _) => Kind::List,
            (MAP, _) => Kind::Map,
            (TAG, _) => Kind::Tag,
            (_, 20 | 21) => Kind::Bool,
            (_, 22 | 23) => Kind::Null,
            (_, 25..=27) => Kind::Float,
            _ => Kind::Other,
        })
    }

    /// The error that something else was expected here.
    #[cold]
    pub fn expected(&self, what: &str) -> Mismatch {
        match self.kind() {
            Ok(kind) => Mismatch::new(format_args!("expected {what}, found {}", kind.words())),
            Err(cut) => cut,
        }
    }

    #[inline(always)]
    fn take(&mut self, length: u64) -> Result<&'b [u8], Mismatch> {
        let rest = self.rest();
        // The declared length is only compared, never reserved.
        match usize::try_from(length) {
            Ok(length) if length <= rest.len() => {
                self.at += length;
                Ok(&rest[..length])
            }
            _ => Err(cut()),
        }
    }

    /// Steps over the first byte and gives its argument.
    #[inline(always)]
    fn argument(&mut self, first: u8) -> Result<u64, Mismatch> {
        self.at += 1;
        match first & 31 {
            info @ 0..=23 => Ok(u64::from(info)),
            24 => self.big_endian::<1>().map(|[byte]| u64::from(byte)),
            25 => self.big_endian().map(u16::from_be_bytes).map(u64::from),
            26 => self.big_endian().map(u32::from_be_bytes).map(u64::from),
            27 => self.big_endian().map(u64::from_be_bytes),
            _ => Err(Mismatch::new("reserved CBOR head")),
        }
    }

    #[inline]
    fn big_endian<const N: usize>(&mut self) -> Result<[u8; N], Mismatch> {
        let bytes = self.rest().first_chunk::<N>().copied().ok_or_else(cut)?;
        self.at += N;
        Ok(bytes)
    }

    /// A number that has to be an integer; a float may be one.
    #[inline]
    pub(super) fn integer(&mut self) -> Result<Integer, Mismatch> {
        let first = self.first()?;
        match first >> 5 {
            UINT => self.argument(first).map(Integer::Plus),
            NEGATIVE => self.argument(first).map(Integer::Minus),
            _ => self.integral(),
        }
    }

    /// An integer that is written as a float.
    #[cold]
    fn integral(&mut self) -> Result<Integer, Mismatch> {
        match self.kind()? {
            Kind::Float => {
                let float = self.float()?;
                // Beyond this a float does not say which integer it was.
                let is_exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
                match is_exact {
                    true if float < 0.0 => Ok(Integer::Minus((-1.0 - float) as u64)),
                    true => Ok(Integer::Plus(float as u64)),
                    false => Err(Mismatch::new("expected an integer, found a float")),
                }
            }
            _ => Err(self.expected("an integer")),
        }
    }

    /// An integer that is not negative.
    ///
    /// # Errors
    /// Something else is here.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, Mismatch> {
        let first = self.first()?;
        if first >> 5 == UINT {
            return self.argument(first);
        }
        match self.integer()? {
            Integer::Plus(value) => Ok(value),
            Integer::Minus(_) => Err(Mismatch::new("the number is negative")),
        }
    }

    /// An integer.
    ///
    /// # Errors
    /// Something else is here, or it does not fit into 64 bits.
    #[inline]
    pub fn int(&mut self) -> Result<i64, Mismatch> {
        let integer = self.integer()?;
        let value = match integer {
            Integer::Plus(value) => i64::try_from(value),
            Integer::Minus(value) => i64::try_from(value).map(|value| -1 - value),
        };
        value.map_err(|_| Mismatch::new("the number does not fit into 64 bits"))
    }

    /// A number, as the widest float.
    ///
    /// # Errors
    /// Something else is here.
    pub fn float(&mut self) -> Result<f64, Mismatch> {
        let first = self.first()?;
        match first {
            0xfb => self.argument(first).map(f64::from_bits),
            0xfa => self.argument(first).map(|bits| f64::from(f32::from_bits(bits as u32))),
            0xf9 => self.argument(first).map(|bits| half(bits as u16)),
            _ if first >> 5 <= NEGATIVE => Ok(self.integer()?.to_i128() as f64),
            _ => Err(self.expected("a number")),
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// Something else is here.
    pub fn bool(&mut self) -> Result<bool, Mismatch> {
        let value = match self.first()? {
            0xf4 => false,
            0xf5 => true,
            _ => return Err(self.expected("a bool")),
        };
        self.at += 1;
        Ok(value)
    }

    /// Takes a null if one is here.
    #[inline]
    pub fn null(&mut self) -> bool {
        let is_null = matches!(self.bytes.get(self.at), Some(0xf6 | 0xf7));
        self.at += usize::from(is_null);
        is_null
    }

    /// Takes a tag if one is here.
    pub(super) fn tag(&mut self) -> Result<Option<u64>, Mismatch> {
        let first = self.first()?;
        if first >> 5 == TAG { self.argument(first).map(Some) } else { Ok(None) }
    }

    /// A text.
    ///
    /// # Errors
    /// Something else is here.
    #[inline(always)]
    pub fn text(&mut self) -> Result<Cow<'b, str>, Mismatch> {
        let first = self.first()?;
        let length = match first {
            // Short, as most texts are.
            0x60..=0x77 => {
                self.at += 1;
                u64::from(first & 31)
            }
            0x7f => {
                let text = self.chunks(TEXT)?;
                return String::from_utf8(text).map(Cow::Owned).map_err(|_| not_utf8());
            }
            _ if first >> 5 != TEXT => return Err(self.expected("a string")),
            _ => self.argument(first)?,
        };
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| not_utf8())
    }

    /// A byte string.
    ///
    /// # Errors
    /// Something else is here.
    #[inline]
    pub fn bytes(&mut self) -> Result<Cow<'b, [u8]>, Mismatch> {
        let first = self.first()?;
        if first >> 5 != BYTES {
            return Err(self.expected("a byte string"));
        }
        if first & 31 == UNTIL_BREAK {
            return self.chunks(BYTES).map(Cow::Owned);
        }
        let length = self.argument(first)?;
        self.take(length).map(Cow::Borrowed)
    }

    /// The chunks of a string of unknown length, joined.
    #[cold]
    fn chunks(&mut self, major: u8) -> Result<Vec<u8>, Mismatch> {
        self.at += 1;
        let mut joined = Vec::new();
        loop {
            let first = self.first()?;
            if first == BREAK {
                self.at += 1;
                return Ok(joined);
            }
            if first >> 5 != major || first & 31 == UNTIL_BREAK {
                return Err(Mismatch::new("a chunk of a string is of another type"));
            }
            let length = self.argument(first)?;
            let chunk = self.take(length)?;
            if major == TEXT && std::str::from_utf8(chunk).is_err() {
                return Err(not_utf8());
            }
            joined.extend_from_slice(chunk);
        }
    }

    /// Enters a list.
    ///
    /// # Errors
    /// Something else is here, or it nests too deep.
    #[inline(always)]
    pub fn open_list(&mut self) -> Result<Open, Mismatch> {
        self.open(ARRAY, "a list")
    }

    /// Enters a map; `what` names it for the message when something else is here.
    ///
    /// # Errors
    /// Something else is here, or it nests too deep.
    #[inline(always)]
    pub fn open_map(&mut self, what: &str) -> Result<Open, Mismatch> {
        self.open(MAP, what)
    }

    #[inline(always)]
    fn open(&mut self, major: u8, what: &str) -> Result<Open, Mismatch> {
        let first = self.first()?;
        if first >> 5 != major {
            return Err(self.expected(what));
        }
        self.enter()?;
        if first & 31 == UNTIL_BREAK {
            self.at += 1;
            return Ok(Open { left: None });
        }
        self.argument(first).map(|left| Open { left: Some(left) })
    }

    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), Mismatch> {
        self.depth += 1;
        match self.depth > DEPTH_MAX {
            true => Err(Mismatch::new("nested deeper than 64")),
            false => Ok(()),
        }
    }

    /// True when another item or entry follows; false leaves the list or map.
    ///
    /// # Errors
    /// The input ends here.
    #[inline(always)]
    pub fn next(&mut self, open: &mut Open) -> Result<bool, Mismatch> {
        let follows = match &mut open.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => {
                let ends = self.first()? == BREAK;
                self.at += usize::from(ends);
                !ends
            }
        };
        self.depth -= usize::from(!follows);
        Ok(follows)
    }

    /// Steps over one item of any kind, without recursion.
    ///
    /// # Errors
    /// The item is broken or nests too deep.
    pub fn skip(&mut self) -> Result<(), Mismatch> {
        // Items left on each level inside of the item; `None` is "until the break".
        let mut open: [Option<u64>; DEPTH_MAX] = [Some(0); DEPTH_MAX];
        let outer = self.depth;
        loop {
            if let Some(nested) = self.skip_head()? {
                self.enter()?;
                open[self.depth - 1] = nested;
            }
            loop {
                if self.depth == outer {
                    return Ok(());
                }
                let mut level = Open { left: open[self.depth - 1] };
                let place = self.depth - 1;
                if self.next(&mut level)? {
                    open[place] = level.left;
                    break;
                }
            }
        }
    }

    /// Steps over a head, and over the content of a string; gives the items that follow inside.
    fn skip_head(&mut self) -> Result<Option<Option<u64>>, Mismatch> {
        let first = self.first()?;
        let is_open = first & 31 == UNTIL_BREAK;
        match first >> 5 {
            BYTES => self.bytes().map(|_| None),
            TEXT => self.text().map(|_| None),
            ARRAY | MAP if is_open => {
                self.at += 1;
                Ok(Some(None))
            }
            ARRAY => self.argument(first).map(|items| Some(Some(items))),
            MAP => self.argument(first).map(|entries| Some(Some(entries.saturating_mul(2)))),
            TAG => self.argument(first).map(|_| Some(Some(1))),
            _ if first == BREAK => Err(Mismatch::new("a CBOR break that ends nothing")),
            _ => self.argument(first).map(|_| None),
        }
    }
}

#[cold]
fn not_utf8() -> Mismatch {
    Mismatch::new("a string is not UTF-8")
}

/// The value of a float of 16 bits.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match (bits >> 10) & 0x1f {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}
