//! The scalars of contracts that std lacks.

use super::mismatch::Mismatch;
use super::read::{Kind, Reader};
use super::write::Writer;
use super::{Decode, Encode, native};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// A text or number that is none of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(&'static str);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ParseError {}

impl From<ParseError> for Mismatch {
    fn from(error: ParseError) -> Self {
        Self::new(error)
    }
}

/// serde's traits for types that write and read themselves.
macro_rules! by_native {
    ($($ty:ty),+) => {
        $(impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                native::serialize(self, to)
            }
        }

        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                native::deserialize(from)
            }
        })+
    };
}

by_native!(Int, Uuid, Timestamp, Decimal, Url, super::Value, super::Unknown);

/// An integer that every language holds exactly: from -(2^53-1) to 2^53-1. `int` in contracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int(i64);

impl Int {
    /// The largest.
    pub const MAX: Self = Self((1 << 53) - 1);
    /// The smallest.
    pub const MIN: Self = Self(-Self::MAX.0);

    /// The integer, if it is in range.
    #[must_use]
    pub const fn new(value: i64) -> Option<Self> {
        match value >= Self::MIN.0 && value <= Self::MAX.0 {
            true => Some(Self(value)),
            false => None,
        }
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Int {
    type Error = ParseError;

    fn try_from(value: i64) -> Result<Self, ParseError> {
        Self::new(value).ok_or(ParseError("an `int` is from -(2^53-1) to 2^53-1"))
    }
}

macro_rules! small {
    ($($ty:ty),+) => {
        $(impl From<$ty> for Int {
            fn from(value: $ty) -> Self {
                Self(i64::from(value))
            }
        })+
    };
}

small!(u8, u16, u32, i8, i16, i32);

impl From<Int> for i64 {
    fn from(int: Int) -> Self {
        int.0
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Int {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse::<i64>().map_err(|_| ParseError("not an integer"))?.try_into()
    }
}

impl Encode for Int {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.int(self.0);
        Ok(())
    }
}

impl Decode for Int {
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        Ok(Self::try_from(from.int()?)?)
    }
}

/// A universally unique identifier: 16 bytes on the wire, `8-4-4-4-12` digits for people.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The identifier of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn into_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WRONG: ParseError = ParseError("a uuid is 8-4-4-4-12 hexadecimal digits");
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return Err(WRONG);
        }
        let mut uuid = [0; 16];
        let mut digits = 0;
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if *byte != b'-' {
                    return Err(WRONG);
                }
                continue;
            }
            let digit = char::from(*byte).to_digit(16).ok_or(WRONG)?;
            let slot = uuid.get_mut(digits / 2).ok_or(WRONG)?;
            *slot = *slot << 4 | digit as u8;
            digits += 1;
        }
        Ok(Self(uuid))
    }
}

impl Encode for Uuid {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        match to.is_human() {
            true => to.text(&self.to_string()),
            false => to.bytes(&self.0),
        }
        Ok(())
    }
}

impl Decode for Uuid {
    /// Sixteen bytes; text and the tag 37 are accepted.
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        match from.kind()? {
            Kind::Text => return Ok(from.text()?.parse::<Self>()?),
            Kind::Tag => match from.tag()? {
                Some(37) => {}
                _ => return Err(Mismatch::new("a uuid has no tag, or the tag 37")),
            },
            Kind::Bytes => {}
            _ => return Err(from.expected("a uuid (16 bytes)")),
        }
        let bytes = from.bytes()?;
        let wrong = || Mismatch::new(format_args!("a uuid has 16 bytes, not {}", bytes.len()));
        <[u8; 16]>::try_from(&*bytes).map(Self).map_err(|_| wrong())
    }
}

/// A point in time: microseconds since 1970-01-01 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// This many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl From<SystemTime> for Timestamp {
    /// Beyond 290,000 years from the epoch: the farthest that there is.
    fn from(time: SystemTime) -> Self {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self(micros(after)),
            Err(before) => Self(-micros(before.duration())),
        }
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = ParseError;

    fn try_from(timestamp: Timestamp) -> Result<Self, ParseError> {
        let distance = Duration::from_micros(timestamp.0.unsigned_abs());
        let time = match timestamp.0 < 0 {
            true => Self::UNIX_EPOCH.checked_sub(distance),
            false => Self::UNIX_EPOCH.checked_add(distance),
        };
        time.ok_or(ParseError("this system cannot say a time so far away"))
    }
}

impl Encode for Timestamp {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.int(self.0);
        Ok(())
    }
}

impl Decode for Timestamp {
    /// Microseconds; the tags 0 (a text of RFC 3339) and 1 (seconds) are accepted.
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        const WRONG: &str = "this is no point in time";
        let micros = match from.tag()? {
            None => return from.int().map(Self),
            Some(0) => super::time::parse(&from.text()?),
            Some(1) if from.kind()? == Kind::Float => {
                let micros = (from.float()? * 1e6).round();
                (micros.abs() <= 9.2e18).then_some(micros as i64)
            }
            Some(1) => from.int()?.checked_mul(1_000_000),
            Some(_) => None,
        };
        micros.map(Self).ok_or_else(|| Mismatch::new(WRONG))
    }
}

/// A decimal number of any length, as text: `-12.50`. It keeps its digits; arithmetic is for
/// crates that do it well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(String);

impl Decimal {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Self("0".to_owned())
    }
}

/// `-12.50`, `3`, `1e9`.
fn is_decimal(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let sign = |rest: &mut &[u8]| {
        if let [b'-' | b'+', after @ ..] = rest {
            *rest = after;
        }
    };
    let digits = |rest: &mut &[u8]| {
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        *rest = rest.get(count..).unwrap_or_default();
        count > 0
    };
    sign(&mut rest);
    let mut is_decimal = digits(&mut rest);
    if let [b'.', after @ ..] = rest {
        rest = after;
        is_decimal &= digits(&mut rest);
    }
    if let [b'e' | b'E', after @ ..] = rest {
        rest = after;
        sign(&mut rest);
        is_decimal &= digits(&mut rest);
    }
    is_decimal && rest.is_empty()
}

impl FromStr for Decimal {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match is_decimal(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(ParseError("a decimal is digits, perhaps with a sign and a point")),
        }
    }
}

macro_rules! texts {
    ($($ty:ty => $decode:expr;)+) => {
        $(impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Encode for $ty {
            #[inline]
            fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
                to.text(&self.0);
                Ok(())
            }
        }

        impl Decode for $ty {
            #[inline]
            fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
                let text = from.text()?;
                let decode: fn(&str) -> Result<Self, Mismatch> = $decode;
                decode(&text)
            }
        })+
    };
}

texts! {
    Decimal => |text| Ok(text.parse()?);
    Url => |text| Ok(Self::from(text));
}

/// The address of something, as text. It is carried, not examined.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url(String);

impl Url {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Url {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Url {
    fn from(text: String) -> Self {
        Self(text)
    }
}
