//! Any CBOR item.

use super::mismatch::Mismatch;
use super::read::{Kind, Reader};
use super::write::{Mode, Writer};
use super::{Decode, Encode};
use std::collections::HashSet;

/// Any value at all: `any` in contracts.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer from -2^64 to 2^64-1.
    Int(i128),
    /// A float.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A map, in the order in which it came. Keys are unique.
    Map(Vec<(Self, Self)>),
    /// An item with a tag, whose meaning the reader has to know.
    Tag(u64, Box<Self>),
}

impl Value {
    /// The value of a text key in a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        let is_key = |entry: &&(Self, Self)| matches!(&entry.0, Self::Text(text) if text == key);
        entries.iter().find(is_key).map(|(_, value)| value)
    }

    /// What a type of the program looks like.
    ///
    /// # Errors
    /// The type cannot be encoded.
    pub fn of<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, Mismatch> {
        let mut writer = Writer::new(Vec::new(), Mode::PLAIN);
        value.serialize(&mut writer)?;
        let bytes = writer.finish();
        Self::decode(&mut Reader::new(&bytes, false))
    }

    /// As a type of the program.
    ///
    /// # Errors
    /// It does not fit.
    pub fn to<T: serde::de::DeserializeOwned>(&self) -> Result<T, Mismatch> {
        let mut writer = Writer::new(Vec::new(), Mode::PLAIN);
        self.encode(&mut writer)?;
        let bytes = writer.finish();
        T::deserialize(&mut Reader::new(&bytes, false))
    }
}

macro_rules! from {
    ($($ty:ty => $variant:ident($value:ident) $make:expr;)*) => {
        $(impl From<$ty> for Value {
            fn from($value: $ty) -> Self {
                Self::$variant($make)
            }
        })*
    };
}

from! {
    bool => Bool(value) value;
    u8 => Int(value) value.into();
    u32 => Int(value) value.into();
    u64 => Int(value) value.into();
    i32 => Int(value) value.into();
    i64 => Int(value) value.into();
    f64 => Float(value) value;
    &str => Text(value) value.to_owned();
    String => Text(value) value;
    Vec<Self> => List(value) value;
}

impl Encode for Value {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        match self {
            Self::Null => to.null(),
            Self::Bool(value) => to.bool(*value),
            Self::Int(value) => match (u64::try_from(*value), u64::try_from(-1 - *value)) {
                (Ok(value), _) => to.uint(value),
                (_, Ok(value)) => to.negative(value),
                _ => return Err(Mismatch::new("an integer does not fit into 65 bits")),
            },
            Self::Float(value) => to.f64(*value),
            Self::Text(text) => to.text(text),
            Self::Bytes(bytes) => to.bytes(bytes),
            Self::List(items) => return items.encode(to),
            Self::Map(entries) => {
                to.map(entries.len());
                for (key, value) in entries {
                    key.encode(to)?;
                    value.encode(to)?;
                }
            }
            Self::Tag(tag, value) => {
                to.tag(*tag);
                return value.encode(to);
            }
        }
        Ok(())
    }

    fn is_absent(&self) -> bool {
        *self == Self::Null
    }
}

impl Decode for Value {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        Ok(match from.kind()? {
            Kind::Uint | Kind::Negative => Self::Int(from.integer()?.to_i128()),
            Kind::Bytes => Self::Bytes(from.bytes()?.into_owned()),
            Kind::Text => Self::Text(from.text()?.into_owned()),
            Kind::List => Self::List(Vec::decode(from)?),
            Kind::Map => {
                let mut open = from.open_map("a map")?;
                let (mut entries, mut seen) = (Vec::new(), HashSet::new());
                while from.next(&mut open)? {
                    let start = from.at;
                    let key = Self::decode(from)?;
                    if !seen.insert(from.since(start)) {
                        return Err(Mismatch::new("a key comes twice"));
                    }
                    entries.push((key, Self::decode(from)?));
                }
                Self::Map(entries)
            }
            Kind::Tag => {
                let tag = from.tag()?.unwrap_or_default();
                from.enter()?;
                let value = Self::decode(from)?;
                from.depth -= 1;
                Self::Tag(tag, Box::new(value))
            }
            Kind::Bool => Self::Bool(from.bool()?),
            Kind::Float => Self::Float(from.float()?),
            Kind::Null => {
                from.null();
                Self::Null
            }
            Kind::Other => return Err(from.expected("a value")),
        })
    }

    fn absent() -> Option<Self> {
        Some(Self::Null)
    }
}
