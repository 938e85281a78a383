//! serde types into CBOR.

use super::mismatch::Mismatch;
use super::native;
use super::write::{BREAK, OPEN_LIST, OPEN_MAP, Writer};
use super::{Encode, std_types::duration_micros};
use serde::ser::{self, Serialize, Serializer};
use std::time::Duration;

/// Something with parts that is being written.
#[derive(Debug)]
pub struct Compound<'w> {
    writer: &'w mut Writer,
    ends_with_break: bool,
}

/// A struct that is being written.
#[derive(Debug)]
pub enum Fields<'w> {
    /// Any struct.
    Map(&'w mut Writer),
    /// serde's own form of a [`Duration`], which travels as a number.
    Duration(&'w mut Writer, Duration),
}

macro_rules! through {
    ($($method:ident($ty:ty) => $write:ident as $as:ty;)*) => {
        $(#[inline]
        fn $method(self, value: $ty) -> Result<(), Mismatch> {
            self.$write(<$as>::from(value));
            Ok(())
        })*
    };
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Mismatch;
    type SerializeSeq = Compound<'w>;
    type SerializeTuple = Compound<'w>;
    type SerializeTupleStruct = Compound<'w>;
    type SerializeTupleVariant = Compound<'w>;
    type SerializeMap = Compound<'w>;
    type SerializeStruct = Fields<'w>;
    type SerializeStructVariant = Compound<'w>;

    through! {
        serialize_bool(bool) => bool as bool;
        serialize_i8(i8) => int as i64;
        serialize_i16(i16) => int as i64;
        serialize_i32(i32) => int as i64;
        serialize_i64(i64) => int as i64;
        serialize_u8(u8) => uint as u64;
        serialize_u16(u16) => uint as u64;
        serialize_u32(u32) => uint as u64;
        serialize_u64(u64) => uint as u64;
        serialize_f32(f32) => f32 as f32;
        serialize_f64(f64) => f64 as f64;
    }

    fn serialize_i128(self, value: i128) -> Result<(), Mismatch> {
        match (u64::try_from(value), u64::try_from(-1 - value)) {
            (Ok(value), _) => self.uint(value),
            (_, Ok(value)) => self.negative(value),
            _ => return Err(Mismatch::new("a number does not fit into 64 bits")),
        }
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Mismatch> {
        let value = u64::try_from(value);
        self.uint(value.map_err(|_| Mismatch::new("a number does not fit into 64 bits"))?);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Mismatch> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Mismatch> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Mismatch> {
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Mismatch> {
        self.null();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Mismatch> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Mismatch> {
        self.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Mismatch> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Mismatch> {
        self.text(variant);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        if native::is_native(name) { native::write(self, value) } else { value.serialize(self) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        self.map(1);
        self.text(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Compound<'w>, Mismatch> {
        match length {
            Some(length) => self.list(length),
            None => self.raw(&[OPEN_LIST]),
        }
        Ok(Compound { writer: self, ends_with_break: length.is_none() })
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'w>, Mismatch> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Compound<'w>, Mismatch> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'w>, Mismatch> {
        self.map(1);
        self.text(variant);
        self.serialize_seq(Some(length))
    }

    fn serialize_map(self, entries: Option<usize>) -> Result<Compound<'w>, Mismatch> {
        match entries {
            Some(entries) => self.map(entries),
            None => self.raw(&[OPEN_MAP]),
        }
        Ok(Compound { writer: self, ends_with_break: entries.is_none() })
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Fields<'w>, Mismatch> {
        if name == "Duration" && length == 2 {
            return Ok(Fields::Duration(self, Duration::ZERO));
        }
        self.map(length);
        Ok(Fields::Map(self))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'w>, Mismatch> {
        self.map(1);
        self.text(variant);
        self.serialize_map(Some(length))
    }

    fn is_human_readable(&self) -> bool {
        self.is_human()
    }
}

impl Compound<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        value.serialize(&mut *self.writer)
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Mismatch> {
        self.writer.text(key);
        self.part(value)
    }

    fn close(self) {
        if self.ends_with_break {
            self.writer.raw(&[BREAK]);
        }
    }
}

macro_rules! compound {
    ($($kind:ident { $part:ident($([$key:ident: $key_ty:ty])?) => $how:ident })*) => {
        $(impl ser::$kind for Compound<'_> {
            type Ok = ();
            type Error = Mismatch;

            fn $part<T: Serialize + ?Sized>(
                &mut self,
                $($key: $key_ty,)?
                value: &T,
            ) -> Result<(), Mismatch> {
                self.$how($($key,)? value)
            }

            fn end(self) -> Result<(), Mismatch> {
                self.close();
                Ok(())
            }
        })*
    };
}

compound! {
    SerializeSeq { serialize_element() => part }
    SerializeTuple { serialize_element() => part }
    SerializeTupleStruct { serialize_field() => part }
    SerializeTupleVariant { serialize_field() => part }
    SerializeStructVariant { serialize_field([key: &'static str]) => entry }
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Mismatch> {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        self.part(value)
    }

    fn end(self) -> Result<(), Mismatch> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        match self {
            Self::Map(writer) => {
                writer.text(key);
                value.serialize(&mut **writer)
            }
            Self::Duration(_, sum) => {
                let mut part = Writer::default();
                value.serialize(&mut part)?;
                let part = part.finish();
                let number = super::Reader::new(&part, false).uint()?;
                let more = match key {
                    "secs" => Duration::from_secs(number),
                    _ => Duration::from_nanos(number),
                };
                *sum = sum.saturating_add(more);
                Ok(())
            }
        }
    }

    fn end(self) -> Result<(), Mismatch> {
        match self {
            Self::Map(_) => Ok(()),
            Self::Duration(writer, sum) => duration_micros(sum)?.encode(writer),
        }
    }
}
