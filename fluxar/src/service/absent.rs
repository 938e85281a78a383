//! Nothing, by serde: whether a value is written as nothing, and what is read from nothing.

use serde::de::{Deserializer, Visitor};
use serde::ser::{Error, Impossible, Serialize, Serializer};
use std::fmt;

/// Takes `None` and refuses all else at the first call, so that nothing is written or copied.
pub(crate) struct Taken;

/// The value is there.
#[derive(Debug)]
pub(crate) struct Present;

impl fmt::Display for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is a value")
    }
}

impl std::error::Error for Present {}

impl Error for Present {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// Methods that refuse a value of a plain type.
macro_rules! refuse {
    ($($method:ident($ty:ty);)*) => {
        $(fn $method(self, _value: $ty) -> Result<(), Present> {
            Err(Present)
        })*
    };
}

type None = Impossible<(), Present>;

impl Serializer for Taken {
    type Ok = ();
    type Error = Present;
    type SerializeSeq = None;
    type SerializeTuple = None;
    type SerializeTupleStruct = None;
    type SerializeTupleVariant = None;
    type SerializeMap = None;
    type SerializeStruct = None;
    type SerializeStructVariant = None;

    fn serialize_none(self) -> Result<(), Present> {
        Ok(())
    }

    refuse! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
    }

    fn serialize_unit(self) -> Result<(), Present> {
        Err(Present)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<(), Present> {
        Err(Present)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
    ) -> Result<(), Present> {
        Err(Present)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _value: &T,
    ) -> Result<(), Present> {
        Err(Present)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Present> {
        Err(Present)
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<None, Present> {
        Err(Present)
    }

    fn serialize_tuple(self, _length: usize) -> Result<None, Present> {
        Err(Present)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<None, Present> {
        Err(Present)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<None, Present> {
        Err(Present)
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<None, Present> {
        Err(Present)
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<None, Present> {
        Err(Present)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<None, Present> {
        Err(Present)
    }
}

/// Stands for a field that is missing: only a type with an empty value can be read from it.
pub(super) struct Missing;

impl<'de> Deserializer<'de> for Missing {
    type Error = Present;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Present> {
        Err(Present)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Present> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl serde::de::Error for Present {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}
