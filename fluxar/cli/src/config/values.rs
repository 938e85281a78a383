//! Numbers and times as people write them in files.

use crate::units;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::time::Duration;

/// Why a number does not fit.
const TOO_LARGE: &str = "is more than this can be";

/// A number, or a text such as 64k (a thousand; in bytes 1,024) or 4M.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    /// As a count and as bytes.
    both: (u64, u64),
}

impl Number {
    /// The value for a field, of bytes or not.
    ///
    /// # Errors
    /// It does not fit.
    pub(super) fn fit<T: TryFrom<u64>>(self, is_bytes: bool) -> Result<T, String> {
        let value = if is_bytes { self.both.1 } else { self.both.0 };
        T::try_from(value).map_err(|_| format!("{value} {TOO_LARGE}"))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl Visitor<'_> for Numbers {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a text such as \"64k\" or \"4M\"")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                let number = u64::try_from(number);
                let number = number.map_err(|_| E::custom("a number below 0 makes no sense"))?;
                Ok(Number { both: (number, number) })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let count = units::count(text).map_err(E::custom)?;
                let bytes = units::size(text).map_err(E::custom)?;
                Ok(Number { both: (count, bytes as u64) })
            }
        }
        from.deserialize_any(Numbers)
    }
}

/// A text such as 250ms, 5s or 2m.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        units::duration(&text).map(Self).map_err(D::Error::custom)
    }
}

/// As `--tokens-per-second` on the command line.
pub(super) fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let rate = f64::deserialize(from)?;
    units::rate(&rate.to_string()).map(Some).map_err(D::Error::custom)
}
