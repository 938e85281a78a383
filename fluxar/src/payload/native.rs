//! The way past serde: derived types write and read themselves, also inside of serde types.
//!
//! All bounds of the API are serde's, so that any serde type travels. A derived type's `Serialize`
//! presents itself as a newtype of a reserved name. Our own serializer knows that name: it lays
//! the writer into a thread-local slot, from which the value takes it to write itself directly.
//! Any other serializer sees a newtype and serialises its content, which then goes over CBOR.
//! Reading is the mirror image. (Without specialisation, or a lifetime that serde's traits do not
//! have, a generic function cannot tell one from the other.)

use super::mismatch::Mismatch;
use super::read::Reader;
use super::write::Writer;
use super::{Decode, Encode, foreign};
use crate::service::absent::Taken;
use serde::de::{self, Deserializer, Visitor};
use serde::ser::{self, Error as _, Serialize, Serializer};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

/// The name of the newtype that stands for a derived type.
const NATIVE: &str = "$fluxar::native";

thread_local! {
    static WRITER: Cell<Option<Writer>> = const { Cell::new(None) };
    static REFUSED: Cell<Option<Mismatch>> = const { Cell::new(None) };
    static READER: Cell<Option<Handover>> = const { Cell::new(None) };
}

/// True for the name of our newtype.
#[inline]
pub(super) fn is_native(name: &'static str) -> bool {
    name == NATIVE
}

/// `Serialize` of a derived type.
///
/// # Errors
/// The value's own, as the serializer's.
#[inline]
pub fn serialize<T: Encode + ?Sized, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_newtype_struct(NATIVE, &Native(value))
}

struct Native<'v, T: ?Sized>(&'v T);

impl<T: Encode + ?Sized> Serialize for Native<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Some(mut writer) = WRITER.take() else { return foreign::serialize(self.0, to) };
        let outcome = self.0.encode(&mut writer);
        WRITER.set(Some(writer));
        match outcome {
            Ok(()) => to.serialize_none(),
            Err(mismatch) => {
                let error = S::Error::custom(&mismatch);
                REFUSED.set(Some(mismatch));
                Err(error)
            }
        }
    }
}

/// Our serializer meets the newtype.
#[inline]
pub(super) fn write<T: Serialize + ?Sized>(writer: &mut Writer, value: &T) -> Result<(), Mismatch> {
    WRITER.set(Some(std::mem::take(writer)));
    let outcome = value.serialize(Taken);
    let Some(written) = WRITER.take() else { return Err(lost()) };
    *writer = written;
    outcome.map_err(|_| REFUSED.take().unwrap_or_else(lost))
}

#[cold]
fn lost() -> Mismatch {
    Mismatch::new("the newtype of a derived type is none: its name is reserved")
}

/// What goes between our deserializer and a derived type.
enum Handover {
    /// To the type: how deep it stands, and whether constraints count.
    To { depth: usize, checks: bool },
    /// From the type: bytes read.
    Read(usize),
    /// From the type: it does not fit.
    Failed(Mismatch),
}

/// `Deserialize` of a derived type.
///
/// # Errors
/// Input that does not fit.
#[inline]
pub fn deserialize<'de, T: Decode, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_newtype_struct(NATIVE, NativeVisitor(PhantomData))
}

struct NativeVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: Decode> Visitor<'de> for NativeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the contract")
    }

    #[inline]
    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<T, E> {
        let Some(Handover::To { depth, checks }) = READER.take() else {
            return Err(E::invalid_type(de::Unexpected::Bytes(bytes), &self));
        };
        let mut reader = Reader::resumed(bytes, depth, checks);
        match T::decode(&mut reader) {
            Ok(value) => {
                READER.set(Some(Handover::Read(reader.at)));
                Ok(value)
            }
            Err(mismatch) => {
                let error = E::custom(&mismatch);
                READER.set(Some(Handover::Failed(mismatch)));
                Err(error)
            }
        }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        foreign::deserialize(from)
    }
}

/// Our deserializer meets the newtype.
#[inline]
pub(super) fn read<'de, V: Visitor<'de>>(
    reader: &mut Reader<'de>,
    visitor: V,
) -> Result<V::Value, Mismatch> {
    READER.set(Some(Handover::To { depth: reader.depth, checks: reader.checks() }));
    let outcome = visitor.visit_borrowed_bytes::<Mismatch>(reader.rest());
    match (outcome, READER.take()) {
        (Ok(value), Some(Handover::Read(length))) => {
            reader.at += length;
            Ok(value)
        }
        (_, Some(Handover::Failed(mismatch))) | (Err(mismatch), _) => Err(mismatch),
        (Ok(_), _) => Err(lost()),
    }
}

/// The error of a serializer, from ours.
pub(super) fn refused<E: ser::Error>(mismatch: &Mismatch) -> E {
    E::custom(mismatch)
}
