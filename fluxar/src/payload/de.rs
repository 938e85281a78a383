//! CBOR into serde types.

use super::mismatch::Mismatch;
use super::native;
use super::read::{Integer, Kind, Open, Reader};
use serde::de::{
    self, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::SeqDeserializer,
};
use std::borrow::Cow;
use std::collections::HashSet;

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.visit_integer(visitor)
        })*
    };
}

impl<'de> Reader<'de> {
    fn visit_integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.integer()? {
            Integer::Plus(value) => visitor.visit_u64(value),
            integer => match i64::try_from(integer.to_i128()) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => visitor.visit_i128(integer.to_i128()),
            },
        }
    }

    fn visit_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn visit_list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        let open = self.open_list()?;
        let mut list = List { reader: self, open: Some(open), index: 0 };
        let value = visitor.visit_seq(&mut list)?;
        if let Some(open) = &mut list.open
            && list.reader.next(open)?
        {
            return Err(Mismatch::new("the list has more items than fit"));
        }
        Ok(value)
    }

    fn visit_entries<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        is_struct: bool,
    ) -> Result<V::Value, Mismatch> {
        let open = self.open_map("a map")?;
        let seen = (!is_struct).then(HashSet::new);
        let mut map = Map { reader: self, open: Some(open), key: 0, key_end: 0, seen };
        let value = visitor.visit_map(&mut map)?;
        if let Some(open) = &mut map.open
            && map.reader.next(open)?
        {
            return Err(Mismatch::new("the map has more entries than fit"));
        }
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.kind()? {
            Kind::Uint | Kind::Negative => self.visit_integer(visitor),
            Kind::Bytes => self.deserialize_bytes(visitor),
            Kind::Text => self.visit_text(visitor),
            Kind::List => self.visit_list(visitor),
            Kind::Map => self.visit_entries(visitor, false),
            Kind::Tag => {
                // What a tag means is not told to serde types. Tags in a row count as nesting.
                self.tag()?;
                self.enter()?;
                let value = self.deserialize_any(visitor)?;
                self.depth -= 1;
                Ok(value)
            }
            Kind::Bool => visitor.visit_bool(self.bool()?),
            Kind::Null => self.deserialize_unit(visitor),
            Kind::Float => visitor.visit_f64(self.float()?),
            Kind::Other => Err(self.expected("a value")),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_bool(self.bool()?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit_text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit_text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit_text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.kind()? == Kind::List {
            return self.visit_list(visitor);
        }
        match self.bytes()? {
            Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
            Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.nothing()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match native::is_native(name) {
            true => native::read(self, visitor),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit_list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.visit_list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.visit_list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit_entries(visitor, false)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let is_duration = name == "Duration" && fields == ["secs", "nanos"];
        if is_duration && self.kind()? != Kind::Map {
            let micros = self.uint()?;
            let parts = [micros / SECOND, micros % SECOND * 1000];
            return visitor.visit_seq(SeqDeserializer::new(parts.into_iter()));
        }
        self.visit_entries(visitor, true)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.kind()? {
            Kind::Text | Kind::Uint => {
                visitor.visit_enum(Variant { reader: self, has_content: false })
            }
            Kind::Map => {
                let mut open = self.open_map("a map")?;
                let one = "a variant is its name, or a map of one entry";
                if !self.next(&mut open)? {
                    return Err(Mismatch::new(one));
                }
                let value = visitor.visit_enum(Variant { reader: self, has_content: true })?;
                if self.next(&mut open)? { Err(Mismatch::new(one)) } else { Ok(value) }
            }
            _ => Err(self.expected(&format!("a variant of `{name}`"))),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.kind()? {
            // serde would take a number as the place of the field in the source.
            Kind::Uint | Kind::Negative => Err(Mismatch::new(
                "a numbered key, but this type knows names: derive `fluxar::Type` for it, or turn \
                 numbers off where the peer is built",
            )),
            Kind::Bytes => self.deserialize_bytes(visitor),
            _ => self.visit_text(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A list that is being read.
struct List<'r, 'de> {
    reader: &'r mut Reader<'de>,
    open: Option<Open>,
    index: usize,
}

impl<'de> SeqAccess<'de> for &mut List<'_, 'de> {
    type Error = Mismatch;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        let Some(open) = &mut self.open else { return Ok(None) };
        if !self.reader.next(open)? {
            self.open = None;
            return Ok(None);
        }
        let value = seed.deserialize(&mut *self.reader);
        let index = self.index;
        self.index += 1;
        value.map(Some).map_err(|mismatch| mismatch.at_index(index))
    }

    fn size_hint(&self) -> Option<usize> {
        // A list cannot have more items than bytes.
        let bytes = self.reader.rest().len();
        self.open.and_then(Open::declared).map(|declared| declared.min(bytes))
    }
}

/// A map that is being read.
struct Map<'r, 'de> {
    reader: &'r mut Reader<'de>,
    open: Option<Open>,
    /// Where the last key stands.
    key: usize,
    key_end: usize,
    /// The keys so far, where nobody else looks for a second one.
    seen: Option<HashSet<&'de [u8]>>,
}

impl<'de> MapAccess<'de> for &mut Map<'_, 'de> {
    type Error = Mismatch;

    fn next_key_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        let Some(open) = &mut self.open else { return Ok(None) };
        if !self.reader.next(open)? {
            self.open = None;
            return Ok(None);
        }
        self.key = self.reader.at;
        let key = seed.deserialize(&mut *self.reader)?;
        self.key_end = self.reader.at;
        let bytes = self.reader.since(self.key);
        if let Some(seen) = &mut self.seen
            && !seen.insert(bytes)
        {
            return Err(Mismatch::new("a key comes twice"));
        }
        Ok(Some(key))
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Mismatch> {
        seed.deserialize(&mut *self.reader).map_err(|mismatch| {
            let mut key = Reader::new(self.reader.slice(self.key, self.key_end), false);
            match key.text() {
                Ok(name) => mismatch.at(&name),
                Err(_) => mismatch.at(&key.int().map_or_else(|_| "?".into(), |n| n.to_string())),
            }
        })
    }

    fn size_hint(&self) -> Option<usize> {
        let bytes = self.reader.rest().len();
        self.open.and_then(Open::declared).map(|declared| declared.min(bytes))
    }
}

/// A variant that is being read.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// There is a map of one entry around it.
    has_content: bool,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Mismatch;
    type Variant = Self;

    fn variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), Mismatch> {
        let key = seed.deserialize(&mut *self.reader)?;
        Ok((key, self))
    }
}

impl<'de> Variant<'_, 'de> {
    fn content(&self) -> Result<(), Mismatch> {
        let what = "the variant has content: expected a map of one entry";
        if self.has_content { Ok(()) } else { Err(Mismatch::new(what)) }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        if self.has_content { self.reader.nothing() } else { Ok(()) }
    }

    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Mismatch> {
        self.content()?;
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.content()?;
        self.reader.visit_list(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.content()?;
        self.reader.visit_entries(visitor, true)
    }
}
