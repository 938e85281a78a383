//! Payloads: one CBOR item of a serde type. The protocol itself never looks inside.
//!
//! An absent or empty payload reads as null, and a null result is sent empty.

use crate::error::{Code, Status};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Nesting of arrays, maps and tags in a payload, at most.
pub const DEPTH_MAX: usize = 64;
/// Room that an encoding starts with: most fit, and growing from nothing reallocates three times to
/// get here.
const ENCODE_BYTES: usize = 64;
/// Null in CBOR.
pub(crate) const NULL: &[u8] = &[0xf6];
/// An empty array: what the decoder wants to see for `()`.
const UNIT: &[u8] = &[0x80];

/// Encodes a value as CBOR.
///
/// # Errors
/// `invalid_argument` when the type's `Serialize` refuses.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Status> {
    let mut out = Vec::with_capacity(ENCODE_BYTES);
    encode_into(&mut out, value)?;
    Ok(out)
}

/// Decodes one CBOR item, and nothing after it. An empty slice reads as null.
///
/// # Errors
/// `invalid_argument`, naming the place of what did not fit.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Status> {
    // Nothing this short can nest too deep, so that small payloads need no second look.
    if bytes.len() > DEPTH_MAX {
        check_depth(bytes).map_err(|what| Status::new(Code::InvalidArgument, what))?;
    }
    let source = if bytes.is_empty() { NULL } else { bytes };
    let mut decoder = minicbor_serde::Deserializer::new(source);
    match T::deserialize(&mut decoder) {
        Ok(value) if decoder.decoder().position() == source.len() => Ok(value),
        Ok(_) => Err(Status::new(Code::InvalidArgument, "payload: bytes follow the CBOR item")),
        Err(_) if source == NULL => {
            // `()` is written as null for the sake of other languages, yet read as an empty array.
            T::deserialize(&mut minicbor_serde::Deserializer::new(UNIT))
                .map_err(|_| explain::<T>(source))
        }
        Err(_) => Err(explain::<T>(source)),
    }
}

/// Appends the CBOR of a value.
pub(crate) fn encode_into<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
) -> Result<(), Status> {
    let mut encoder = minicbor_serde::Serializer::new(out);
    encoder.serialize_unit_as_null(true);
    value.serialize(&mut encoder).map_err(|error| {
        Status::new(Code::InvalidArgument, format!("payload cannot be encoded: {error}"))
    })
}

/// Decodes again, this time keeping the path.
fn explain<T: DeserializeOwned>(bytes: &[u8]) -> Status {
    let mut decoder = minicbor_serde::Deserializer::new(bytes);
    let what = match serde_path_to_error::deserialize::<_, T>(&mut decoder) {
        Ok(_) => "payload: does not decode".to_owned(),
        Err(error) => format!("payload, at `{}`: {}", error.path(), error.inner()),
    };
    Status::new(Code::InvalidArgument, what)
}

/// Walks over the heads of one item without recursion.
fn check_depth(bytes: &[u8]) -> Result<(), &'static str> {
    const CUT: &str = "payload: the CBOR item is cut short";
    // Items still expected on each level; `None` is "until break".
    let mut open: Vec<Option<u64>> = vec![Some(1)];
    let mut at = 0usize;
    while let Some(expected) = open.last_mut() {
        match expected {
            Some(0) => {
                open.pop();
                continue;
            }
            Some(left) => *left -= 1,
            None if bytes.get(at) == Some(&0xff) => {
                at += 1;
                open.pop();
                continue;
            }
            None => {}
        }
        let head = *bytes.get(at).ok_or(CUT)?;
        at += 1;
        let (major, info) = (head >> 5, head & 31);
        let width = match info {
            24..=27 => 1usize << (info - 24),
            28..=30 => return Err("payload: reserved CBOR head"),
            _ => 0,
        };
        let argument = bytes.get(at..at + width).ok_or(CUT)?;
        at += width;
        let direct = if width == 0 { u64::from(info) } else { 0 };
        let number = argument.iter().fold(direct, |sum, byte| sum << 8 | u64::from(*byte));
        match (major, info) {
            (2..=5, 31) => open.push(None),
            (2 | 3, _) => {
                let length = usize::try_from(number).unwrap_or(usize::MAX);
                at = at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(CUT)?;
            }
            (4, _) => open.push(Some(number)),
            (5, _) => open.push(Some(number.saturating_mul(2))),
            (6, _) => open.push(Some(1)),
            (7, 31) => return Err("payload: a CBOR break that ends nothing"),
            _ => {}
        }
        if open.len() > DEPTH_MAX + 1 {
            return Err("payload: nested deeper than 64");
        }
    }
    if at == bytes.len() { Ok(()) } else { Err("payload: bytes follow the CBOR item") }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let nested = |depth: usize| [vec![0x81; depth], vec![0x80; 1], vec![0; 0]].concat();
        assert!(check_depth(&nested(63)).is_ok());
        assert!(check_depth(&nested(64)).is_err());
        let status = decode::<serde::de::IgnoredAny>(&nested(100_000)).unwrap_err();
        assert!(status.message().contains("deeper"), "{status}");
        let mut endless = vec![0x9f; 10];
        endless.extend([0xff; 10]);
        assert!(check_depth(&endless).is_ok());
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
