//! Typed topics: a path made of values, and back.

use crate::error::{Code, Status};
use crate::payload::Uuid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt::Write;

/// A topic of a contract: the value says on which path, `Value` is what is published there.
///
/// Made by `#[fluxar::topic("orders.{region}", value = OrderEvent)]`.
pub trait Topic: Sized + Send + Sync + 'static {
    /// What is published.
    type Value: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Whether a path keeps its last value.
    const RETAIN: bool;

    /// The path.
    ///
    /// # Errors
    /// `invalid_argument` when a part of it is empty.
    fn path(&self) -> Result<String, Status>;

    /// The value of a path.
    ///
    /// # Errors
    /// `invalid_argument` when it is none of this topic's.
    fn of_path(path: &str) -> Result<Self, Status>;
}

/// A value that may stand in a path: text, an integer, a bool, a uuid, an enum of a contract, or
/// a newtype of these.
pub trait Segment: Sized {
    /// The value as text; nothing when its type cannot stand in a path.
    fn to_segment(&self) -> Option<Cow<'_, str>>;

    /// The value of a text.
    fn of_segment(text: &str) -> Option<Self>;
}

impl Segment for String {
    fn to_segment(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }

    fn of_segment(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

macro_rules! displayed {
    ($($ty:ty),+) => {
        $(impl Segment for $ty {
            fn to_segment(&self) -> Option<Cow<'_, str>> {
                Some(Cow::Owned(self.to_string()))
            }

            fn of_segment(text: &str) -> Option<Self> {
                let value: Self = text.parse().ok()?;
                // One value has one path: no `+1`, no `01`, no capital letters in a uuid.
                (value.to_string() == text).then_some(value)
            }
        })+
    };
}

displayed!(u8, u16, u32, u64, i8, i16, i32, i64, bool, Uuid, crate::payload::Int);

/// A part of a path that names no value: in a subscription, any.
pub const ANY: &str = "*";

/// Appends a segment, with a dot before all but the first.
///
/// # Errors
/// `invalid_argument`: it is empty, or of a type that cannot stand in a path.
pub fn push_segment<T: Segment>(path: &mut String, name: &str, value: &T) -> Result<(), Status> {
    let Some(text) = value.to_segment().filter(|text| !text.is_empty()) else {
        let message = format!("topic: `{name}` is empty, but every segment of a path has a text");
        return Err(Status::new(Code::InvalidArgument, message));
    };
    dot(path);
    for c in text.chars() {
        let is_special = matches!(c, '.' | '*' | '>' | '%') || c.is_whitespace() || c.is_control();
        match is_special {
            true => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string does not fail.
                    let _written = write!(path, "%{byte:02X}");
                }
            }
            false => path.push(c),
        }
    }
    Ok(())
}

/// Appends a literal segment, or the one that stands for any.
pub fn push_literal(path: &mut String, text: &str) {
    dot(path);
    path.push_str(text);
}

fn dot(path: &mut String) {
    if !path.is_empty() {
        path.push('.');
    }
}

/// The error of a path that is none of the topic's.
#[cold]
#[must_use]
pub fn foreign_path(path: &str) -> Status {
    Status::new(Code::InvalidArgument, format!("`{path}` is no path of this topic"))
}

/// Reads a segment.
///
/// # Errors
/// `invalid_argument`: there is none, or none of this type.
pub fn take_segment<T: Segment>(segment: Option<&str>, path: &str) -> Result<T, Status> {
    let text = segment.and_then(decoded);
    text.and_then(|text| T::of_segment(&text)).ok_or_else(|| foreign_path(path))
}

/// Without percent encoding.
fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        bytes.push(u8::try_from(digit()? << 4 | digit()?).ok()?);
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_back_whatever_they_hold() {
        for text in ["eu", "a.b", "*", ">", "100%", "zwei Wörter", "%41", "\u{7f}\n", "ß"] {
            let mut path = "x".to_owned();
            push_segment(&mut path, "text", &text.to_owned()).unwrap();
            let segment = path.strip_prefix("x.").unwrap();
            assert!(!segment.contains(['.', '*', '>', ' ', '\n']), "{segment}");
            assert_eq!(take_segment::<String>(Some(segment), &path).unwrap(), text);
        }
        let mut path = String::new();
        push_segment(&mut path, "text", &"ä b".to_owned()).unwrap();
        assert_eq!(path, "ä%20b");
    }

    #[test]
    fn what_is_no_segment_is_refused() {
        let empty = push_segment(&mut String::new(), "text", &String::new()).unwrap_err();
        assert!(empty.message().contains("`text`"), "{empty}");
        for wrong in ["01", "+1", "256", "x", "%3"] {
            assert!(take_segment::<u8>(Some(wrong), wrong).is_err(), "{wrong}");
        }
        assert!(take_segment::<String>(None, "").is_err());
    }
}
