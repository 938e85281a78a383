//! What a contract demands of a value beyond its type, checked on the value's CBOR.
//!
//! On bytes rather than on values, so that one function serves newtypes, options and lists of any
//! type, on the way in and out.

use super::mismatch::Mismatch;
use super::read::{Kind, Reader};
use super::write::Writer;
use regex_lite::Regex;
use std::sync::OnceLock;

/// A bound of a number; inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "numbers are integers or floats")]
pub enum Bound {
    /// Of an integer.
    Int(i128),
    /// Of a float.
    Float(f64),
}

impl Bound {
    fn to_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// True when `self` is at most `other`.
    fn at_most(self, other: Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a <= b,
            (a, b) => a.to_f64() <= b.to_f64(),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
        }
    }
}

/// The constraints of a field, a parameter or a newtype.
///
/// On an optional they bind a value that is there; on a list the length counts its items, and
/// everything else binds each item. The length of a text is in characters.
#[derive(Debug, Default)]
pub struct Limits {
    min: Option<Bound>,
    max: Option<Bound>,
    len_min: Option<u64>,
    len_max: Option<u64>,
    format: Option<&'static str>,
    pattern: Option<&'static str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Limits {
    /// No constraints.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            min: None,
            max: None,
            len_min: None,
            len_max: None,
            format: None,
            pattern: None,
            compiled: OnceLock::new(),
        }
    }

    /// A number is at least this.
    #[must_use]
    pub const fn min(mut self, bound: Bound) -> Self {
        self.min = Some(bound);
        self
    }

    /// A number is at most this.
    #[must_use]
    pub const fn max(mut self, bound: Bound) -> Self {
        self.max = Some(bound);
        self
    }

    /// The length is at least this.
    #[must_use]
    pub const fn len_min(mut self, length: u64) -> Self {
        self.len_min = Some(length);
        self
    }

    /// The length is at most this.
    #[must_use]
    pub const fn len_max(mut self, length: u64) -> Self {
        self.len_max = Some(length);
        self
    }

    /// A text has this form.
    #[must_use]
    pub const fn format(mut self, format: &'static str) -> Self {
        self.format = Some(format);
        self
    }

    /// The whole of a text matches this.
    #[must_use]
    pub const fn pattern(mut self, pattern: &'static str) -> Self {
        self.pattern = Some(pattern);
        self
    }

    fn check(&self, item: &mut Reader<'_>, is_in_list: bool) -> Result<(), Mismatch> {
        match item.kind()? {
            Kind::List if !is_in_list => {
                let mut open = item.open_list()?;
                let mut length = 0;
                while item.next(&mut open)? {
                    let place = usize::try_from(length).unwrap_or(usize::MAX);
                    self.check(item, true).map_err(|mismatch| mismatch.at_index(place))?;
                    length += 1;
                }
                self.length(length, "items")
            }
            Kind::Uint | Kind::Negative => self.number(Bound::Int(item.integer()?.to_i128())),
            Kind::Float => self.number(Bound::Float(item.float()?)),
            Kind::Text => {
                let text = item.text()?;
                if !is_in_list {
                    self.length(text.chars().count() as u64, "characters")?;
                }
                self.text(&text)
            }
            Kind::Bytes if !is_in_list => {
                let length = item.bytes()?.len() as u64;
                self.length(length, "bytes")
            }
            Kind::Map if !is_in_list => {
                let mut open = item.open_map("a map")?;
                let mut length = 0;
                while item.next(&mut open)? {
                    item.skip()?;
                    item.skip()?;
                    length += 1;
                }
                self.length(length, "entries")
            }
            _ => item.skip(),
        }
    }

    fn number(&self, value: Bound) -> Result<(), Mismatch> {
        match (self.min, self.max) {
            (Some(min), _) if !min.at_most(value) => {
                Err(Mismatch::new(format_args!("{} is below {}", value.words(), min.words())))
            }
            (_, Some(max)) if !value.at_most(max) => {
                Err(Mismatch::new(format_args!("{} is above {}", value.words(), max.words())))
            }
            _ => Ok(()),
        }
    }

    fn length(&self, length: u64, what: &str) -> Result<(), Mismatch> {
        match (self.len_min, self.len_max) {
            (Some(min), _) if length < min => {
                Err(Mismatch::new(format_args!("{length} {what} are less than {min}")))
            }
            (_, Some(max)) if length > max => {
                Err(Mismatch::new(format_args!("{length} {what} are more than {max}")))
            }
            _ => Ok(()),
        }
    }

    fn text(&self, text: &str) -> Result<(), Mismatch> {
        if let Some(format) = self.format
            && !super::format::fits(format, text)
        {
            return Err(Mismatch::new(format_args!("not of the form `{format}`")));
        }
        let Some(pattern) = self.pattern else { return Ok(()) };
        // What does not compile here is refused by the contract's own checks, and matches nothing.
        let whole = || Regex::new(&format!("\\A(?:{pattern})\\z")).ok();
        let compiled = self.compiled.get_or_init(whole);
        match compiled.as_ref().is_some_and(|regex| regex.is_match(text)) {
            true => Ok(()),
            false => Err(Mismatch::new(format_args!("does not match `{pattern}`"))),
        }
    }
}

impl Reader<'_> {
    /// Where the next item begins.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Checks the item that was read since `start`.
    ///
    /// # Errors
    /// It breaks a constraint.
    pub fn check(&self, start: usize, limits: &Limits) -> Result<(), Mismatch> {
        limits.check(&mut Reader::new(self.since(start), false), false)
    }
}

impl Writer {
    /// Where the next item begins.
    #[must_use]
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Checks the item that was written since `start`.
    ///
    /// # Errors
    /// It breaks a constraint.
    pub fn check(&self, start: usize, limits: &Limits) -> Result<(), Mismatch> {
        let item = self.out.get(start..).unwrap_or_default();
        limits.check(&mut Reader::new(item, false), false)
    }
}
