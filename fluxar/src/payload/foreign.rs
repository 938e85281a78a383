//! Derived types in formats that are not ours, as JSON: over CBOR, so that one codec says it all.

use super::mismatch::Mismatch;
use super::native::refused;
use super::read::{Integer, Kind, Open, Reader};
use super::write::{BREAK, Mode, OPEN_LIST, OPEN_MAP, Writer};
use super::{Decode, Encode};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};
use std::cell::RefCell;
use std::fmt;

/// Writes a derived type to any serializer, with names.
pub(super) fn serialize<T: Encode + ?Sized, S: Serializer>(
    value: &T,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mode = Mode { is_human: to.is_human_readable(), ..Mode::PLAIN };
    let mut writer = Writer::new(Vec::new(), mode);
    value.encode(&mut writer).map_err(|mismatch| refused(&mismatch))?;
    let bytes = writer.finish();
    Item(&RefCell::new(Reader::new(&bytes, false))).serialize(to)
}

/// The next item of a reader.
struct Item<'r, 'b>(&'r RefCell<Reader<'b>>);

impl<'b> Item<'_, 'b> {
    fn read<T, E: Error>(
        &self,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, Mismatch>,
    ) -> Result<T, E> {
        read(&mut self.0.borrow_mut()).map_err(|mismatch| refused(&mismatch))
    }

    fn follows<E: Error>(&self, open: &mut Open) -> Result<bool, E> {
        self.read(|reader| reader.next(open))
    }
}

impl Serialize for Item<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.read(|reader| reader.kind())? {
            Kind::Uint | Kind::Negative => match self.read(Reader::integer)? {
                Integer::Plus(value) => to.serialize_u64(value),
                integer => match i64::try_from(integer.to_i128()) {
                    Ok(value) => to.serialize_i64(value),
                    Err(_) => to.serialize_i128(integer.to_i128()),
                },
            },
            Kind::Bytes => {
                let bytes = self.read(|reader| reader.bytes().map(|b| b.into_owned()))?;
                to.serialize_bytes(&bytes)
            }
            Kind::Text => {
                let text = self.read(|reader| reader.text().map(|text| text.into_owned()))?;
                to.serialize_str(&text)
            }
            Kind::List => {
                let mut open = self.read(Reader::open_list)?;
                let mut list = to.serialize_seq(open.declared())?;
                while self.follows(&mut open)? {
                    list.serialize_element(self)?;
                }
                list.end()
            }
            Kind::Map => {
                let mut open = self.read(|reader| reader.open_map("a map"))?;
                let mut map = to.serialize_map(open.declared())?;
                while self.follows(&mut open)? {
                    map.serialize_key(self)?;
                    map.serialize_value(self)?;
                }
                map.end()
            }
            Kind::Tag => {
                self.read(|reader| reader.tag())?;
                self.serialize(to)
            }
            Kind::Bool => to.serialize_bool(self.read(Reader::bool)?),
            Kind::Float => to.serialize_f64(self.read(Reader::float)?),
            Kind::Null | Kind::Other => {
                self.read(Reader::skip)?;
                to.serialize_none()
            }
        }
    }
}

/// Reads a derived type from any deserializer that says what comes.
pub(super) fn deserialize<'de, T: Decode, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let Collected(bytes) = Collected::deserialize(from)?;
    let mut reader = Reader::new(&bytes, false);
    T::decode(&mut reader).map_err(de::Error::custom)
}

/// The CBOR of whatever comes.
struct Collected(Vec<u8>);

impl<'de> Deserialize<'de> for Collected {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut writer = Writer::default();
        from.deserialize_any(Collect(&mut writer))?;
        Ok(Self(writer.finish()))
    }
}

/// Appends what comes.
struct Collect<'w>(&'w mut Writer);

impl<'de> de::DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

macro_rules! append {
    ($($visit:ident($ty:ty) => $write:ident;)*) => {
        $(fn $visit<E>(self, value: $ty) -> Result<(), E> {
            self.0.$write(value);
            Ok(())
        })*
    };
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    append! {
        visit_bool(bool) => bool;
        visit_u64(u64) => uint;
        visit_i64(i64) => int;
        visit_f64(f64) => f64;
        visit_str(&str) => text;
        visit_bytes(&[u8]) => bytes;
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.0.null();
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.raw(&[OPEN_LIST]);
        while list.next_element_seed(Collect(self.0))?.is_some() {}
        self.0.raw(&[BREAK]);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.raw(&[OPEN_MAP]);
        while map.next_key_seed(Collect(self.0))?.is_some() {
            map.next_value_seed(Collect(self.0))?;
        }
        self.0.raw(&[BREAK]);
        Ok(())
    }
}
