//! Writing CBOR: definite lengths, shortest numbers.

use super::mismatch::Mismatch;
use crate::engine::wire::cbor::{ARRAY, BYTES, MAP, TEXT, UINT, put_head};

pub(super) const NEGATIVE: u8 = 1;
pub(super) const TAG: u8 = 6;
/// A list or map of unknown length, and its end.
pub(super) const OPEN_LIST: u8 = 0x9f;
pub(super) const OPEN_MAP: u8 = 0xbf;
pub(super) const BREAK: u8 = 0xff;
/// Entries that the one-byte head of a map can count.
const SMALL_ENTRIES: usize = 23;

/// How records and variants name their fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// By name: what any client can read.
    #[default]
    Names,
    /// By number where one is declared: what two peers with contracts may use.
    Numbers,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// The keys of records and variants.
    pub keys: Keys,
    /// Refuse values that break a constraint of their contract.
    pub checks: bool,
    /// For formats that people read: ids as text.
    pub(crate) is_human: bool,
}

impl Mode {
    /// Names, and no checks.
    pub const PLAIN: Self = Self { keys: Keys::Names, checks: false, is_human: false };

    /// With checks: what a caller sends, or publishes.
    #[must_use]
    pub fn checked(keys: Keys) -> Self {
        Self { keys, checks: true, is_human: false }
    }

    /// Without checks: what a callee answers.
    #[must_use]
    pub fn unchecked(keys: Keys) -> Self {
        Self { keys, checks: false, is_human: false }
    }
}

/// Appends CBOR items to a buffer.
#[derive(Debug, Default)]
pub struct Writer {
    pub(super) out: Vec<u8>,
    mode: Mode,
}

/// A record whose entries are not counted yet.
#[derive(Debug)]
pub struct OpenRecord {
    at: usize,
    count: usize,
}

impl Writer {
    /// Appends to `out`.
    #[must_use]
    #[inline]
    pub fn new(out: Vec<u8>, mode: Mode) -> Self {
        Self { out, mode }
    }

    /// The buffer with everything written.
    #[must_use]
    #[inline]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// True when values are to be checked against their constraints.
    #[must_use]
    pub fn checks(&self) -> bool {
        self.mode.checks
    }

    /// True for a format that people read.
    pub(crate) fn is_human(&self) -> bool {
        self.mode.is_human
    }

    /// Appends bytes that are CBOR already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Appends a key in the one form or the other. Both are whole CBOR items, behind the head of a map
    /// of one entry where a variant has content.
    #[inline]
    pub fn key(&mut self, number: &'static [u8], name: &'static [u8]) {
        // Two calls, so that each copies a length that the compiler knows.
        match self.mode.keys {
            Keys::Numbers => self.out.extend_from_slice(number),
            Keys::Names => self.out.extend_from_slice(name),
        }
    }

    /// Writes what is long, out of the way: so that the short variants of a union are put where
    /// they are written.
    ///
    /// # Errors
    /// Its own.
    #[inline(never)]
    pub fn apart(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        write(self)
    }

    /// Begins a record whose entries are counted as they come.
    #[inline]
    pub fn open_record(&mut self) -> OpenRecord {
        let at = self.out.len();
        self.out.push(MAP << 5);
        OpenRecord { at, count: 0 }
    }

    /// Writes a field.
    ///
    /// # Errors
    /// The value's own.
    #[inline]
    pub fn field(
        &mut self,
        record: &mut OpenRecord,
        [number, name]: [&'static [u8]; 2],
        value: impl FnOnce(&mut Self) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        self.key(number, name);
        value(self)?;
        record.count += 1;
        Ok(())
    }

    /// Writes a field, unless that gives the bytes of its default, which are those of name mode;
    /// plain ones are alike in both.
    ///
    /// # Errors
    /// The value's own.
    pub fn field_unless(
        &mut self,
        record: &mut OpenRecord,
        [number, name]: [&'static [u8]; 2],
        (default, is_plain): (&[u8], bool),
        value: impl Fn(&mut Self) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        let start = self.out.len();
        if is_plain || self.mode.keys == Keys::Names {
            self.key(number, name);
            let from = self.out.len();
            value(self)?;
            match self.out.get(from..) == Some(default) {
                true => self.out.truncate(start),
                false => record.count += 1,
            }
            return Ok(());
        }
        let keys = std::mem::replace(&mut self.mode.keys, Keys::Names);
        let written = value(self);
        self.mode.keys = keys;
        let is_default = self.out.get(start..) == Some(default);
        self.out.truncate(start);
        written?;
        if is_default { Ok(()) } else { self.field(record, [number, name], value) }
    }

    /// Ends a record.
    #[inline]
    pub fn close_record(&mut self, record: OpenRecord) {
        if record.count > SMALL_ENTRIES {
            let mut head = Vec::new();
            put_head(&mut head, MAP, record.count as u64);
            self.out.splice(record.at..=record.at, head);
        } else if let Some(head) = self.out.get_mut(record.at) {
            *head |= record.count as u8;
        }
    }

    /// A non-negative integer.
    #[inline]
    pub fn uint(&mut self, value: u64) {
        put_head(&mut self.out, UINT, value);
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.uint(value),
            Err(_) => put_head(&mut self.out, NEGATIVE, !(value as u64)),
        }
    }

    /// The integer `-1 - value`.
    pub(super) fn negative(&mut self, value: u64) {
        put_head(&mut self.out, NEGATIVE, value);
    }

    /// A float of 32 bits.
    #[inline]
    pub fn f32(&mut self, value: f32) {
        let [a, b, c, d] = value.to_be_bytes();
        self.raw(&[0xfa, a, b, c, d]);
    }

    /// A float of 64 bits.
    #[inline]
    pub fn f64(&mut self, value: f64) {
        let mut item = [0xfb; 9];
        item[1..].copy_from_slice(&value.to_be_bytes());
        self.raw(&item);
    }

    /// True or false.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.out.push(if value { 0xf5 } else { 0xf4 });
    }

    /// Nothing.
    #[inline]
    pub fn null(&mut self) {
        self.out.push(0xf6);
    }

    /// A text.
    #[inline]
    pub fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length @ 0..=23) => self.out.push(TEXT << 5 | length),
            _ => put_head(&mut self.out, TEXT, text.len() as u64),
        }
        self.raw(text.as_bytes());
    }

    /// A byte string.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        put_head(&mut self.out, BYTES, bytes.len() as u64);
        self.raw(bytes);
    }

    /// The head of a tag.
    pub(super) fn tag(&mut self, tag: u64) {
        put_head(&mut self.out, TAG, tag);
    }

    /// The head of a list of this length.
    #[inline]
    pub fn list(&mut self, length: usize) {
        put_head(&mut self.out, ARRAY, length as u64);
    }

    /// The head of a map of this many entries.
    #[inline]
    pub fn map(&mut self, entries: usize) {
        put_head(&mut self.out, MAP, entries as u64);
    }
}
