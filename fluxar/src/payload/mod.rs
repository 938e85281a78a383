//! Payloads: one CBOR item. The protocol itself never looks inside.
//!
//! Any serde type travels. Types with `#[derive(fluxar::Type)]` implement [`Encode`] and
//! [`Decode`] beside serde's traits, and go past serde wherever they meet this codec.
//!
//! An absent or empty payload reads as null, and a null result is sent empty.

mod de;
mod foreign;
mod format;
mod limits;
mod mismatch;
pub(crate) mod native;
mod read;
mod record;
mod scalars;
mod ser;
mod std_types;
#[cfg(test)]
mod tests;
mod time;
mod unknown;
mod value;
mod write;

pub use limits::{Bound, Limits};
pub use mismatch::Mismatch;
pub use read::{Open, Reader};
pub use record::{Picked, Table};
#[doc(hidden)]
pub use record::{fill, need};
pub use scalars::{Decimal, Int, ParseError, Timestamp, Url, Uuid};
pub use unknown::{Unknown, UnknownKey};
pub use value::Value;
pub use write::{Keys, Mode, OpenRecord, Writer};

use crate::error::Status;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Nesting of arrays, maps and tags in a payload, at most.
pub const DEPTH_MAX: usize = 64;
/// Room that an encoding starts with: most fit, and growing from nothing reallocates three times to
/// get here.
const ENCODE_BYTES: usize = 64;
/// Null in CBOR.
pub(crate) const NULL: &[u8] = &[0xf6];

/// A value that writes itself.
///
/// Derived by `#[derive(fluxar::Type)]`, together with serde's traits.
pub trait Encode {
    /// Appends the value as one CBOR item.
    ///
    /// # Errors
    /// A constraint of its contract is broken (where the writer checks), or a serde type in it
    /// refuses.
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch>;

    /// True for a value that is nothing, so that a field of it is left out.
    #[inline]
    fn is_absent(&self) -> bool {
        false
    }
}

/// A value that reads itself.
///
/// Derived by `#[derive(fluxar::Type)]`, together with serde's traits.
pub trait Decode: Sized {
    /// Reads one CBOR item.
    ///
    /// # Errors
    /// It is of another type, or breaks a constraint (where the reader checks).
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch>;

    /// The value of a field that is missing, if that is allowed.
    #[inline]
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// Encodes a value as CBOR.
///
/// # Errors
/// `invalid_argument` when the type's `Serialize` refuses.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Status> {
    encode_with(value, Mode::PLAIN)
}

/// Encodes a value as CBOR, in another way than plainly.
///
/// # Errors
/// `invalid_argument` when the type's `Serialize` refuses, or a constraint is broken.
pub fn encode_with<T: Serialize + ?Sized>(value: &T, mode: Mode) -> Result<Vec<u8>, Status> {
    let mut out = Vec::with_capacity(ENCODE_BYTES);
    encode_into(&mut out, value, mode)?;
    Ok(out)
}

/// Decodes one CBOR item, and nothing after it. An empty slice reads as null.
///
/// # Errors
/// `invalid_argument`, naming the place of what did not fit.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Status> {
    decode_with(bytes, false)
}

/// As [`decode`]; with `checks`, constraints of the contract count: what a callee does.
///
/// # Errors
/// As [`decode`].
pub fn decode_with<T: DeserializeOwned>(bytes: &[u8], checks: bool) -> Result<T, Status> {
    let mut reader = Reader::new(if bytes.is_empty() { NULL } else { bytes }, checks);
    let value = T::deserialize(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Encodes a value that writes itself: what generated code does with parameters.
///
/// # Errors
/// `invalid_argument` when it refuses.
#[cfg(feature = "tokio")]
pub(crate) fn encode_native<T: Encode + ?Sized>(value: &T, mode: Mode) -> Result<Vec<u8>, Status> {
    let mut writer = Writer::new(Vec::with_capacity(ENCODE_BYTES), mode);
    value.encode(&mut writer)?;
    Ok(writer.finish())
}

/// Decodes a value that reads itself, with checks.
///
/// # Errors
/// `invalid_argument`, naming the place of what did not fit.
#[cfg(feature = "tokio")]
pub(crate) fn decode_native<T: Decode>(bytes: &[u8]) -> Result<T, Status> {
    let mut reader = Reader::new(bytes, true);
    let value = T::decode(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Appends the CBOR of a value. After an error, `out` is as before.
pub(crate) fn encode_into<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
    mode: Mode,
) -> Result<(), Status> {
    let length = out.len();
    let mut writer = Writer::new(std::mem::take(out), mode);
    let written = value.serialize(&mut writer);
    *out = writer.finish();
    written.map_err(|mismatch| {
        out.truncate(length);
        Status::from(mismatch)
    })
}

#[cfg(test)]
mod unit {
    use super::*;
    use crate::Code;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct User {
        name: String,
        tags: Vec<u32>,
        boss: Option<Box<Self>>,
    }

    fn user() -> User {
        let boss = User { name: "b".repeat(80), tags: vec![], boss: None };
        User { name: "a".into(), tags: vec![1, 70_000], boss: Some(Box::new(boss)) }
    }

    #[test]
    fn values_come_back() {
        let bytes = encode(&user()).unwrap();
        assert_eq!(decode::<User>(&bytes).unwrap(), user());
    }

    #[test]
    fn nothing_reads_as_null_and_unit() {
        decode::<()>(&[]).unwrap();
        decode::<()>(&encode(&()).unwrap()).unwrap();
        assert_eq!(decode::<Option<u8>>(&[]).unwrap(), None);
    }

    #[test]
    fn the_path_of_a_wrong_field_is_named() {
        let bytes = encode(&(1u8, vec![("x", "y")])).unwrap();
        let status = decode::<(u8, Vec<(String, u8)>)>(&bytes).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("[1][0][1]"), "{status}");
    }

    #[test]
    fn trailing_bytes_are_refused() {
        for filler in [1usize, 100] {
            let mut bytes = encode(&"x".repeat(filler)).unwrap();
            bytes.push(0);
            assert!(decode::<String>(&bytes).unwrap_err().message().contains("follow"));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0x80; 1]].concat();
        assert!(decode::<serde::de::IgnoredAny>(&nested(63)).is_ok());
        assert!(decode::<Value>(&nested(63)).is_ok());
        for depth in [64, 100_000] {
            for status in [
                decode::<serde::de::IgnoredAny>(&nested(depth)).unwrap_err(),
                decode::<Value>(&nested(depth)).unwrap_err(),
                decode::<Value>(&vec![0xc1; depth + 1]).unwrap_err(),
                decode::<ciborium::Value>(&nested(depth)).unwrap_err(),
            ] {
                assert!(status.message().contains("deeper"), "{status}");
            }
        }
        let mut endless = vec![0x9f; 10];
        endless.extend([0xff; 10]);
        assert!(decode::<serde::de::IgnoredAny>(&endless).is_ok());
    }

    #[test]
    fn declared_lengths_allocate_nothing() {
        for head in [0x5b, 0x7b, 0x9b, 0xbb] {
            let mut bytes = vec![head];
            bytes.extend([0xff; 8]);
            bytes.extend([0; 80]);
            assert!(decode::<serde::de::IgnoredAny>(&bytes).is_err());
            assert!(decode::<Vec<u8>>(&bytes).is_err());
        }
    }
}
